"""All estimates of one run, from its slabs of samples."""

import dataclasses
import logging
from collections.abc import Iterable, Sequence

import numpy as np
import xarray as xr

from ..designs import (
    Design,
    FastDesign,
    MorrisDesign,
    SaltelliDesign,
    central_sample,
    design_weights,
    group_size,
    represents,
)
from ..distributions import Distribution, natural_sd
from ..errors import JaxmorphError
from . import moments
from .active_subspace import active_variable
from .average import DesignAverage
from .describe import describe
from .fourier import fast
from .given_data import given_data
from .health import GradientHealth
from .holes import There
from .identifiability import fisher_information, identifiability
from .local import TRIM, WANTED_SIGNAL_TO_NOISE, finite_pairs, local_estimates
from .morris import morris
from .resampling import nested, seed_weights
from .sobol_indices import sobol_indices
from .whole_design import natural_scale, scaled_inputs, whole_design

logger = logging.getLogger(__name__)

_SPREAD = (0.1, 0.5, 0.9)
# The order of dimensions in every variable.
_ORDER = (
    "quantile", "n_samples", "n_seeds", "sample", "seed", "time", "observable", "component",
    "parameter", "parameter_2", "excluded",
)  # fmt: skip
# Designs whose estimators need every value of every seed.
_NEED_VALUES = SaltelliDesign | MorrisDesign | FastDesign
# For the others, estimates from given data take a random choice of so many samples: more would make
# them better by a hundredth or less, and take an hour.
_MOST_GIVEN = 2048


@dataclasses.dataclass(frozen=True)
class Question:
    """What is known of a run besides its numbers.

    Attributes:
        distributions: One a parameter.
        design: How the samples were chosen; None: independent draws from the distributions.
        independent: Whether the parameters are independent.
        stochastic: Whether the study has noise; without it one seed says everything.
        pathwise: Whether the gradients are derivatives along paths, not of another estimator.
        wanted_signal_to_noise: What ``seeds_needed`` is for.
        trim: Share of the seeds that a trimmed mean leaves out at each end.
    """

    distributions: Sequence[Distribution]
    design: Design | None = None
    independent: bool = True
    stochastic: bool = True
    pathwise: bool = True
    wanted_signal_to_noise: float = WANTED_SIGNAL_TO_NOISE
    trim: float = TRIM


def estimate(
    slabs: Iterable[xr.Dataset], points: xr.Dataset, question: Question, there: There | None = None
) -> xr.Dataset:
    """The sensitivity dataset of a run (see ``docs/data.md``), without global attributes.

    Args:
        slabs: As :meth:`Estimation.add` takes them, each sample once.
        points: ``parameter_value`` and ``unit_value`` (sample, parameter).
        question: What is known of the run besides.
        there: What is there of the run; None: everything.
    """
    estimation = Estimation(points, question, there)
    local = xr.concat([estimation.add(slab) for slab in slabs], "sample")
    if there is not None:
        local = local.reindex(sample=points["sample"], fill_value={"seeds_used": 0})
    whole, factor = estimation.finish()
    return xr.merge([local, scaled_sensitivity(local, factor), whole], join="exact")


def scaled_sensitivity(local: xr.Dataset, factor: xr.DataArray | None) -> xr.Dataset:
    """``scaled_sensitivity`` (sigma_theta / sigma_f) df/dtheta at some samples, with its ``_se``.

    Args:
        local: ``gradient_mean`` and, if there is one, ``gradient_se``.
        factor: What :meth:`Estimation.finish` gave; None gives nothing.
    """
    if factor is None:
        return xr.Dataset()
    parts = {"scaled_sensitivity": "gradient_mean", "scaled_sensitivity_se": "gradient_se"}
    scaled = {new: factor * local[old] for new, old in parts.items() if old in local}
    return describe(xr.Dataset(scaled).transpose(*_ORDER, missing_dims="ignore"))


