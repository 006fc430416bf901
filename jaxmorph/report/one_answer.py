"""Whether a simulation has one answer, by itself and in any batch: what the checks say, in sentences."""

from __future__ import annotations

import numpy as np
import xarray as xr

from ..figures.numbers import plain
from ..figures.style import words
from ..listing import joined

_HALF = 1e-8
"""Of this size, differences of values are more than rounding in either precision."""


def differs(checks: xr.Dataset | None) -> str:
    """Which observables are others in a batch than alone, by how much, and the remedy; else empty."""
    if checks is None or "alone_value_differs" not in checks:
        return ""
    told = []
    for observable in checks["observable"].values:
        one = checks.sel(observable=observable)
        where = [
            *([f"values by {_size(one, 'alone_value')}"] if one["alone_value_differs"] else []),
            *(
                [f"gradients by {_size(one, 'alone_gradient')}"]
                if one.get("alone_gradient_differs", False)
                else []
            ),
            *(["gradients in reverse mode"] if one.get("alone_reverse_differs", False) else []),
        ]
        if where:
            told.append(f"{words(str(observable))} ({joined(where)})")
    if not told:
        return ""
    return (
        f"Not one answer: in a batch a simulation gives another {joined(told)} than by itself, far "
        "beyond what the last digit of its parameters does. Rounding decides a branch there, as in a "
        "mask r2 > 0 that shall leave out a cell and itself: mask by index (~jnp.eye(n, dtype=bool)). "
        f"Until then nothing that is said of {'it' if len(told) == 1 else 'them'} here can be trusted."
    )


def chaos(checks: xr.Dataset | None) -> str:
    """Which observables rounding and the last digit of the parameters change alike; else empty."""
    if checks is None or "chaotic" not in checks or not checks["chaotic"].any():
        return ""
    told = []
    for observable in checks["observable"].values[checks["chaotic"].values.astype(bool)]:
        one = checks.sel(observable=observable)
        ends = ("last_digit", "difference")
        by_value = max(float(one[f"alone_value_{end}"]) for end in ends) > _HALF
        name, of = ("alone_value", "") if by_value else ("alone_gradient", "gradients of ")
        digit, batch = (_size(one, name, end) for end in ends)
        told.append(f"{of}{words(str(observable))} by {digit} (evaluated in a batch: by {batch})")
    return (
        f"Chaos: one unit in the last digit of parameters or constants changes {joined(told)}. What a "
        "single simulation gives is then not the same on another machine or in another batch; only "
        "means over many seeds can be."
    )


def agrees(checks: xr.Dataset | None) -> str:
    """That simulations have one answer, where that was looked at; else empty."""
    if checks is None or "alone_value_differs" not in checks or differs(checks) or chaos(checks):
        return ""
    n = int(checks.attrs["alone_pairs"])
    which = "A simulation that was tried has" if n == 1 else f"{n} simulations that were tried have"
    what = "values and gradients" if "alone_gradient_differs" in checks else "values"
    return f"{which} the same {what} alone and in batches, but for rounding."


def _size(one: xr.Dataset, name: str, end: str = "difference") -> str:
    """A number that is relative to the largest: ``30 % of the largest``."""
    value = float(one[f"{name}_{end}"])
    if not np.isfinite(value):
        return "a number that is none in one of them"
    return f"{plain(100 * value, 2)} % of the largest"
