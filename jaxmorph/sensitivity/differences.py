"""Differences between two runs: estimates of the second minus those of the first, with their errors.

Where both runs have the same points, seeds and random key, each simulation of one has its twin in the
other, and averages are those of the differences between twins: what noise and points do to both alike
is in no difference (common random numbers; Glasserman and Yao, Manag. Sci. 38 (1992) 884-908). Elsewhere
squares of the deviations of both add (Zou and Donner, Stat. Med. 27 (2008) 1693-1702, "MOVER").
"""

from collections.abc import Hashable, Mapping
from typing import TypeVar

import numpy as np
import xarray as xr

from ..quantities import COORDINATES, Interval, Kind, Method, Quantity, describe, part_of
from .average import AVERAGED, MOST_UNDEFINED, parts_of
from .estimator import PAIR, PLACE
from .local import elasticity_bias, finite_pairs, local_estimates
from .question import Question
from .rounding import root_sum_of_squares
from .samples import Samples
from .shared import Shared
from .shared_seeds import Averaged, SharedSeeds
from .two_way import Blocks

COMPARED = (
    *("value_average", "gradient_average", "elasticity_average", "semi_elasticity_average"),
    *("sobol_first", "sobol_total"),
)
"""Estimates of which there are differences."""
RELATIVE = "value_average_relative_difference"
"""The difference of means as a share of the first one."""

DIFFERENCE = Method(
    "Difference between two runs",
    "E_θ E_r[g - f]",
    "Of runs with the same points, seeds and random key, averages are those of the differences between "
    "simulations that share all three, and their interval has both sources of error as that of an "
    "average has. Of other runs, and of Sobol indices, squares of the deviations of both intervals add; "
    "that is too wide where both share their random numbers.",
    "Glasserman and Yao, Manag. Sci. 38 (1992) 884-908; Zou and Donner, Stat. Med. 27 (2008) 1693-1702",
)
_BOTH = Interval.SAMPLES_AND_SEEDS
_UNITS = {
    "value_average": ("mean of the observable", "observable", Kind.VALUE),
    "gradient_average": ("average gradient", "observable parameter^-1", Kind.DERIVATIVE),
    "elasticity_average": ("average elasticity", "1", Kind.ELASTICITY),
    "semi_elasticity_average": ("average semi-elasticity", "observable", Kind.SEMI_ELASTICITY),
    "sobol_first": ("first-order Sobol index", "1", Kind.FIRST),
    "sobol_total": ("total Sobol index", "1", Kind.TOTAL),
}


def _declared(name: str, ending: str, words: str) -> Quantity:
    what, unit, kind = _UNITS[name]
    dims = PLACE if name == "value_average" else PAIR
    first = "other" if ending else "run"
    method = DIFFERENCE if ending else None
    return Quantity(
        f"{name}{ending}", words.format(what), unit, (first, *dims), kind, method, interval=_BOTH
    )


QUANTITIES = (
    Quantity(
        "elasticity_unsuited",
        "whether averaged elasticities say neither size nor direction",
        "1",
        ("run", "observable"),
        Kind.FLAG,
    ),
    Quantity(
        "gradient_flagged",
        "whether gradients are not to be trusted",
        "1",
        ("run", "observable", "parameter"),
        Kind.FLAG,
    ),
    Quantity("run", "name of the run", "1", ("run",), Kind.LABEL),
    Quantity("other", "name of the run that is compared with the first", "1", ("other",), Kind.LABEL),
    *(_declared(name, "", "{}") for name in COMPARED),
    *(_declared(name, "_difference", "{} minus that of the first run") for name in COMPARED),
    Quantity(
        RELATIVE,
        "mean of the observable minus that of the first run, as a share of that",
        "1",
        ("other", *PLACE),
        Kind.NUMBER,
        DIFFERENCE,
        formula="E_θ E_r[g] / E_θ E_r[f] - 1",
        interval=_BOTH,
    ),
)
"""What a comparison has."""

_Data = TypeVar("_Data", xr.Dataset, xr.DataArray)
_RATIO = "ratio"
_ENDS = ("_low", "_high")
_FLAGS = ("elasticity_unsuited", "gradient_flagged")
_AXES = ("time", "observable", "parameter")
_TEXTS = ("observable_unit", "observable_description", "parameter_unit", "parameter_description")


