"""What is said of a value of the wrong kind: what it must be, and how that is written."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic_core import ErrorDetails

from .fields import as_number, as_yaml_number
from .mistakes import KeyPath, is_plain, show
from .unknown_keys import model_at

# One text for each of pydantic's kinds of error; the fields are the error's context.
_TEXTS = {
    "value_error": "{error}",
    "finite_number": "must be a finite number",
    "greater_than": "must be greater than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be at most {le:.12g}",
    "literal_error": "must be {expected}",
    "bool_type": "must be true or false",
    "too_short": "must not be empty",
    "too_long": "must have at most {max_length:,} items",
    "string_too_long": "must have at most {max_length:,} letters",
    "string_too_short": "must not be empty",
    "string_unicode": "has letters that are no text",
    "recursion_loop": "repeats itself",
}
_MAPPINGS = ("dict_type", "model_type", "model_attributes_type")
_MAIN_KEYS = {
    "design": "method",
    "starts": "method",
    "animation": "colour",
    "findings": "time",
    "optimiser": "name",
    "schedule": "name",
}
"""The key that is meant where one word stands for the mapping."""
_NONE_OF_IT = {
    "checks": "{samples: 0}",
    "trajectories": "{samples: [], seeds: []}",
    "refine": "null",
    "optimise": "null",
}
"""How to write that there is to be none."""
_NOTHING = ("none", "None", "off", "no", "null")
_LISTS_OF_MAPPINGS = ("correlations", "objective", "points")
_MOST_KEYS = 4


def wrong_value(path: KeyPath, error: ErrorDetails) -> str:
    """What one of pydantic's errors says of the value at a key."""
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    if path[2:3] == ("parameters",) and len(path) == 4 and not isinstance(value, Mapping):
        wanted = "{distribution: uniform, low: 0, high: 1}"
        return f"must be a distribution such as {wanted}, or the word default"
    no_number = kind == "int_type" and not isinstance(value, str | int)
    if path[2:] == ("batch",) and (kind == "literal_error" or no_number):
        return "must be the word auto, a number of simulations, or {samples: 64, seeds: 16}"
    if kind in ("tuple_type", "string_type", *_MAPPINGS):
        return _wrong_kind(path, error)
    if kind in ("int_type", "float_type"):
        return _wrong_number("a whole number" if kind == "int_type" else "a number", value)
    if kind not in _TEXTS:  # of a later pydantic
        return f"is wrong: {error['msg'].lower()}"
    if kind == "literal_error":
        context = {"expected": context["expected"].replace("'", "")}
    return _TEXTS[kind].format(**context)


def _wrong_kind(path: KeyPath, error: ErrorDetails) -> str:
    """What is no mapping, list or text; how to write it, as far as that can be told."""
    value = error["input"]
    if error["type"] in _MAPPINGS:
        return f"must be a mapping of keys to values{_as_mapping(path, error)}"
    if error["type"] == "tuple_type":
        return f"must be a list{_as_list(path, value)}"
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return f'must be a text; write "{show(value)}"' if number else "must be a text"


def _as_mapping(path: KeyPath, error: ErrorDetails) -> str:
    key, value = str(path[-1]) if path else "", error["input"]
    said = ""
    if _is_nothing(value):
        below = "; indent its keys below it" if value is None else ""
        said = f"; for none write {_NONE_OF_IT[key]}" if key in _NONE_OF_IT else below
    elif isinstance(value, str) and key in _MAIN_KEYS:
        said = f"; write {{{_MAIN_KEYS[key]}: {show(value)}}}"
    elif isinstance(value, str) and re.fullmatch(r"\w+ ?= ?\S+", value):
        said = f"; write {{{re.sub(' ?= ?', ': ', value)}}}"
    elif isinstance(value, list | tuple) and value and all(isinstance(x, Mapping) for x in value):
        said = "; leave out the dashes" if len(path) > 1 else ", with the name of a run for each"
    elif path[2:] == ("parameters",):
        names = value if isinstance(value, list | tuple) else ["name"]
        said = f"; write {{{', '.join(f'{show(name)}: default' for name in names)}}}"
    elif len(path) > 1 and (known := _keys_at(error["loc"])):
        said = f", such as {', '.join(known[:_MOST_KEYS])}"
    return said


def _keys_at(location: KeyPath) -> list[str]:
    """The keys of the mapping that should be there; none of one whose keys are the user's."""
    try:
        return list(model_at(location)[0].model_fields)
    except KeyError:
        return []


def _is_nothing(value: object) -> bool:
    return value is None or value is False or (isinstance(value, str) and value in _NOTHING)


def _as_list(path: KeyPath, value: object) -> str:
    if path[-1] in _LISTS_OF_MAPPINGS:
        return "; put it into [ ]" if isinstance(value, Mapping) else " of mappings"
    word = value in (*_NOTHING, "all", "last", "auto") if isinstance(value, str) else False
    single = isinstance(value, str | int | float) and not isinstance(value, bool)
    if not single or word or path[-1] == "times":
        return ""
    several = isinstance(value, str) and re.search(r"[,;\s-]|\.\.", value) and path[-1] != "data"
    return ", with commas between its items: [a, b]" if several else f"; write [{show(value)}]"


def _wrong_number(wanted: str, value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return "is too large"
    if not isinstance(value, str):
        return f"must be {wanted}"
    if number := as_number(value):
        if wanted == "a whole number" and as_yaml_number(value) and float(number).is_integer():
            number = str(int(float(number)))
        return f"must be {wanted}, and is read as text; write {number}"
    if value.strip("+-.").lower() in ("inf", "infinity", "nan"):
        return f"must be {wanted} that is finite"
    if is_plain(value):
        formula = ", without a unit or a formula" if re.match(r"[-+.]?\d.", value) else ""
        return f"must be {wanted}{formula}"
    return f"must be {wanted}, not a text; write it without quotes"
