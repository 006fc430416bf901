"""What a job that simulates makes of its specification."""

import contextlib
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import jax

from .. import engine
from ..configuration import BUILT_IN_STUDIES
from ..configuration.code import code_digest, data_digests
from ..configuration.specifications import (
    GradientSpecification,
    ModelSpecification,
    ObjectiveSpecification,
)
from ..errors import JaxmorphError
from ..studies import Problem, load_problem
from .run import ASKED_IN


def run_problem(run_name: str, spec: ModelSpecification) -> Problem:
    """The run's study and question; messages name the run's keys.

    Raises:
        JaxmorphError: The study cannot be had, or code or data are not those of the specification.
    """
    hold_to_code(spec)
    with keys_below(f"runs.{run_name}"):
        return load_problem(
            spec.study, spec.settings, dict(spec.parameters), spec.observables, spec.fixed
        )


def hold_to_code(spec: ModelSpecification) -> None:
    """Whether what this process computes is what its specification says, code and data.

    Raises:
        JaxmorphError: It is not: the file would be taken for one of other code, or of other data.
    """
    target = BUILT_IN_STUDIES.get(spec.study, spec.study)
    if code_digest(target, optimises=isinstance(spec, ObjectiveSpecification)) != spec.code:
        raise JaxmorphError(f"the code that decides the numbers is not that of the workflow: {_whose()}")
    for name, digest in data_digests(spec.data_digests).items():
        if digest != spec.data_digests[name]:
            raise JaxmorphError(f"{name}: has changed since this command began; run it again")


def _whose() -> str:
    """Whose code this process has, and what to do about it."""
    own, asked = Path(engine.__file__).parents[2], ASKED_IN.get()
    if asked is None or asked.resolve() == own.resolve():
        return f"files of {own}, or of the study, have changed since this command began; run it again"
    return (
        f"this job has imported the package of {own}, the workflow was read with that of {asked}; "
        "uninstall the former in the environment of the job, or have PYTHONPATH name the latter"
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
