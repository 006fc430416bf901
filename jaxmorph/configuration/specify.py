"""From a run to what each of its jobs is to do."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from ..designs import Correlation, Design, moved_together, shortest_design
from .batches import Batch, BatchSetting
from .code import code_digest, data_digests, estimators_digest
from .fields import ConfigurationModel
from .fits import in_one_order
from .gradient_estimators import GRADIENT_ESTIMATORS
from .identity import Identity
from .look import Figures
from .models import Run
from .optimise import Optimise
from .sections import Animation, Findings
from .specifications import (
    BatchSpecification,
    ChecksSpecification,
    CornersSpecification,
    ObjectiveSpecification,
    OptimisationSpecification,
    StartsSpecification,
    StudySpecification,
)

HOW_SHOWN: dict[str, ConfigurationModel] = {
    "animation": Animation(),
    "figures": Figures(),
    "findings": Findings(),
}
"""Keys of a run that decide how it is shown, and no number, as they are if nobody says otherwise."""


class Specifications:
    """The specifications of all jobs of a run.

    Args:
        run: The run.
        code: Digests of code and data that its files were made with, ``code_digest``,
            ``estimators_digest`` and ``data_digests``; default: those of this package, and of the
            study and data as they are now.
    """

    def __init__(self, run: Run, code: Mapping[str, Any] | None = None):
        self.run, self._code = run, code
        self._designs: dict[int, Design] = {}
        self._plain_slabs: dict[int, dict[str, Any]] = {}

    def cut(self, batch: BatchSetting) -> Specifications:
        """The same of the run with another setting ``batch``."""
        cut = Run.from_plain(self.run.plain() | {"batch": _plain(batch)})
        return Specifications(cut, self._code)

    @cached_property
    def question(self) -> str:
        """Digest of what all batches of the run share, however many there are."""
        shared = [
            self.study.plain(),
            [correlation.model_dump(mode="json") for correlation in self._correlations],
            self._groups,
            self._first_of_design(1).model_dump(mode="json"),
        ]
        return hashlib.sha256(json.dumps(shared, sort_keys=True).encode()).hexdigest()[:16]

    @cached_property
    def estimates(self) -> Run:
        """The run, but for what is nothing to its estimates: how it is shown, the optimisation."""
        return self.shown.model_copy(update={"optimise": None})

    @cached_property
    def shown(self) -> Run:
        """The run, but for how it is shown: what its figures and films are of."""
        return self.run.model_copy(update=HOW_SHOWN)

    @cached_property
    def design(self) -> Run:
        """The run, but for what is nothing to its design: ``allow_partial`` and summaries, too."""
        return self.estimates.model_copy(update={"allow_partial": False, "summaries": {}})

    @cached_property
    def of_estimates(self) -> Identity:
        """By which the file of the estimates is known."""
        code = self._code
        estimators = estimators_digest() if code is None else code["estimators_digest"]
        return self._known_by(self.estimates, estimators=estimators)

    @cached_property
    def of_design(self) -> Identity:
        """By which the file of the design is known."""
        return self._known_by(self.design)

    @cached_property
    def identities(self) -> Mapping[str, Identity]:
        """By which the files of the run are known, by their kinds; batches: :meth:`batch`.

        Of given ``code`` not those of an optimisation, which has a code of its own.
        """
        found = {
            "design": self.of_design,
            "sensitivity": self.of_estimates,
            "corners": self.corners.identity,
            "checks": self.checks.identity,
        }
        if self.run.optimise is not None and self._code is None:
            found["optimisation"] = found["optimisation_cells"] = self.optimisation.identity
        return found

    def _known_by(self, run: Run, **others: str) -> Identity:
        known = ("code", "data_digests")
        return Identity(run.plain() | {name: self._model[name] for name in known} | others)

    @cached_property
    def study(self) -> StudySpecification:
        """Of the job that holds the run against its study."""
        return StudySpecification(**self._model, **self._gradient)

    def batch(self, batch_id: str) -> BatchSpecification:
        """Of a batch: it stays the same for a whole slab of a run that grows."""
        batch = self.run.batches[batch_id]
        return BatchSpecification(
            **self._model,
            **self._gradient,
            correlations=self._correlations,
            groups=self._groups,
            design=self._shortest(batch),
            samples=(batch.samples.start, batch.samples.stop),
            seeds=(batch.seeds.start, batch.seeds.stop),
            trajectories=self.run.stored(batch),
        )

    def plain_batch(self, batch_id: str) -> dict[str, Any]:
        """The same as plain values.

        What batches of the same samples have in common is one object, as there may be 100,000 of them.
        """
        specification, own = self.batch(batch_id), ("samples", "seeds", "trajectories")
        stop = specification.samples[1]
        if stop not in self._plain_slabs:
            self._plain_slabs[stop] = specification.plain(without=own)
        return self._plain_slabs[stop] | specification.model_dump(mode="json", include=set(own))

    @cached_property
    def corners(self) -> CornersSpecification:
        """Of the simulations at the corners."""
        seeds = self.run.trajectories.seeds
        return CornersSpecification(
            **self._model, corners=self.run.corners, seed=seeds[0] if seeds else 0
        )

    @cached_property
    def checks(self) -> ChecksSpecification:
        """Of the numerical checks."""
        checks, run = self.run.checks, self.run
        on_lines, _ = checks.lines(run.estimator, run.seeds)
        seeds = {"seeds": min(checks.seeds, run.seeds), "line_seeds": on_lines}
        return ChecksSpecification(
            **self._model,
            **self._gradient,
            correlations=self._correlations,
            groups=self._groups,
            design=run.design,
            checks=checks.model_copy(update=seeds),
        )

    @cached_property
    def objective(self) -> ObjectiveSpecification:
        """Of the job that checks the objective."""
        return ObjectiveSpecification(**self._objective)

    def starts(self, job: str) -> StartsSpecification:
        """Of a job of starts."""
        numbers = self.run.optimisation_jobs[job]
        return StartsSpecification(
            **self._objective,
            **self._descent,
            starts=shortest_design(self._optimise.starts, self._free, numbers.stop),
            numbers=(numbers.start, numbers.stop),
        )

    @cached_property
    def optimisation(self) -> OptimisationSpecification:
        """Of the job that measures what came of the starts."""
        return OptimisationSpecification(
            **self._objective,
            **self._descent,
            starts=self._optimise.starts,
            evaluation_seeds=self._optimise.evaluation_seeds,
        )

    @cached_property
    def _model(self) -> dict[str, Any]:
        run = self.run
        return {
            "study": run.study,
            "settings": dict(sorted(run.settings.items())),
            "parameters": tuple(run.parameters.items()),
            "fixed": dict(sorted(run.fixed.items())),
            "observables": run.observables,
            "key": run.key,
            **self._digests(run.data),
        }

    def _digests(self, data: Iterable[str], *, optimises: bool = False) -> dict[str, Any]:
        if self._code is not None:
            return {"code": self._code["code_digest"], "data_digests": self._code["data_digests"]}
        code = code_digest(self.run.study_target, optimises=optimises)
        return {"code": code, "data_digests": data_digests(data)}

    @cached_property
    def _gradient(self) -> dict[str, Any]:
        run = self.run
        settings = GRADIENT_ESTIMATORS[run.estimator].settings
        smoothing = run.smoothing if "smoothing" in settings else None
        return {"gradient": run.gradient, "estimator": run.estimator, "smoothing": smoothing}

    @cached_property
    def _correlations(self) -> tuple[Correlation, ...]:
        return in_one_order(self.run.correlations)

    @cached_property
    def _groups(self) -> tuple[tuple[str, ...], ...]:
        return moved_together(self.run.design, list(self.run.parameters), self.run.groups.values())

    def _first_of_design(self, stop: int) -> Design:
        return shortest_design(self.run.design, list(self.run.parameters), stop, self._groups)

    def _shortest(self, batch: Batch) -> Design:
        stop = batch.samples.stop
        if stop not in self._designs:
            self._designs[stop] = self._first_of_design(stop)
        return self._designs[stop]

    @property
    def _optimise(self) -> Optimise:
        assert self.run.optimise is not None
        return self.run.optimise

    @cached_property
    def _free(self) -> tuple[str, ...]:
        return self._optimise.free_of(tuple(self.run.parameters))

    @cached_property
    def _objective(self) -> dict[str, Any]:
        names = ("objective", "optimiser", "fresh", "seeds_per_step")
        others = {
            "observables": "all",  # the objective says which of them
            **self._digests({*self.run.data, *self._optimise.data_files}, optimises=True),
            "free": self._free,
        }
        asked = {name: getattr(self._optimise, name) for name in names}
        return self._model | self._gradient | asked | others

    @cached_property
    def _descent(self) -> dict[str, Any]:
        return {name: getattr(self._optimise, name) for name in ("steps", "stop", "refine")}


def _plain(batch: BatchSetting) -> object:
    return batch.plain() if isinstance(batch, ConfigurationModel) else batch
