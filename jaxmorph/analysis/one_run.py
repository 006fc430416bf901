"""The jobs of one run, one after the other, in this process."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from tqdm.auto import tqdm

from .. import store
from ..configuration import Estimator, Run, load_configuration
from ..configuration.specifications import ModelSpecification
from ..configuration.specify import Specifications
from ..jobs.analyse import estimate_sensitivity, write_design
from ..jobs.simulate import check_gradients, evaluate_batch
from ..jobs.study import describe_study, settle_cut
from ..studies import Study, load_study
from ..terminal import simulations_done
from .named import named
from .result import Analysis

_pieces = logging.getLogger("jaxmorph.engine.pieces")


def analyse(
    study: str | type[Study] | Study,
    *,
    design: Mapping[str, Any] | BaseModel,
    parameters: Mapping[str, Any] | Sequence[str] | None = None,
    observables: Sequence[str] | str = "all",
    seeds: int = 16,
    estimator: Estimator = "pathwise",
    folder: str | Path | None = None,
    progress: bool = True,
    **more: Any,
) -> Analysis:
    """Simulate a study over a design with gradients, and estimate which of its parameters matter.

    It does what the workflow does with one run, in this process, and gives the same numbers.

    Args:
        study: A configured name (``reference``, ``file.py:Class``), a class, an instance with its
            settings, or what :func:`jaxmorph.study` makes of a plain function.
        design: As in a configuration: ``{"method": "sobol", "samples": 64}``.
        parameters: Those that vary, by name, each with its distribution or the word ``default``; or
            names alone; default: all of the study's.
        observables: Names, or ``all``.
        seeds: Number of noise realisations at each sample.
        estimator: What stands for a gradient.
        folder: Where its files are kept, as ``results/<run>`` of the workflow. What lies there and was
            made for the same question is not computed again, so that a call that was interrupted goes on
            with what is finished. Default: a folder that lives as long as the result.
        progress: Whether a bar shows how far it is.
        **more: Other keys of a run: ``fixed``, ``key``, ``checks``, ``batch``, ...

    Raises:
        JaxmorphError: If the study cannot be had, or the question does not fit it.
    """
    spec, settings = named(study)
    plain = design.model_dump() if isinstance(design, BaseModel) else dict(design)
    asked = {
        "study": spec,
        "settings": settings | dict(more.pop("settings", {})),
        "parameters": _parameters(study, spec, parameters),
        "design": plain,
        "seeds": seeds,
        "observables": observables if isinstance(observables, str) else list(observables),
        "estimator": estimator,
        **more,
    }
    kept = tempfile.TemporaryDirectory(prefix="jaxmorph-") if folder is None else None
    place = Path(kept.name if kept else folder or "")
    name = re.sub(r"[^A-Za-z0-9_-]", "-", place.name if folder else spec.rpartition(":")[2]).strip("-_")
    run = load_configuration({"runs": {name: asked}}).runs[name]
    with contextlib.closing(_Bar(run.n_samples * run.n_seeds, progress)) as bar:
        run = _make(name, run, place, bar)
    return Analysis(place, run, kept)


def _parameters(
    study: str | type[Study] | Study, spec: str, wanted: Mapping[str, Any] | Sequence[str] | None
) -> dict[str, Any]:
    if wanted is None:
        declared = study.parameters if not isinstance(study, str) else load_study(spec).parameters
        wanted = [parameter.name for parameter in declared]
    if not isinstance(wanted, Mapping):
        return dict.fromkeys(wanted, "default")
    return {
        name: how.model_dump() if isinstance(how, BaseModel) else how for name, how in wanted.items()
    }


def _make(name: str, run: Run, folder: Path, bar: _Bar) -> Run:
    """All files of the run that an analysis shows; gives the run as it is cut."""
    specs = Specifications(run)
    study, design, checks = (folder / file for file in ("study.json", "design.nc", "checks.nc"))
    bar.says("tracing")
    cost = str(folder / "cost.json")
    describe_study(name, specs.study, run.animation, run.seeds, str(study), cost)
    if run.batch == "auto":
        cut = str(folder / "cut.json")
        specs = specs.cut(settle_cut(specs.question, run.n_samples, run.n_seeds, cost, cut))
    write_design(name, specs.design, str(study), str(design), str(folder / "design.json"))
    bar.says("simulating")
    batches = []
    for batch in specs.run.batches:
        spec, path = specs.batch(batch), folder / "batches" / f"{batch}.nc"
        with bar.counting((spec.samples[1] - spec.samples[0]) * (spec.seeds[1] - spec.seeds[0])):
            if not _is_done(path, spec):
                evaluate_batch(name, spec, str(path), folder / "unfinished")
        batches.append(str(path))
    if run.checks.samples:
        bar.says("checking gradients")
        if not _is_done(checks, specs.checks):
            check_gradients(name, specs.checks, str(design), str(checks))
    bar.says("estimating")
    held = str(checks) if run.checks.samples else None
    sensitivity = str(folder / "sensitivity.nc")
    estimate_sensitivity(name, specs.estimates, str(design), batches, held, sensitivity)
    return specs.run


def _is_done(path: Path, spec: ModelSpecification) -> bool:
    """Whether a file is there that was made for the same question by the same code."""
    if not path.is_file():
        return False
    attributes = store.read_attributes(path)
    asked = json.loads(str(attributes.get("configuration", "null")))
    return asked == spec.plain(without=["code"]) and attributes.get("code_digest") == spec.code


class _Bar(logging.Handler):
    """How many simulations are done, by what the engine logs of them."""

    def __init__(self, total: int, shown: bool):
        super().__init__()
        self._bar = tqdm(total=total, unit=" sim", disable=not shown, leave=False)
        self._before = 0

    def says(self, what: str) -> None:
        """What is going on."""
        self._bar.set_description(what)

    @contextlib.contextmanager
    def counting(self, n: int) -> Iterator[None]:
        """While a batch of ``n`` simulations is made."""
        level = _pieces.level
        _pieces.addHandler(self)
        _pieces.setLevel(logging.INFO)
        try:
            yield
        finally:
            _pieces.removeHandler(self)
            _pieces.setLevel(level)
        self._before += n
        self._at(self._before)

    def emit(self, record: logging.LogRecord) -> None:
        """Take note of what a batch has done."""
        if done := simulations_done(record.getMessage()):
            self._at(self._before + done)

    def _at(self, done: int) -> None:
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """Take the bar away."""
        self._bar.close()
        super().close()