class PairedDifferences:
    """Takes the slabs of two runs whose simulations are twins, and keeps sums alone.

    Args:
        points: ``parameter_value`` and ``unit_value`` (sample, parameter) of the first and the second.
        questions: What is known of each.
        shared: What they have in common.
        averages: ``value_average`` (time, observable) of each, at what they have in common: a ratio of
            means is made linear there.
    """

    def __init__(
        self,
        points: tuple[xr.Dataset, xr.Dataset],
        questions: tuple[Question, Question],
        shared: Shared,
        averages: tuple[xr.DataArray, xr.DataArray],
    ):
        first, second = (Samples(p, q, None) for p, q in zip(points, questions, strict=True))
        self._samples, self._shared = first, shared
        self._discrete = (first.discrete, second.discrete)
        self._parameters = tuple(
            name for name in shared.parameters if name not in (*first.discrete, *second.discrete)
        )
        self._time = averages[0]["time"]
        self._by, self._ratio = _size_and_ratio(*(_at_places(a) for a in averages))
        size, n = first.unit_size, first.points.sizes["sample"]
        blocks = Blocks(first.draw) if first.stands_for == "sample" and n > size else None
        stochastic = any(question.stochastic for question in questions)
        self._sums = SharedSeeds(blocks, stochastic)

    def add(self, first: xr.Dataset, second: xr.Dataset) -> None:
        """Add the same samples of both runs, with all of their seeds.

        Args:
            first: ``value``, ``gradient`` and ``parameter_value`` of the first run.
            second: Those of the second.
        """
        sides = [self._of_side(i, slab) for i, slab in enumerate((first, second))]
        used = sides[0]["used"] & sides[1]["used"]
        one, other = (_parts(side, used) for side in sides)
        parts = {name: _between(one[name], other[name]) for name in one}
        parts[_RATIO] = _between(one["value"], other["value"], self._ratio, self._by)
        rows = np.searchsorted(self._samples.points["sample"].values, first["sample"].values)
        self._sums.add(parts, self._samples.weight.isel(sample=rows), rows)

    def finish(self) -> xr.Dataset:
        """``<estimate>_difference`` of averages, with both errors and the ends of the interval."""
        found: dict[str, xr.DataArray] = {}
        for name in AVERAGED if self._parameters else ("value",):
            average = self._sums.average(name)
            if name == "elasticity":
                average = average.where(self._sums.share(name, "value") >= 1 - MOST_UNDEFINED)
            found |= self._sums.estimate(name, f"{name}_average_difference", average)
        moved = self._ratio - 1 + self._sums.average(_RATIO)
        found |= self._sums.estimate(_RATIO, RELATIVE, moved)
        made = xr.Dataset(found).assign_coords(time=self._time)
        return made.reindex(parameter=list(self._shared.parameters))

    def _of_side(self, side: int, slab: xr.Dataset) -> xr.Dataset:
        """What is compared of a slab, in double precision, and which of it can be used."""
        texts = [name for name in slab.coords if name not in slab.dims]
        slab = slab[["value", "gradient", "parameter_value"]].drop_vars(texts).astype(float)
        kept = [p for p in slab["parameter"].values if p not in self._discrete[side]]
        continuous = slab.sel(parameter=kept)
        used = finite_pairs(continuous["value"], continuous["gradient"])
        part = self._shared.part(side, slab.assign(used=used))
        return _at_places(part.sel(parameter=list(self._parameters)))


def unpaired(first: xr.Dataset, second: xr.Dataset) -> xr.Dataset:
    """Differences of the estimates of two runs, whose intervals are taken for independent.

    Args:
        first: Estimates of the first run with their intervals, where it has some.
        second: Those of the second, at the same places.
    """
    found: dict[str, xr.DataArray] = {}
    one = xr.ones_like(first["value_average"])
    for name in (n for n in COMPARED if n in first and n in second):
        value = second[name] - first[name]
        found |= _added(f"{name}_difference", value, (first, second), name, (-one, one))
    by, ratio = _size_and_ratio(first["value_average"], second["value_average"])
    scales = (-ratio / by, 1 / by)  # the ratio is made linear
    return xr.Dataset(found | _added(RELATIVE, ratio - 1, (first, second), "value_average", scales))


def _added(
    name: str,
    value: xr.DataArray,
    runs: tuple[xr.Dataset, xr.Dataset],
    of: str,
    scales: tuple[xr.DataArray, xr.DataArray],
) -> dict[str, xr.DataArray]:
    """``value`` with the ends of its interval: squares of the deviations of both, scaled, add.

    Args:
        name: What it is called.
        value: A sum of the estimates of both.
        runs: Their estimates.
        of: The estimate.
        scales: By what the deviations of each count; those of a negative one change places.
    """
    if not all(f"{of}{end}" in run for run in runs for end in _ENDS):
        return {name: value}
    down: xr.DataArray | float = 0.0
    up: xr.DataArray | float = 0.0
    for run, scale in zip(runs, scales, strict=True):
        below, above = run[of] - run[f"{of}_low"], run[f"{of}_high"] - run[of]
        down = down + (scale * below.where(scale > 0, above)) ** 2
        up = up + (scale * above.where(scale > 0, below)) ** 2
    return {name: value, f"{name}_low": value - down**0.5, f"{name}_high": value + up**0.5}


