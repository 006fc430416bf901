"""Where in another workflow's configuration ours is: that workflow uses this one as a module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .mistakes import KeyPath


def place_in(whole: Any, part: Mapping[str, Any]) -> KeyPath | None:
    """The keys that lead from ``whole`` to ``part`` itself, not to its like; None if it is not there."""
    if whole is part:
        return ()
    for key, value in whole.items() if isinstance(whole, Mapping) else ():
        if (below := place_in(value, part)) is not None:
            return (key, *below)
    return None


def part_at(whole: Any, place: KeyPath) -> Any:
    """What ``whole`` has at ``place``, if it has that; otherwise an empty mapping."""
    for key in place:
        if not isinstance(whole, Mapping) or key not in whole:
            return {}
        whole = whole[key]
    return whole
