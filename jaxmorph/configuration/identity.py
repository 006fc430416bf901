"""What a file was made of: all that decides its numbers, by which later jobs know it from any other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..listing import shortened
from .elsewhere import placeless

_DIGESTS = {"code": "code_digest", "estimators": "estimators_digest"}
"""What is known of code, by the attribute of a file that says it."""
_SAYS_NOTHING = "it does not say what it was made of"
_ANOTHER_VERSION = "it was made by another version of jaxmorph"
_MOST_NAMED = 4
_LONGEST = 60


@dataclass(frozen=True)
class Identity:
    """All that decides a file, as plain JSON values.

    Attributes:
        plain: The specification of the job that makes it, ``code`` (the digest of its code) among it,
            with names in place of absolute paths, as files have them. What is only known by a digest
            is named in ``_DIGESTS``.
    """

    plain: Mapping[str, Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "plain", placeless(self.plain))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON of all of it."""
        text = json.dumps(self.plain, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def attributes(self) -> dict[str, str]:
        """What a file says of it; the rest of ``plain`` is the attribute ``configuration``."""
        code = {name: str(self.plain[key]) for key, name in _DIGESTS.items() if key in self.plain}
        return {
            "made_of_digest": self.digest,
            **code,
            "data_digests": json.dumps(self.plain["data_digests"]),
        }

    def refusal(self, attributes: Mapping[Any, Any]) -> str | None:
        """What a file was made of that differs, by its attributes; None if it is the one meant."""
        if attributes.get("made_of_digest") == self.digest:
            return None
        try:
            found = dict(json.loads(str(attributes["configuration"])))
            found |= {key: attributes[name] for key, name in _DIGESTS.items() if key in self.plain}
            found["data_digests"] = json.loads(str(attributes["data_digests"]))
        except (KeyError, ValueError, TypeError):
            return _SAYS_NOTHING
        return self.other_than(found) or _ANOTHER_VERSION

    def other_than(self, found: object) -> str | None:
        """What something was made of that differs; None if nothing does.

        Args:
            found: What it was made of, as plain values.
        """
        if not isinstance(found, Mapping):
            return _SAYS_NOTHING
        lines = differences(self.plain, found)
        return f"it was made of something else: {in_words(lines)}" if lines else None


def differences(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """What differs, one key a line: ``key = 1, not 2``; of code only that it is other code."""
    lines = []
    for key in [*wanted, *(key for key in found if key not in wanted)]:
        one, other = (_plain(side.get(key)) for side in (found, wanted))
        if one == other:
            is_ordered = not isinstance(found.get(key), Mapping)  # pairs, as of parameters
            if is_ordered and isinstance(one, dict) and [*one] != [*other]:
                lines.append(f"{key} in another order")
            continue
        if key in _DIGESTS:
            lines.append(f"other {key}")
        elif isinstance(one, dict) and isinstance(other, dict):
            lines += [f"{key}.{line}" for line in differences(other, one)]
        else:
            lines.append(f"{key} = {_short(one)}, not {_short(other)}")
    return lines


def in_words(lines: list[str]) -> str:
    """Some differences on one line."""
    rest = len(lines) - _MOST_NAMED
    more = [f"and {rest} more"] if rest > 0 else []
    return "; ".join([*lines[:_MOST_NAMED], *more])


def _plain(value: Any) -> Any:
    """As JSON has it; pairs of a name and something become a mapping, so that names are in messages."""
    value = json.loads(json.dumps(value))
    is_pairs = isinstance(value, list) and value and all(_is_pair(item) for item in value)
    return dict(value) if is_pairs else value


def _is_pair(item: Any) -> bool:
    return isinstance(item, list) and len(item) == 2 and isinstance(item[0], str)


def _short(value: Any) -> str:
    return shortened(json.dumps(value, ensure_ascii=False), _LONGEST)
