"""A study from a plain function."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np

from ..distributions import Distribution, as_distribution, is_foreign
from ..distributions.base import BaseDistribution
from ..errors import JaxmorphError
from .base import Observable, Parameter, Recording, Study

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def study(
    function: Callable[..., Any],
    *,
    parameters: Mapping[str, Any],
    observables: Sequence[str | Observable] = ("y",),
    time: Any = None,
    time_unit: str = "1",
) -> Study:
    """A study of a plain function of JAX.

    Args:
        function: Of ``(parameters, key)``, or of ``(parameters)`` alone if it draws nothing.
            ``parameters`` is a dictionary of numbers. It returns a dictionary of observables, or the
            only one: each a number, or an array with an entry for each time.
        parameters: The parameters by name, each with its distribution (of :mod:`jaxmorph.distributions`,
            SciPy, OpenTURNS or chaospy; its median is the default) or as a :class:`jaxmorph.Parameter`.
        observables: Names of what is returned, or :class:`jaxmorph.Observable` with units.
        time: The times of the entries; default: 0, 1, 2, ...
        time_unit: Of these.

    Returns:
        A study like any other: for :func:`jaxmorph.analyse`, say.

    Raises:
        JaxmorphError: Something of it is no function, no distribution, or of another name.
    """
    takes_key = _takes_key(function, parameters)
    if isinstance(observables, str):
        raise JaxmorphError(f"observables = {observables!r}: must be a list; write [{observables!r}]")
    name = "".join(c for c in getattr(function, "__name__", "function").title() if c.isalnum())
    measured = tuple(o if isinstance(o, Observable) else Observable(o, "1", o) for o in observables)

    def simulate(self: Study, parameters: Mapping[str, Any], key: Any) -> Recording:
        del self
        result = function(parameters, key) if takes_key else function(parameters)
        if not isinstance(result, Mapping):
            result = {measured[0].name: result}
        values = {n: _course(name, n, v) for n, v in result.items()}
        if not values:
            raise JaxmorphError(f"function {name} returned an empty dict; give it the observables")
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


def _takes_key(function: Any, parameters: Any) -> bool:
    """Whether it is of ``(parameters, key)``; a second argument that has a default is its own."""
    if not isinstance(parameters, Mapping):
        raise JaxmorphError(
            f"parameters = {parameters!r}: must be a mapping of names to distributions, such as "
            "{'rate': Uniform(low=0, high=1)}"
        )
    if not callable(function):
        raise JaxmorphError(f"function = {function!r}: is none; name it without calling it")
    try:
        taken = inspect.signature(function).parameters
    except ValueError:  # of a builtin
        raise JaxmorphError(f"function = {function!r}: is none of JAX; write one in Python") from None
    if same := [name for name in taken if name in parameters]:
        raise JaxmorphError(
            f"the function takes {', '.join(same)} by name; let it take one dictionary, (parameters) or "
            f"(parameters, key), and write parameters[{same[0]!r}]"
        )
    needed = [one for one in taken.values() if one.default is one.empty and one.kind in _POSITIONAL]
    return len(needed) > 1


def _course(function: str, name: str, value: Any) -> Any:
    """What a function returned of an observable, as an array along time."""
    what = f"function {function} returned a {type(value).__name__} as {name}"
    if not isinstance(value, int | float | np.ndarray | np.generic | jax.Array):
        raise JaxmorphError(f"{what}; return a number, an array along time, or a dict of these by name")
    if jnp.iscomplexobj(value):
        raise JaxmorphError(f"{what}, which is complex; return real numbers, such as jnp.abs of it")
    return jnp.atleast_1d(jnp.asarray(value, float))


def _parameter(name: Any, given: Any) -> Parameter:
    if isinstance(given, Parameter):
        if given.name != name:
            raise JaxmorphError(f"parameters.{name}: is of the name {given.name}; make them the same")
        return given
    if is_foreign(given):
        given = as_distribution(given)
    if not isinstance(name, str) or not isinstance(given, BaseDistribution):
        raise JaxmorphError(
            f"parameters.{name} = {given!r}: must be a name and one of jaxmorph.distributions, such as "
            "Uniform(low=0, high=1), or a jaxmorph.Parameter"
        )
    distribution = cast(Distribution, given)  # one of them
    middle = float(distribution.ppf(np.array(0.5)))
    return Parameter(name, "1", name.replace("_", " "), middle, distribution)
