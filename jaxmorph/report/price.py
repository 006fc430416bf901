"""What simulations cost: from what those of this run took."""

from __future__ import annotations

import math
from typing import Any

_STEPS = ((60.0, "minute"), (3600.0, "hour"), (86400.0, "day"))


def seconds_per_simulation(attrs: dict[str, Any]) -> float | None:
    """Of the clock of a job, compiling and all; None if the file does not say."""
    made, took = float(attrs.get("simulations", 0)), attrs.get("batch_wall_time_s")
    return None if took is None or not made > 0 else float(took) / made


def in_words(seconds: float) -> str:
    """``less than a minute``, ``about 3 minutes``, ``about 2 hours``, ``about 40 days``."""
    if seconds < 45:
        return "less than a minute"
    unit, name = next(
        ((size, word) for size, word in reversed(_STEPS) if seconds >= 1.5 * size), _STEPS[0]
    )
    count = max(1, round(seconds / unit))
    return f"about {count:,} {name}{'s' if count > 1 else ''}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def of_simulations(n: float, attrs: dict[str, Any]) -> str:
    """Time of ``n`` more simulations, in words; empty if it is not known what one takes."""
    each = seconds_per_simulation(attrs)
    return "" if each is None or not math.isfinite(n) else in_words(max(n, 0.0) * each)
