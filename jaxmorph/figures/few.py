"""How much of a run with very many observables and parameters a figure draws: what can be looked at.

A panel an observable is drawn of the first ones, in it the parameters that are largest there. The tables
beside the figures have all, and so has a figure that was asked for by name (``figures.observables``).
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from .look import look

MOST = 12
"""So many observables and parameters are drawn as they are; of more, the figures draw these."""
_OBSERVABLES, _PARAMETERS = 9, 8
_IN_FRONT = 4
"""Lines in colour in one panel, where not all are."""


def observables(data: xr.Dataset) -> list[str]:
    """Those that have a panel."""
    names = [str(name) for name in data["observable"].values]
    every = look().observables != "all" or len(names) <= MOST
    return names if every else names[:_OBSERVABLES]


def rows(order: np.ndarray) -> np.ndarray:
    """Of the parameters in this order, those that have a row."""
    every = look().parameters != "all" or len(order) <= MOST
    return order if every else order[:_PARAMETERS]


def in_front(values: np.ndarray) -> np.ndarray:
    """Which parameters have a line in colour; the others are a grey background.

    Args:
        values: How large they are (..., parameter); what is not finite counts as nothing.

    Returns:
        True for each of them (parameter): for all, unless they are very many.
    """
    n = values.shape[-1]
    if len(rows(np.arange(n))) == n:
        return np.ones(n, bool)
    size = np.where(np.isfinite(values), np.abs(values), -1.0).reshape(-1, n).max(axis=0, initial=-1.0)
    found = np.zeros(n, bool)
    found[np.argsort(-size, kind="stable")[:_IN_FRONT]] = True
    return found & (size > 0)


def said(data: xr.Dataset) -> str:
    """What is to be said below a figure that does not draw every observable; empty if it does."""
    n, shown = data.sizes["observable"], len(observables(data))
    return f"The first {shown} of {n} panels; the CSV has the others, too." if shown < n else ""
