"""From what pydantic found wrong to lines that a reader of the configuration understands."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pydantic_core import ErrorDetails

from .comparisons import PREFIX
from .limits import MAX_NAME, TooMuch
from .mistakes import KeyPath, Mistake, show
from .unknown_keys import model_at, unknown_key, wrong_tag
from .wrong_values import wrong_value


def is_consequence(error: ErrorDetails) -> bool:
    """Whether ``error`` only follows from another one.

    A default cannot be made from a wrong value; a collection is too short if its items are wrong.
    """
    if error["type"] == "too_short":
        return len(error["input"]) > 0
    return error["type"] == "default_factory_not_called"


def to_mistake(error: ErrorDetails) -> Mistake:
    """What one of pydantic's errors means to a user."""
    location, kind, value = error["loc"], error["type"], error["input"]
    path = _clean(location)
    if location[-1:] == ("[key]",):
        return Mistake(path[:-2], None, _wrong_name(value, path[2:3] == ("summaries",)))
    if kind == "invalid_key":
        return Mistake(path[:-1], None, _wrong_name(value))
    if kind == "missing":
        return _missing(location, value)
    if kind == "extra_forbidden":
        return Mistake(path, None, unknown_key(location))
    if kind.startswith("union_tag") and isinstance(value, Mapping):
        return wrong_tag(path, value)
    return _of_value(path, error)


def _missing(location: KeyPath, value: object) -> Mistake:
    path = _clean(location)
    if isinstance(path[-1], int):
        return Mistake(path[:-1], show(value), "has too few items")
    description = str(model_at(location[:-1])[0].model_fields[str(path[-1])].description)
    return Mistake(path, None, f"is missing ({description.replace('`', '')})")


def _of_value(path: KeyPath, error: ErrorDetails) -> Mistake:
    kind, value = error["type"], error["input"]
    if isinstance(too_much := error.get("ctx", {}).get("error"), TooMuch):
        return Mistake((*path, *too_much.keys), _value_at(value, too_much.keys), str(too_much))
    # A mapping is long, and the text names what is wrong in it.
    shown = None if kind == "value_error" and isinstance(value, Mapping) else show(value)
    if kind == "too_long" and isinstance(path[-1], int):
        path = path[:-1]
    return Mistake(path, shown, wrong_value(path, error))


def _value_at(whole: object, keys: tuple[str, ...]) -> str | None:
    """What is given at ``keys``, if that is a single value."""
    for key in keys:
        whole = whole.get(key) if isinstance(whole, Mapping) else None
    return None if whole is None or isinstance(whole, Mapping | list) else show(whole)


def _clean(location: KeyPath) -> KeyPath:
    """The keys in ``location``, without pydantic's names for the members of a union."""
    parts = list(location)
    if parts[2:3] in (["design"], ["batch"]):
        del parts[3:4]
    if parts[2:3] == ["parameters"] and parts[-1] != "[key]":
        del parts[4:6]
    if parts[2:4] == ["optimise", "objective"]:
        del parts[5:6]
    if parts[2:4] == ["optimise", "starts"]:
        del parts[4:5]
    return tuple(parts)


def _wrong_name(name: object, of_summary: bool = False) -> str:
    if isinstance(name, str) and len(name) > MAX_NAME:
        return f"the name {name[:20]}... has {len(name):,} letters; the most is {MAX_NAME}"
    if of_summary and isinstance(name, str):
        return f"{json.dumps(name)} cannot be the name of a summary; use letters, digits and _"
    if not isinstance(name, str):
        return f'the name {show(name)} is not a text; write "{show(name)}"'
    if name.startswith(PREFIX):
        return f"{json.dumps(name)} cannot be the name of a run; {PREFIX}... are pages of several runs"
    return (
        f"{json.dumps(name)} cannot be the name of a run; use letters, digits, - and _, "
        "beginning with a letter or a digit"
    )
