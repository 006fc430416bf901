"""What a job that simulates makes of its specification."""

import contextlib
import hashlib
import json
from collections.abc import Iterator

import jax

from .. import engine
from ..configuration.specifications import GradientSpecification, ModelSpecification
from ..errors import JaxmorphError
from ..studies import Problem, load_problem


def run_problem(run_name: str, spec: ModelSpecification) -> Problem:
    """The run's study and question; messages name the run's keys."""
    with keys_below(f"runs.{run_name}"):
        return load_problem(
            spec.study, spec.settings, dict(spec.parameters), spec.observables, spec.fixed
        )


@contextlib.contextmanager
def keys_below(place: str) -> Iterator[None]:
    """Each line of an error begins with a key that is below ``place``."""
    try:
        yield
    except JaxmorphError as error:
        lines = [f"{place}.{line}" for line in str(error).splitlines()]
        raise JaxmorphError("\n".join(lines)) from error


def how_of(spec: GradientSpecification) -> engine.GradientArguments:
    """How a job makes its gradients."""
    how = engine.GradientArguments(gradient=spec.gradient, estimator=spec.estimator)
    if spec.smoothing is not None:
        how["smoothing"] = spec.smoothing
    return how


def digest(spec: ModelSpecification, *more: str) -> str:
    """Of all that decides the numbers of a job: its specification, JAX, the devices, and ``more``."""
    content = [spec.plain(), jax.__version__, engine.describe_devices(), *more]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
