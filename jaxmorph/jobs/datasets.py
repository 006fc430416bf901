"""What a job that simulates writes: its results as a dataset, and how they were made."""

import time

import numpy as np
import xarray as xr

from .. import engine, store
from ..configuration import bias_attributes
from ..configuration.specifications import ModelSpecification
from ..quantities import Attributes
from ..studies import Problem


def file_attributes(
    run_name: str, spec: ModelSpecification, problem: Problem, estimator: str, begin: float
) -> dict[str, str | float]:
    """How a file was made.

    Args:
        run_name: Name of the run.
        spec: What the job was to do.
        problem: The study.
        estimator: What its gradients are, or ``none``.
        begin: When the job began, by ``time.monotonic``.
    """
    asked = spec.plain(without=["code", "data_digests"])
    return store.provenance(run_name, asked) | {
        "device": engine.describe_devices(),
        "precision": problem.study.precision,
        "estimator": estimator,
        **bias_attributes(estimator),
        "random_key": spec.key,
        "wall_time_s": time.monotonic() - begin,
        **spec.identity.attributes(),
    }


def simulated(
    problem: Problem,
    numbers: np.ndarray,
    seeds: np.ndarray,
    points: np.ndarray,
    result: engine.Evaluation | engine.SimulatedStates,
    attributes: Attributes,
    gradient_kind: str = "pathwise",
) -> xr.Dataset:
    """Values with gradients or with states.

    Args:
        problem: What was simulated.
        numbers: Those of the samples.
        seeds: Those of the seeds.
        points: Values of the varied parameters, (sample, parameter).
        result: What the engine returned.
        attributes: Of the file.
        gradient_kind: What the gradients are, in words.
    """
    evaluated = result if isinstance(result, engine.Evaluation) else None
    dataset = store.batch_dataset(
        samples=numbers,
        seeds=seeds,
        time=result.time,
        time_unit=problem.study.time_unit,
        parameter_value=points,
        parameters=problem.varied,
        observables=problem.measured,
        value=result.value,
        gradient=None if evaluated is None else evaluated.gradient,
        attributes=attributes,
        gradient_kind=gradient_kind,
        path_score=None if evaluated is None else evaluated.path_score,
        noise=None if evaluated is None else evaluated.noise,
    )
    if isinstance(result, engine.SimulatedStates):
        return with_states(dataset, problem, numbers, seeds, result)
    return dataset


def with_states(
    dataset: xr.Dataset,
    problem: Problem,
    numbers: np.ndarray,
    seeds: np.ndarray,
    result: engine.SimulatedStates,
) -> xr.Dataset:
    """``dataset`` with the states of some of its samples and seeds, if the study stores any."""
    variables = problem.study.state_variables
    if not variables:
        return dataset
    return store.with_trajectories(dataset, numbers, seeds, result.states, variables)
