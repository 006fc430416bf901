"""exp(1.5 x1) + x2 xi with skewed noise xi: every estimand in closed form, for coverage of intervals.

x1 and x2 are uniform on [0, 1], xi is exponential of mean 1 less 1. The second parameter acts on the
noise alone: it is inert in the mean. The noise is the same at all samples, or other at each.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy import stats
from scipy.stats import qmc

from jaxmorph.designs import Design, FastDesign, MorrisDesign, SaltelliDesign, SobolDesign, make_design
from jaxmorph.distributions import Uniform
from jaxmorph.sensitivity import Question
from jaxmorph.sensitivity.active_subspace import ActiveSubspace
from jaxmorph.sensitivity.average import Averages
from jaxmorph.sensitivity.estimator import Slab, estimators
from jaxmorph.sensitivity.fourier import Fourier
from jaxmorph.sensitivity.local import Local
from jaxmorph.sensitivity.morris import morris
from jaxmorph.sensitivity.noise_gradient import NoiseGradient
from jaxmorph.sensitivity.samples import Samples
from jaxmorph.sensitivity.scaled import ScaledSensitivity
from jaxmorph.sensitivity.sobol_indices import SobolIndices
from jaxmorph.sensitivity.whole_design import WholeDesign

_A = 1.5
_MEAN = (np.exp(_A) - 1) / _A
_VARIANCE = (np.exp(2 * _A) - 1) / (2 * _A) - _MEAN**2
_NOISE = 1 / 3
_WHOLE = _VARIANCE + _NOISE
_SQUARE = _A**2 * (np.exp(2 * _A) - 1) / (2 * _A)
NAMES = ("x1", "x2")
# What is tried here; the others have sweeps of their own.
_TRIED = {
    Local, Averages, WholeDesign, ActiveSubspace, ScaledSensitivity, NoiseGradient,
    SobolIndices, Fourier,
}  # fmt: skip


# Of one sample with Gaussian noise, of Gaussian steps, and of the order of the points: their coverage is
# in tests/test_identifiability.py, tests/test_path_information.py and tests/test_ranks.py.
WITHOUT_TRUTH = {
    "fisher_eigenvalue",
    "cramer_rao_sd",
    "cramer_rao_sd_alone",
    "cramer_rao_sd_path",
    "cramer_rao_sd_path_alone",
    "sd_from_mean",
    "sobol_first_given_data",
}
# Repetitions share the points of an expansion: these have sweeps of their own (tests/test_expansion.py,
# those of the variance between seeds in tests/test_noise_chaos.py). Of coefficients it is tried what
# seeds do to them (tests/test_prediction.py), of mean, variance and groups closed forms alone
# (tests/test_chaos.py, tests/test_groups.py).
OF_EXPANSIONS = {
    *("expansion_first", "expansion_total", "expansion_second", "sobol_second", "shapley"),
    *("expansion_mean", "expansion_variance", "main_effect", "expansion_coefficient"),
    *("expansion_closed", "expansion_total_of_group", "kucherenko_first", "kucherenko_total"),
    *("noise_sobol_first", "noise_sobol_total", "noise_sobol_second", "noise_shapley"),
}
# Parts of a design are groups or parameters, by one code; pairs have a sweep in
# tests/test_variance_based.py, lower bounds in tests/test_lower_bounds.py.
OF_SETS = {
    *("sobol_closed", "sobol_total_of_group", "sobol_closed_of_pair", "total_bound_of_group"),
    *("morris_mu_star_of_group", "total_lower_bound"),
}
# Of the records that a run chose: which these are changes from run to run (tests/test_measurements.py).
OF_RECORDS = {"d_optimal_share", "d_optimal_moment_share", "a_optimal_share"}


@dataclass(frozen=True)
class Case:
    """What is repeated.

    Attributes:
        n: Samples; of a Saltelli or Morris design base samples or trajectories; of FAST rows a curve.
        n_seeds: Number of seeds.
        common: Whether the noise is the same at all samples.
        design: ``random``, ``sobol``, ``saltelli``, ``morris`` or ``fast``.
    """

    n: int
    n_seeds: int
    common: bool
    design: str = "random"

    def __str__(self) -> str:
        return f"{self.design}-{self.n}x{self.n_seeds}-{'common' if self.common else 'own'}"

    @property
    def truth(self) -> dict[str, np.ndarray]:
        """Estimands: of (parameter), (component) or nothing."""
        e = np.array([1.0, 0.0])
        mean_gradient = _A * _MEAN * e
        noise_first = 0.25 / _WHOLE if self.common else 0.0
        fixed = np.array([_VARIANCE, 1 / 12]) if self.common else np.array([_WHOLE, _NOISE])
        truth = {
            "value_average": np.array(_MEAN),
            "gradient_average": mean_gradient,
            "gradient_trimmed_average": mean_gradient + np.array([0.0, self._trimmed()]),
            "elasticity_average": 0.5 * _A * e,
            "semi_elasticity_average": (np.exp(_A) - _MEAN) * e,
            "scaled_sensitivity_average": mean_gradient / np.sqrt(12 * _VARIANCE),
            "dgsm": _SQUARE * e,
            "total_bound": _SQUARE / np.pi**2 / _VARIANCE * e,
            "variance": np.array(_VARIANCE),
            "noise_variance": np.array(_NOISE),
            "noise_share": np.array(_NOISE / _WHOLE),
            "noise_gradient_average": np.array([0.0, 1.0]),
            "noise_elasticity": np.array([0.0, 1.0]),
            "eigenvalue": _SQUARE / 12 * e,
            "activity_score": _SQUARE / 12 * e,
            "sobol_first": e,
            "sobol_total": e,
            "sobol_first_with_noise": _VARIANCE / _WHOLE * e,
            "sobol_total_with_noise": fixed / _WHOLE,
            "sobol_noise_first": np.array(noise_first),
        }
        return truth | self._effects()

    def _trimmed(self) -> float:
        """Of xi, the mean without the largest and smallest, as many as are left out of few seeds."""
        share = np.floor(0.1 * self.n_seeds) / self.n_seeds
        if not self.common or not share:
            return 0.0  # an average over many samples is nearly symmetric
        ends = stats.expon.ppf([share, 1 - share])
        return float(stats.expon.expect(lambda x: x, lb=ends[0], ub=ends[1], conditional=True)) - 1

    def _effects(self) -> dict[str, np.ndarray]:
        """Elementary effects on the levels of a Morris design, all steps alike."""
        levels = np.linspace(0, 1, 4)
        step = 2 / 3
        effect = (np.exp(_A * (levels[:2] + step)) - np.exp(_A * levels[:2])) / step
        e = np.array([1.0, 0.0])
        return {
            "morris_mu": effect.mean() * e,
            "morris_mu_star": effect.mean() * e,
            "morris_sigma": effect.std() * e,
        }

    def intervals(self, rng: np.random.Generator, repetitions: int) -> xr.Dataset:
        """Estimates and ends of intervals, the repetitions along ``observable``."""
        units = [self._points(rng) for _ in range(repetitions)]
        design, unit = units[0][0], np.stack([u for _, u in units], axis=1)  # (sample, repetition, .)
        shape = (1 if self.common else len(unit), self.n_seeds, repetitions)
        xi = np.broadcast_to(rng.exponential(size=shape) - 1, (len(unit), *shape[1:]))
        x1, x2 = unit[:, None, :, 0], unit[:, None, :, 1]
        value = np.exp(_A * x1) + x2 * xi
        gradient = np.stack([np.broadcast_to(_A * np.exp(_A * x1), xi.shape), xi], axis=-1)
        at = {"sample": np.arange(len(unit)), "parameter": list(NAMES)}
        place = ("sample", "seed", "time", "observable")
        slab = xr.Dataset(
            {
                "value": (place, value[:, :, None]),
                "gradient": ((*place, "parameter"), gradient[:, :, None]),
            },
            at | {"seed": np.arange(self.n_seeds), "time": [1.0], "observable": np.arange(repetitions)},
        )
        question = Question([Uniform(low=0, high=1)] * 2, design)
        each = [self._found(question, unit[:, i], slab.isel(observable=[i])) for i in range(repetitions)]
        return xr.concat(each, "observable", data_vars="all")

    def _found(self, question: Question, unit: np.ndarray, slab: xr.Dataset) -> xr.Dataset:
        """Of one repetition, which has points (sample, parameter) of its own."""
        theta = xr.DataArray(unit, slab[["sample", "parameter"]].coords, ("sample", "parameter"))
        if self.design == "morris":
            return xr.Dataset(morris(slab["value"], theta, True))
        samples = Samples(xr.Dataset({"parameter_value": theta, "unit_value": theta}), question, None)
        used = xr.ones_like(slab["value"], bool)
        scaled = slab["gradient"] * samples.sd
        samples.add(slab["value"], scaled, used, None)
        made = [cls(samples) for cls in estimators() if cls in _TRIED]
        local = xr.Dataset()
        for one in made:
            part = Slab(slab["value"], slab["gradient"], scaled, theta, used, None, slab, local)
            local = local.assign(one.add(part))
        found: dict[str, xr.DataArray] = {}
        for one in made:
            found |= one.finish(found)
        return xr.Dataset(found)

    def _points(self, rng: np.random.Generator) -> tuple[Design | None, np.ndarray]:
        if self.design == "random":
            return None, rng.uniform(size=(self.n, 2))
        if self.design == "sobol":
            return SobolDesign(samples=self.n), qmc.Sobol(2, rng=rng).random(self.n)
        seed = int(rng.integers(2**31))
        design: Design
        if self.design == "saltelli":
            design = SaltelliDesign(samples=self.n, seed=seed)
        elif self.design == "morris":
            design = MorrisDesign(trajectories=self.n, seed=seed)
        else:
            design = FastDesign(samples=self.n, seed=seed)
        return design, make_design(design, dict.fromkeys(NAMES, Uniform(low=0, high=1)))[1]
