"""Studies that a program gives as objects, and that a configuration names like any other."""

from __future__ import annotations

import hashlib

_PLACE = "given"
_GIVEN: dict[str, object] = {}


def give(name: str, study: object, source: str) -> str:
    """A name for a study, ``given:Name_digest``, by which this process finds it.

    Args:
        name: An identifier.
        study: Its class.
        source: All that decides what it does: another text is another name.
    """
    key = f"{name}_{hashlib.sha256(source.encode()).hexdigest()[:8]}"
    _GIVEN[key] = study
    return f"{_PLACE}:{key}"


def given(spec: str) -> object | None:
    """The study of a name that :func:`give` made, which tells its source, too; None of another name."""
    return _GIVEN.get(spec.partition(":")[2]) if is_given(spec) else None


def is_given(spec: str) -> bool:
    """Whether it is a name that :func:`give` makes, in this process or another."""
    return spec.partition(":")[0] == _PLACE


def shown(spec: str) -> str:
    """The name of a study for a reader: of one that was given its own, without place and digest."""
    return spec.partition(":")[2].rpartition("_")[0] if is_given(spec) else spec
