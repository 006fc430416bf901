"""Numbers of a test that go into ``docs/verification.md``, when ``make verify`` runs it."""

from collections.abc import Callable
from typing import Any

Recorder = Callable[[str, Any], None]  # pytest's record_property


def record_intervals(record: Recorder, covered: int, tried: int) -> None:
    """How many intervals of how many cover the truth."""
    record("covered", covered)
    record("intervals", tried)
