"""The jobs of an optimisation: its objective (which checks it), its starts, and what came of them."""

import dataclasses
import json
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from .. import designs, engine, optimisation, store
from ..atomic import UNFINISHED
from ..configuration import bias_attributes
from ..configuration.courses import Course, as_csv, read_course
from ..configuration.optimise import Optimise, Target, TimeCourse
from ..configuration.optimisers import LBFGS
from ..errors import JaxmorphError
from ..studies import Problem
from .problem import Spec, digest, how_of, run_problem

logger = logging.getLogger(__name__)


def describe_objective(run_name: str, spec: Spec, output: str) -> None:
    """Check an objective and its optimiser against the study and the data; write both data and times."""
    problem, settings = run_problem(run_name, {**spec, "observables": "all"}), _settings(spec)
    courses = _read_courses(run_name, settings)
    key = int(spec["key"])
    times = engine.evaluate(
        problem, problem.centre[None], np.zeros(1, int), run_key=key, gradient="none"
    ).time
    try:
        _make_objective(problem, settings, courses, times)
        optimisation.make_optimiser(settings.optimiser)
        if settings.optimiser.name == LBFGS and problem.study.is_stochastic and settings.fresh:
            raise JaxmorphError(
                f"optimiser.name = {LBFGS}: searches along lines, which fresh seeds mislead; "
                "write fresh: false, or take another optimiser (adam)"
            )
    except JaxmorphError as error:
        lines = [f"runs.{run_name}.optimise.{line}" for line in str(error).splitlines()]
        raise JaxmorphError("\n".join(lines)) from error
    logger.info("the objective has %d terms, %d of them data", len(settings.objective), len(courses))
    store.write_json(
        {
            "time": times.astype(float).tolist(),
            "courses": {str(i): dataclasses.asdict(course) for i, course in courses.items()},
        },
        output,
    )


def optimise_starts(run_name: str, spec: Spec, objective: str, output: str, code: str) -> None:
    """Optimise from some starts, together, and write their paths.

    A job that is cut off goes on after the last step that was kept, if nothing changed that decides the
    numbers (``spec``; the objective's data; ``code``, the digest of the source; the devices).
    """
    begin = time.monotonic()
    problem, settings, known = _problem(run_name, spec, objective)
    made = _objective(problem, settings, known)
    named = dict(zip(problem.names, problem.distributions, strict=True))
    numbers = np.arange(*spec["numbers"])
    points = designs.make_design(settings.starts, named)[0][numbers]
    folder = UNFINISHED / run_name / Path(output).stem
    key = digest(spec, json.dumps(known), code, engine.describe_devices())
    saved = store.SavedPieces(folder, key)
    paths = optimisation.descend(
        problem, made, points, settings, run_key=spec["key"], saved=saved, **how_of(spec)
    )
    if settings.refine is not None:
        paths = optimisation.refine(
            paths,
            _refining(problem, made, settings, spec),
            settings.refine.steps,
            saved=store.SavedPieces(folder, f"{key}-refined"),
        )
    reasons = [optimisation.STOP_REASONS[i] for i in paths.stopped]
    for number, reason, done in zip(numbers, reasons, paths.steps_done - paths.refined, strict=True):
        log = logger.warning if reason == "not finite" else logger.info
        log("start %d: %s after %d steps", number, reason, done)
    attributes = _attributes(run_name, spec, problem, code, begin)
    dataset = store.starts_dataset(
        numbers=numbers,
        parameters=problem.varied,
        parameter_value=paths.parameter_value,
        unconstrained=paths.u,
        loss=paths.loss,
        loss_se=paths.loss_se if settings.seeds_per_step > 1 else None,
        gradient_norm=paths.gradient_norm,
        steps_done=paths.steps_done,
        stop_reason=reasons,
        refined=paths.refined if settings.refine is not None else None,
        attributes=attributes,
    )
    store.write_dataset(dataset, output, "starts")
    saved.remove()


