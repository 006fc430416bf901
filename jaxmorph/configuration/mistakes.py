"""One thing that is wrong in a configuration, and how it is said."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass

from ..listing import shortened
from .fields import as_yaml_number
from .limits import amount

KeyPath = tuple[int | str, ...]

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
        case str() if not is_plain(value):
            return json.dumps(value, ensure_ascii=False)
        case str():
            return value
        case None | bool():
            return json.dumps(value)
    return str(value)


def is_plain(text: str) -> bool:
    """Whether YAML reads ``text`` as the same text when it stands without quotes."""
    if not text.isprintable() or text != text.strip() or not text:
        return False
    try:
        float(text)
    except ValueError:
        return text.lower() not in {"true", "false", "yes", "no", "on", "off", "null", "~"}
    return as_yaml_number(text) is not None