class Estimation:
    """Takes the slabs of a run one by one: what is per sample comes back, the rest is kept as sums.

    Besides sums it keeps the elasticities of all samples, and the values of all seeds: of a choice of
    the samples, or of all for designs whose estimators need them.

    Of a run with holes it makes what it would make of a run that only ever had the samples and seeds
    that are there; pairs that some samples lack count as not finite, but are not reported.
    """

    def __init__(self, points: xr.Dataset, question: Question, there: There | None = None):
        self._all_points, self._question, self._there = points, question, there
        design, names = question.design, [str(p) for p in points["parameter"].values]
        kept = np.arange(points.sizes["sample"])
        if there is not None:
            kept = kept[there.kept(design, len(names))]
            points = points.isel(sample=kept)
        self._points = points
        n = len(kept)
        self._kind = "sample" if design is None else represents(design)
        self._group_size = 1 if design is None else group_size(design, len(names))
        weights = None if design is None else design_weights(design, names)
        weights = None if weights is None else weights[kept]
        self._weight = xr.DataArray(np.ones(n) if weights is None else weights, dims="sample")
        self._moments = moments.DesignMoments(
            moments.Design(n, self._group_size, weights, question.stochastic),
            None if there is None else there.often(),
        )
        rng = np.random.default_rng(0)
        self._given = points["sample"].values[np.sort(rng.permutation(n)[:_MOST_GIVEN])]
        self._central = self._choose_central()
        self._sd = xr.DataArray([natural_sd(d) for d in question.distributions], dims="parameter")
        self._average, self._health = DesignAverage(question.trim), GradientHealth(question.pathwise)
        self._central_slab: xr.Dataset | None = None
        self._kept: dict[str, xr.DataArray] = {}
        self._seeds = 0

    def add(self, slab: xr.Dataset) -> xr.Dataset:
        """The local estimates of a slab, which is not kept.

        Args:
            slab: ``value``, ``gradient`` and ``parameter_value``: all seeds of some samples. With
                ``there`` (sample, seed), those pairs alone; the others are NaN.
        """
        theta, used = slab["parameter_value"], finite_pairs(slab["value"], slab["gradient"])
        there = slab.get("there")
        value, gradient = slab["value"].where(used), slab["gradient"].where(used)
        self._seeds = value.sizes["seed"]
        local = local_estimates(
            value,
            gradient,
            theta,
            wanted_signal_to_noise=self._question.wanted_signal_to_noise,
            trim=self._question.trim,
        )
        self._check_noise(value)
        rows = np.searchsorted(self._points["sample"].values, slab["sample"].values)
        self._average.add(value, gradient, theta, local, self._weight.isel(sample=rows))
        self._health.add(value, gradient, theta, used, there)
        scaled = gradient * natural_scale(self._question.distributions, theta) * self._sd
        if self._has_moments:
            self._moments.add(value.assign_coords(sample=rows), scaled, used, there)
        self._keep("elasticity", local["elasticity"])
        if isinstance(self._question.design, _NEED_VALUES):
            self._keep("value", value)
        elif self._kind == "sample":
            chosen = np.isin(slab["sample"].values, self._given)
            self._keep("value", value.isel(sample=chosen), self._given)
        if self._question.stochastic:
            information = fisher_information(value, scaled)
            if information:
                self._keep("fisher", information["fisher_information"])
        if self._central in slab["sample"]:
            central = slab.assign(used_value=value, scaled=scaled)
            self._central_slab = central.sel(sample=self._central)
        return describe(local.transpose(*_ORDER, missing_dims="ignore"))

    def finish(self) -> tuple[xr.Dataset, xr.DataArray | None]:
        """Everything that is not per sample, and the factor of :func:`scaled_sensitivity`.

        The factor, sigma_theta / sigma_f (time, observable, parameter), is None where the variance
        over the design is not known.
        """
        result = self._averages() | self._health.estimates() | self._of_the_central_sample()
        factor = None
        if self._has_moments:
            whole = whole_design(self._moments, self._question.distributions, self._question.independent)
            result |= whole
            result["active_variable"] = active_variable(
                scaled_inputs(self._question.distributions, self._points["parameter_value"]),
                whole["active_direction"],
            )
            factor = self._factor(whole["variance"])
            for end in ("", "_se", "_low", "_high"):
                if f"gradient_average{end}" in result:
                    scaled = factor * result[f"gradient_average{end}"]
                    result[f"scaled_sensitivity_average{end}"] = scaled
        result |= self._of_the_design()
        dataset = xr.Dataset(result)
        if self._there is not None:
            # An estimate that no sample has is no dimension of the dataset.
            missing = {} if "sample" in dataset.dims else {"sample": self._points["sample"]}
            dataset = dataset.assign_coords(missing).reindex(sample=self._all_points["sample"])
            dataset["seeds_there"] = ("sample", self._there.seeds)
        dataset["parameter_value"] = self._all_points["parameter_value"]
        dataset["unit_value"] = self._all_points["unit_value"]
        return describe(dataset.transpose(*_ORDER, missing_dims="ignore")), factor

    def _choose_central(self) -> int:
        """The central one of the samples; of those with most seeds, if some have fewer."""
        points = self._points
        if self._there is not None:
            seeds = self._there.seeds[np.isin(self._all_points["sample"], points["sample"])]
            points = points.isel(sample=seeds == seeds.max())
        return int(points["sample"][central_sample(points["unit_value"].values)])

    @property
    def _has_moments(self) -> bool:
        """Whether averages over the samples are averages over the distributions."""
        return self._kind != "none" and self._can_tell_noise and self._points.sizes["sample"] > 1

    @property
    def _can_tell_noise(self) -> bool:
        """Whether what varies over the design can be told from noise."""
        return self._seeds > 1 or not self._question.stochastic

    def _check_noise(self, value: xr.DataArray) -> None:
        """Raises JaxmorphError if a study that says it has no noise has some."""
        if self._question.stochastic or value.sizes["seed"] < 2:
            return
        spread = value.max("seed") - value.min("seed")
        if bool((spread > 1e-9 * abs(value).max("seed")).any()):
            raise JaxmorphError(
                "the study declares stochastic = False, but its values differ between seeds; "
                "remove the declaration"
            )

    def _keep(self, name: str, array: xr.DataArray, samples: np.ndarray | None = None) -> None:
        """Keep what belongs to the samples of a slab, in one array of ``samples`` (all of the run)."""
        samples = self._points["sample"].values if samples is None else samples
        rows = np.searchsorted(samples, array["sample"].values)
        array = array.drop_vars("sample").transpose("sample", ...)
        if name not in self._kept:
            shape = (len(samples), *array.shape[1:])
            self._kept[name] = xr.DataArray(
                np.full(shape, np.nan), dims=array.dims, coords=array.coords
            ).assign_coords(sample=samples)
        self._kept[name].values[rows] = array.values

    def _averages(self) -> dict[str, xr.DataArray]:
        result = self._average.estimates()
        of_samples = _over_samples(
            self._kept.pop("elasticity"), self._group_size if self._kind == "sample" else None
        )
        defined = result["elasticity_average"].notnull()
        result |= {name: array.where(defined) for name, array in of_samples.items()}
        if "elasticity_average_se" in result:
            result["elasticity_average_se_seeds"] = result["elasticity_average_se"]
            by_seeds = self._average.elasticity_by_seeds()
            if by_seeds is not None:
                result["elasticity_average_by_seeds"] = by_seeds
        return result

    def _factor(self, variance: xr.DataArray) -> xr.DataArray:
        sd = [d.frozen().std() for d in self._question.distributions]
        names = self._points["parameter"]
        return xr.DataArray(sd, dims="parameter", coords={"parameter": names}) / (
            variance.where(variance > 0) ** 0.5
        )

    def _of_the_central_sample(self) -> dict[str, xr.DataArray]:
        assert self._central_slab is not None, "no slab holds the central sample"
        slab = self._central_slab.drop_vars("sample")
        result = {
            "central_value": slab["value"],
            "central_gradient": slab["gradient"],
            "central_sample": xr.DataArray(self._central),
        }
        if "fisher" in self._kept:
            result["fisher_information_by_sample"] = self._kept["fisher"]
            draws = fisher_information(slab["used_value"], slab["scaled"], seed_weights(self._seeds))
            if draws:
                result |= identifiability(draws["fisher_information"], self._seeds)
                result["fisher_entry_used"] = draws["fisher_entry_used"]
                result["fisher_covariance"] = draws["fisher_covariance"]
        return result

    def _of_the_design(self) -> dict[str, xr.DataArray]:
        """What the way of choosing the samples allows besides."""
        if not self._can_tell_noise or "value" not in self._kept:
            return {}
        value = self._kept["value"]
        # One by one: what is not finite in one observable costs the others nothing.
        each = [
            xr.Dataset(self._of_values(value.isel(observable=[i])))
            for i in range(value.sizes["observable"])
        ]
        if not any(each):
            return {}
        found = xr.concat([one for one in each if one], "observable", join="outer")
        found = found.reindex(observable=value["observable"])
        return {str(name): array for name, array in found.items()}

    def _of_values(self, value: xr.DataArray) -> dict[str, xr.DataArray]:
        """Of one observable, from its values (sample, seed, time, observable)."""
        question, names = self._question, [str(p) for p in self._points["parameter"].values]
        usable = value.notnull().transpose("sample", "seed", "time", "observable").values
        value = value.isel(seed=moments.usable_seeds(usable))
        match question.design:
            case SaltelliDesign():
                return sobol_indices(value, names, question.stochastic)
            case FastDesign(harmonics=harmonics):
                return fast(value, names, harmonics, question.stochastic)
            case MorrisDesign():
                return morris(value, self._points["unit_value"], question.stochastic)
        bounded = all(np.isfinite(d.support).all() for d in question.distributions)
        points = self._points["parameter_value"].sel(sample=self._given)
        of_choice = given_data(value, points, question.stochastic, question.independent and bounded)
        # Their nested subsets are of the chosen samples, not of the run.
        return {name: array for name, array in of_choice.items() if "_by_" not in name}


