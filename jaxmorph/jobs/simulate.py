"""The jobs that run a study: describe it (which checks it first), batch, corners, checks."""

import contextlib
import dataclasses
import itertools
import logging
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from pydantic import TypeAdapter

from .. import designs, engine, store
from ..atomic import UNFINISHED
from ..configuration import GRADIENT_ESTIMATORS, bias_attributes
from ..configuration.fields import hint
from ..designs import Correlation, Design
from ..errors import JaxmorphError
from ..studies import Problem
from .problem import Spec, digest, how_of, run_problem

logger = logging.getLogger(__name__)


def describe_study(
    run_name: str, spec: Spec, output: str, cost: str, animation: Mapping[str, Any] | None = None
) -> None:
    """Check a run against its study (names, settings, gradients), describe both, and time it."""
    problem = run_problem(run_name, spec)
    n_times, n_observables = engine.trace(problem).shape
    _check_animation(run_name, animation or {}, problem)
    engine.trace_gradients(problem)
    engine.check_estimator(problem, spec.get("estimator", "pathwise"), spec.get("gradient", "auto"))
    logger.info(
        "study %s: %d varied parameters, %d observables at %d times",
        spec["study"],
        len(problem.names),
        n_observables,
        n_times,
    )
    description = {
        "study": spec["study"],
        "study_description": problem.study.describe(),
        "study_source": _source(spec["study"]),
        "stochastic": problem.study.is_stochastic,
        "settings": problem.study.settings(),
        "fixed_parameters": problem.fixed,
        "parameters": [
            {
                "name": parameter.name,
                "unit": parameter.unit,
                "description": parameter.description,
                "default": parameter.default,
                "distribution": distribution.model_dump(mode="json"),
            }
            for parameter, distribution in zip(problem.varied, problem.distributions, strict=True)
        ],
    }
    store.write_json(description, output)
    store.write_json(dataclasses.asdict(_cost(problem, spec)), cost)


def _check_animation(run_name: str, animation: Mapping[str, Any], problem: Problem) -> None:
    """Whether the study has what colours the cells of the films, and the observable beside them."""
    known = ["type", *(v.name for v in problem.study.state_variables if "cell" in v.dims)]
    colour, observable = animation.get("colour", "type"), animation.get("observable")
    where, study = f"runs.{run_name}.animation", type(problem.study).__name__
    if re.sub(r"\[\d+\]$", "", colour) not in known:
        raise JaxmorphError(
            f"{where}.colour = {colour}: {study} stores no such field of cells; {hint(colour, known)}"
        )
    if observable is not None and observable not in problem.observables:
        raise JaxmorphError(
            f"{where}.observable = {observable}: not an observable of the run; "
            f"{hint(observable, problem.observables)}"
        )


def _cost(problem: Problem, spec: Spec) -> engine.Cost:
    """What a simulation costs, for the resources that the jobs of the run ask for."""
    cost = engine.measure_cost(problem, run_key=spec["key"], **how_of(spec))
    logger.info(
        "a simulation with gradients takes %.3g ms and gives %.3g kB on %s",
        1e3 * cost.seconds_per_simulation,
        1e-3 * cost.result_bytes_per_simulation,
        cost.device,
    )
    simulations = max(1, int(1200 / cost.seconds_per_simulation))
    logger.info(
        "batch: %d would make jobs of 20 minutes, and files of up to %.2g GB (timed %d at once)",
        simulations,
        1e-9 * simulations * cost.result_bytes_per_simulation,
        cost.simulations,
    )
    return cost


def evaluate_batch(run_name: str, spec: Spec, output: str, code: str) -> None:
    """Simulate one slab of samples x seeds with gradients, and write the batch.

    What is finished is kept until the batch is written: a job that is cut off goes on where it was, if
    nothing changed that decides the numbers (``spec``; ``code``, the digest of the source; the devices).
    """
    start = time.monotonic()
    problem = run_problem(run_name, spec)
    numbers, seeds = np.arange(*spec["samples"]), np.arange(*spec["seeds"])
    named = dict(zip(problem.names, problem.distributions, strict=True))
    # The points are made again from the design's settings: a file of all points would change, and
    # with it every batch, whenever a run grows. The estimates check that they are those of design.nc.
    design = TypeAdapter(Design).validate_python(spec["design"])
    correlations = TypeAdapter(list[Correlation]).validate_python(spec["correlations"])
    points, _ = designs.make_design(design, named, correlations)
    samples = points[numbers]
    with _run_wide(range(*spec["samples"])):
        saved = store.SavedPieces(
            UNFINISHED / run_name / Path(output).stem, digest(spec, code, engine.describe_devices())
        )
        result = engine.evaluate(
            problem, samples, seeds, run_key=spec["key"], saved=saved, **how_of(spec)
        )
    _report_non_finite(result, numbers, seeds)
    kind = _kind(spec)
    dataset = _dataset(run_name, spec, problem, numbers, seeds, samples, result, start, kind)
    stored = spec["trajectories"]
    if stored is not None and problem.study.state_variables:
        logger.info("storing the trajectories of samples %(samples)s at seeds %(seeds)s", stored)
        wanted = points[stored["samples"]], np.array(stored["seeds"])
        with _run_wide(stored["samples"]):
            states = engine.simulate_states(problem, *wanted, run_key=spec["key"]).states
        dataset = store.with_trajectories(
            dataset, stored["samples"], stored["seeds"], states, problem.study.state_variables
        )
    dataset.attrs["code_digest"] = code
    store.write_dataset(dataset, output, "batch")
    saved.remove()


