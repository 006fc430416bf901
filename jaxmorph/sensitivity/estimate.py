"""All estimates of one run, from its slabs of samples."""

import dataclasses
import json
import logging
from collections.abc import Iterable
from typing import TypeVar

import numpy as np
import xarray as xr

from ..errors import JaxmorphError
from ..quantities import (
    COORDINATES,
    Interval,
    Quantity,
    by_name,
    declaration_of,
    describe,
    why_absent,
)
from .completeness import withhold
from .estimator import Estimates, Estimator, Slab, declared, estimators
from .holes import SEEDS_THERE, There
from .natural import natural_scale, natural_units
from .over_seeds import OverSeeds, parameters_first, times
from .question import Question
from .resampling import INTERVALS
from .samples import Samples
from .scale import Magnitudes

logger = logging.getLogger(__name__)

_Labelled = TypeVar("_Labelled", xr.Dataset, xr.DataArray)
_BOTH = Interval.SAMPLES_AND_SEEDS
# The order of dimensions in every variable.
_ORDER = (
    "quantile", "n_samples", "n_seeds", "sample", "seed", "time", "observable", "component", "record",
    "term", "parameter", "parameter_2", "group", "probability", "degree", "excluded",
)  # fmt: skip


def quantities() -> tuple[Quantity, ...]:
    """What a sensitivity dataset can have."""
    return (*COORDINATES, SEEDS_THERE, *declared())


