"""The samples of a run: how they were drawn, and what several estimators need of their numbers."""

import copy
import dataclasses
import functools
from typing import Self

import numpy as np
import xarray as xr

from ..designs import (
    Design,
    FastDesign,
    MorrisDesign,
    SaltelliDesign,
    central_sample,
    design_weights,
    named_parts,
    represents,
    unit_size,
)
from ..designs import replicates as count_replicates
from ..designs.settings import FEWEST_REPLICATES
from .both_errors import BothErrors
from .holes import There
from .moments import DesignMoments, Sampling
from .question import Question
from .scale import Magnitudes

# Designs whose estimators need every value of every seed.
_NEED_VALUES = SaltelliDesign | MorrisDesign | FastDesign
# For the others, estimates from given data take a random choice of so many samples: more would make
# them better by a hundredth or less, and take an hour.
_MOST_GIVEN = 2048

NEEDS_MOMENTS = (
    "needs a design that represents the distributions (not Morris, not one at a time), with several "
    "samples, and with two or more seeds if there is noise"
)
"""Why there is nothing that is made from :attr:`Samples.moments`."""


@dataclasses.dataclass
class _Seen:
    """What slabs have told of the run so far."""

    n_seeds: int = 0
    scale: Magnitudes | None = None
    precision: np.dtype = dataclasses.field(default_factory=lambda: np.dtype(float))
    values: xr.DataArray | None = None