def _over_samples(elasticity: xr.DataArray, group_size: int | None) -> dict[str, xr.DataArray]:
    """Quantiles of the elasticity, the error of its average and averages of the first samples.

    Time by time: quantiles and deviations copy what they work on. ``group_size`` is None where the
    samples do not represent the distributions, and an error of sampling means nothing.
    """
    parts = []
    for _, at in elasticity.groupby("time", squeeze=False):
        defined = at.notnull().any("sample")
        # Undefined at every sample stays undefined, without numpy's warning about it.
        spread = at.where(defined, 0.0).quantile(list(_SPREAD), "sample").where(defined)
        part = {"elasticity_spread": spread}
        if group_size is not None and at.sizes["sample"] > group_size:
            n = at.sizes["sample"] // group_size
            groups = at if group_size == 1 else at.coarsen(sample=group_size).mean()
            part["elasticity_average_se_samples"] = groups.std("sample", ddof=1) / n**0.5
            if sizes := nested(at.sizes["sample"], group_size):
                subsets = [at.isel(sample=slice(size)).mean("sample") for size in sizes]
                by_samples = xr.concat(subsets, "n_samples").assign_coords(n_samples=sizes)
                part["elasticity_average_by_samples"] = by_samples
        parts.append(xr.Dataset(part))
    return {str(name): array for name, array in xr.concat(parts, "time").items()}
