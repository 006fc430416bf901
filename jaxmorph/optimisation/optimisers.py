"""Optax's optimisers from their names."""

from typing import Any

import optax

from ..configuration.optimise import Optimiser, Schedule
from ..configuration.optimisers import WITHOUT_LEARNING_RATE
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


def _schedule(settings: Schedule) -> optax.Schedule:
    try:
        return getattr(optax, settings.name)(**settings.settings)
    except (TypeError, ValueError) as error:
        raise JaxmorphError(
            f"optimiser.schedule.settings: {settings.name} refuses them: {error}"
        ) from error
