"""What each job is to do: everything that decides its numbers, and nothing else.

A run makes the specification of each of its jobs (``specify.py``), as plain values in Snakemake's
``params``, and the job makes it a model again (``from_plain``). No field has a default: what is
forgotten is an error. A job whose specification is as it was is not done again, so that a field which
decides nothing must not be here.
"""

from __future__ import annotations

from ..designs import Correlation, Design, shortest_design
from .fields import AllOrNames, ConfigurationModel, Names, ParameterDistribution, Scalar
from .identity import Identity
from .optimise import Optimiser, Refine, Stop
from .sections import Checks, Estimator, GradientSetting, Trajectories
from .terms import Term

_Range = tuple[int, int]
"""First number, and the one after the last."""


class ModelSpecification(ConfigurationModel):
    """What decides the observables of one simulation at given parameter values.

    Attributes:
        study: As the configuration names it.
        settings: Those of the study that differ from its defaults, by name.
        parameters: Those that vary, each with its distribution or the word ``default``, in the order of
            the columns of a design.
        fixed: Values of other parameters, by name.
        observables: The word ``all``, or names.
        key: The run's random key.
        code: Digest of the code that decides the numbers.
        data_digests: Of the files that decide them, too, by name.
    """

    study: str
    settings: dict[str, Scalar]
    parameters: tuple[tuple[str, ParameterDistribution], ...]
    fixed: dict[str, float]
    observables: AllOrNames
    key: int
    code: str
    data_digests: dict[str, str]

    @property
    def identity(self) -> Identity:
        """By which a file that the job makes is known."""
        return Identity(self.plain())


class GradientSpecification(ModelSpecification):
    """And its gradients.

    Attributes:
        gradient: How they are computed.
        estimator: What stands for a gradient.
        smoothing: Width of the shifts of an estimator that has this setting; None of others.
    """

    gradient: GradientSetting
    estimator: Estimator
    smoothing: float | None


class StudySpecification(GradientSpecification):
    """What the check of a run against its study looks at."""


class BatchSpecification(GradientSpecification):
    """What decides the numbers of a batch.

    Attributes:
        correlations: Of the parameters of the design.
        groups: Parameters that the design moves together.
        design: The shortest one that has the samples of the batch.
        samples: Their numbers.
        seeds: The numbers of the seeds.
        trajectories: Which of both are stored in full, if any are.
    """

    correlations: tuple[Correlation, ...]
    groups: tuple[Names, ...]
    design: Design
    samples: _Range
    seeds: _Range
    trajectories: Trajectories | None


class CornersSpecification(ModelSpecification):
    """What decides the simulations at the corners of parameter space.

    Attributes:
        corners: The parameters whose ends they are at.
        seed: The seed.
    """

    corners: Names
    seed: int


class ChecksSpecification(GradientSpecification):
    """What decides the numerical checks.

    Finite differences are of gradients along paths in every run, lines of the run's own.

    Attributes:
        correlations: Of the parameters of the design.
        groups: Parameters that the design moves together.
        design: That whose samples are checked.
        checks: How.
    """

    correlations: tuple[Correlation, ...]
    groups: tuple[Names, ...]
    design: Design
    checks: Checks


class ObjectiveSpecification(GradientSpecification):
    """What decides the objective of an optimisation, and whether its optimiser can be had.

    Its other attributes are those of ``Optimise``.

    Attributes:
        free: Names of the free parameters, in the order of the run's.
    """

    objective: tuple[Term, ...]
    free: Names
    optimiser: Optimiser
    fresh: bool
    seeds_per_step: int

    @property
    def of_objective(self) -> Identity:
        """By which the file of the objective is known."""
        own = set(ObjectiveSpecification.model_fields)
        return Identity(self.model_dump(mode="json", include=own))


class StartsSpecification(ObjectiveSpecification):
    """What decides the paths of some starts.

    Attributes:
        starts: The shortest design that has them.
        numbers: Their numbers.
    """

    steps: int
    stop: Stop
    refine: Refine | None
    starts: Design
    numbers: _Range


class OptimisationSpecification(ObjectiveSpecification):
    """What decides what is measured of all starts."""

    steps: int
    stop: Stop
    refine: Refine | None
    starts: Design
    evaluation_seeds: int

    def of_starts(self, first: int, stop: int) -> Identity:
        """By which the file is known that has the starts from ``first`` on, but for ``stop``."""
        shared = self.plain(without=["evaluation_seeds"])
        starts = shortest_design(self.starts, self.free, stop).model_dump(mode="json")
        return Identity(shared | {"starts": starts, "numbers": [first, stop]})
