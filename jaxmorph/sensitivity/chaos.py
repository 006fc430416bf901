"""Sobol' indices, interactions and Shapley effects from an expansion in polynomials of the parameters.

The mathematics is in :mod:`jaxmorph.expansion`; here it meets the slabs of a run.
"""

import warnings

import numpy as np
import xarray as xr

from .chaos_fits import Fits, kept_samples, scaled_by_all
from .chaos_inputs import inputs_of
from .chaos_quantities import LEAST_Q2, QUANTITIES
from .completeness import Completeness
from .estimator import PLACE, Estimates, Estimator, Slab
from .fourier import Fourier
from .groups import CLOSED
from .prediction import compact
from .prediction_quantities import PREDICTION
from .resampling import FEWEST
from .samples import Samples, kept_in
from .sobol_indices import SECOND, TOTAL, SobolIndices

_MOST_SEEDS, _MOST_BYTES = 16, 2.0e8


class Chaos(Estimator):
    """Indices from a polynomial chaos expansion."""

    quantities = (*QUANTITIES, *PREDICTION)
    of_every_parameter = True
    after = (SobolIndices, Fourier, Completeness)

    def __init__(self, samples: Samples):
        super().__init__(samples)
        self._inputs = inputs_of(samples)
        self._kept: np.ndarray | None = None
        self._data: xr.DataArray | None = None

    def add(self, slab: Slab) -> Estimates:
        n_seeds = slab.value.sizes["seed"]
        if self._inputs is not None and n_seeds > 0:
            if self._kept is None:
                self._kept = kept_samples(self.samples, slab, min(_MOST_SEEDS, n_seeds), _MOST_BYTES)
            here = np.isin(slab.value["sample"].values, self._kept)
            if self._data is not None and not here.any():
                return {}
            part = [x.isel(sample=here) for x in (slab.value, scaled_by_all(self.samples, slab))]
            self._data = kept_in(self._data, _rows(*part), self._kept)
        return {}

    def finish(self, found: Estimates) -> Estimates:
        if self._inputs is None or self._data is None:
            return {}
        if self.samples.question.stochastic and self.samples.n_seeds < FEWEST:
            return {}
        has_own = {one.name for one in (TOTAL, SECOND, CLOSED) if one.name in found}
        fit = Fits(self.samples, self._inputs, self._data)
        has_gradients = not self.samples.discrete  # of these there are values alone
        result = fit.of_all(self._data, found, has_own, has_gradients)
        nothing = [n for n, a in result.items() if not bool(a.notnull().any())]
        if "expansion_q2" in result:
            best = float(result["expansion_q2"].max())
            why = (
                f"needs an expansion that predicts {LEAST_Q2:.0%} of the variance at left-out samples; "
                f"this one predicts {max(best, 0):.0%} at best: more samples, or seeds if noise hides it"
            )
            self.absent = dict.fromkeys(nothing, why)
        kept = {name: array for name, array in result.items() if name not in nothing}
        return compact(
            kept, self._inputs.degrees, self.samples.parameters, self.samples.question.distributions
        )


def _rows(value: xr.DataArray, scaled: xr.DataArray) -> xr.DataArray:
    """Values and gradients (sample, row, time, observable, seed), of few seeds or means over some."""
    dims = ("sample", *PLACE, "seed")
    f = value.transpose(*dims).values[:, None]
    g = scaled.transpose("sample", "parameter", *PLACE, "seed").values
    rows = np.concatenate([f, g], axis=1)
    if rows.shape[-1] > _MOST_SEEDS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of blocks in which nothing is finite
            blocks = np.array_split(rows, _MOST_SEEDS, axis=-1)
            rows = np.stack([np.nanmean(block, axis=-1) for block in blocks], axis=-1)
    coordinates = {d: value[d] for d in ("sample", *PLACE) if d in value.coords}
    return xr.DataArray(rows, coordinates, ("sample", "row", *PLACE, "seed"))
