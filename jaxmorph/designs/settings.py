"""The settings of each design, and what follows from them without making its points."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, ClassVar, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    FailFast,
    Field,
    field_validator,
    model_validator,
)

from ..distributions import Distribution

MAX_SAMPLES = 2**30
"""scipy's Sobol sequence has 30 bits; no run comes near it."""
MAX_SEED = 2**63 - 1
"""What every library takes as the seed of a design."""
MAX_LISTED = 1_000_000
"""Points of a list; more are a design of another kind."""
FEWEST_REPLICATES = 4
"""Fewer scrambles do not tell how they spread."""
FEWEST_OF_EACH = 32
"""Fewer points of a sequence leave products of several parameters less even than random points are."""


Groups = Collection[Collection[str]]
"""Names of the parameters of each group."""


class _Design(BaseModel):
    """One kind of design, and what is said of it.

    Attributes:
        in_words: What its points are.
        unit: What it is a number of: samples, or groups of them.
        is_power_of_two: Whether that number must be one.
        moves_groups: Whether the parameters of a group move together.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
    in_words: ClassVar[str]
    unit: ClassVar[str] = "samples"
    is_power_of_two: ClassVar[bool] = False
    moves_groups: ClassVar[bool] = False

    def points_of_unit(self, n_parts: int) -> int:
        """How many points each of its units has, of so many parameters (or groups that it moves)."""
        del n_parts
        return 1


def _check_power_of_two(samples: int) -> int:
    below = 1 << (samples.bit_length() - 1)
    if samples != below:
        raise ValueError(f"must be a power of two; the nearest are {below} and {2 * below}")
    return samples


_PowerOfTwo = Annotated[int, Field(ge=2, le=MAX_SAMPLES), AfterValidator(_check_power_of_two)]


def _check_replicates(replicates: int) -> int:
    if replicates > FEWEST_REPLICATES:
        _check_power_of_two(replicates)
    if 1 < replicates < FEWEST_REPLICATES:
        raise ValueError(f"must be 1, or {FEWEST_REPLICATES} or more: fewer do not tell an error")
    return replicates


_Replicates = Annotated[
    int,
    Field(
        ge=1,
        le=MAX_SAMPLES,
        description="number of independent scrambles that take turns, a power of two, 4 or more: 95 % "
        "intervals are then from the spread between them, and credit how even the sequences are; 1: "
        "samples count as independent, and intervals are too wide",
    ),
    AfterValidator(_check_replicates),
]


class _Sequence(_Design):
    """A design made from a scrambled Sobol sequence, or from several of them."""

    is_power_of_two = True

    @model_validator(mode="after")
    def _enough_of_each(self) -> Self:
        replicates: int = getattr(self, "replicates", 1)
        enough = FEWEST_OF_EACH * replicates
        samples: int = getattr(self, "samples", enough)
        if replicates > 1 and samples < enough:
            raise ValueError(
                f"samples must be at least {enough} for {replicates} replicates, got {samples}"
            )
        return self


class SobolDesign(_Sequence):
    """Scrambled Sobol sequence. It can grow: the first 64 of 128 samples are the same 64.

    With `replicates: 8` it is eight sequences that take turns, each with its own scrambling.
    """

    in_words = "a Sobol sequence"
    method: Literal["sobol"] = "sobol"
    samples: _PowerOfTwo = Field(64, description="number of samples, a power of two")
    seed: int = Field(0, ge=0, le=MAX_SEED, description="seed of the scrambling")
    replicates: _Replicates = 1


class SaltelliDesign(_Sequence):
    """Points for Sobol indices: two Sobol samples, and mixtures that differ in one parameter.

    With D parameters a base sample has D + 2 points, with `second_order` 2 D + 2. Parameters of a group
    count as one. It can grow as `sobol` can. The parameters must be independent.
    """

    in_words = "a Saltelli design"
    unit = "base samples"
    moves_groups = True
    method: Literal["saltelli"] = "saltelli"
    samples: _PowerOfTwo = Field(
        64,
        description="number of base samples, a power of two; each has D + 2 points for D parameters",
    )
    second_order: bool = Field(
        False,
        description="whether there are points for the indices of pairs, too: 2 D + 2 for a base sample",
    )
    seed: int = Field(0, ge=0, le=MAX_SEED, description="seed of the scrambling")
    replicates: _Replicates = 1

    def points_of_unit(self, n_parts: int) -> int:
        return (2 if self.second_order else 1) * n_parts + 2


class LatinHypercubeDesign(_Design):
    """Latin hypercube: each parameter has one sample in each of `samples` equally likely bins."""

    in_words = "a Latin hypercube"
    method: Literal["latin-hypercube"] = "latin-hypercube"
    samples: int = Field(64, ge=2, le=MAX_SAMPLES, description="number of samples")
    seed: int = Field(0, ge=0, le=MAX_SEED, description="seed of the random points")


class MorrisDesign(_Design):
    """Trajectories for Morris screening: each changes one parameter after another, by one step.

    With D parameters a trajectory has D + 1 points. Parameters of a group move at once and count as
    one. It can grow: the first 8 of 16 trajectories are the same 8. The parameters must be independent.
    """

    in_words = "Morris trajectories"
    unit = "trajectories"
    moves_groups = True
    method: Literal["morris"] = "morris"
    trajectories: int = Field(16, ge=2, le=MAX_SAMPLES, description="number of trajectories")
    levels: int = Field(
        4,
        ge=2,
        le=2**20,
        description="number of levels of a parameter, even: equally spaced probabilities from 0 to 1, "
        "or from 5 to 95 % where the distribution is unbounded; a step is half of the levels",
    )
    seed: int = Field(0, ge=0, le=MAX_SEED, description="seed of the trajectories")

    def points_of_unit(self, n_parts: int) -> int:
        return n_parts + 1

    @field_validator("levels")
    @classmethod
    def _even(cls, levels: int) -> int:
        if levels % 2:
            raise ValueError(f"must be even; the nearest are {levels - 1} and {levels + 1}")
        return levels


class FastDesign(_Design):
    """Search curves of the extended Fourier amplitude sensitivity test, one a parameter.

    The parameters must be independent.
    """

    in_words = "a FAST design"
    unit = "samples a parameter"
    method: Literal["fast"] = "fast"
    samples: int = Field(
        129,
        ge=2,
        le=MAX_SAMPLES,
        description="number of points for each parameter, 4 x `harmonics`^2 + 1 or more",
    )
    harmonics: int = Field(
        4, ge=1, le=2**10, description="number of harmonics that are summed; more need more samples"
    )
    seed: int = Field(0, ge=0, le=MAX_SEED, description="seed of the phases")

    def points_of_unit(self, n_parts: int) -> int:
        return n_parts

    @model_validator(mode="after")
    def _enough(self) -> Self:
        enough = 4 * self.harmonics**2 + 1
        if self.samples < enough:
            raise ValueError(
                f"samples must be at least {enough} for {self.harmonics} harmonics, got {self.samples}"
            )
        return self


_Points = Annotated[int, Field(ge=2)]


class OneAtATimeDesign(_Design):
    """The medians, then each parameter in turn from low to high with all others at their medians."""

    in_words = "a one-at-a-time design"
    method: Literal["one-at-a-time"] = "one-at-a-time"
    points: _Points = Field(
        5,
        le=MAX_SAMPLES,
        description="number of points for each parameter: equally spaced probabilities from 0 to 1, "
        "or from 5 to 95 % where the distribution is unbounded",
    )


class GridDesign(_Design):
    """Full grid, evenly spaced (log-uniform: on the logarithm); the first parameter is slowest."""

    in_words = "a full grid"
    method: Literal["grid"] = "grid"
    points: _Points | dict[str, _Points] = Field(
        5,
        description="number of points, one number for all parameters or one for each "
        "(`{epsilon: 5, alpha: 7}`), 2 or more",
    )

    @field_validator("points", mode="before")
    @classmethod
    def _counts(cls, points: object) -> object:
        counts = points if isinstance(points, Mapping) else {"every parameter": points}
        for name, count in counts.items():
            if type(name) is not str or type(count) is not int:
                raise ValueError("must be a whole number, or one for each parameter")
            if count < 2:
                raise ValueError(f"a grid needs 2 or more points per parameter; {name} has {count}")
        return points

    def shape(self, parameters: Sequence[str]) -> tuple[int, ...]:
        """Number of points along each of ``parameters``."""
        if isinstance(self.points, int):
            return (self.points,) * len(parameters)
        return tuple(self.points[name] for name in parameters)


class ListDesign(_Design):
    """The points that are listed, in their order."""

    in_words = "a list"
    method: Literal["list"] = "list"
    points: Annotated[tuple[dict[str, float], ...], Field(strict=False), FailFast()] = Field(
        min_length=1,
        max_length=MAX_LISTED,
        description="the points, each with a number for each parameter (`{epsilon: 1, alpha: 2}`)",
    )


_Any = (
    SobolDesign
    | LatinHypercubeDesign
    | SaltelliDesign
    | MorrisDesign
    | FastDesign
    | OneAtATimeDesign
    | GridDesign
    | ListDesign
)
Design = Annotated[_Any, Field(discriminator="method")]
"""Any of them; the key ``method`` says which."""
DESIGNS: dict[str, type[_Design]] = {one.model_fields["method"].default: one for one in get_args(_Any)}
"""Their classes by the values of ``method``."""


def replicates(design: Design) -> int:
    """Number of independent sequences that take turns, group of samples by group; 1: samples are one."""
    return design.replicates if isinstance(design, SobolDesign | SaltelliDesign) else 1


def represents(design: Design) -> Literal["sample", "quadrature", "none"]:
    """How an average over the samples stands for one over the parameters' distributions.

    ``sample``: each sample is a draw from the distributions, and their plain average is the estimate
    (for a list, that is the user's word). ``quadrature``: the average needs ``design_weights``.
    ``none``: the samples are not spread like the distributions.
    """
    match design:
        case GridDesign():
            return "quadrature"
        case MorrisDesign() | OneAtATimeDesign():
            return "none"
        case _:
            return "sample"


def fast_obstacle(distributions: Mapping[str, Distribution]) -> str | None:
    """Why FAST gives no index for these ``distributions``, or None if it does.

    The few harmonics of a search curve that are counted leave out a part of every step.
    """
    for name, distribution in distributions.items():
        if distribution.is_discrete:
            return (
                f"a fast design leaves out what jumps, and {name} is {distribution.distribution}: use "
                "saltelli"
            )
    return None


def grid_obstacle(distributions: Mapping[str, Distribution]) -> str | None:
    """Why a grid over ``distributions`` is impossible, or None if it is possible."""
    for name, distribution in distributions.items():
        if not distribution.is_even:
            return (
                "a grid needs a uniform or log-uniform distribution for every parameter; "
                f"{name} is {distribution.distribution}"
            )
    return None
