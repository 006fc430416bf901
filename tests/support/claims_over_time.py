"""Whether what a report says of effects over time is what the mean gradient and its interval say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
import xarray as xr

from .sentences import Claim, one_of, spoken


def contradictions_over_time(
    claims: list[Claim], data: xr.Dataset, times: Sequence[str]
) -> Iterator[str]:
    """What is not true; ``times`` are the recorded ones as sentences have them."""
    for claim in claims:
        where = {
            dim: next(str(n) for n in data[dim].values if spoken(n) == told)
            for dim, told in (("parameter", claim.parameters[0]), ("observable", claim.observables[0]))
        }
        value, low, high = (
            data[name if name in data else "gradient_average"].sel(where).values
            for name in ("gradient_average", "gradient_average_low", "gradient_average_high")
        )
        places = [list(times).index(one) for one in re.findall(one_of(times), claim.text)]
        if claim.kind in ("raises", "lowers"):
            yield from _direction(claim, places, (low, high), len(times))
        elif claim.kind == "peak":
            first, last = (places[0], places[-1]) if places else (0, 0)
            most = int(np.nanargmax(np.abs(value)))
            if not first <= most <= (last if places else len(times) // 2):
                yield f"{claim}: the largest is at {times[most]}"
        else:
            small = slice(places[0], None) if claim.kind == "gone" else slice(0, places[0] + 1)
            if not np.nanmax(np.abs(value[small])) < 0.1 * np.nanmax(np.abs(value)):
                yield f"{claim}: {value}"


def _direction(
    claim: Claim, places: list[int], ends: tuple[np.ndarray, np.ndarray], n: int
) -> Iterator[str]:
    """Both ends of the stretch, as far as they are named, leave zero out."""
    low, high = ends
    if claim.text.endswith(" on"):
        places = [*places, n - 1]
    for place in places:
        if not (low[place] > 0 if claim.kind == "raises" else high[place] < 0):
            yield f"{claim}: {low[place]} to {high[place]}"