def estimate(
    slabs: Iterable[xr.Dataset], points: xr.Dataset, question: Question, there: There | None = None
) -> xr.Dataset:
    """The sensitivity dataset of a run (see ``docs/data.md``).

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
    whole = estimation.finish()
    return xr.merge([local, estimation.derive(local), whole], join="exact", combine_attrs="no_conflicts")


def _of_values(quantity: Quantity) -> bool:
    """Whether there may be such a number where every parameter is discrete."""
    return not quantity.from_gradients and not {"parameter", "parameter_2"} & set(quantity.dims)


class Estimation:
    """Takes the slabs of a run one by one: estimates of each sample come back, the rest is kept as sums.

    Besides sums it keeps the elasticities of all samples, and the values of all seeds: of a choice of
    the samples, or of all for designs whose estimators need them.

    Of a run with holes it makes what it would make of a run that only ever had the samples and seeds
    that are there; pairs that some samples lack count as not finite, but are not reported.

    Estimators see observables divided by a power of two, so that squares are numbers (``scale.py``).

    Attributes:
        derives_from: Estimates of each sample that :meth:`derive` needs.
    """

    def __init__(self, points: xr.Dataset, question: Question, there: There | None = None):
        self._all_points, self._question, self._there = points, question, there
        everything = Samples(points, question, there)
        self._samples = everything.continuous()
        self._names, self._discrete = everything.parameters, everything.discrete
        self._any_continuous, self._groups = everything.any_continuous, everything.parts
        self._estimators = [
            cls(everything if cls.of_every_parameter else self._samples)
            for cls in estimators()
            if everything.any_continuous or any(map(_of_values, cls.quantities))
        ]
        self.derives_from = tuple(
            dict.fromkeys(name for one in self._estimators for name in one.derives_from)
        )
        self._units: dict[str, xr.DataArray] = {}
        self._observables = xr.DataArray([], dims="observable")
        self._declared = by_name(quantities())
        self._scale: Magnitudes | None = None
        self._of_samples: set[str] = set()

    def add(self, slab: xr.Dataset) -> xr.Dataset:
        """The local estimates of a slab, which is not kept.

        Args:
            slab: ``value``, ``gradient`` and ``parameter_value``: all seeds of some samples. With
                ``there`` (sample, seed), those pairs alone; the others are NaN. Units and descriptions
                of its observables and parameters may be coordinates.
        """
        texts = [n for n, c in slab.coords.items() if n not in slab.dims and c.dtype.kind in "OUT"]
        self._units = {str(name): slab.coords[name] for name in texts}
        self._observables = slab["observable"]
        slab = self._of_continuous(slab.drop_vars(texts))
        if not self._any_continuous:  # nothing of these zeros is kept
            slab = slab.assign(gradient=xr.zeros_like(slab["gradient"]))
        theta = slab["parameter_value"]
        by_sd = natural_scale(self._samples.question.distributions, theta) * self._samples.sd
        if self._scale is None:
            self._scale = Magnitudes.of(slab["value"], slab["gradient"] * by_sd)
            self._samples.know(self._scale, slab["value"].dtype)
        value = self._scale.divided(slab["value"])
        first = parameters_first(slab["gradient"]).transpose("parameter", ...)
        gradient = self._scale.divided(first).transpose(*slab["gradient"].dims)
        slab = slab.assign(value=value, gradient=gradient)
        scaled = times(gradient, by_sd)
        used = self._scale.usable(value, scaled)
        if not used.all():
            value, gradient, scaled = (x.where(used) for x in (value, gradient, scaled))
        self._check_noise(value)
        there = slab.get("there")
        self._samples.add(value, scaled, used, there)
        local = xr.Dataset()
        # Gradients 1e200 times as large as values: their square in units of the values is infinite.
        with np.errstate(over="ignore", invalid="ignore"):
            given = Slab(value, gradient, scaled, theta, used, there, slab, local)
            given.share(OverSeeds.known_to_be(value, gradient, used))
            for one in self._estimators:
                given = given.with_local(local)
                more = one.add(self._of_records(given) if one.of_records else given)
                if more:
                    local = local.assign(more)
        self._of_samples |= set(map(str, local.data_vars))
        return self._told(self._described(xr.Dataset(self._of_all(local))))

    def finish(self) -> xr.Dataset:
        """Everything that is not per sample; ``absent_estimates`` says what is not there, and why."""
        found: Estimates = {}
        whole: Estimates = {}
        for done, one in enumerate(self._estimators, start=1):
            with np.errstate(over="ignore", invalid="ignore"):
                made = self._finished(one, found)
            logger.debug("%d of %d estimators", done, len(self._estimators))
            found |= made
            whole |= made if one.of_every_parameter else self._of_all(made)
            if made and one.derives_from:
                self._of_samples |= {quantity.name for quantity in one.quantities}
        dataset = xr.Dataset(whole)
        if self._there is not None:
            # An estimate that no sample has is no dimension of the dataset.
            axis = {} if "sample" in dataset.dims else {"sample": self._samples.points["sample"]}
            dataset = dataset.assign_coords(axis).reindex(sample=self._all_points["sample"])
            dataset[SEEDS_THERE.name] = ("sample", self._there.seeds)
        if self._groups:
            of_parameter = {p: name for name, part in self._groups.items() for p in part}
            names = [of_parameter[p] for p in self._names]
            dataset = dataset.assign_coords(parameter_group=("parameter", names))
        for name in ("parameter_value", "unit_value"):
            dataset[name] = self._all_points[name]
        missing = why_absent({*map(str, dataset.variables), *self._of_samples}, declared())
        for one in self._estimators:
            missing |= {name: why for name, why in one.absent.items() if name in missing}
        if not self._any_continuous:
            of_gradients = (q.name for q in declared() if q.from_gradients)
            missing |= dict.fromkeys(of_gradients, "needs a parameter that is not discrete")
        dataset.attrs["absent_estimates"] = json.dumps(missing)
        if any(f"{q.name}_low" in dataset for q in declared() if q.interval is _BOTH):
            dataset.attrs["interval_method"] = json.dumps(dataclasses.asdict(INTERVALS))
        dataset = self._told(withhold(self._described(dataset), declared()))
        result = describe(dataset.assign_coords(self._units), COORDINATES)
        assert self._scale is not None
        if self._scale.beyond:
            logger.warning(
                "%s: infinite or left out where the range of numbers (1e-308 to 1e308) ends; give the "
                "observable in a unit in which it is of order 1",
                ", ".join(sorted(self._scale.beyond)),
            )
        return result

    def _finished(self, one: Estimator, found: Estimates) -> Estimates:
        """What an estimator gives in the end; of one of records, with summaries over time again."""
        if not one.of_records or not self._question.summaries:
            return one.finish(found)
        recorded = {name: self._without_summaries(array) for name, array in found.items()}
        return {
            name: array.reindex(observable=self._observables, fill_value=array.dtype.type(0))
            if "observable" in array.dims
            else array
            for name, array in one.finish(recorded).items()
        }

    def _of_records(self, slab: Slab) -> Slab:
        """A slab without summaries over time."""
        if not self._question.summaries:
            return slab
        parts = ("value", "gradient", "scaled", "used", "given", "local")
        recorded = {part: self._without_summaries(getattr(slab, part)) for part in parts}
        return dataclasses.replace(slab, **recorded)

    def _without_summaries(self, data: _Labelled) -> _Labelled:
        if "observable" not in data.dims:
            return data
        kept = [name for name in data["observable"].values if name not in self._question.summaries]
        return data.sel(observable=kept)

    def derive(self, local: xr.Dataset) -> xr.Dataset:
        """Further estimates of some samples, from ``derives_from``, after :meth:`finish`."""
        assert self._scale is not None, "no slab was added"
        local = self._scale.divided_again(self._of_continuous(local), self._declared)
        found: Estimates = {}
        for one in self._estimators:
            found |= one.derive(local)
        return self._told(self._described(xr.Dataset(self._of_all(found))))

    def _of_continuous(self, dataset: xr.Dataset) -> xr.Dataset:
        """Without discrete parameters, by which there is no derivative, if there are others."""
        if not self._discrete or not self._any_continuous:
            return dataset
        kept = [i for i, name in enumerate(self._names) if name not in self._discrete]
        along = [dim for dim in ("parameter", "parameter_2") if dim in dataset.dims]
        return dataset.isel(dict.fromkeys(along, kept))

    def _of_all(self, found: xr.Dataset | Estimates) -> Estimates:
        """With the discrete parameters again: NaN, and 0 of flags and counts."""
        known = {str(name): array for name, array in found.items()}
        if not self._discrete:
            return known
        own = self._samples.parameters
        whole: Estimates = {}
        for name, array in known.items():
            along = [dim for dim in ("parameter", "parameter_2") if dim in array.dims]
            if not self._any_continuous:
                quantity = declaration_of(name, self._declared)
                if not along and (quantity is None or not quantity.from_gradients):
                    whole[name] = array
                continue
            nothing = np.nan if array.dtype.kind == "f" else array.dtype.type(0)
            named = array.assign_coords(dict.fromkeys(along, own))
            wanted: dict[str, list[str]] = dict.fromkeys(along, self._names)
            if "group" in array.dims:
                wanted["group"] = list(self._groups)
            whole[name] = named.reindex(wanted, fill_value=nothing)
        return whole

    def _told(self, dataset: xr.Dataset) -> xr.Dataset:
        """Says why there are no numbers of discrete parameters."""
        if self._discrete:
            why = f"NaN of {', '.join(self._discrete)}: there is no derivative by a discrete parameter"
            for name in map(str, dataset.data_vars):
                array, quantity = dataset[name], declaration_of(name, self._declared)
                if quantity is not None and quantity.from_gradients and "parameter" in array.dims:
                    before = array.attrs.get("withheld")
                    array.attrs["withheld"] = f"{before}; {why}" if before else why
        return dataset

    def _described(self, dataset: xr.Dataset) -> xr.Dataset:
        assert self._scale is not None, "no slab was added"
        dataset = self._scale.multiplied(dataset, self._declared)
        dataset = dataset.transpose(*_ORDER, missing_dims="ignore")
        dims = set(dataset.dims)
        units = {n: c for n, c in self._units.items() if set(c.dims) <= dims}
        own = [str(u) for u in self._units["parameter_unit"].values] if "parameter_unit" in units else []
        natural = natural_units(self._question.distributions, own) if own else None
        return describe(dataset.assign_coords(units), self._declared.values(), natural).drop_vars(units)

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
