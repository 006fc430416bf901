"""The optimisation of a run: objective, free parameters, optimiser, starts, stopping rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from ..designs import Design, ListDesign, SobolDesign, count_samples, grid_obstacle
from .fields import (
    AllOrNames,
    ConfigurationModel,
    Scalar,
    hint,
)
from .fits import check_names, discrete_obstacle
from .limits import MAX_COUNT, MAX_STEPS
from .optimisers import (
    OPTIMISERS,
    REQUIRED,
    SCHEDULES,
    WITHOUT_LEARNING_RATE,
    WITHOUT_SCHEDULE,
)
from .terms import FILES_MUST_EXIST, Target, Term, TimeCourse


class _OfOptax(ConfigurationModel):
    """What Optax has under a name, with settings for its arguments."""

    what: ClassVar[str]
    known: ClassVar[Mapping[str, tuple[str, ...]]]
    """Arguments by name."""

    @field_validator("name", check_fields=False)
    @classmethod
    def _is_known(cls, name: str) -> str:
        if name not in cls.known:
            raise ValueError(f"unknown {cls.what}; {hint(name, cls.known)}")
        return name

    @field_validator("settings", check_fields=False)
    @classmethod
    def _fit(cls, settings: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        arguments = cls.known.get(info.data.get("name", ""), tuple(settings))
        for setting in settings:
            if setting not in arguments:
                near = hint(setting, arguments) if arguments else "it has none"
                raise ValueError(f"the {cls.what} {info.data['name']} has no setting {setting}; {near}")
        return settings


class Schedule(_OfOptax):
    """How the learning rate changes from step to step, by a schedule of Optax."""

    what = "schedule"
    known = SCHEDULES

    name: str = Field(description="its name in Optax, such as `cosine_decay_schedule`")
    settings: dict[str, Scalar] = Field(default_factory=dict, description="its arguments")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if missing := [name for name in REQUIRED[self.name] if name not in self.settings]:
            raise ValueError(f"the schedule {self.name} needs the settings {', '.join(missing)}")
        return self


class Optimiser(_OfOptax):
    """Any optimiser of Optax."""

    what = "optimiser"
    known = OPTIMISERS

    name: str = Field(
        "adam",
        description="its name in Optax, such as `adam` or `sgd`; `lbfgs` (with its zoom line search) "
        "for a loss without noise: a deterministic study, or fixed seeds",
    )
    learning_rate: float | None = Field(
        None,
        gt=0,
        description="length of a step on the unconstrained scale of the parameters; 0.01 if neither it "
        "nor a schedule is given",
    )
    schedule: Schedule | None = Field(None, description="instead of one learning rate")
    settings: dict[str, Scalar] = Field(
        default_factory=dict, description="its other arguments, such as `b1`"
    )

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if self.learning_rate is not None and self.schedule is not None:
            raise ValueError("has a learning_rate and a schedule; give one of them")
        if self.learning_rate is not None and self.name in WITHOUT_LEARNING_RATE:
            raise ValueError(f"{self.name} finds the length of a step itself; leave out learning_rate")
        if self.schedule is not None and self.name in WITHOUT_SCHEDULE:
            raise ValueError(f"{self.name} takes no schedule; leave it out")
        return self


class Stop(ConfigurationModel):
    """When a start ends before its last step; of rules that are not given, none applies.

    With fresh seeds the rules look at exponential averages of loss and gradient over about `patience`
    steps, else at the last ones.
    """

    loss: float | None = Field(None, description="the loss is at most this")
    gradient_norm: float | None = Field(
        None, gt=0, description="the norm of the gradient, on the unconstrained scale, is at most this"
    )
    tolerance: float | None = Field(
        None, gt=0, description="the loss has not fallen by more than this in `patience` steps"
    )
    patience: int = Field(20, ge=1, le=MAX_STEPS, description="a number of steps")

    @model_validator(mode="after")
    def _has_a_rule(self, info: ValidationInfo) -> Self:
        if info.context != FILES_MUST_EXIST:  # of a run that was made before
            return self
        default = type(self).model_fields["patience"].default
        if self.patience != default and self.loss is self.gradient_norm is self.tolerance is None:
            raise ValueError("patience alone stops nothing; give tolerance, loss or gradient_norm, too")
        return self


class Refine(ConfigurationModel):
    """The finish of a calibration, from where each start ended: damped Gauss-Newton steps.

    They have seeds that no other step and no measurement has, the same for all of them and all starts.
    """

    seeds: int = Field(
        256,
        ge=4,
        le=MAX_COUNT,
        description="noise realisations; theirs is the noise that is left in the parameters",
    )
    steps: int = Field(
        10,
        ge=1,
        le=MAX_STEPS,
        description="steps of each start, at most; four or five are usually enough",
    )


def _refined_by_default(block: dict[str, Any]) -> Refine | None:
    """Calibrations by data, whose fresh seeds leave the ends of paths around the minimum."""
    terms = block.get("objective", ())
    of_data = all(isinstance(term, Target | TimeCourse) for term in terms)
    return Refine() if of_data and block.get("fresh", True) else None


class Optimise(ConfigurationModel):
    """Finding parameters that meet an objective; the run's sensitivity analysis goes on as before."""

    objective: Annotated[tuple[Term, ...], Field(strict=False)] = Field(
        min_length=1, description="terms whose weighted sum is minimised: the loss"
    )
    free: AllOrNames = Field(
        "all",
        description="the word `all`, or those of the run's parameters that are optimised, each within "
        "its distribution's bounds; the others stay at their medians",
    )
    optimiser: Optimiser = Field(Optimiser(), description="how a step is made")
    starts: Design = Field(
        SobolDesign(samples=8),
        description="where the optimisation starts: a design over the free parameters",
    )
    starts_per_job: int = Field(
        64, ge=1, le=MAX_COUNT, description="so many starts advance together, as one vectorised program"
    )
    seeds_per_step: int = Field(
        8, ge=1, le=MAX_COUNT, description="noise realisations of each start in a step"
    )
    fresh: bool = Field(
        True,
        description="whether each step has seeds of its own; if not, all have the same, and the loss is "
        "that of these seeds",
    )
    steps: int = Field(1000, ge=1, le=MAX_STEPS, description="steps of each start, at most")
    stop: Stop = Field(Stop(), description="when a start ends earlier")
    refine: Refine | None = Field(
        default_factory=_refined_by_default,
        description="how a calibration is finished, for objectives of data alone (targets, time "
        "courses): by default with the values below, if seeds are fresh; `null`: not at all",
    )
    evaluation_seeds: int = Field(
        64,
        ge=4,
        le=MAX_COUNT,
        description="noise realisations, none of which was optimised on, for everything that is said of "
        "the result",
    )

    @field_validator("refine")
    @classmethod
    def _of_data(cls, refine: Refine | None, info: ValidationInfo) -> Refine | None:
        for i, term in enumerate(info.data.get("objective", ())):
            if refine is not None and not isinstance(term, Target | TimeCourse):
                raise ValueError(
                    f"needs an objective of data alone (target, time-course); objective[{i}] is to "
                    f"{term.goal} {term.observable}; leave it out"
                )
        return refine

    def free_of(self, parameters: tuple[str, ...]) -> tuple[str, ...]:
        """The free ones of the run's parameters, in the run's order."""
        return tuple(p for p in parameters if self.free == "all" or p in self.free)

    def check_parameters(self, parameters: dict[str, Any]) -> None:
        """Raises ValueError unless the free parameters and the starts fit the run's ``parameters``."""
        for name in () if self.free == "all" else self.free:
            if name not in parameters:
                raise ValueError(f"free: {name} is not varied by the run; {hint(name, parameters)}")
        free = self.free_of(tuple(parameters))
        if isinstance(self.starts, ListDesign):
            for index, point in enumerate(self.starts.points):
                check_names(f"starts.points[{index}]", point, free, "which is not free")
        known = {name: parameters[name] for name in free if parameters[name] != "default"}
        # The study's own distributions are not known yet; the first job checks them.
        if (obstacle := discrete_obstacle(known)) is not None:
            raise ValueError(f"free: {obstacle}")
        if self.starts.method == "grid" and (obstacle := grid_obstacle(known)) is not None:
            raise ValueError(f"starts: {obstacle}")

    def n_starts(self, parameters: tuple[str, ...]) -> int:
        """The number of starts."""
        return count_samples(self.starts, self.free_of(parameters))

    def jobs(self, parameters: tuple[str, ...]) -> dict[str, range]:
        """The starts of each job, by its name."""
        n, size = self.n_starts(parameters), self.starts_per_job
        return {f"{i // size:03d}": range(i, min(i + size, n)) for i in range(0, n, size)}

    @property
    def data_files(self) -> list[str]:
        """The files that the objective is held against."""
        return [term.data for term in self.objective if isinstance(term, TimeCourse)]
