"""How runs look beside each other: the first one grey, none in the colour of a parameter or a sign."""

from __future__ import annotations

from typing import Any

import xarray as xr
from matplotlib.patches import Patch

from .. import style

_COLOURS = (style.GREY, "#AA3377", "#997700", "#004488", "#000000")
"""Tol's, which colour-blind readers tell apart (SRON/EPS/TN/09-002)."""
_DASHES = ("-", (0, (4, 1.5)), (0, (1, 1)))


def looks(comparison: xr.Dataset) -> dict[str, dict[str, Any]]:
    """Colour and dashes of each run."""
    return {
        name: {
            "color": _COLOURS[i % len(_COLOURS)],
            "linestyle": _DASHES[i // len(_COLOURS) % len(_DASHES)],
        }
        for i, name in enumerate(style.names(comparison, "run"))
    }


def handles(comparison: xr.Dataset) -> list[Patch]:
    """What explains the bars of runs in a legend."""
    return [Patch(color=look["color"], label=name) for name, look in looks(comparison).items()]


def as_lines(comparison: xr.Dataset, dim: str, names: list[str]) -> xr.Dataset:
    """Estimates of observables with one line a run, where other figures have one a parameter."""
    kept = comparison[[name for name in names if name in comparison]]
    return kept.drop_dims("parameter", errors="ignore").rename({dim: "parameter"})
