"""The jobs that simulate a run: its batches, its corners, the numerical checks."""

import contextlib
import dataclasses
import json
import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from .. import designs, engine, store
from ..atomic import UNFINISHED
from ..configuration import GRADIENT_ESTIMATORS
from ..configuration.specifications import (
    BatchSpecification,
    ChecksSpecification,
    CornersSpecification,
    GradientSpecification,
)
from ..distributions import Categorical
from ..quantities import Attributes
from ..studies import Problem
from .datasets import file_attributes, simulated, with_states
from .one_answer import with_one_answer
from .problem import digest, how_of, run_problem

logger = logging.getLogger(__name__)


def evaluate_batch(
    run_name: str, spec: BatchSpecification, output: str, unfinished: Path = UNFINISHED
) -> None:
    """Simulate one slab of samples x seeds with gradients, and write the batch.

    What is finished is kept in the folder ``unfinished`` until the batch is written: a job that is cut
    off goes on where it was, if nothing changed that decides the numbers (``spec``; the devices).
    """
    begin = time.monotonic()
    problem = run_problem(run_name, spec)
    numbers, seeds = np.arange(*spec.samples), np.arange(*spec.seeds)
    # The points are made again from the design's settings: a file of all points would change, and
    # with it every batch, whenever a run grows. The estimates check that they are those of design.nc.
    points, _ = designs.make_design(spec.design, problem.distribution_of, spec.correlations, spec.groups)
    saved = store.SavedPieces(unfinished / run_name / Path(output).stem, digest(spec))
    with _run_wide(range(*spec.samples)):
        result = engine.evaluate(
            problem,
            points[numbers],
            seeds,
            run_key=spec.key,
            noise=True,
            saved=saved,
            **how_of(spec),
        )
    _report_non_finite(result, problem.discrete, numbers, seeds)
    attributes = file_attributes(run_name, spec, problem, result.estimator, begin) | _mode_of(result)
    dataset = simulated(problem, numbers, seeds, points[numbers], result, attributes, _kind(spec))
    if spec.trajectories is not None and problem.study.state_variables:
        stored, at = list(spec.trajectories.samples), list(spec.trajectories.seeds)
        logger.info("storing the trajectories of samples %s at seeds %s", stored, at)
        with _run_wide(stored):
            states = engine.simulate_states(problem, points[stored], np.array(at), run_key=spec.key)
        dataset = with_states(dataset, problem, np.array(stored), np.array(at), states)
    store.write_dataset(dataset, output, "batch")
    saved.remove()


def simulate_corners(run_name: str, spec: CornersSpecification, output: str) -> None:
    """Simulate the corners of some parameters at one seed, all others at their medians."""
    begin = time.monotonic()
    problem = run_problem(run_name, spec)
    points, names = designs.corner_points(problem.distribution_of, spec.corners)
    numbers, seeds = np.arange(len(points)), np.array([spec.seed])
    result = engine.simulate_states(problem, points, seeds, run_key=spec.key)
    levels = {n: d.levels for n, d in problem.distribution_of.items() if isinstance(d, Categorical)}
    attributes = file_attributes(run_name, spec, problem, "none", begin) | {
        "gradient_mode": "none",
        "gradient_mode_reason": "no gradients wanted",
        "levels": json.dumps(levels),
    }
    dataset = simulated(problem, numbers, seeds, points, result, attributes)
    store.write_dataset(store.corners_dataset(dataset, names), output, "corners")


