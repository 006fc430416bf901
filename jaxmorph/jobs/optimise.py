"""The jobs of an optimisation: its objective (which checks it), its starts, and what came of them."""

import json
import logging
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from .. import designs, engine, optimisation, store
from ..atomic import UNFINISHED
from ..configuration import terms
from ..configuration.courses import MeasuredCourse, in_units
from ..configuration.elsewhere import without_place
from ..configuration.fits import discrete_obstacle, starts_obstacle
from ..configuration.optimise import Optimise
from ..configuration.specifications import (
    ObjectiveSpecification,
    OptimisationSpecification,
    StartsSpecification,
)
from ..errors import JaxmorphError
from ..studies import Problem
from .datasets import file_attributes, simulated
from .problem import digest, how_of, keys_below, run_problem

logger = logging.getLogger(__name__)


def check_search(problem: Problem, asked: Optimise) -> None:
    """Whether an optimiser can start where it is to, and has settings that it can work with.

    Raises:
        JaxmorphError: If not; names the key.
    """
    distributions = {name: problem.distribution_of[name] for name in asked.free_of(problem.names)}
    with keys_below("optimise"):
        if (obstacle := discrete_obstacle(distributions)) is not None:
            raise JaxmorphError(f"free: {obstacle}")
        if (obstacle := starts_obstacle(asked.starts, distributions)) is not None:
            raise JaxmorphError(f"starts.{obstacle}")
        noisy = problem.study.is_stochastic and asked.fresh
        optimisation.check_optimiser(asked.optimiser, noisy=noisy)


def check_objective(
    problem: Problem, asked: Sequence[terms.Term], times: np.ndarray
) -> dict[int, MeasuredCourse]:
    """Whether a study that records at ``times`` can have what is asked; the courses, in its units.

    Raises:
        JaxmorphError: If it cannot; names the keys.
    """
    with keys_below("optimise"):
        courses = terms.read_courses(asked)
        courses = {i: _in_units(problem, asked[i], course) for i, course in courses.items()}
        _objective(problem, asked, courses, times)
    return courses


def describe_objective(run_name: str, spec: ObjectiveSpecification, output: str) -> None:
    """Check an objective and its optimiser against the study and the data; write both data and times."""
    problem = run_problem(run_name, spec)
    with keys_below(f"runs.{run_name}.optimise"):
        free = {name: problem.distribution_of[name] for name in spec.free}
        if (obstacle := discrete_obstacle(free)) is not None:
            raise JaxmorphError(f"free: {obstacle}")
    seeds = np.zeros(1, int)
    times = engine.evaluate(
        problem, problem.centre[None], seeds, run_key=spec.key, gradient="none"
    ).time.astype(float)
    with keys_below(f"runs.{run_name}"):
        courses = check_objective(problem, spec.objective, times)
    with keys_below(f"runs.{run_name}.optimise"):
        noisy = problem.study.is_stochastic and spec.fresh
        optimisation.check_optimiser(spec.optimiser, noisy=noisy)
    logger.info("the objective has %d terms, %d of them data", len(spec.objective), len(courses))
    record = store.ObjectiveRecord(time=tuple(times.tolist()), courses=courses)
    store.write_record(record, output, spec.identity)


def optimise_starts(
    run_name: str,
    spec: StartsSpecification,
    objective: str,
    output: str,
    unfinished: Path = UNFINISHED,
) -> None:
    """Optimise from some starts, together, and write their paths.

    A job that is cut off goes on after the last step that was kept in the folder ``unfinished``, if
    nothing changed that decides the numbers (``spec``; the objective's data; the devices).
    """
    begin = time.monotonic()
    known = store.read_record(objective, store.ObjectiveRecord, spec.of_objective)
    problem, made = _question(run_name, spec, known)
    numbers = np.arange(*spec.numbers)
    points = designs.make_design(spec.starts, problem.distribution_of)[0][numbers]
    folder = unfinished / run_name / Path(output).stem
    key = digest(spec, json.dumps(known.plain()))
    saved = store.SavedPieces(folder, key)
    paths = optimisation.descend(
        problem, made, points, spec, run_key=spec.key, saved=saved, **how_of(spec)
    )
    if spec.refine is not None:
        paths = optimisation.refine(
            paths,
            _refining(problem, made, spec),
            spec.refine.steps,
            saved=store.SavedPieces(folder, f"{key}-refined"),
        )
    reasons = [optimisation.STOP_REASONS[i] for i in paths.stopped]
    for number, reason, done in zip(numbers, reasons, paths.steps_done - paths.refined, strict=True):
        log = logger.warning if reason == "not finite" else logger.info
        log("start %d: %s after %d steps", number, reason, done)
    dataset = store.starts_dataset(
        numbers=numbers,
        parameters=problem.varied,
        parameter_value=paths.parameter_value,
        unconstrained=paths.u,
        loss=paths.loss,
        loss_se=paths.loss_se if spec.seeds_per_step > 1 else None,
        gradient_norm=paths.gradient_norm,
        steps_done=paths.steps_done,
        stop_reason=reasons,
        refined=paths.refined if spec.refine is not None else None,
        attributes=file_attributes(run_name, spec, problem, spec.estimator, begin),
    )
    store.write_dataset(dataset, output, "starts")
    saved.remove()


