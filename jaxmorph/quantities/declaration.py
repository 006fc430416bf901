"""The types of a declaration. What is declared stands beside the formula that computes it."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Kind(enum.StrEnum):
    """What a number is to a reader, in the order in which tables and menus list them.

    A share is one of a variance, between 0 and 1. What is signed has a direction.
    """

    ELASTICITY = "elasticity"
    TOTAL = "total share"
    FIRST = "first-order share"
    CLOSED = "closed share of several"
    SHAPLEY = "share with equal parts of interactions"
    INTERACTION = "share of an interaction"
    BOUND = "upper bound on a total share"
    LOWER_BOUND = "lower bound on a total share"
    SCORE = "score"
    SQUARE = "mean square"
    EFFECT = "effect of a finite step"
    DISTANCE = "distance between distributions"
    SCALED = "scaled derivative"
    SEMI_ELASTICITY = "semi-elasticity"
    DERIVATIVE = "derivative"
    NOISE = "share of noise"
    VALUE = "value"
    VARIANCE = "variance"
    INFORMATION = "information"
    DIRECTION = "direction"
    NUMBER = "number"
    FLAG = "flag"
    LABEL = "label"

    @property
    def is_share(self) -> bool:
        """Whether it is a share of a variance."""
        own = (Kind.TOTAL, Kind.FIRST, Kind.CLOSED, Kind.SHAPLEY)
        bounds = (Kind.BOUND, Kind.LOWER_BOUND)
        return self in (*own, Kind.INTERACTION, *bounds, Kind.NOISE)

    @property
    def is_signed(self) -> bool:
        """Whether it has a direction."""
        return self in (Kind.ELASTICITY, Kind.SCALED, Kind.SEMI_ELASTICITY, Kind.DERIVATIVE)


@dataclass(frozen=True)
class Method:
    """How something is computed; several quantities may share one.

    Attributes:
        title: Its name, as the heading of a paragraph.
        formula: One line; ``_`` and ``^`` are followed by what is below and above the line.
        text: What a reader has to know of it: assumptions, limits.
        source: Where the formula comes from.
    """

    title: str
    formula: str
    text: str
    source: str = ""


class Interval(enum.StrEnum):
    """What an interval is for: its ends, and the parts of the standard error that are known."""

    NONE = "none"
    SEEDS = "seeds"
    SAMPLES_AND_SEEDS = "samples and seeds"


class Needs(enum.StrEnum):
    """Which gradients must miss nothing for an estimate to say something of the whole design."""

    NONE = "none"
    OWN = "that by its parameter"
    ALL = "those by all parameters"


@dataclass(frozen=True)
class Quantity:
    """A variable of a file: what it is, its unit, how it is computed, when there is one.

    Attributes:
        name: Of the variable.
        long_name: What it is, in one phrase.
        unit: A rule for its unit (``jaxmorph.quantities.units``).
        dims: Its dimensions, in order; optional ones are in brackets (``[time]``).
        kind: What it is to a reader.
        method: How it is computed.
        formula: One line for tables, where it says more than that of the method.
        label: Its name in figures, tables and menus; none: it is only in the file.
        short: Its name where there is little room, if not the label.
        reading: What one unit of it says, for a reader.
        stem: What the names of its parts begin with (``gradient_se`` of ``gradient_mean``), if not its
            name.
        interval: What its interval is for.
        error: Largest error that it was seen to have where it has no interval; none: it is not known.
        nested: Whether it is also estimated from nested subsets of the samples and seeds.
        within: Half-width of the interval at which it counts as converged; none: nothing is said.
        relative: Whether that is a share of the largest value over parameters.
        from_gradients: Whether it is made from gradients, and so no better than these.
        needs_complete: Which of these must miss nothing; where one does, there is no number.
        ranks: Whether parameters may be ranked by it, where it is the best there is of its kind or the
            kinds after it.
        of_noise: The quantity that says the same of the noise as one more input.
        tested_by: The quantity that is the p-value of a test of whether it is that of no effect.
        designs: Which designs give it, for the documentation.
        absent: Why it can be missing.
    """

    name: str
    long_name: str
    unit: str = "1"
    dims: tuple[str, ...] = ()
    kind: Kind = Kind.NUMBER
    method: Method | None = None
    formula: str = ""
    label: str = ""
    short: str = ""
    reading: str = ""
    stem: str = ""
    interval: Interval = Interval.NONE
    error: float | None = None
    nested: bool = False
    within: float | None = None
    relative: bool = False
    from_gradients: bool = False
    needs_complete: Needs = Needs.NONE
    ranks: bool = False
    of_noise: str = ""
    tested_by: str = ""
    designs: str = ""
    absent: str = ""

    @property
    def is_share(self) -> bool:
        """Whether it is a share of a variance."""
        return self.kind.is_share

    @property
    def is_signed(self) -> bool:
        """Whether it has a direction."""
        return self.kind.is_signed


_PARTS = {
    "_se": "standard error over seeds of the {}",
    "_low": "lower end of the 95 % interval of the {}",
    "_high": "upper end of the 95 % interval of the {}",
    "_se_samples": "part of the standard error that comes from the choice of samples, of the {}",
    "_se_seeds": "part of the standard error that comes from the noise of the seeds, of the {}",
    "_by_samples": "{}; from the first n_samples samples",
    "_by_seeds": "{}; from the first n_seeds seeds",
}
"""Endings of the names of what belongs to an estimate, and what each is."""


def part_of(name: str) -> tuple[str, str, str] | None:
    """Stem, ending and words of the name of a part (``dgsm_low``); None for the name of no part."""
    for ending in sorted(_PARTS, key=len, reverse=True):  # `_se_seeds` before `_seeds`
        if name.endswith(ending) and len(name) > len(ending):
            return name.removesuffix(ending), ending, _PARTS[ending]
    return None


def _coordinate(name: str, long_name: str, unit: str = "1", *dims: str, label: bool = False) -> Quantity:
    kind = Kind.LABEL if label else Kind.NUMBER
    return Quantity(name, long_name, unit, dims or (name,), kind)


COORDINATES: tuple[Quantity, ...] = (
    _coordinate("sample", "number of the sample in the design"),
    _coordinate("seed", "number of the noise realisation in the run"),
    _coordinate("probability", "probability of the quantile at which a parameter is held"),
    _coordinate("quantile", "probability of the quantile over samples"),
    _coordinate("n_samples", "number of samples of a nested subset"),
    _coordinate("n_seeds", "number of seeds of a nested subset"),
    _coordinate("component", "number of the eigenvector, the largest eigenvalue first"),
    _coordinate("term", "number of the term of an expansion"),
    _coordinate("degree", "degree of a polynomial"),
    _coordinate("record", "rank of the record that is chosen, the best first"),
    _coordinate("parameter", "name of the parameter", label=True),
    _coordinate("parameter_2", "name of the second parameter", label=True),
    _coordinate("group", "name of the group of parameters; of a single one its own", label=True),
    _coordinate("observable", "name of the observable", label=True),
    _coordinate("parameter_unit", "unit of the parameter", "1", "parameter", label=True),
    _coordinate("parameter_description", "what the parameter is", "1", "parameter", label=True),
    _coordinate("parameter_group", "group that the parameter is in", "1", "parameter", label=True),
    _coordinate("observable_unit", "unit of the observable", "1", "observable", label=True),
    _coordinate("observable_description", "what the observable is", "1", "observable", label=True),
    _coordinate(
        "parameter_default", "value of the parameter when it is not varied", "parameter", "parameter"
    ),
    _coordinate(
        "parameter_value",
        "value of the parameter",
        "parameter",
        "[sample]",
        "[start]",
        "[step]",
        "parameter",
    ),
    _coordinate(
        "unit_value",
        "value on the scale of probabilities (cdf of the distribution)",
        "1",
        "sample",
        "parameter",
    ),
)
"""What every file may have, whatever is computed."""
