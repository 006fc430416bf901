"""What explains the spread between seeds: indices of its variance, as of an observable of its own.

The variance of few seeds is unbiased, and so is its derivative 2 Cov(f, df/dtheta), which follows from
gradients that are paid for. So seeds are put into blocks, and each estimates Var_Z f(theta) and its
gradient, from no seed of another block. Blocks are to the variance what seeds are to the mean, and the
expansion of :mod:`.chaos` takes them as such: products of two blocks have no bias.
"""

import numpy as np
import xarray as xr

from ..quantities import Interval, Kind, Method, Quantity
from .chaos_fits import Fits, kept_samples, scaled_by_all
from .chaos_inputs import inputs_of
from .chaos_quantities import FEWEST_SAMPLES, LEAST_NOISE_Q2, MOST_PARAMETERS
from .completeness import Completeness
from .estimator import PAIR, PLACE, Estimates, Estimator, Slab
from .rounding import round_off
from .samples import Samples, kept_in

_MOST_BLOCKS, _FEWEST_BLOCKS = 8, 5
"""With fewer blocks a jackknife says little of their errors; of more each is of fewer seeds."""
_WANTED_SIZE = 4
"""n seeds tell a variance as n - 1 numbers would: blocks of two take half of what seeds have to tell."""
FEWEST_SEEDS = 2 * _FEWEST_BLOCKS
_MOST_BYTES = 1.0e8

_DESIGNS = "sobol, latin-hypercube, list, saltelli; independent parameters"
_NEEDS = (
    f"needs noise, {FEWEST_SEEDS} or more seeds, {FEWEST_SAMPLES} or more samples of a Sobol, "
    f"Latin-hypercube, list or Saltelli design, and {MOST_PARAMETERS} parameters at most, all of "
    "them independent"
)
_HOLDS = (
    f"{_NEEDS}; and an expansion that predicts what it has not seen (noise_expansion_q2 of "
    f"{LEAST_NOISE_Q2:g})"
)
NOISE_EXPANSION = Method(
    "Indices of the variance between seeds",
    "Var_r[f](θ) = Σ_α c_α Ψ_α(θ); ∂Var_r f / ∂θ_p = 2 Cov_r(f, ∂f/∂θ_p)",
    "As polynomial chaos expansions of the average over seeds, here of the variance between seeds:"
    " which parameters explain where it is large and where small. Products of different blocks of "
    f"seeds. Withheld where noise_expansion_q2 is below {LEAST_NOISE_Q2:g}.",
    "Sudret, Reliab. Eng. Syst. Saf. 93 (2008) 964-979; Glasserman, Monte Carlo Methods in Financial "
    "Engineering (Springer, 2003), section 7.2; of a variance as an output: Zhu and Sudret, Reliab. "
    "Eng. Syst. Saf. 214 (2021) 107815",
)


def _share(name: str, long_name: str, kind: Kind, formula: str, label: str, reading: str) -> Quantity:
    return Quantity(
        name,
        long_name,
        "1",
        (*PAIR, "parameter_2") if kind is Kind.INTERACTION else PAIR,
        kind,
        NOISE_EXPANSION,
        formula=formula,
        label=label,
        reading=reading,
        short=label.replace("Sobol index of the variance between seeds", "index of the spread"),
        interval=Interval.SAMPLES_AND_SEEDS,
        designs=_DESIGNS,
        absent=_HOLDS,
    )


_OF = "of how the variance between seeds changes over the design"
_NAMES = {
    "sobol_first": "noise_sobol_first",
    "sobol_total": "noise_sobol_total",
    "shapley": "noise_shapley",
    "sobol_second": "noise_sobol_second",
    "expansion_q2": "noise_expansion_q2",
    "expansion_with_gradients": "noise_expansion_with_gradients",
}
QUANTITIES = (
    _share(
        "noise_sobol_total",
        f"total Sobol index {_OF}",
        Kind.TOTAL,
        "Σ_{α ∋ p} c_α^2 / Σ_α c_α^2",
        "total Sobol index of the variance between seeds",
        f"share {_OF}, alone and with others",
    ),
    _share(
        "noise_sobol_first",
        f"first-order Sobol index {_OF}",
        Kind.FIRST,
        "Σ_{α of p alone} c_α^2 / Σ_α c_α^2",
        "first-order Sobol index of the variance between seeds",
        f"share {_OF}, alone",
    ),
    _share(
        "noise_shapley",
        f"Shapley effect {_OF}",
        Kind.SHAPLEY,
        "Σ_{α ∋ p} c_α^2 / (parameters in α) / Σ_α c_α^2",
        "Shapley effect of the variance between seeds",
        f"share {_OF}, interactions divided equally",
    ),
    _share(
        "noise_sobol_second",
        f"second-order Sobol index of two parameters {_OF}, without what each does alone",
        Kind.INTERACTION,
        "Σ_{α of p and q alone} c_α^2 / Σ_α c_α^2",
        "",
        "",
    ),
    Quantity(
        "noise_expansion_q2",
        "share of the variance over the design of the variance between seeds that the expansion "
        "predicts at left-out samples",
        "1",
        PLACE,
        Kind.NUMBER,
        NOISE_EXPANSION,
        formula="1 - E[Π_b (Var_b[f] - prediction without the sample)] / Var, b two blocks of seeds",
        designs=_DESIGNS,
        absent=_NEEDS,
    ),
    Quantity(
        "noise_expansion_with_gradients",
        "1 where the expansion of the variance between seeds is from variances and their derivatives, 0 "
        "where variances alone predict better or gradients are not whole derivatives",
        "1",
        PLACE,
        Kind.FLAG,
        NOISE_EXPANSION,
        formula="gradients count",
        designs=_DESIGNS,
        absent=_NEEDS,
    ),
)


