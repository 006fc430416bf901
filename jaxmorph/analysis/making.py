"""The jobs of one run, one after the other, in this process; what is finished stays as it is."""

from __future__ import annotations

from pathlib import Path

from .. import store
from ..configuration import Run
from ..configuration.elsewhere import placeless
from ..configuration.specify import Specifications
from ..jobs.analyse import estimate_sensitivity, write_design
from ..jobs.optimise import collect_optimisation, describe_objective, optimise_starts
from ..jobs.simulate import check_gradients, evaluate_batch, simulate_corners
from ..jobs.study import describe_run, settle_cut
from .progress import Bar

RECORD = "run.json"
"""The whole run, of a folder that :func:`jaxmorph.analyse` made."""


class Making:
    """The files of a run, as the workflow would make them.

    Args:
        name: Of the run.
        run: What is asked for.
        folder: Where its files are.

    Attributes:
        specs: What its jobs are to do.
    """

    def __init__(self, name: str, run: Run, folder: Path):
        self._name, self._run, self._folder = name, run, folder
        self.specs = Specifications(run)
        self._study = str(folder / "study.json")

    def all(self, bar: Bar) -> Run:
        """Everything that an analysis shows, but for films; gives the run as it is cut."""
        self._remove_old_films()
        with bar.part("tracing"):
            self._describe_study()
            self._make_design()
        with bar.part("simulating", total=self._run.n_samples * self._run.n_seeds):
            self._make_batches(bar)
        if self._run.checks.samples:
            with bar.part("checking gradients"):
                self._make_checks()
        if self._run.optimise is not None:
            self._make_optimisation(bar)
        with bar.part("estimating", unit="estimator", of="sensitivity.estimate"):
            self._make_estimates()
        store.write_json(placeless(self._run.plain()), self._folder / RECORD)
        return self._run

    def corners(self) -> Path:
        """The simulations at the corners of parameter space."""
        path = self._folder / "corners.nc"
        simulate_corners(self._name, self.specs.corners, str(path))
        return path

    def _remove_old_films(self) -> None:
        """Those of other corners, and all if they looked different."""
        corners, record = self._folder / "corners.nc", self._folder / RECORD
        if not store.is_made(corners, "corners", self.specs.corners.identity):
            corners.unlink(missing_ok=True)
            self._film("corners").unlink(missing_ok=True)
        if record.is_file() and store.read_json(record)["animation"] != self._run.plain()["animation"]:
            for path in (self._folder / "animations").glob("*.mp4"):
                path.unlink()

    def _describe_study(self) -> None:
        run, cost = self._run, str(self._folder / "cost.json")
        describe_run(self._name, self.specs, self._study, cost)
        if run.batch == "auto":
            kept = str(self._folder / "cut.json")
            cut = settle_cut(self.specs.question, run.n_samples, run.n_seeds, cost, kept)
            self.specs = self.specs.cut(cut)
            self._run = self.specs.run

    def _make_design(self) -> None:
        design, record = (str(self._folder / name) for name in ("design.nc", "design.json"))
        write_design(self._name, self.specs.design, self._study, design, record)

    def _make_batches(self, bar: Bar) -> None:
        for batch, part in self._run.batches.items():
            spec, path = self.specs.batch(batch), self._folder / "batches" / f"{batch}.nc"
            if store.is_made(path, "batch", spec.identity):
                bar.skip(len(part.samples) * len(part.seeds))
                continue
            self._film("cells").unlink(missing_ok=True)
            evaluate_batch(self._name, spec, str(path), self._folder / "unfinished")

    def _make_checks(self) -> None:
        if not store.is_made(self._checks, "checks", self.specs.checks.identity):
            check_gradients(self._name, self.specs.checks, str(self._checks))

    def _make_optimisation(self, bar: Bar) -> None:
        folder, specs = self._folder / "optimisation", self.specs
        objective, starts = folder / "objective.json", []
        result, cells = (self._folder / f"{n}.nc" for n in ("optimisation", "optimisation_cells"))
        with bar.part("reading the objective"):
            describe_objective(self._name, specs.objective, str(objective))
        with bar.part("optimising", unit="step", of="optimisation.descent"):
            for job in self._run.optimisation_jobs:
                path = folder / f"starts-{job}.nc"
                spec = specs.starts(job)
                if not store.is_made(path, "starts", spec.identity):
                    result.unlink(missing_ok=True)
                    kept = self._folder / "unfinished"
                    optimise_starts(self._name, spec, str(objective), str(path), kept)
                starts.append(str(path))
        with bar.part("measuring optima"):
            made_of = specs.optimisation.identity
            kinds = {"optimisation": result, "optimisation_cells": cells}
            if not all(store.is_made(path, kind, made_of) for kind, path in kinds.items()):
                self._film("optimisation").unlink(missing_ok=True)
                collect_optimisation(
                    self._name, specs.optimisation, str(objective), starts, str(result), str(cells)
                )

    def _make_estimates(self) -> None:
        batches = [str(self._folder / "batches" / f"{batch}.nc") for batch in self._run.batches]
        checks = str(self._checks) if self._run.checks.samples else None
        design, output = (str(self._folder / f"{name}.nc") for name in ("design", "sensitivity"))
        estimate_sensitivity(self._name, self.specs.estimates, design, batches, checks, output)

    @property
    def _checks(self) -> Path:
        return self._folder / "checks.nc"

    def _film(self, name: str) -> Path:
        return self._folder / "animations" / f"{name}.mp4"