class Samples:
    """What an estimator may use of a run besides the slab at hand.

    Of a run with holes it is what it would be for a run that only ever had the samples and seeds that
    are there; pairs that some samples lack count as not finite, but are not reported.

    Attributes:
        question: What is known of the run.
        points: ``parameter_value`` and ``unit_value`` (sample, parameter) of the samples that are used.
        parameters: Names.
        parts: Parameters of each group by its name, of a run that has groups; else none.
        discrete: Names of those by which there is no derivative.
        weight: (sample), for samples that do not count alike.
        unit_size: Consecutive samples that belong together (a unit of the design).
        replicate: To which independent scramble of a sequence each sample belongs (sample), from 0; None
            if there is one.
        stands_for: How averages over the samples stand for averages over the distributions:
            ``sample``, ``quadrature`` or ``none``.
        central: Number of the sample nearest to the middle of the design.
        sd: Standard deviation of each parameter on its natural scale (parameter).
        chosen: Numbers of the samples whose values are kept.
    """

    def __init__(self, points: xr.Dataset, question: Question, there: There | None):
        design, names = question.design, [str(p) for p in points["parameter"].values]
        kept = np.arange(points.sizes["sample"])
        if there is not None:
            kept = kept[there.kept(design, names, question.groups.values())]
        self.question, self.parameters = question, names
        self.parts = named_parts(names, question.groups) if question.groups else {}
        self.discrete = [n for n, d in zip(names, question.distributions, strict=True) if d.is_discrete]
        self.points = points.isel(sample=kept)
        n = len(kept)
        self.stands_for = "sample" if design is None else represents(design)
        of_groups = question.groups.values()
        self.unit_size = 1 if design is None else unit_size(design, names, of_groups)
        self.replicate = _replicate(design, self.points["sample"].values, self.unit_size)
        weights = None if design is None else design_weights(design, names)
        weights = None if weights is None else weights[kept]
        self.weight = xr.DataArray(np.ones(n) if weights is None else weights, dims="sample")
        self.sd = xr.DataArray([d.natural_sd for d in question.distributions], dims="parameter")
        self.central = _central(points, self.points, there)
        self._seen = _Seen()
        self._moments = DesignMoments(
            Sampling(n, self.unit_size, weights, question.stochastic, self.replicate),
            None if there is None else there.often(),
        )
        numbers = self.points["sample"].values
        if isinstance(design, _NEED_VALUES):
            self.chosen = numbers
        else:
            rng = np.random.default_rng(0)
            self.chosen = numbers[np.sort(rng.permutation(n)[:_MOST_GIVEN])]

    def whole_units(self, most: int) -> np.ndarray:
        """Numbers of at most so many samples, and of one unit of the design at least, at random."""
        numbers = self.points["sample"].values.reshape(-1, self.unit_size)
        order = np.random.default_rng(0).permutation(len(numbers))
        chosen = np.sort(order[: max(most // self.unit_size, 1)])
        return np.asarray(numbers[chosen].ravel())

    @property
    def any_continuous(self) -> bool:
        """Whether there are derivatives by any parameter."""
        return any(name not in self.discrete for name in self.parameters)

    @property
    def n_seeds(self) -> int:
        """Number of seeds; 0 before the first slab."""
        return self._seen.n_seeds

    @property
    def scale(self) -> Magnitudes | None:
        """What estimators see of the size of observables; None before the first slab."""
        return self._seen.scale

    @property
    def precision(self) -> np.dtype:
        """In which the simulation computed."""
        return self._seen.precision

    @property
    def values(self) -> xr.DataArray | None:
        """Values (sample, seed, time, observable) of the chosen samples.

        None before the first slab, and where no estimator needs them.
        """
        return self._seen.values

    def continuous(self) -> Self:
        """The same of the parameters by which there are derivatives, if any; it sees the same slabs."""
        if not self.discrete or not self.any_continuous:
            return self
        kept = [i for i, name in enumerate(self.parameters) if name not in self.discrete]
        part = copy.copy(self)
        of_kept = tuple(self.question.distributions[i] for i in kept)
        part.question = dataclasses.replace(self.question, distributions=of_kept)
        part.parameters = [self.parameters[i] for i in kept]
        # Of a group with a discrete parameter there is no bound.
        part.parts = {
            name: group for name, group in self.parts.items() if set(group) <= set(part.parameters)
        }
        part.points, part.sd = self.points.isel(parameter=kept), self.sd.isel(parameter=kept)
        return part

    @property
    def can_tell_noise(self) -> bool:
        """Whether what varies over the design can be told from noise."""
        return self.n_seeds > 1 or not self.question.stochastic

    @property
    def draw(self) -> np.ndarray:
        """To which independent draw each sample belongs (sample), from 0."""
        return self._moments.design.draw

    @property
    def has_moments(self) -> bool:
        """Whether averages over the samples are averages over the distributions."""
        return self.stands_for != "none" and self.can_tell_noise and self.points.sizes["sample"] > 1

    @functools.cached_property
    def moments(self) -> BothErrors:
        """Moments over the design for resampled samples and for resampled seeds, of all slabs."""
        return BothErrors(self._moments)

    def know(self, scale: Magnitudes, precision: np.dtype) -> None:
        """What the first slab tells of all."""
        self._seen.scale, self._seen.precision = scale, precision

    def add(
        self, value: xr.DataArray, scaled: xr.DataArray, used: xr.DataArray, there: xr.DataArray | None
    ) -> None:
        """Add a slab.

        Args:
            value: (sample, seed, time, observable).
            scaled: Gradients (..., parameter) by parameters in units of their natural sd.
            used: Which entries can be used.
            there: (sample, seed), which pairs are there at all; None: all.
        """
        self._seen.n_seeds = value.sizes["seed"]
        rows = np.searchsorted(self.points["sample"].values, value["sample"].values)
        if self.has_moments:
            self._moments.add(value.assign_coords(sample=rows), scaled, used, there, self.precision)
        if isinstance(self.question.design, _NEED_VALUES) or self.stands_for == "sample":
            chosen = value.isel(sample=np.isin(value["sample"].values, self.chosen))
            self._seen.values = kept_in(self.values, chosen, self.chosen)


def kept_in(together: xr.DataArray | None, part: xr.DataArray, samples: np.ndarray) -> xr.DataArray:
    """What belongs to the samples of a slab, in one array of ``samples``; NaN where nothing was kept."""
    rows = np.searchsorted(samples, part["sample"].values)
    if not len(rows) and together is not None:
        return together
    part = part.drop_vars("sample").transpose("sample", ...)
    if together is None:
        empty = np.full((len(samples), *part.shape[1:]), np.nan)
        together = xr.DataArray(empty, dims=part.dims, coords=part.coords).assign_coords(sample=samples)
    together.values[rows] = part.values
    return together


def _replicate(design: Design | None, numbers: np.ndarray, size: int) -> np.ndarray | None:
    """Of samples with these numbers; of a run with holes some replicates may not be there."""
    n = 1 if design is None else count_replicates(design)
    there, replicate = np.unique(numbers // size % n, return_inverse=True)
    return None if len(there) < FEWEST_REPLICATES else replicate


def _central(all_points: xr.Dataset, points: xr.Dataset, there: There | None) -> int:
    """The central one of the samples; of those with most seeds, if some have fewer."""
    if there is not None:
        seeds = there.seeds[np.isin(all_points["sample"], points["sample"])]
        points = points.isel(sample=seeds == seeds.max())
    return int(points["sample"][central_sample(points["unit_value"].values)])