def collect_optimisation(
    run_name: str,
    spec: Spec,
    objective: str,
    starts: Sequence[str],
    output: str,
    cells: str,
    code: str,
) -> None:
    """What came of the starts, on fresh seeds: improvement, optima, how sure they are; and cells."""
    begin = time.monotonic()
    problem, settings, known = _problem(run_name, spec, objective)
    made = _objective(problem, settings, known)
    evaluation = optimisation.Evaluation(
        problem, made, settings.evaluation_seeds, spec["key"], how_of(spec)
    )
    paths = xr.concat([store.read_dataset(path, "starts") for path in starts], dim="start")
    paths = paths.sortby("start")
    outcome = optimisation.outcome(
        evaluation,
        paths["unconstrained"].values.astype(float),
        paths["steps_done"].values,
        paths["stop_reason"].values != "not finite",
        fixed_seeds=None if settings.fresh else settings.seeds_per_step,
        refining=_refining(problem, made, settings, spec) if settings.refine else None,
    )
    attributes = _attributes(run_name, spec, problem, code, begin) | {
        "study": spec["study"],
        "stochastic": int(problem.study.is_stochastic),
        "covariance_kind": outcome.covariance_kind,
        "optimiser": settings.optimiser.model_dump_json(),
        "objective": _in_words(settings),
        "measured_data": json.dumps(_data_as_text(settings, known)),
        "distributions": json.dumps([d.model_dump(mode="json") for d in problem.distributions]),
    }
    by_name = {o.name: o for o in problem.study.observables}
    targets = _targets(problem, settings, known)
    low, high = np.array([d.support for d in problem.distributions]).T
    bounds = {"lower_bound": ("parameter", low), "upper_bound": ("parameter", high)}
    dataset = store.optimisation_dataset(
        paths,
        observables=[by_name[name] for name in problem.observables],
        goals=[
            ", ".join(dict.fromkeys(t.goal for t in settings.objective if t.observable == name))
            for name in problem.observables
        ],
        time=evaluation.time,
        time_unit=problem.study.time_unit,
        variables=outcome.variables | targets | bounds,
        attributes=attributes,
    )
    store.write_dataset(dataset, output, "optimisation")
    _write_cells(run_name, spec, problem, dataset, attributes, cells)


def _refining(
    problem: Problem, objective: optimisation.Objective, settings: Optimise, spec: Spec
) -> optimisation.Evaluation:
    """The loss on the seeds of the refinement."""
    assert settings.refine is not None
    return optimisation.Evaluation(
        problem, objective, settings.refine.seeds, spec["key"], how_of(spec), optimisation.REFINING
    )


def _attributes(run_name: str, spec: Spec, problem: Problem, code: str, begin: float) -> dict[str, Any]:
    """What every file of an optimisation says of how it was made; ``begin``: when its job began."""
    return store.provenance(run_name, dict(spec)) | {
        "device": engine.describe_devices(),
        "precision": problem.study.precision,
        "estimator": spec["estimator"],
        **bias_attributes(spec["estimator"]),
        "random_key": spec["key"],
        "wall_time_s": time.monotonic() - begin,
        "code_digest": code,
    }


def _settings(spec: Spec) -> Optimise:
    return Optimise.model_validate({k: v for k, v in spec.items() if k in Optimise.model_fields})


def _problem(run_name: str, spec: Spec, objective: str) -> tuple[Problem, Optimise, dict[str, Any]]:
    """The study with the free parameters alone, the settings, and what the first job found."""
    settings = _settings(spec)
    whole = run_problem(run_name, {**spec, "observables": "all"})
    free = settings.free_of(whole.names)
    kept = [i for i, name in enumerate(whole.names) if name in free]
    held = {
        name: float(centre)
        for name, centre in zip(whole.names, whole.centre, strict=True)
        if name not in free
    }
    problem = dataclasses.replace(
        whole,
        varied=tuple(whole.varied[i] for i in kept),
        distributions=tuple(whole.distributions[i] for i in kept),
        fixed=whole.fixed | held,
        observables=optimisation.observables_of(settings.objective),
    )
    return problem, settings, store.read_json(objective)


