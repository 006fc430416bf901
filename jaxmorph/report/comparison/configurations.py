"""What differs between the configurations of several runs, and between how they were made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ...configuration.given import shown
from ..facts import code_in_words, distribution

_ASIDE = {"batch", "trajectories", "corners", "animation", "optimise", "allow_partial", "checks"}
"""Keys of a run that decide nothing that is compared."""
ABSENT = "\N{EN DASH}"
Row = tuple[str, tuple[str, ...]]


def rows(about: Mapping[str, Mapping[str, Any]]) -> list[Row]:
    """Keys in which runs differ, each with its value in every run.

    Args:
        about: Attributes of each run, by its name.
    """
    found = [_flat(attributes) for attributes in about.values()]
    keys = dict.fromkeys(key for one in found for key in one)
    table = [(key, tuple(one.get(key, ABSENT) for one in found)) for key in keys]
    return [(key, values) for key, values in table if len(set(values)) > 1]


def _flat(attributes: Mapping[str, Any]) -> dict[str, str]:
    """Dotted keys of a run, and of what made it, with their values as text."""
    configuration = json.loads(attributes.get("configuration", "{}"))
    flat: dict[str, str] = {}
    for key, value in configuration.items():
        if key == "study":
            flat[key] = shown(str(value))
        elif key == "parameters":
            flat |= {f"{key}.{name}": _distribution(how) for name, how in value.items()}
        elif key not in _ASIDE:
            flat |= _items(key, value)
    flat["samples"] = str(attributes.get("samples", ABSENT))
    # Of a study in the user's own file: its text.
    if source := str(attributes.get("study_source", "")):
        flat["code of the study"] = f"{len(source.splitlines())} lines, digest {_digest(source)}"
    flat["code"] = code_in_words(dict(attributes)) or ABSENT
    versions = json.loads(attributes.get("library_versions", "{}"))
    return flat | {f"version of {name}": str(value) for name, value in versions.items()}


def _items(key: str, value: Any) -> dict[str, str]:
    if isinstance(value, dict):
        parts = {f"{key}.{name}": item for name, item in value.items()}
        return {name: text for part, item in parts.items() for name, text in _items(part, item).items()}
    if isinstance(value, list):
        return {key: ", ".join(map(_text, value)) or ABSENT}
    return {key: _text(value)}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _distribution(how: Any) -> str:
    return distribution(how) if isinstance(how, dict) else f"the study's own ({how})"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
