"""The mappings inside a run, and the keys with a few choices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from .fields import ConfigurationModel, Indices, LastOrTime
from .gradient_estimators import GRADIENT_ESTIMATORS
from .limits import MAX_COUNT

GradientSetting = Literal["auto", "forward", "reverse"]
if TYPE_CHECKING:
    Estimator = str
else:
    Estimator = Literal[tuple(GRADIENT_ESTIMATORS)]


LINE_ROUNDS = 20
"""So often as many points as one line has are added to all lines together, at most."""
LINE_ROUNDS_ON_AVERAGE = 10
"""The same where the gradients of all seeds count together."""
ON_AVERAGE = 8
"""So many times as many seeds are on lines where the gradients of all of them count together."""


class Trajectories(ConfigurationModel):
    """The simulations whose full history is stored: each of `samples` at each of `seeds`."""

    samples: Indices = Field((0,), description="samples, counted from 0; may be empty")
    seeds: Indices = Field((0,), description="seeds, counted from 0; may be empty")


class Animation(ConfigurationModel):
    """How the animations show cells; changing it simulates nothing again."""

    colour: str = Field(
        "type",
        min_length=1,
        description="what colours the cells: `type`, `radius`, or another state variable of the study "
        "(one of several columns as `chemical[0]`; of a vector in space, its length)",
    )
    observable: str | None = Field(
        None,
        description="the observable whose course is drawn beside the cells; if not given, the first",
    )


class Checks(ConfigurationModel):
    """Finite differences against automatic gradients, and lines on which gradients must explain values.

    The random numbers are the same at all points.
    """

    samples: int = Field(4, ge=0, le=MAX_COUNT, description="samples to check, at most; 0 for no check")
    seeds: int = Field(2, ge=1, le=MAX_COUNT, description="seeds to check at each of them, at most")
    step: float = Field(
        1.0e-3,
        gt=0,
        lt=1,
        description="step of the difference, as a share of the parameter's standard deviation",
    )
    line_points: int = Field(
        7,
        ge=5,
        le=MAX_COUNT,
        description="points of the line of each parameter through the central sample; where gradients "
        "do not explain how values change, up to 20 times as many more for all lines together",
    )
    line_seeds: int = Field(
        8,
        ge=1,
        le=MAX_COUNT,
        description="seeds on the lines, at most; of gradients right on average alone (`score`, "
        "`smoothed`) eight times as many, and half as many more points",
    )

    def lines(self, estimator: str, seeds: int) -> tuple[int, int]:
        """Seeds on the lines of a run with so many, and how often points may be added to all lines."""
        if GRADIENT_ESTIMATORS[estimator].is_complete:
            return min(self.line_seeds, seeds), LINE_ROUNDS
        return min(ON_AVERAGE * self.line_seeds, seeds), LINE_ROUNDS_ON_AVERAGE


class TimeSummary(ConfigurationModel):
    """A summary over time of an observable; to add one simulates nothing again."""

    of: str = Field(description="the observable")
    take: Literal["maximum", "minimum", "integral", "time of maximum"] = Field(
        description="what is taken of its recorded values: the largest or smallest, the integral over "
        "time (trapezoidal rule), or the time of the largest (of the parabola through it and its "
        "neighbours)",
    )


class Findings(ConfigurationModel):
    """What findings, rankings and figures of one time are of; changing it estimates nothing again."""

    time: LastOrTime = Field(
        "last",
        description="the time, in the study's unit, at which they are stated (the nearest recorded "
        "one); or `last`, the last recorded time",
    )


class Estimates(ConfigurationModel):
    """What the estimates are asked for; changing it simulates nothing again."""

    signal_to_noise: float = Field(
        3.0,
        gt=0,
        description="wanted ratio of a mean gradient to its standard error; the estimates say how many "
        "seeds it needs",
    )
    trim: float = Field(
        0.1,
        ge=0,
        lt=0.5,
        description="share of the seeds that a trimmed mean leaves out at either end",
    )
