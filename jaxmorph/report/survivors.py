"""Sentences that say of which simulations a mean is, where some are left out."""

from __future__ import annotations

import numpy as np
import xarray as xr

_NAME = "left_out_share"


def left_out(data: xr.Dataset) -> str:
    """``45 %`` of the simulations of one observable at one time; nothing where all are there."""
    share = float(data[_NAME].item()) if _NAME in data else 0.0
    if not share > 0:
        return ""
    percent = round(100 * share)
    return f"{percent:.0f} %" if 1 <= percent < 100 else "less than 1 %" if percent < 1 else "all"


def of_survivors(data: xr.Dataset) -> str:
    """A sentence to stand beside the numbers of one observable at one time."""
    share = left_out(data)
    if not share:
        return ""
    average = float(data["value_average"].item()) if "value_average" in data else np.nan
    told = f" (the mean {average:.4g})" if np.isfinite(average) else ""
    return (
        f"All numbers{told} are of the survivors: {share} of the simulations are left out, for a value "
        "or gradient is not finite. Those that dropped out may be the largest."
    )
