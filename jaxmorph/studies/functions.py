"""A study from a plain function."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from ..distributions import Distribution
from .base import Observable, Parameter, Recording, Study


def study(
    function: Callable[..., Any],
    *,
    parameters: Mapping[str, Parameter | Distribution],
    observables: Sequence[str | Observable] = ("y",),
    time: Any = None,
    time_unit: str = "1",
) -> Study:
    """A study of a plain function of JAX.

    Args:
        function: Of ``(parameters, key)``, or of ``(parameters)`` alone if it draws nothing.
            ``parameters`` is a dictionary of numbers. It returns a dictionary of observables, or the
            only one: each a number, or an array with an entry for each time.
        parameters: The parameters by name, each with its distribution (whose median is the default) or
            as a :class:`jaxmorph.Parameter`.
        observables: Names of what is returned, or :class:`jaxmorph.Observable` with units.
        time: The times of the entries; default: 0, 1, 2, ...
        time_unit: Of these.

    Returns:
        A study like any other: for :func:`jaxmorph.analyse`, say.
    """
    name = "".join(c for c in getattr(function, "__name__", "function").title() if c.isalnum())
    takes_key = len(inspect.signature(function).parameters) > 1
    measured = tuple(o if isinstance(o, Observable) else Observable(o, "1", o) for o in observables)

    def simulate(self: Study, parameters: Mapping[str, Any], key: Any) -> Recording:
        del self
        result = function(parameters, key) if takes_key else function(parameters)
        if not isinstance(result, Mapping):
            result = {measured[0].name: result}
        values = {n: jnp.atleast_1d(jnp.asarray(v, float)) for n, v in result.items()}
        n_times = len(next(iter(values.values())))
        return Recording(jnp.arange(float(n_times)) if time is None else jnp.asarray(time), values)

    made = type(
        name if name.isidentifier() else "Function",
        (Study,),
        {
            "__doc__": inspect.getdoc(function) or f"{name}.",
            "__module__": __name__,
            "parameters": tuple(_parameter(n, p) for n, p in parameters.items()),
            "observables": measured,
            "time_unit": time_unit,
            "stochastic": takes_key,
            "simulate": simulate,
            "_function": staticmethod(function),
        },
    )
    return made()


def _parameter(name: str, given: Parameter | Distribution) -> Parameter:
    if isinstance(given, Parameter):
        return given
    return Parameter(name, "1", name.replace("_", " "), float(given.ppf(np.array(0.5))), given)
