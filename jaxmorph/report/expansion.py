"""What the expansion predicts, and what gradients added to it, in sentences."""

from __future__ import annotations

import numpy as np
import xarray as xr

from ..figures.style import final, words
from ..listing import first_of, joined

_AS_WELL = 0.01
"""Values alone do as well if they miss at most so much more of the variance."""
_MOST_NAMED = 3


def predicts(sensitivity: xr.Dataset) -> str:
    """How well it predicts at the stated time, with and without gradients; empty if there is none."""
    if "expansion_q2_values" not in sensitivity:
        return ""
    data = final(sensitivity[["expansion_q2", "expansion_q2_values", "expansion_with_gradients"]])
    missed = {name: 1 - data[name].values for name in ("expansion_q2", "expansion_q2_values")}
    ours, values = missed["expansion_q2"], missed["expansion_q2_values"]
    there = np.isfinite(ours)
    if not there.any():
        return ""
    q2 = 1 - ours[there]
    span = _percent(q2.min()) if len(q2) == 1 else f"{_percent(q2.min())} or more"
    told = [f"The expansion predicts {span} of the variance over the design at samples left out of it."]
    with np.errstate(invalid="ignore"):
        used = there & (data["expansion_with_gradients"].values > 0)
        as_well = used & (values - ours <= _AS_WELL)
    saved = used & ~as_well
    names = np.array([words(name) for name in data["observable"].values])
    if saved.any():
        what = [
            f"{_percent(ours[i])} instead of {_percent(values[i])} for {names[i]}"
            for i in np.flatnonzero(saved)
        ]
        told.append(f"With gradients it misses {joined(first_of(what, _MOST_NAMED))}.")
    for which, text in (
        (as_well, "values alone would do as well, with so many samples"),
        (there & ~used, "values alone are used: gradients add nothing, or miss something"),
    ):
        if which.all():
            told.append(f"{text[0].upper()}{text[1:]}.")
        elif which.any():
            told.append(f"For {joined(first_of(map(str, names[which]), _MOST_NAMED))} {text}.")
    return " ".join(told)


def _percent(share: float) -> str:
    """With a digit after the point, and never 100 % of what is less."""
    size = min(max(share, 0.0), 1.0)
    return f"{100 * size:.1f} %" if size < 0.9995 else "more than 99.9 %"
