"""The name by which jobs find a study that is an object."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from ..configuration import BUILT_IN_STUDIES
from ..configuration.given import give
from ..errors import JaxmorphError
from ..studies import Study


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
            f"study = {given!r}: is no study; give a name, a subclass of jaxmorph.Study, an instance of "
            "one, or jaxmorph.study(function, parameters=..., observables=...)"
        )
    settings = {} if isinstance(given, type) else given.model_dump(exclude_defaults=True)
    target = f"{kind.__module__}:{kind.__qualname__}"
    built_in = next((name for name, place in BUILT_IN_STUDIES.items() if place == target), None)
    return built_in or give(kind.__name__, kind, _source(kind)), settings


def _source(kind: type[Study]) -> str:
    """The text of the file, or of the class alone in a notebook; of a function what it is made of."""
    of = getattr(kind, "_function", kind)
    try:
        file = inspect.getsourcefile(of)
        if file and Path(file).is_file():
            return Path(file).read_text(encoding="utf-8")
        return inspect.getsource(of)
    except (OSError, TypeError):
        return f"{kind.__module__}.{kind.__qualname__} {kind.parameters} {kind.observables}"