def collect_optimisation(
    run_name: str,
    spec: OptimisationSpecification,
    objective: str,
    starts: Sequence[str],
    output: str,
    cells: str,
) -> None:
    """What came of the starts, on fresh seeds: improvement, optima, how sure they are; and cells."""
    begin = time.monotonic()
    known = store.read_record(objective, store.ObjectiveRecord, spec.of_objective)
    problem, made = _question(run_name, spec, known)
    evaluator = optimisation.LossEvaluator(problem, made, spec.evaluation_seeds, spec.key, how_of(spec))
    paths = xr.concat([_starts(path, spec) for path in starts], dim="start").sortby("start")
    outcome = optimisation.outcome(
        evaluator,
        paths["unconstrained"].values.astype(float),
        paths["steps_done"].values,
        paths["stop_reason"].values != "not finite",
        fixed_seeds=None if spec.fresh else spec.seeds_per_step,
        refining=_refining(problem, made, spec) if spec.refine else None,
    )
    used = terms.used_data(spec.objective, known.courses)
    attributes = file_attributes(run_name, spec, problem, spec.estimator, begin) | {
        "study": without_place(spec.study),
        "stochastic": int(problem.study.is_stochastic),
        "covariance_kind": outcome.covariance_kind,
        "optimiser": spec.optimiser.model_dump_json(),
        "objective": terms.in_words(spec.objective),
        "measured_data": json.dumps({without_place(path): text for path, text in used.items()}),
        "distributions": json.dumps([d.model_dump(mode="json") for d in problem.distributions]),
    }
    value, error = optimisation.targets(
        spec.objective, known.courses, np.array(known.time), problem.observables
    )
    low, high = problem.bounds
    asked = {
        "target_value": (("time", "observable"), value),
        "target_error": (("time", "observable"), error),
        "lower_bound": ("parameter", low),
        "upper_bound": ("parameter", high),
    }
    dataset = store.optimisation_dataset(
        paths,
        observables=problem.measured,
        goals=[terms.goals_of(spec.objective, name) for name in problem.observables],
        time=evaluator.time,
        time_unit=problem.study.time_unit,
        variables=outcome.variables | asked,
        attributes=attributes,
    )
    store.write_dataset(dataset, output, "optimisation")
    # The best start before and after, at one seed, in full.
    path = dataset["parameter_value"].sel(start=outcome.best).values
    ends = path[[0, int(dataset["steps_done"].sel(start=outcome.best))]]
    numbers, seeds = np.arange(2), np.zeros(1, int)
    result = engine.simulate_states(problem, ends, seeds, run_key=spec.key)
    attributes |= {"start": outcome.best}
    shown = simulated(problem, numbers, seeds, ends, result, attributes)
    store.write_dataset(store.optimisation_cells_dataset(shown), cells, "optimisation_cells")


def _starts(path: str, spec: OptimisationSpecification) -> xr.Dataset:
    """The paths of some starts."""
    paths = store.read_dataset(path, "starts")
    numbers = paths["start"].values
    store.hold_to(spec.of_starts(int(numbers[0]), int(numbers[-1]) + 1), paths.attrs, path)
    return paths


def _question(
    run_name: str, spec: ObjectiveSpecification, known: store.ObjectiveRecord
) -> tuple[Problem, optimisation.Objective]:
    """The study with the free parameters alone, and what is minimised."""
    observables = optimisation.observables_of(spec.objective)
    problem = run_problem(run_name, spec).freeing(spec.free, observables)
    return problem, _objective(problem, spec.objective, known.courses, np.array(known.time))


def _objective(
    problem: Problem,
    asked: Sequence[terms.Term],
    courses: dict[int, MeasuredCourse],
    times: np.ndarray,
) -> optimisation.Objective:
    study = problem.study
    return optimisation.make_objective(
        asked, courses, times, study.time_unit, {o.name: o for o in study.observables}
    )


def _in_units(problem: Problem, term: terms.Term, course: MeasuredCourse) -> MeasuredCourse:
    """A measured course in the units of the study."""
    study, name = problem.study, term.observable
    unit = {o.name: o.unit for o in study.observables}.get(name, "")
    return in_units(course, name, study.time_unit, unit)


def _refining(
    problem: Problem,
    objective: optimisation.Objective,
    spec: StartsSpecification | OptimisationSpecification,
) -> optimisation.LossEvaluator:
    """The loss on the seeds of the refinement."""
    assert spec.refine is not None
    return optimisation.LossEvaluator(
        problem, objective, spec.refine.seeds, spec.key, how_of(spec), optimisation.REFINING
    )
