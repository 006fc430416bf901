"""What is said of a key that is not known, or is missing: where it belongs, and what was meant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from pydantic import BaseModel

from ..designs import Correlation, Design
from ..distributions import Distribution
from ..listing import joined
from .batches import BatchSize, GrowingBatches
from .fields import hint, near
from .look import DisplayName, Figures
from .mistakes import KeyPath, Mistake, show
from .models import Configuration, Run
from .optimise import Optimise, Optimiser, Refine, Schedule, Stop
from .sections import Animation, Checks, Estimates, Findings, TimeSummary, Trajectories
from .terms import Term

_DISTRIBUTIONS: dict[str, type[BaseModel]] = {
    model.model_fields["distribution"].default: model for model in get_args(get_args(Distribution)[0])
}
_DESIGNS: dict[str, type[BaseModel]] = {
    model.model_fields["method"].default: model for model in get_args(get_args(Design)[0])
}
_TERMS: dict[str, type[BaseModel]] = {
    model.model_fields["goal"].default: model for model in get_args(get_args(Term)[0])
}
_OTHER_WORDS = {
    **{"mu": "mean", "std": "sd", "sigma": "sd", "scale": "sd", "min": "low", "max": "high"},
    **{"upper": "high", "dist": "distribution", "type": "distribution", "a": "alpha", "b": "beta"},
    **{"lr": "learning_rate", "random_seed": "key", "rng": "key", "rho": "coefficient", "n": "samples"},
    **{"name": "method", "snr": "signal_to_noise", "tol": "tolerance", "label": "name"},
}
"""What other programs call some keys."""
PLACES: dict[str, set[type[BaseModel]]] = {
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
_OF_SETTINGS = ("precision",)
"""What every study has as a setting."""


def unknown_key(location: KeyPath) -> str:
    """What to say of the key at the end of pydantic's ``location``, which its mapping does not have."""
    model, of_what = model_at(location[:-1])
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
        there = {key for models in PLACES.values() for other in models for key in other.model_fields}
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
        for place, models in PLACES.items()
        if any(name in model.model_fields for model in models)
    }
    if any(found.values()):  # of another design, or distribution
        return []
    return [*found, "settings"] if name in _OF_SETTINGS else [*found]


def wrong_tag(path: KeyPath, value: Mapping[str, object]) -> Mistake:
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


def model_at(location: KeyPath) -> tuple[type[BaseModel], str]:
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
