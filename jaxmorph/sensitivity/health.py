"""What a reader must be warned of: non-finite numbers, exploding gradients."""

import numpy as np
import xarray as xr

_FEWEST_TIMES = 6
# Flagged when the exponential part alone multiplies the gradient by this over the recorded time.
_EXPLODING_FACTOR = 10.0


def excluded_pairs(used: xr.DataArray) -> list[tuple[int, int]]:
    """The (sample, seed) pairs with an entry that is not finite, in order."""
    bad = (~used).any(("time", "observable")).transpose("sample", "seed")
    rows, columns = np.nonzero(bad.values)
    return [(int(bad["sample"][i]), int(bad["seed"][j])) for i, j in zip(rows, columns, strict=True)]


def gradient_growth(rms: xr.DataArray, relative: xr.DataArray) -> dict[str, xr.DataArray]:
    """How fast gradients grow with time, and whether they explode.

    ln(rms gradient) is fitted by a + rate t + power ln t (least squares over recorded times), so that
    growth by a power of time, as in diffusion, does not count as exponential. A gradient is exploding
    when exp(rate x duration) exceeds 10 and it has become large: 1 % of the parameter moves the
    observable by more than 1 %. Then the simulation is chaotic or unstable, and single-seed gradients
    say little about averages. (A gradient that only begins to matter grows as fast, but is small.)

    Args:
        rms: Root mean square of the gradient over samples and seeds (time, observable, parameter).
        relative: The same of parameter x gradient, over that of the observable (same dims).

    Returns:
        ``gradient_growth_rate`` (1 / time) and ``gradient_exploding``, both (observable, parameter);
        nothing if there are fewer than six times at which a gradient can be not 0.
    """
    later = rms.isel(time=slice(1, None)) if rms["time"][0] == 0 else rms
    time = later["time"].values
    if len(time) < _FEWEST_TIMES:
        return {}
    basis = np.column_stack([np.ones_like(time), time, np.log(time)])

    def rate(y: np.ndarray) -> float:
        usable = np.isfinite(y) & (y > 0)
        if usable.sum() < _FEWEST_TIMES:
            return 0.0
        return float(np.linalg.lstsq(basis[usable], np.log(y[usable]), rcond=None)[0][1])

    rates = xr.apply_ufunc(rate, later, input_core_dims=[["time"]], vectorize=True)
    grown = rates * (time[-1] - time[0]) > np.log(_EXPLODING_FACTOR)
    exploding = grown & (relative.isel(time=-1, drop=True) > 1)
    return {"gradient_growth_rate": rates, "gradient_exploding": exploding}
