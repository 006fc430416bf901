"""Optax's optimisers from their names."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax

from ..configuration.optimise import Optimiser, Schedule
from ..configuration.optimisers import LBFGS, WITHOUT_LEARNING_RATE
from ..errors import JaxmorphError

_LEARNING_RATE = 0.01
_KINDS: dict[type, str] = {bool: "true or false", int: "a whole number", str: "a text"}
"""What Optax annotates with these types alone; all other settings are numbers."""
_SHARES = frozenset(["b1", "b2", "b3", "rho", "decay", "momentum"])
"""How much of an average is kept."""
_TRIED = (0, 1, 10, 1000)
"""Steps at which a schedule is looked at."""


def make_optimiser(settings: Optimiser) -> optax.GradientTransformationExtraArgs:
    """The optimiser that a configuration names.

    Raises:
        JaxmorphError: If a setting has another type, or Optax refuses it.
    """
    function = getattr(optax, settings.name)
    _check_types("optimiser.settings", function, settings.settings)
    arguments: dict[str, Any] = dict(settings.settings)
    if settings.name not in WITHOUT_LEARNING_RATE:
        rate: Any = settings.learning_rate or _LEARNING_RATE
        arguments["learning_rate"] = _schedule(settings.schedule) if settings.schedule else rate
    return optax.with_extra_args_support(_called("optimiser.settings", function, arguments))


def check_optimiser(settings: Optimiser, *, noisy: bool) -> None:
    """Whether Optax makes the optimiser, it makes a step, and can do with the loss.

    Args:
        settings: The optimiser.
        noisy: Whether the loss has other seeds in each step.

    Raises:
        JaxmorphError: If not.
    """
    made = make_optimiser(settings)
    if noisy and settings.name == LBFGS:
        raise JaxmorphError(
            f"optimiser.name = {LBFGS}: searches along lines, which fresh seeds mislead; "
            "write fresh: false, or take another optimiser (adam)"
        )
    step = _called("optimiser.settings", _first_step, {"made": made}, settings.name)
    if not jnp.isfinite(step).all():
        raise JaxmorphError(
            f"optimiser.settings = {dict(settings.settings)}: with these the first step of "
            f"{settings.name} is no number"
        )


def _schedule(settings: Schedule) -> optax.Schedule:
    place, function = "optimiser.schedule.settings", getattr(optax, settings.name)
    _check_types(place, function, settings.settings)
    made: optax.Schedule = _called(place, function, dict(settings.settings))
    rates = [float(made(step)) for step in _TRIED]
    if wrong := [rate for rate in rates if not 0 <= rate < float("inf")]:
        raise JaxmorphError(
            f"{place} = {dict(settings.settings)}: the learning rate would be {wrong[0]:g}; it must not "
            "be negative"
        )
    return made


def _called(
    place: str, function: Callable[..., Any], arguments: Mapping[str, Any], name: str = ""
) -> Any:
    """What Optax makes of arguments, or what it says against them."""
    try:
        return function(**arguments)
    except Exception as error:  # of any type: Optax trusts its caller, JAX does not
        said = " ".join(str(error).split())[:200]
        raise JaxmorphError(f"{place}: {name or function.__name__} refuses them: {said}") from error


def _check_types(place: str, function: Callable[..., Any], settings: Mapping[str, Any]) -> None:
    known = inspect.signature(function).parameters
    for name, value in settings.items():
        kind = known[name].annotation
        wanted = _KINDS.get(kind, "a number")
        fits = isinstance(value, kind if kind in _KINDS else int | float)
        if not fits or (isinstance(value, bool) and kind is not bool):
            raise JaxmorphError(f"{place}.{name} = {value!r}: must be {wanted}")
        if name in _SHARES and not 0 <= value < 1:
            raise JaxmorphError(f"{place}.{name} = {value!r}: must be at least 0 and less than 1")


def _first_step(made: optax.GradientTransformationExtraArgs) -> jax.Array:
    """The first step of a search for the minimum of a parabola."""

    def loss(x: jax.Array) -> jax.Array:
        return jnp.sum((x - 1.0) ** 2)

    x = jnp.array([0.5, 2.0])
    value, gradient = jax.value_and_grad(loss)(x)
    step, _ = made.update(gradient, made.init(x), x, value=value, grad=gradient, value_fn=loss)
    return jnp.asarray(step)
