"""What a job that simulates makes of its params."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import jax
from pydantic import TypeAdapter

from ..configuration.fields import ParameterDistribution
from ..errors import JaxmorphError
from ..studies import Problem, load_problem

Spec = Mapping[str, Any]


def run_problem(run_name: str, spec: Spec) -> Problem:
    """The run's study and question; messages name the run's keys."""
    parameters = TypeAdapter(dict[str, ParameterDistribution]).validate_python(dict(spec["parameters"]))
    try:
        return load_problem(
            spec["study"], spec["settings"], parameters, spec["observables"], spec["fixed"]
        )
    except JaxmorphError as error:
        lines = [f"runs.{run_name}.{line}" for line in str(error).splitlines()]
        raise JaxmorphError("\n".join(lines)) from error


def how_of(spec: Spec) -> dict[str, Any]:
    """How gradients are made."""
    return {name: spec[name] for name in ("gradient", "estimator", "smoothing") if name in spec}


def digest(spec: Spec, *more: str) -> str:
    """Of all that decides the numbers of a job."""
    text = json.dumps([dict(spec), jax.__version__, *more], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
