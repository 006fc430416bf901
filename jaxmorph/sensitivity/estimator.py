"""The interface of an estimator: what it declares, what it takes of each slab, what it gives in the end.

An estimator is one class in one module of this folder. It is found there (:func:`estimators`), so a new
one changes no other module: its quantities reach files, figures, the report and the documentation.
"""

import abc
import copy
import dataclasses
import functools
import graphlib
import importlib
import pkgutil
from types import ModuleType
from typing import ClassVar

import numpy as np
import xarray as xr

from ..quantities import Quantity
from .moments import usable_seeds
from .over_seeds import OverSeeds
from .samples import Samples

PLACE = ("time", "observable")
"""Dimensions of an estimate of an observable."""
PAIR = (*PLACE, "parameter")
"""Dimensions of an estimate of a parameter's effect on an observable."""
Estimates = dict[str, xr.DataArray]
"""Estimates by name."""


@dataclasses.dataclass(frozen=True)
class Slab:
    """All seeds of some samples.

    Attributes:
        value: (sample, seed, time, observable); NaN where it or its gradient cannot be used.
        gradient: (sample, seed, time, observable, parameter); NaN at the same places.
        scaled: The same by parameters in units of their natural standard deviation.
        parameter_value: (sample, parameter).
        used: (sample, seed, time, observable), which entries are finite.
        there: (sample, seed), which pairs are there at all; None: all.
        given: The slab as it came.
        local: Estimates of its samples by the estimators before.
    """

    value: xr.DataArray
    gradient: xr.DataArray
    scaled: xr.DataArray
    parameter_value: xr.DataArray
    used: xr.DataArray
    there: xr.DataArray | None
    given: xr.Dataset
    local: xr.Dataset

    @functools.cached_property
    def over_seeds(self) -> OverSeeds:
        """Sums over the seeds of each sample, which all estimators share."""
        return OverSeeds.of(self.value, self.gradient)

    def share(self, over: OverSeeds) -> None:
        """Take these sums, of its values and gradients, for :attr:`over_seeds`."""
        self.__dict__["over_seeds"] = over

    def with_local(self, local: xr.Dataset) -> "Slab":
        """The same slab, and what is known of it already, with estimates of its samples."""
        other = copy.copy(self)
        object.__setattr__(other, "local", local)
        return other


class Estimator(abc.ABC):
    """One idea of what matters, for one run. A subclass overrides what it needs.

    Attributes:
        quantities: What it gives, declared.
        of_every_parameter: Whether it gives something of discrete parameters, by which there is no
            derivative; else it sees the others alone.
        of_records: Whether it is of what an experiment records: of a run with summaries over time it
            sees the other observables alone, for the records say all that is in these.
        after: Estimators whose estimates it builds on.
        derives_from: Estimates of each sample from which it makes others once all slabs have been seen.
        absent: Why this run has not some of them, beyond what is declared; after ``finish``.
    """

    quantities: ClassVar[tuple[Quantity, ...]]
    of_every_parameter: ClassVar[bool] = False
    of_records: ClassVar[bool] = False
    after: ClassVar[tuple[type["Estimator"], ...]] = ()
    derives_from: ClassVar[tuple[str, ...]] = ()

    def __init__(self, samples: Samples):
        self.samples = samples
        self.absent: dict[str, str] = {}

    def add(self, slab: Slab) -> Estimates:
        """Take a slab, which is not kept; give estimates of its samples."""
        return {}

    def finish(self, found: Estimates) -> Estimates:
        """What is not of one sample; ``found``: estimates of the estimators before."""
        return {}

    def derive(self, local: xr.Dataset) -> Estimates:
        """Estimates of some samples from ``derives_from``, after ``finish``."""
        return {}


class OfValues(Estimator):
    """An estimator that needs the values of all seeds, at all samples or at a choice of them."""

    of_every_parameter: ClassVar[bool] = True

    @abc.abstractmethod
    def of_values(self, value: xr.DataArray) -> Estimates:
        """Estimates from values (sample, seed, time, observable).

        Of one observable, or of several that are finite throughout.
        """

    @abc.abstractmethod
    def applies(self) -> bool:
        """Whether the design is one for this estimator."""

    def finish(self, found: Estimates) -> Estimates:
        """All observables that are finite throughout at once.

        The others one by one: what is not finite in one costs the others nothing.
        """
        value = self.samples.values
        if value is None or not self.samples.can_tell_noise or not self.applies():
            return {}
        whole = value.notnull().all([d for d in value.dims if d != "observable"]).values
        alone = [value.isel(observable=[i]) for i in np.flatnonzero(~whole)]
        at_once = [value.isel(observable=np.flatnonzero(whole))] if whole.any() else []
        each = [xr.Dataset(self.of_values(_usable(one))) for one in (*at_once, *alone)]
        if not any(each):
            return {}
        together = xr.concat([one for one in each if one], "observable", join="outer")
        together = together.reindex(observable=value["observable"])
        return {str(name): array for name, array in together.items()}


def _usable(value: xr.DataArray) -> xr.DataArray:
    """Without seeds that fail at most samples."""
    ok = value.notnull().transpose("sample", "seed", "time", "observable").values
    return value.isel(seed=usable_seeds(ok))


@functools.cache
def estimators() -> tuple[type[Estimator], ...]:
    """All estimators, each after those that it builds on."""
    package = importlib.import_module(__package__ or "")
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    modules = [importlib.import_module(f"{package.__name__}.{name}") for name in names]
    found = [cls for module in modules for cls in _declared_in(module)]
    graph = {cls: cls.after for cls in found}
    return tuple(graphlib.TopologicalSorter(graph).static_order())


def declared() -> tuple[Quantity, ...]:
    """The quantities of all estimators."""
    return tuple(quantity for cls in estimators() for quantity in cls.quantities)


def _declared_in(module: ModuleType) -> list[type[Estimator]]:
    return [
        cls
        for cls in vars(module).values()
        if isinstance(cls, type)
        and issubclass(cls, Estimator)
        and cls.__module__ == module.__name__
        and "quantities" in vars(cls)
    ]