class NoiseChaos(Estimator):
    """Indices of the variance between seeds from a polynomial chaos expansion."""

    quantities = QUANTITIES
    of_every_parameter = True
    after = (Completeness,)

    def __init__(self, samples: Samples):
        super().__init__(samples)
        inputs = inputs_of(samples)
        self._inputs = None if inputs is None or inputs.correlated else inputs
        self._kept: np.ndarray | None = None
        self._data: xr.DataArray | None = None

    def add(self, slab: Slab) -> Estimates:
        n_seeds = slab.value.sizes["seed"]
        if self.samples.question.stochastic and n_seeds >= FEWEST_SEEDS and self._inputs is not None:
            if self._kept is None:
                self._kept = kept_samples(self.samples, slab, _MOST_BLOCKS, _MOST_BYTES)
            here = np.isin(slab.value["sample"].values, self._kept)
            if self._data is not None and not here.any():
                return {}
            value, scaled = (
                x.isel(sample=here) for x in (slab.value, scaled_by_all(self.samples, slab))
            )
            self._data = kept_in(
                self._data, variances(value, scaled, self.samples.precision), self._kept
            )
        return {}

    def finish(self, found: Estimates) -> Estimates:
        if self._inputs is None or self._data is None:
            return {}
        fit = Fits(self.samples, self._inputs, self._data, of_noise=True)
        has_gradients = self.samples.question.complete and not self.samples.discrete
        made = fit.of_all(self._data, found, (), has_gradients)
        ends = ("", "_low", "_high", "_se_samples", "_se_seeds")
        result = {
            f"{own}{end}": made[f"{name}{end}"]
            for name, own in _NAMES.items()
            for end in ends
            if f"{name}{end}" in made
        }
        nothing = [name for name, array in result.items() if not bool(array.notnull().any())]
        q2 = result["noise_expansion_q2"]
        best = f"{max(float(q2.max()), 0):.0%}" if bool(q2.notnull().any()) else "nothing"
        why = (
            "needs a variance between seeds that changes over the design by more than its own error, "
            f"and an expansion that predicts {LEAST_NOISE_Q2:.0%} of that at left-out samples; this one "
            f"predicts {best} at best: more seeds, or samples"
        )
        self.absent = dict.fromkeys(nothing, why)
        return {name: array for name, array in result.items() if name not in nothing}


def variances(value: xr.DataArray, scaled: xr.DataArray, precision: np.dtype) -> xr.DataArray:
    """The variance between the seeds of each block, and its derivatives.

    Args:
        value: (sample, seed, time, observable), NaN where it cannot be used.
        scaled: Gradients (..., parameter) by parameters in units of their sd.
        precision: In which the simulation computed: seeds that differ by rounding alone do not differ.

    Returns:
        (sample, row, time, observable, seed): blocks in the place of seeds; NaN where fewer than two
        seeds of a block can be used.
    """
    dims = ("sample", *PLACE, "seed")
    f = value.transpose(*dims).values.astype(float)
    g = np.moveaxis(scaled.transpose(*dims, "parameter").values.astype(float), -1, 1)
    there = np.isfinite(f)
    size = np.where(there, np.abs(f), 0.0).max(axis=-1, keepdims=True)
    n_blocks = int(np.clip(f.shape[-1] // _WANTED_SIZE, _FEWEST_BLOCKS, _MOST_BLOCKS))
    found = []
    for block in np.array_split(np.arange(f.shape[-1]), n_blocks):
        known = there[..., block]
        n = known.sum(axis=-1)
        apart, slope = (_centred(x[..., block], k) for x, k in ((f, known), (g, known[:, None])))
        equal = np.abs(apart) <= round_off(size, precision)
        apart = np.where(equal.all(axis=-1, keepdims=True), 0.0, apart)
        sums = [(apart**2).sum(axis=-1)[:, None], 2 * (apart[:, None] * slope).sum(axis=-1)]
        found.append(np.concatenate(sums, axis=1) / np.where(n > 1, n - 1.0, np.nan)[:, None])
    coordinates = {d: value[d] for d in ("sample", *PLACE) if d in value.coords}
    return xr.DataArray(np.stack(found, axis=-1), coordinates, ("sample", "row", *PLACE, "seed"))


def _centred(x: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Without the mean of what is known (..., seed), 0 elsewhere."""
    n = np.maximum(known.sum(axis=-1, keepdims=True), 1)
    mean = np.where(known, x, 0.0).sum(axis=-1, keepdims=True) / n
    return np.where(known, x - mean, 0.0)
