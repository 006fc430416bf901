"""Optax's optimisers from their names."""

from typing import Any

import optax

from ..configuration.optimise import Optimiser, Schedule
from ..configuration.optimisers import LBFGS, WITHOUT_LEARNING_RATE
from ..errors import JaxmorphError

_LEARNING_RATE = 0.01


def make_optimiser(settings: Optimiser) -> optax.GradientTransformationExtraArgs:
    """The optimiser that a configuration names.

    Raises:
        JaxmorphError: If Optax refuses a setting.
    """
    arguments: dict[str, Any] = dict(settings.settings)
    if settings.name not in WITHOUT_LEARNING_RATE:
        rate: Any = settings.learning_rate or _LEARNING_RATE
        arguments["learning_rate"] = _schedule(settings.schedule) if settings.schedule else rate
    try:
        return optax.with_extra_args_support(getattr(optax, settings.name)(**arguments))
    except (TypeError, ValueError) as error:
        raise JaxmorphError(f"optimiser.settings: {settings.name} refuses them: {error}") from error


def check_optimiser(settings: Optimiser, *, noisy: bool) -> None:
    """Whether Optax makes the optimiser, and it can do with the loss.

    Args:
        settings: The optimiser.
        noisy: Whether the loss has other seeds in each step.

    Raises:
        JaxmorphError: If not.
    """
    make_optimiser(settings)
    if noisy and settings.name == LBFGS:
        raise JaxmorphError(
            f"optimiser.name = {LBFGS}: searches along lines, which fresh seeds mislead; "
            "write fresh: false, or take another optimiser (adam)"
        )


def _schedule(settings: Schedule) -> optax.Schedule:
    try:
        return getattr(optax, settings.name)(**settings.settings)
    except (TypeError, ValueError) as error:
        raise JaxmorphError(
            f"optimiser.schedule.settings: {settings.name} refuses them: {error}"
        ) from error
