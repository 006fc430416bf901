"""Estimators of gradients: every file of this folder that declares one."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Any

from ...configuration import Estimator
from ...errors import JaxmorphError
from .base import GradientEstimator, Single, WantedMode, Way

__all__ = ["GradientEstimator", "Single", "WantedMode", "Way", "estimator_named"]


def _found() -> Iterator[type[GradientEstimator]]:
    for _, name, _ in pkgutil.iter_modules(__path__, f"{__name__}."):
        for kind in vars(importlib.import_module(name)).values():
            defined_there = inspect.isclass(kind) and kind.__module__ == name
            if defined_there and issubclass(kind, GradientEstimator) and not inspect.isabstract(kind):
                yield kind


_BY_NAME = {kind.declaration.name: kind for kind in _found()}


def estimator_named(name: Estimator, wanted: WantedMode, **settings: Any) -> GradientEstimator:
    """The estimator of this name, with those of ``settings`` that it takes.

    Raises:
        JaxmorphError: If it does not have the gradient mode ``wanted``.
    """
    kind = _BY_NAME[name]
    if not kind.declaration.allows(wanted):
        raise JaxmorphError(f"gradient = {wanted}: with estimator = {name} use auto")
    return kind(**{key: settings[key] for key in kind.declaration.settings})
