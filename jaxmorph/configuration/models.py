"""The configuration as pydantic models.

They are the one source of its defaults, its checks, its JSON schema and its documentation. Whatever
can be known without the study itself is checked here; whether the study has a parameter, a setting
or an observable of a name is checked by the first job of a run.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from ..designs import (
    Correlation,
    Design,
    FastDesign,
    GridDesign,
    ListDesign,
    count_samples,
    groups_obstacle,
    independence_obstacle,
)
from .batches import AUTO_SIMULATIONS, Batch, BatchSetting, cut
from .comparisons import Comparisons, check_runs, without_prefix
from .courses import check_file
from .feasible import check_run, count_jobs
from .fields import (
    AllOrNames,
    ConfigurationModel,
    Names,
    ObservableName,
    ParameterDistribution,
    Scalar,
    hint,
    is_file,
    sentence,
)
from .fits import (
    check_correlations,
    check_fast,
    check_grid,
    check_groups,
    check_names,
    check_summaries,
)
from .gradient_estimators import GRADIENT_ESTIMATORS
from .limits import MAX_COUNT, MAX_JOBS, MAX_NAME, TooMuch, amount
from .look import Figures
from .optimise import Optimise
from .sections import (
    Animation,
    Checks,
    Estimates,
    Estimator,
    Findings,
    GradientSetting,
    TimeSummary,
    Trajectories,
)
from .terms import FILES_MUST_EXIST

BUILT_IN_STUDIES = {
    "reference": "jaxmorph.studies.reference:ReferenceStudy",
    "ornstein-uhlenbeck": "jaxmorph.studies.ornstein_uhlenbeck:OrnsteinUhlenbeckStudy",
    "ishigami": "jaxmorph.studies.ishigami:IshigamiStudy",
    "linear": "jaxmorph.studies.linear:LinearStudy",
    "growing-disc": "jaxmorph.studies.growing_disc:GrowingDiscStudy",
    "cell-sorting": "jaxmorph.studies.cell_sorting:CellSortingStudy",
    "chemical-patterning": "jaxmorph.studies.chemical_patterning:ChemicalPatterningStudy",
    "elongation": "jaxmorph.studies.elongation:ElongationStudy",
    "epidemic": "jaxmorph.studies.epidemic:EpidemicStudy",
}
"""Where the studies that have a short name are, as ``module:Class``."""


class Run(ConfigurationModel):
    """One entry under `runs`: a study, what is varied, and how it is evaluated."""

    study: str = Field(
        description="name of a built-in study (`reference`, `growing-disc`, `cell-sorting`, "
        "`chemical-patterning`, `elongation`, `epidemic`, `ornstein-uhlenbeck`, `ishigami`, `linear`), "
        "or a study of your own: `path/to/file.py:ClassName` or `package.module:ClassName`"
    )
    settings: dict[str, Scalar] = Field(
        default_factory=dict, description="settings of the study that differ from its defaults"
    )
    data: Names = Field(
        (),
        description="files that the study reads, whose contents decide the numbers as its code does: "
        "when one changes, the run is computed again",
    )
    parameters: dict[str, ParameterDistribution] = Field(
        min_length=1,
        description="the parameters that are varied and differentiated, each with its "
        "distribution, or with the word `default` for the study's own",
    )
    correlations: Annotated[tuple[Correlation, ...], Field(strict=False)] = Field(
        (),
        description="pairs of varied parameters that are not independent, for `sobol` and "
        "`latin-hypercube` designs (whose even spread is that of the parameters before they are "
        "correlated)",
    )
    groups: dict[str, Names] = Field(
        default_factory=dict,
        description="groups of varied parameters by name, each a list of names (`{mechanics: [epsilon, "
        "alpha]}`): indices and bounds are of groups as wholes, too, and Saltelli and Morris designs "
        "move all of a group at once; a parameter that no group names is one of its own",
    )
    fixed: dict[str, float] = Field(
        default_factory=dict,
        description="values of parameters that are not varied, where the study's default will not do",
    )
    design: Design = Field(description="which points of parameter space are evaluated")
    seeds: int = Field(
        16, ge=1, le=MAX_COUNT, description="number of noise realisations at every sample"
    )
    key: int = Field(
        0, ge=0, le=2**32 - 1, description="random key of the run; the noise depends on it alone"
    )
    observables: AllOrNames = Field(
        "all", description="the word `all`, or a list of the study's observables"
    )
    gradient: GradientSetting = Field(
        "auto",
        description="how gradients are computed; `auto` chooses, and says why in the log",
    )
    estimator: Estimator = Field(
        "pathwise",
        description="what stands for a gradient: "
        + "; ".join(f"`{name}`, {e.meaning}" for name, e in GRADIENT_ESTIMATORS.items()),
    )
    smoothing: float = Field(
        0.05,
        gt=0,
        le=1,
        description="standard deviation of the shifts of the `smoothed` estimator, as a share of the "
        "parameter's; the others do not use it",
    )
    summaries: dict[ObservableName, TimeSummary] = Field(
        default_factory=dict,
        description="summaries over time by name, each an observable of its own (`{peak: {of: infected, "
        "take: maximum}}`), for estimates, figures and findings; it is the same at all times",
    )
    batch: BatchSetting = Field(
        "auto",
        description="how much of the run one job does: a number of simulations (samples x seeds), at "
        "most; `auto`, one job if it takes less than a minute, and else the same as "
        f"{AUTO_SIMULATIONS}; `{{first: {{samples: 64, seeds: 16}}}}`, a first job of so many and more "
        "that double; or `{samples: 64, seeds: 16}`, which cuts both evenly",
    )
    trajectories: Trajectories = Field(Trajectories(), description="simulations stored in full")
    corners: Names = Field(
        default_factory=lambda run: tuple(run.get("parameters", ()))[:2],
        min_length=1,
        max_length=2,
        description="one or two parameters whose ends the animation of the corners shows (5 "
        "and 95 % of unbounded ones); if not given, the first two",
    )
    animation: Animation = Field(Animation(), description="how the animations show cells")
    figures: Figures = Field(Figures(), description="how the figures look, and what they show")
    checks: Checks = Field(Checks(), description="numerical checks of the gradients")
    estimates: Estimates = Field(Estimates(), description="what the estimates are asked for")
    findings: Findings = Field(Findings(), description="what findings are stated of")
    optimise: Optimise | None = Field(
        None, description="parameters that meet an objective: [optimisation.md](optimisation.md)"
    )
    allow_partial: bool = Field(
        False,
        description="make estimates and report from the batches that are there, and ask for no other; "
        "the report says what is missing",
    )

    @field_validator("study")
    @classmethod
    def _names_a_study(cls, study: str, info: ValidationInfo) -> str:
        if study in BUILT_IN_STUDIES:
            return study
        place, _, class_name = study.rpartition(":")
        if study.endswith(".py"):
            raise ValueError(f"must name the class too; write {study}:ClassName")
        if (parts := study.rpartition("." if not place else "::"))[0] and is_file(
            file := f"{parts[0].removesuffix('.py')}.py"
        ):
            raise ValueError(f"must have one colon before the class; write {file}:{parts[2]}")
        if not place:
            raise ValueError(
                f"unknown study; {sentence(hint(study, BUILT_IN_STUDIES))} A study of your own is "
                "path/to/file.py:ClassName or package.module:ClassName"
            )
        if place.endswith(".ipynb"):
            raise ValueError("is a notebook; put the class into a file of its own: file.py:ClassName")
        if not class_name.isidentifier():
            raise ValueError(f"must end with the name of a class, not with {class_name!r}")
        if not place.endswith(".py") and not all(p.isidentifier() for p in place.split(".")):
            raise ValueError("must be path/to/file.py:ClassName or package.module:ClassName")
        if place.endswith(".py") and info.context == FILES_MUST_EXIST and not is_file(place):
            raise ValueError(f"there is no file {place} in the working directory, {Path.cwd()}")
        return study

    @field_validator("data")
    @classmethod
    def _can_be_read(cls, data: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        for path in data if info.context == FILES_MUST_EXIST else ():
            check_file(path)
        return data

    @field_validator("correlations")
    @classmethod
    def _possible(
        cls, correlations: tuple[Correlation, ...], info: ValidationInfo
    ) -> tuple[Correlation, ...]:
        if "parameters" in info.data:
            check_correlations(correlations, info.data["parameters"])
        return correlations

    @field_validator("groups")
    @classmethod
    def _of_different_parameters(
        cls, groups: dict[str, tuple[str, ...]], info: ValidationInfo
    ) -> dict[str, tuple[str, ...]]:
        if "parameters" in info.data:
            check_groups(groups, list(info.data["parameters"]))
        return groups

    @field_validator("fixed")
    @classmethod
    def _not_varied(cls, fixed: dict[str, float], info: ValidationInfo) -> dict[str, float]:
        both = [name for name in fixed if name in info.data.get("parameters", ())]
        if both:
            raise ValueError(f"{', '.join(both)} is varied under parameters; name it only once")
        return fixed

    @field_validator("design")
    @classmethod
    def _fits_parameters(cls, design: Design, info: ValidationInfo) -> Design:
        obstacle = independence_obstacle(design, info.data.get("correlations", ()))
        if obstacle is not None:
            raise ValueError(obstacle)
        parameters = info.data.get("parameters")
        if parameters is None:
            return design
        obstacle = groups_obstacle(design, list(parameters), info.data.get("groups", {}).values())
        if obstacle is not None:
            raise ValueError(obstacle)
        match design:
            case GridDesign():
                check_grid(design, parameters)
            case FastDesign():
                check_fast(parameters)
            case ListDesign():
                for index, point in enumerate(design.points):
                    check_names(f"points[{index}]", point, parameters)
        return design

    @field_validator("summaries")
    @classmethod
    def _of_its_observables(
        cls, summaries: dict[str, TimeSummary], info: ValidationInfo
    ) -> dict[str, TimeSummary]:
        check_summaries(summaries, info.data.get("observables", "all"), info.data.get("estimator"))
        return summaries

    @field_validator("trajectories")
    @classmethod
    def _within_run(cls, trajectories: Trajectories, info: ValidationInfo) -> Trajectories:
        limits = {}
        if {"parameters", "groups", "design"} <= info.data.keys():
            limits["samples"] = count_samples(
                info.data["design"], list(info.data["parameters"]), info.data["groups"].values()
            )
        if "seeds" in info.data:
            limits["seeds"] = info.data["seeds"]
        problems = [
            f"{axis} names {index}, but the {axis} of the run are 0 to {limit - 1}"
            for axis, limit in limits.items()
            for index in getattr(trajectories, axis)
            if index >= limit
        ]
        if problems:
            raise ValueError("; ".join(problems))
        return trajectories

    @field_validator("corners")
    @classmethod
    def _of_the_run(cls, corners: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        parameters = info.data.get("parameters")
        for name in corners:
            if parameters is not None and name not in parameters:
                raise ValueError(f"{name} is not varied by the run; {hint(name, parameters)}")
        return corners

    @field_validator("figures")
    @classmethod
    def _of_what_there_is(cls, figures: Figures, info: ValidationInfo) -> Figures:
        if {"parameters", "observables"} <= info.data.keys():
            observables, more = info.data["observables"], info.data.get("summaries", ())
            known = None if observables == "all" else [*observables, *more]
            figures.check_names(info.data["parameters"], known)
        return figures

    @field_validator("optimise")
    @classmethod
    def _of_its_parameters(cls, optimise: Optimise | None, info: ValidationInfo) -> Optimise | None:
        if optimise is not None and "parameters" in info.data:
            optimise.check_parameters(info.data["parameters"])
        return optimise

    @model_validator(mode="after")
    def _can_be_done(self) -> Self:
        check_run(self)
        return self

    @property
    def study_target(self) -> str:
        """Where the study is: ``module:Class`` or ``file.py:Class``."""
        return BUILT_IN_STUDIES.get(self.study, self.study)

    @property
    def n_samples(self) -> int:
        """Number of samples of the design."""
        return count_samples(self.design, list(self.parameters), self.groups.values())

    @property
    def n_seeds(self) -> int:
        """Number of seeds."""
        return self.seeds

    @cached_property
    def batches(self) -> dict[str, Batch]:
        """The batches by id, ``SSS-RRR``: slab SSS along the samples, RRR along its seeds."""
        names, groups = list(self.parameters), self.groups.values()
        return dict(cut(self.batch, self.design, names, self.seeds, groups))

    def stored(self, batch: Batch) -> Trajectories | None:
        """Samples and seeds of the batch whose trajectories are stored; None if there are none."""
        samples = tuple(i for i in self.trajectories.samples if i in batch.samples)
        seeds = tuple(i for i in self.trajectories.seeds if i in batch.seeds)
        return Trajectories(samples=samples, seeds=seeds) if samples and seeds else None

    @cached_property
    def trajectory_batches(self) -> list[str]:
        """The batches that hold stored trajectories."""
        return [name for name, batch in self.batches.items() if self.stored(batch)]

    @cached_property
    def optimisation_jobs(self) -> dict[str, range]:
        """The starts of each job of the optimisation, by its name; none without an optimisation."""
        return self.optimise.jobs(tuple(self.parameters)) if self.optimise else {}

    def to_json(self) -> str:
        """The whole run as JSON, defaults included; ``Run.from_json`` gives the run back."""
        return self.model_dump_json()

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The run that ``to_json`` wrote."""
        return cls.model_validate_json(text)


RunName = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=MAX_NAME),
    AfterValidator(without_prefix),
]


class Configuration(ConfigurationModel):
    """The whole configuration."""

    runs: dict[RunName, Run] = Field(
        min_length=1, description="the runs by name; `results/<run>/` holds the output of each"
    )
    compare: Comparisons = Field(
        default_factory=dict,
        description="runs that are shown on one page, by the name of each page: `{drug: [control, "
        "mutant]}` makes `results/compare-drug/report.html`; of one page a list is enough",
    )

    @field_validator("compare")
    @classmethod
    def _of_runs(
        cls, compare: dict[str, tuple[str, ...]], info: ValidationInfo
    ) -> dict[str, tuple[str, ...]]:
        if "runs" in info.data:
            check_runs(compare, info.data["runs"])
        return compare

    @model_validator(mode="after")
    def _can_be_planned(self) -> Self:
        jobs = sum(map(count_jobs, self.runs.values())) + 2 * len(self.compare)
        if jobs > MAX_JOBS:
            raise TooMuch(
                ("runs",),
                f"{len(self.runs):,} runs are {amount(jobs)} jobs; the most is {MAX_JOBS:,}; divide "
                "them over several configurations",
            )
        return self
