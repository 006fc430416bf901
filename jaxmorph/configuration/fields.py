"""The kinds of field that the configuration is made of, and how it speaks of wrong ones."""

from __future__ import annotations

import difflib
import itertools
import json
import math
import re
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
)

from ..distributions import Distribution
from .limits import MAX_NAME

_MOST_SHOWN = 40
_LONGEST_NAME = 80
_MOST_LIKE = 3
_NEAR = 0.7
"""How alike two names must be: at 0.6 ``time`` is like ``optimise``."""
_SHORT, _NEAR_OF_SHORT = 3, 0.6


class ConfigurationModel(BaseModel):
    """Frozen, strict (no true for 1, no "1" for 1), and without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    def plain(self, *, without: Collection[str] = ()) -> dict[str, Any]:
        """As plain JSON values, defaults included, but for the keys ``without``."""
        return self.model_dump(mode="json", exclude=set(without))

    @classmethod
    def from_plain(cls, content: object) -> Self:
        """The model that ``plain`` wrote; what is missing, too much or of another type is an error.

        Raises:
            pydantic.ValidationError: Names the keys.
        """
        return cls.model_validate_json(json.dumps(content))


def as_yaml_number(text: str) -> str | None:
    """The number that ``text`` was meant to be, written so that YAML 1.1 reads it as a number.

    YAML 1.1 wants a decimal point and a signed exponent: it reads ``1e-4`` as text. None if
    ``text`` is not of that kind.
    """
    match = re.fullmatch(r"([-+]?)(\d+)(?:\.(\d*))?[eE]([-+]?)(\d+)", text)
    if match is None:
        return None
    sign, whole, fraction, exponent_sign, exponent = match.groups()
    return f"{sign}{whole}.{fraction or '0'}e{exponent_sign or '+'}{exponent}"


# How people write numbers that YAML reads as texts, and what these are.
_MEANT: dict[str, Callable[[re.Match[str]], str]] = {
    r"[\u2212\u2013](\d+(?:\.\d*)?)": lambda m: f"-{m[1]} (with a hyphen as its sign)",
    r"([-+]?)0+([0-9_]+)": lambda m: f"{m[1]}{m[2].lstrip('0_') or '0'}",  # to base 8
    r"[-+]?\d{1,3}(?:,\d{3}){2,}|[-+]?\d{1,3}(?: \d{3})+": lambda m: re.sub("[, ]", "", m[0]),
    r"([-+]?[1-9]\d{0,2}),(\d{3})": lambda m: f"{m[1]}{m[2]}, or {m[1]}.{m[2]}",
    r"([-+]?)(\d*),(\d+)": lambda m: f"{m[1]}{m[2] or '0'}.{m[3]} (a point, not a comma)",
    r"([-+]?\d+(?:\.\d*)?) ?%": lambda m: f"{float(m[1]) / 100:g}",
}


def as_number(text: str) -> str | None:
    """The number that a text was meant to be, as YAML 1.1 reads it; None if it is none."""
    if number := as_yaml_number(text):
        return number
    for pattern, meant in _MEANT.items():
        if match := re.fullmatch(pattern, text):
            return meant(match)
    return None


def hint(name: object, known: Iterable[str]) -> str:
    """Which of the ``known`` names was meant; all of them if none is near."""
    by_lower_case = {item.lower(): item for item in known}
    if meant := near(name, by_lower_case.values()):
        return f"did you mean {' or '.join(meant)}?"
    shown = list(itertools.islice(by_lower_case.values(), _MOST_SHOWN))
    more = f" and {len(by_lower_case) - len(shown):,} more" if len(by_lower_case) > len(shown) else ""
    return f"known: {', '.join(shown)}{more}"


def sentence(text: str) -> str:
    """With a stop at its end, so that another one can follow."""
    return text if text.endswith(("?", ".")) else f"{text}."


def near(name: object, known: Iterable[str]) -> list[str]:
    """Which of the ``known`` names a wrong one is like: spelt alike, or with a word in common."""
    by_lower_case = {item.lower(): item for item in known}
    wrong = str(name)[:_LONGEST_NAME].lower()
    words = [by_lower_case[word] for word in re.split(r"[\W_]+", wrong) if word in by_lower_case]
    if len(words) > 1:  # "fixed_parameters"
        return words
    alike = _NEAR if len(wrong) > _SHORT else _NEAR_OF_SHORT
    if nearest := difflib.get_close_matches(wrong, by_lower_case, n=1, cutoff=alike):
        return [by_lower_case[nearest[0]]]
    having = [item for lower, item in by_lower_case.items() if wrong in lower.split("_")]
    return words or having[:_MOST_LIKE]


def is_file(path: str) -> bool:
    """Whether there is a file of this name, which may be one that no file can have."""
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False


def _distinct(items: tuple[Any, ...]) -> tuple[Any, ...]:
    seen = set()
    for item in items:
        if item in seen:
            raise ValueError(f"names {item} twice")
        seen.add(item)
    return items


Indices = Annotated[
    tuple[Annotated[int, Field(ge=0)], ...],
    Field(strict=False),
    AfterValidator(_distinct),
]
"""Numbers of samples or seeds, each once."""

Names = Annotated[tuple[str, ...], Field(strict=False), AfterValidator(_distinct)]
"""Names, each once."""


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # of a whole number that no float can hold
        return False


def _check_last_or_time(value: object) -> object:
    number = isinstance(value, int | float) and not isinstance(value, bool) and _is_finite(value)
    if value != "last" and not number:
        raise ValueError("must be the word last or a time")
    return value


LastOrTime = Annotated[Literal["last"] | float, BeforeValidator(_check_last_or_time)]
"""The word ``last`` or a time in the study's unit."""

ObservableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=MAX_NAME)]
"""The name of an observable that a configuration makes."""


def _check_scalar(value: object) -> object:
    if not isinstance(value, str | int | float):
        raise ValueError("must be a text, a number, true or false")
    if not isinstance(value, str) and not _is_finite(value):
        raise ValueError("must be a finite number")
    if isinstance(value, str) and (number := as_yaml_number(value)):
        raise ValueError(f"is read as text; write {number}")
    return value


Scalar = Annotated[str | int | float | bool, BeforeValidator(_check_scalar)]
"""The value of a setting; the study knows its type."""


def _check_all_or_names(value: object) -> object:
    if value == "all":
        return value
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise ValueError("must be the word all or a list of names")
    if not value:
        raise ValueError("must be the word all or name at least one")
    return _distinct(tuple(value))


AllOrNames = Annotated[Literal["all"] | tuple[str, ...], BeforeValidator(_check_all_or_names)]
"""The word ``all`` or a list of names, each once."""


def _parameter_kind(value: object) -> str:
    return "default" if isinstance(value, str) else "distribution"


ParameterDistribution = Annotated[
    Annotated[Literal["default"], Tag("default")] | Annotated[Distribution, Tag("distribution")],
    Discriminator(_parameter_kind),
]
"""A distribution, or the word ``default`` for the study's own."""