def _read_courses(run_name: str, settings: Optimise) -> dict[int, Course]:
    courses = {}
    for i, term in enumerate(settings.objective):
        if isinstance(term, TimeCourse):
            try:
                courses[i] = read_course(term.data, term.observable)
            except ValueError as error:
                raise JaxmorphError(
                    f"runs.{run_name}.optimise.objective[{i}].data = {term.data}: {error}"
                ) from error
    return courses


def _make_objective(
    problem: Problem, settings: Optimise, courses: dict[int, Course], times: np.ndarray
) -> optimisation.Objective:
    return optimisation.make_objective(
        settings.objective,
        courses,
        times,
        problem.study.time_unit,
        {o.name: o for o in problem.study.observables},
    )


def _objective(problem: Problem, settings: Optimise, known: dict[str, Any]) -> optimisation.Objective:
    courses = {int(i): Course(**course) for i, course in known["courses"].items()}
    return _make_objective(problem, settings, courses, np.array(known["time"]))


def _data_as_text(settings: Optimise, known: dict[str, Any]) -> dict[str, str]:
    """What the objective uses of each data file, as CSV, so that a report can hand it on."""
    files: dict[str, dict[str, Course]] = {}
    for i, course in known["courses"].items():
        term = settings.objective[int(i)]
        assert isinstance(term, TimeCourse)
        files.setdefault(term.data, {})[term.observable] = Course(**course)
    return {file: as_csv(courses) for file, courses in files.items()}


def _targets(problem: Problem, settings: Optimise, known: dict[str, Any]) -> dict[str, Any]:
    """What the observables should be, at the recorded times; NaN where nothing is asked.

    Data between recorded times are interpolated.
    """
    times = np.array(known["time"])
    value, error = (np.full((times.size, len(problem.observables)), np.nan) for _ in range(2))
    for i, term in enumerate(settings.objective):
        column = problem.observables.index(term.observable)
        if isinstance(term, Target):
            where = slice(-1, None) if term.when == "end" else slice(None)
            value[where, column], error[where, column] = term.value, term.error
        elif isinstance(term, TimeCourse):
            course = Course(**known["courses"][str(i)])
            inside = (times >= course.time[0]) & (times <= course.time[-1])
            value[inside, column] = np.interp(times[inside], course.time, course.value)
            if course.error is not None:
                error[inside, column] = np.interp(times[inside], course.time, course.error)
    dims = ("time", "observable")
    return {"target_value": (dims, value), "target_error": (dims, error)}


def _in_words(settings: Optimise) -> str:
    """The objective on one line."""
    words = []
    for term in settings.objective:
        match term:
            case Target():
                text = f"target {term.observable} = {term.value:g} +- {term.error:g}, {term.when}"
            case TimeCourse():
                text = f"{term.observable} as in {term.data}"
            case _:
                text = f"{term.goal} {term.observable}, {term.when}"
        words.append(text if term.weight == 1 else f"{term.weight:g} x ({text})")
    return "; ".join(words)


def _write_cells(
    run_name: str,
    spec: Spec,
    problem: Problem,
    dataset: xr.Dataset,
    attributes: dict[str, Any],
    output: str,
) -> None:
    """Simulate the best start before and after, at one seed, in full; as a file of corners."""
    best = int(dataset["optimum_start"].values[0]) if dataset.sizes.get("optimum") else 0
    path = dataset["parameter_value"].sel(start=best)
    ends = np.stack([path.values[0], path.values[int(dataset["steps_done"].sel(start=best))]])
    numbers, seeds = np.arange(2), np.zeros(1, int)
    result = engine.simulate_states(problem, ends, seeds, run_key=spec["key"])
    by_name = {o.name: o for o in problem.study.observables}
    cells = store.batch_dataset(
        samples=numbers,
        seeds=seeds,
        time=result.time,
        time_unit=problem.study.time_unit,
        parameter_value=ends,
        parameters=problem.varied,
        observables=[by_name[name] for name in problem.observables],
        value=result.value,
        gradient=None,
        attributes=attributes | {"start": best},
    )
    if problem.study.state_variables:
        cells = store.with_trajectories(
            cells, numbers, seeds, result.states, problem.study.state_variables
        )
    store.write_dataset(store.corners_dataset(cells, ["before", "after"]), output, "corners")
