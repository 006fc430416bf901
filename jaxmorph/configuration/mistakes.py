"""Turns what pydantic found wrong into lines that a reader of the configuration understands."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from ..designs import Correlation, Design
from ..distributions import Distribution
from ..listing import joined, shortened
from .batches import BatchSize, GrowingBatches
from .comparisons import PREFIX
from .fields import as_number, as_yaml_number, hint, near
from .limits import MAX_NAME, TooMuch, amount
from .look import DisplayName, Figures
from .models import Configuration, Run
from .optimise import Optimise, Optimiser, Refine, Schedule, Stop
from .sections import Animation, Checks, Estimates, Findings, TimeSummary, Trajectories
from .terms import Term

KeyPath = tuple[int | str, ...]

_DISTRIBUTIONS: dict[str, type[BaseModel]] = {
    model.model_fields["distribution"].default: model for model in get_args(get_args(Distribution)[0])
}
_DESIGNS: dict[str, type[BaseModel]] = {
    model.model_fields["method"].default: model for model in get_args(get_args(Design)[0])
}
_TERMS: dict[str, type[BaseModel]] = {
    model.model_fields["goal"].default: model for model in get_args(get_args(Term)[0])
}
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
_OTHER_WORDS = {
    **{"mu": "mean", "std": "sd", "sigma": "sd", "scale": "sd", "min": "low", "max": "high"},
    **{"upper": "high", "dist": "distribution", "type": "distribution", "a": "alpha", "b": "beta"},
    **{"lr": "learning_rate", "random_seed": "key", "rng": "key", "rho": "coefficient", "n": "samples"},
    **{"name": "method", "snr": "signal_to_noise", "tol": "tolerance", "label": "name"},
}
"""What other programs call some keys."""
_PLACES: dict[str, set[type[BaseModel]]] = {
    "the whole configuration, beside runs": {Configuration},
    "a run": {Run},
    "design": set(_DESIGNS.values()),
    "a distribution": set(_DISTRIBUTIONS.values()),
    "correlations": {Correlation},
    "batch": {BatchSize},
    "trajectories": {Trajectories},
    "animation": {Animation},
    "figures": {Figures},
    "checks": {Checks},
    "estimates": {Estimates},
    "findings": {Findings},
    "optimise": {Optimise},
    "optimise.objective": set(_TERMS.values()),
    "optimise.optimiser": {Optimiser},
    "optimise.stop": {Stop},
}
"""Where keys are, by how a reader calls it."""
_LARGE_MODELS = (Configuration, Run, Optimise)
"""Whose keys are too many to be told from one another by a list of them."""
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
_OF_SETTINGS = ("precision",)
"""What every study has as a setting."""
_LISTS_OF_MAPPINGS = ("correlations", "objective", "points")
_MOST_KEYS = 4
_LONGEST_VALUE = 60
_LONGEST_TEXT = 600
_LONGEST_KEY = 60


@dataclass(frozen=True)
class Mistake:
    """One thing wrong: at which key, with which value (ready to print), and what would be right."""

    path: KeyPath
    value: str | None
    text: str

    def __str__(self) -> str:
        """One line, without the place where the key is."""
        value = "" if self.value is None else f" = {self.value}"
        text = shortened(self.text, _LONGEST_TEXT)
        line = f"{dotted(self.path)}{value}: {text}" if self.path else text
        return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)


def dotted(path: KeyPath) -> str:
    """``runs.notebook.design.points[2].alpha``."""
    parts = [
        f"[{part}]" if isinstance(part, int) else f".{shortened(part, _LONGEST_KEY)}" for part in path
    ]
    return "".join(parts).removeprefix(".")


def show(value: object) -> str:
    """``value`` on one line as YAML writes it, shortened if it is long."""
    return shortened(on_one_line(_shortened(value)), _LONGEST_VALUE)


def _shortened(value: object) -> object:
    """As much of ``value`` as can be shown, for it may be large."""
    match value:
        case Mapping():
            first = itertools.islice(value.items(), _LONGEST_VALUE)
            return {_shortened(key): _shortened(item) for key, item in first}
        case list() | tuple():
            return [_shortened(item) for item in value[:_LONGEST_VALUE]]
        case str() | bytes():
            return value[: _LONGEST_VALUE + 1]
        case int() if not isinstance(value, bool) and abs(value) > 10**_LONGEST_VALUE:
            return f"{'-' * (value < 0)}{amount(abs(value))}"
    return value


def on_one_line(value: object) -> str:
    """``value`` as YAML writes it on one line."""
    match value:
        case Mapping():
            return "{" + ", ".join(f"{key}: {on_one_line(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(on_one_line, value)) + "]"
        case str() if not _is_plain(value):
            return json.dumps(value, ensure_ascii=False)
        case str():
            return value
        case None | bool():
            return json.dumps(value)
    return str(value)


def _is_plain(text: str) -> bool:
    """Whether YAML reads ``text`` as the same text when it stands without quotes."""
    if not text.isprintable() or text != text.strip() or not text:
        return False
    try:
        float(text)
    except ValueError:
        return text.lower() not in {"true", "false", "yes", "no", "on", "off", "null", "~"}
    return as_yaml_number(text) is not None


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
        return Mistake(path, None, _unknown_key(location))
    if kind.startswith("union_tag") and isinstance(value, Mapping):
        return _wrong_tag(path, value)
    return _of_value(path, error)


def _missing(location: KeyPath, value: object) -> Mistake:
    path = _clean(location)
    if isinstance(path[-1], int):
        return Mistake(path[:-1], show(value), "has too few items")
    description = str(_model_of(location[:-1])[0].model_fields[str(path[-1])].description)
    return Mistake(path, None, f"is missing ({description.replace('`', '')})")


def _of_value(path: KeyPath, error: ErrorDetails) -> Mistake:
    kind, value = error["type"], error["input"]
    if isinstance(too_much := error.get("ctx", {}).get("error"), TooMuch):
        return Mistake((*path, *too_much.keys), _value_at(value, too_much.keys), str(too_much))
    # A mapping is long, and the text names what is wrong in it.
    shown = None if kind == "value_error" and isinstance(value, Mapping) else show(value)
    if kind == "too_long" and isinstance(path[-1], int):
        path = path[:-1]
    return Mistake(path, shown, _wrong_value(path, error))


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


def _wrong_tag(path: KeyPath, value: Mapping[str, object]) -> Mistake:
    """The key that says which design or distribution it is, is missing or unknown."""
    tag, choices, what = "distribution", _DISTRIBUTIONS, "distribution"
    if path[2:] in (("design",), ("optimise", "starts")):
        tag, choices, what = "method", _DESIGNS, "design method"
    elif path[2:4] == ("optimise", "objective"):
        tag, choices, what = "goal", _TERMS, "goal"
    if tag not in value:
        for key in value:
            if key in choices:
                return Mistake(
                    (*path, tag), None, f"is missing; write {tag}: {key}, and its keys beside it"
                )
            if _OTHER_WORDS.get(str(key)) == tag or near(key, [tag]):
                return Mistake((*path, tag), None, f"is missing; write it in place of {key}")
        return Mistake((*path, tag), None, f"is missing (one of {', '.join(choices)})")
    return Mistake((*path, tag), show(value[tag]), f"unknown {what}; {hint(value[tag], choices)}")


def _model_of(location: KeyPath) -> tuple[type[BaseModel], str]:
    """The model at ``location``, and how to speak of it."""
    match location:
        case ("runs", _, "design", str(tag)) | ("runs", _, "optimise", "starts", str(tag)):
            return _DESIGNS[tag], f" of a {tag} design"
        case ("runs", _, "parameters", _, _, str(tag)):
            return _DISTRIBUTIONS[tag], f" of a {tag} distribution"
        case ("runs", _, "optimise", "objective", _, str(tag)):
            return _TERMS[tag], f" of a {tag} term"
        case ("runs", _, "figures", "names", _):
            return DisplayName, " of a name"
        case ("runs", _, "batch", "growing"):
            return GrowingBatches, ""
    models: dict[KeyPath, tuple[type[BaseModel], str]] = {
        (): (Run, ""),
        ("batch",): (BatchSize, ""),
        ("correlations",): (Correlation, " of a correlation"),
        ("summaries",): (TimeSummary, " of a summary"),
        ("trajectories",): (Trajectories, ""),
        ("animation",): (Animation, ""),
        ("figures",): (Figures, ""),
        ("checks",): (Checks, ""),
        ("estimates",): (Estimates, ""),
        ("findings",): (Findings, ""),
        ("optimise",): (Optimise, ""),
        ("optimise", "optimiser"): (Optimiser, " of an optimiser"),
        ("optimise", "optimiser", "schedule"): (Schedule, " of a schedule"),
        ("optimise", "stop"): (Stop, ""),
        ("optimise", "refine"): (Refine, ""),
    }
    inside = location[2:]
    # The member of a union, of a list or of a mapping does not matter.
    alike = (("batch",), ("correlations",), ("summaries",))
    place = inside[:1] if inside[:1] in alike else inside
    return models[place] if location else (Configuration, "")


def _unknown_key(location: KeyPath) -> str:
    model, of_what = _model_of(location[:-1])
    name, known = str(location[-1]), model.model_fields
    if "=" in name:
        key, _, value = (part.strip() for part in name.partition("="))
        return f"has a = behind its name; write {key}: {value}"
    alike, word = near(name, known), _OTHER_WORDS.get(name.lower())
    if word in known and not alike:
        return f"unknown key{of_what}; write {word}"
    if location[2:3] == ("design",) and name in Run.model_fields:
        if alike:
            return f"unknown key{of_what}; {hint(name, known)} {name} is a key of the run"
        return "is a key of the run, not of its design; write it beside parameters and design"
    elsewhere = _places_of(name, model) if model in _LARGE_MODELS else []
    if not (alike or elsewhere) and model is Run:  # nor here nor there: misspelt, and out of place
        there = {key for models in _PLACES.values() for other in models for key in other.model_fields}
        name = next(iter(near(name, there)), name)
        elsewhere = _places_of(name, model)
    if elsewhere:
        plural = f"did you mean {alike[0]}? " if [one.rstrip("s") for one in alike] == [name] else ""
        return f"unknown key{of_what}; {plural}{name} is a key of {joined(elsewhere, 'or')}"
    of_optax = "; arguments of Optax belong under settings" if model in (Optimiser, Schedule) else ""
    return f"unknown key{of_what}; {hint(name, known)}{of_optax if not alike else ''}"


def _places_of(name: str, here: type[BaseModel]) -> list[str]:
    """What else has a key of the name that stands in a model where it is unknown."""
    found = {
        place: here in models
        for place, models in _PLACES.items()
        if any(name in model.model_fields for model in models)
    }
    if any(found.values()):  # of another design, or distribution
        return []
    return [*found, "settings"] if name in _OF_SETTINGS else [*found]


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


def _wrong_value(path: KeyPath, error: ErrorDetails) -> str:
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
        return list(_model_of(location)[0].model_fields)
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
    if _is_plain(value):
        formula = ", without a unit or a formula" if re.match(r"[-+.]?\d.", value) else ""
        return f"must be {wanted}{formula}"
    return f"must be {wanted}, not a text; write it without quotes"
