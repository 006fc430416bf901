"""The name by which jobs find a study that is an object."""

from __future__ import annotations

import sys
from typing import Any

from ..configuration import BUILT_IN_STUDIES
from ..configuration.given import give
from ..errors import JaxmorphError
from ..studies import Study
from .sources import text_of


def named(given: str | type[Study] | Study) -> tuple[str, dict[str, Any]]:
    """The name of a study and its settings that are not defaults, as a configuration has them.

    Args:
        given: A configured name, a class or an instance.

    Raises:
        JaxmorphError: If it is none of these.
    """
    if isinstance(given, str):
        return given, {}
    kind = given if isinstance(given, type) else type(given)
    if not issubclass(kind, Study):
        raise JaxmorphError(
            f"study = {_briefly(given)}: is no study; give a name, a subclass of jaxmorph.Study, an "
            "instance of one, or jaxmorph.study(function, parameters=..., observables=...)"
        )
    settings = {} if isinstance(given, type) else given.model_dump(exclude_defaults=True)
    target = f"{kind.__module__}:{kind.__qualname__}"
    built_in = next((name for name, place in BUILT_IN_STUDIES.items() if place == target), None)
    if built_in is None and _is_imported(kind):
        return target, settings
    return built_in or give(kind.__name__, kind, text_of(kind)), settings


def _is_imported(kind: type[Study]) -> bool:
    """Whether a job that imports its module has the same class: not that of a script or a notebook.

    What the module imports is followed then, and the report carries its file.
    """
    module = sys.modules.get(kind.__module__)
    return kind.__module__ != "__main__" and getattr(module, kind.__qualname__, None) is kind


def _briefly(given: object) -> str:
    return f"the function {given.__name__}" if hasattr(given, "__name__") else repr(given)
