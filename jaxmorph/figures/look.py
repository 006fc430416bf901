"""The look of the figures that are being drawn, and how parameters and observables are called.

Whoever draws, or writes a page, says it once, for the length of a ``with``.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import xarray as xr

from ..configuration.look import WIDTH, DisplayName, Figures

LEAST = 5.0
"""The smallest type, in points."""


@dataclass(frozen=True)
class _Now:
    figures: Figures
    parameters: tuple[str, ...] = ()


_USUAL = _Now(Figures())
_NOW: ContextVar[_Now] = ContextVar("look")


def _now() -> _Now:
    return _NOW.get(_USUAL)


@contextmanager
def looking(figures: Figures | None, parameters: Sequence[str] = ()) -> Iterator[None]:
    """Have figures look like this; ``parameters`` are all of the run, for the sake of their colours.

    Without ``figures`` what holds already goes on.
    """
    before = _now()
    token = _NOW.set(_Now(figures or before.figures, tuple(parameters) or before.parameters))
    try:
        yield
    finally:
        _NOW.reset(token)


def look() -> Figures:
    """That of the figures that are being drawn."""
    return _now().figures


def place_of(parameter: str, otherwise: int) -> int:
    """Which parameter of the run it is, however few are shown."""
    every = _now().parameters
    return every.index(parameter) if parameter in every else otherwise


def width_mm(natural: float | None = None) -> float:
    """Width of a figure in mm: what was asked for, else its ``natural`` one, at most a page."""
    return look().width or min(natural or WIDTH, WIDTH)


def size(step: float = 0.0) -> float:
    """Size of type in points, so many above that of the figures."""
    return max(look().font_size + step, LEAST)


def characters(mm: float, step: float = 0.0) -> int:
    """How many characters a line of so many mm has, in type of this size; at least 6."""
    return max(int(mm / 25.4 * 72 / (0.56 * size(step))), 6)


def called(name: str) -> DisplayName:
    """What figures and page call a parameter or an observable."""
    given = look().names.get(str(name), DisplayName())
    return given.model_copy(update={"name": given.name or str(name).replace("_", " ")})


def words(name: str, width: int | None = None) -> str:
    """A name as words; broken into lines of at most ``width`` characters if it can be."""
    text = called(name).name or ""
    return textwrap.fill(text, width, break_long_words=False) if width else text


def short_name(name: str, width: int | None = None) -> str:
    """What a panel calls it: its symbol, else its name as words."""
    symbol = called(name).symbol
    return words(name, width) if symbol is None else f"${symbol}$"


def unit_of(dataset: xr.Dataset, dim: str, name: str) -> str:
    """Unit of one parameter or observable; ``1`` if nothing says it."""
    if (unit := called(name).unit) is not None:
        return unit
    if f"{dim}_unit" not in dataset.coords:
        return "1"
    return str(dataset[f"{dim}_unit"].sel({dim: name}).item())


def with_unit(text: str, unit: str) -> str:
    """``text`` and its unit in brackets; nothing for a dimensionless one."""
    return text if unit in ("", "1") else f"{text} ({unit})"


def label(dataset: xr.Dataset, dim: str, name: str, width: int | None = None) -> str:
    """Axis label of one parameter or observable: name, symbol and unit."""
    symbol = called(name).symbol
    text = words(name, width) if symbol is None else f"{words(name, width)} ${symbol}$"
    unit = unit_of(dataset, dim, name)
    last = text.rpartition("\n")[2]
    if width and unit not in ("", "1") and len(last) + len(unit) + 3 > width:
        return f"{text}\n({unit})"
    return with_unit(text, unit)