def check_gradients(run_name: str, spec: ChecksSpecification, output: str) -> None:
    """Hold pathwise gradients against other ways to compute them, at samples spread over the design.

    What JAX does not have of a study (a mode, all derivatives) cannot be compared: the file says why.
    Discrete parameters stay at their medians.
    """
    begin = time.monotonic()
    problem = run_problem(run_name, spec)
    points, unit_points = designs.make_design(
        spec.design, problem.distribution_of, spec.correlations, spec.groups
    )
    varies = ~problem.discrete
    if varies.any():
        problem, points = problem.continuous, points[:, varies]
    traced = engine.trace(problem)
    modes = engine.modes_of(traced)
    numbers = designs.spread_samples(len(points), spec.checks.samples)
    samples, seeds = points[numbers], np.arange(spec.checks.seeds)
    absent: dict[str, str] = {}
    lacks = f"JAX has {modes.why_not}" if varies.any() else "every parameter is discrete"
    differentiable = bool(modes.work and varies.any())
    if differentiable:
        compared = engine.finite_differences(
            problem,
            samples,
            seeds,
            run_key=spec.key,
            step=spec.checks.step,
            n_seeds=spec.checks.line_seeds,
            traced=traced,
        )
        evaluated, differences, errors = compared.automatic, compared.gradient, compared.error
    else:
        evaluated = engine.evaluate(
            problem, samples, seeds, run_key=spec.key, gradient="none", traced=traced
        )
        evaluated = dataclasses.replace(evaluated, reason=lacks)
        differences, errors = None, None
        absent |= dict.fromkeys(("finite_difference", "relative_difference"), lacks)
    both = None
    if modes.missing or not differentiable:
        absent["mode_difference"] = lacks
    else:
        both = engine.both_modes(
            problem, samples, seeds, run_key=spec.key, known=evaluated, traced=traced
        )
    try:
        exponent = engine.lyapunov_exponent(problem, samples, seeds, run_key=spec.key, traced=traced)
    except engine.NotDifferentiable as error:
        exponent, absent["lyapunov_exponent"] = None, str(error)
    if not varies.any():
        absent |= dict.fromkeys(("line_parameter", "line_mean"), lacks)
    for name, reason in absent.items():
        logger.warning("%s is left out: %s", name, reason)
    estimator = evaluated.estimator if differentiable else "none"
    attributes = file_attributes(run_name, spec, problem, estimator, begin)
    dataset = simulated(problem, numbers, seeds, samples, evaluated, attributes | _mode_of(evaluated))
    apart = None if both is None else both.difference
    dataset = store.checks_dataset(dataset, differences, errors, apart, exponent, absent)
    dataset = with_one_answer(dataset, problem, samples, seeds, spec.key, both or evaluated)
    centre = points[designs.central_sample(unit_points)]
    if varies.any():
        dataset = _with_lines(dataset, problem, spec, centre, traced)
    for name in ("relative_difference", "mode_difference"):
        if name in dataset:
            logger.info("largest %s: %.2g", name, dataset[name].max())
    store.write_dataset(dataset, output, "checks")


def _with_lines(
    checks: xr.Dataset,
    problem: Problem,
    spec: ChecksSpecification,
    centre: np.ndarray,
    traced: engine.Traced,
) -> xr.Dataset:
    """``checks`` with lines through ``centre``, on which the run's gradients must explain the values."""
    lines = engine.follow_lines(
        problem,
        centre,
        np.arange(spec.checks.line_seeds),
        run_key=spec.key,
        n_points=spec.checks.line_points,
        how=how_of(spec),
        traced=traced,
    )
    arrays = {
        "line_parameter": lines.points,
        "line_mean": lines.value,
        "line_mean_se": lines.value_se,
        "line_gradient": lines.gradient,
        "line_gradient_se": lines.gradient_se,
        "line_missing": lines.missing,
        "line_missing_error": lines.missing_error,
        "line_incomplete": lines.incomplete,
        "line_unresolved": lines.unresolved,
        "jump_size": lines.jump,
        "jump_from": lines.jump_from,
        "jump_to": lines.jump_to,
    }
    logger.info(
        "lines through the central sample: %d simulations; gradients miss something of %d pairs",
        lines.simulations,
        lines.incomplete.any(axis=0).sum(),
    )
    attributes: Attributes = {"line_estimator": spec.estimator, "line_simulations": lines.simulations}
    return store.with_lines(checks, arrays, attributes, GRADIENT_ESTIMATORS[spec.estimator].bias)


@contextlib.contextmanager
def _run_wide(samples: Sequence[int]) -> Iterator[None]:
    """A study that raises on these samples is reported with their numbers in the run."""
    try:
        yield
    except engine.StudyError as error:
        raise error.renumbered(samples) from error


def _mode_of(result: engine.Evaluation) -> dict[str, str | float]:
    return {"gradient_mode": result.mode or "none", "gradient_mode_reason": result.reason}


def _kind(spec: GradientSpecification) -> str:
    """What the gradients of a batch are."""
    return GRADIENT_ESTIMATORS[spec.estimator].long_name.format_map(spec.model_dump())


def _report_non_finite(
    result: engine.Evaluation, discrete: np.ndarray, numbers: np.ndarray, seeds: np.ndarray
) -> None:
    assert result.gradient is not None
    gradient = result.gradient[..., ~discrete]
    finite = np.isfinite(result.value).all((2, 3)) & np.isfinite(gradient).all((2, 3, 4))
    for i, j in np.argwhere(~finite):
        logger.warning("sample %d, seed %d: not finite; stored as it is", numbers[i], seeds[j])