def differences(
    first: xr.Dataset, second: xr.Dataset, shared: Shared, paired: xr.Dataset | None = None
) -> xr.Dataset:
    """All differences between two runs, at what they have in common.

    There is none where one of the two has no estimate, and no relative one where the first mean is not
    told from zero.

    Args:
        first: Estimates of the first run, (time, observable, parameter) or fewer axes.
        second: Those of the second.
        shared: What they have in common.
        paired: What :class:`PairedDifferences` gave; None: they are not twins.
    """
    parts = [shared.part(side, compared(data)) for side, data in enumerate((first, second))]
    one, other = (part.drop_vars(_texts(part)) for part in parts)
    other = other.assign_coords(time=one["time"])
    found = unpaired(one, other)
    if paired is not None:
        found = found.drop_vars([name for name in found if _stem(name) in paired]).merge(paired)
    for name in map(str, found.data_vars):
        of = _stem(name).removesuffix("_difference").removesuffix("_relative")
        found[name] = found[name].where(one[of].notnull() & other[of].notnull())
        if _stem(name) == RELATIVE:
            found[name] = found[name].where(_told_from_zero(one))
    return found


def comparison(
    runs: Mapping[str, xr.Dataset], pairs: Mapping[str, tuple[Shared, xr.Dataset]]
) -> xr.Dataset:
    """Estimates of several runs, and their differences from the first.

    Args:
        runs: Estimates of each, by name, the first one first.
        pairs: Of each other run, what it shares with the first, and its :func:`differences`.

    Returns:
        Estimates with the axis ``run`` before (time, observable, parameter), differences with ``other``.
    """
    names = list(runs)
    first = runs[names[0]]
    at = {
        dim: [one for one in first[dim].values if any(one in found[dim] for _, found in pairs.values())]
        for dim in _AXES
    }
    values = [first.drop_vars(_texts(first))]
    for name, (shared, found) in pairs.items():
        part = shared.part(1, runs[name])
        values.append(part.drop_vars(_texts(part)).assign_coords(time=found["time"]))
    together = xr.concat(
        [data.reindex(at) for data in values],
        xr.Variable("run", names),
        data_vars="all",
        join="exact",
        combine_attrs="drop",
    )
    between = xr.concat(
        [found.reindex(at) for _, found in pairs.values()],
        xr.Variable("other", list(pairs)),
        data_vars="all",
        join="exact",
    )
    for flag in (one for one in _FLAGS if one in together):
        together[flag] = together[flag].fillna(0).astype(bool)
    kept = xr.merge([together, between], join="exact").reindex(at)
    for text in _texts(first):
        dim = str(first[text].dims[0])
        kept = kept.assign_coords(
            {text: first[text].drop_vars(_texts(first), errors="ignore").sel({dim: at[dim]})}
        )
    made = describe(kept.transpose("run", "other", *_AXES), (*COORDINATES, *QUANTITIES))
    made["time"].attrs = first["time"].attrs
    return made


def compared(data: xr.Dataset) -> xr.Dataset:
    """The estimates that are compared, with their intervals, of all that a run has.

    Args:
        data: ``sensitivity.nc`` of a run. Averages over the design (time, observable, parameter) stay.
    """
    wanted = [f"{name}{end}" for name in COMPARED for end in ("", *_ENDS)]
    kept = data[[name for name in wanted if name in data]]
    return kept.drop_vars([n for n in kept.coords if n not in (*kept.dims, *_TEXTS)])


def _texts(data: xr.Dataset) -> list[str]:
    """Its units and descriptions."""
    return [name for name in _TEXTS if name in data.coords]


def _told_from_zero(one: xr.Dataset) -> xr.DataArray:
    """Where the mean of a run is not zero, as far as its interval tells."""
    if "value_average_low" not in one:
        return one["value_average"] != 0
    return (one["value_average_low"] > 0) | (one["value_average_high"] < 0)


def _stem(name: Hashable) -> str:
    """The name of an estimate without the ending of a part."""
    found = part_of(str(name))
    return str(name) if found is None else found[0]


def _parts(side: xr.Dataset, used: xr.DataArray) -> dict[str, Averaged]:
    value, gradient = side["value"].where(used), side["gradient"].where(used)
    theta = side["parameter_value"]
    local = local_estimates(value, gradient, theta)
    bias = elasticity_bias(value, gradient, theta, local["elasticity"])
    return parts_of(value, gradient, theta, local.assign(elasticity=local["elasticity"] - bias))


def _between(
    one: Averaged, other: Averaged, ratio: xr.DataArray | float = 1.0, by: xr.DataArray | float = 1.0
) -> Averaged:
    """The second, less ``ratio`` times the first, in units of ``by``."""
    deviation = (other.deviation - ratio * one.deviation) / by
    n = deviation.notnull().sum("seed")
    several = n.where(n > 1)
    se = root_sum_of_squares(deviation, "seed") / (several - 1) ** 0.5 / several**0.5
    return Averaged((other.mean - ratio * one.mean) / by, deviation, se)


def _size_and_ratio(first: xr.DataArray, second: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    """The first mean, where it is not zero, and the second in units of it."""
    by = first.where(first != 0)
    return by, second / by


def _at_places(data: _Data) -> _Data:
    """Without times, units and descriptions: what two runs share lies at the same places."""
    return data.drop_vars(["time", *_TEXTS], errors="ignore")