def simulate_corners(run_name: str, spec: Spec, output: str) -> None:
    """Simulate the corners of some parameters at one seed, all others at their medians.

    A corner is at the ends of each distribution, or at 5 and 95 % of one that has no ends.
    """
    start = time.monotonic()
    problem = run_problem(run_name, spec)
    columns = [problem.names.index(name) for name in spec["corners"]]
    ends = [problem.distributions[i].ends for i in columns]
    samples = np.tile(problem.centre, (2 ** len(columns), 1))
    samples[:, columns] = list(itertools.product(*ends))
    names = [
        ", ".join(f"{name} {end}" for name, end in zip(spec["corners"], corner, strict=True))
        for corner in itertools.product(("low", "high"), repeat=len(columns))
    ]
    numbers, seeds = np.arange(len(samples)), np.array([spec["seed"]])
    result = engine.simulate_states(problem, samples, seeds, run_key=spec["key"])
    evaluation = engine.Evaluation(result.time, result.value, None, None, "no gradients wanted")
    dataset = _dataset(run_name, spec, problem, numbers, seeds, samples, evaluation, start)
    if problem.study.state_variables:
        dataset = store.with_trajectories(
            dataset, numbers, seeds, result.states, problem.study.state_variables
        )
    store.write_dataset(store.corners_dataset(dataset, names), output, "corners")


def check_gradients(run_name: str, spec: Spec, design: str, output: str) -> None:
    """Hold pathwise gradients against other ways to compute them, at samples spread over the design."""
    start = time.monotonic()
    problem = run_problem(run_name, spec)
    points = store.read_dataset(design, "design")["parameter_value"].values
    wanted = min(spec["checks"]["samples"], len(points))
    numbers = np.unique(np.linspace(0, len(points) - 1, wanted).round().astype(int))
    samples, seeds = points[numbers], np.arange(spec["checks"]["seeds"])
    key = spec["key"]
    checks = engine.finite_differences(problem, samples, seeds, run_key=key, step=spec["checks"]["step"])
    modes = engine.mode_difference(problem, samples, seeds, run_key=key, known=checks.automatic)
    exponent = engine.lyapunov_exponent(problem, samples, seeds, run_key=key)
    dataset = _dataset(run_name, spec, problem, numbers, seeds, samples, checks.automatic, start)
    dataset = store.checks_dataset(dataset, checks.gradient, checks.error, modes, exponent)
    worst = float(dataset["relative_difference"].max())
    logger.info("largest relative difference from finite differences: %.2g", worst)
    logger.info("largest relative difference of forward and reverse mode: %.2g", modes.max())
    store.write_dataset(dataset, output, "checks")


def _source(study: str) -> str:
    """The text of the user's own file that holds the study, so that a report can hand it on."""
    place = Path(study.rpartition(":")[0])
    return place.read_text(encoding="utf-8") if place.suffix == ".py" else ""


@contextlib.contextmanager
def _run_wide(samples: Sequence[int]) -> Iterator[None]:
    """A study that raises on these samples is reported with their numbers in the run."""
    try:
        yield
    except engine.StudyError as error:
        raise error.renumbered(samples) from error


def _dataset(
    run_name: str,
    spec: Spec,
    problem: Problem,
    numbers: np.ndarray,
    seeds: np.ndarray,
    samples: np.ndarray,
    result: engine.Evaluation,
    start: float,
    kind: str = "pathwise",
) -> xr.Dataset:
    estimator = result.estimator if result.gradient is not None else "none"
    attributes = store.provenance(run_name, dict(spec)) | {
        "device": engine.describe_devices(),
        "precision": problem.study.precision,
        "gradient_mode": result.mode or "none",
        "gradient_mode_reason": result.reason,
        "estimator": estimator,
        **bias_attributes(estimator),
        "random_key": spec["key"],
        "wall_time_s": time.monotonic() - start,
    }
    by_name = {o.name: o for o in problem.study.observables}
    return store.batch_dataset(
        samples=numbers,
        seeds=seeds,
        time=result.time,
        time_unit=problem.study.time_unit,
        parameter_value=samples,
        parameters=problem.varied,
        observables=[by_name[name] for name in problem.observables],
        value=result.value,
        gradient=result.gradient,
        gradient_kind=kind,
        attributes=attributes,
    )


def _kind(spec: Spec) -> str:
    """What the gradients of a batch are."""
    return GRADIENT_ESTIMATORS[spec["estimator"]].long_name.format_map(spec)


def _report_non_finite(result: engine.Evaluation, numbers: np.ndarray, seeds: np.ndarray) -> None:
    assert result.gradient is not None
    finite = np.isfinite(result.value).all((2, 3)) & np.isfinite(result.gradient).all((2, 3, 4))
    for i, j in np.argwhere(~finite):
        logger.warning("sample %d, seed %d: not finite; stored as it is", numbers[i], seeds[j])
