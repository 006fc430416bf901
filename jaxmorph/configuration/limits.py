"""The most of everything, in jobs, bytes and seconds, and how a message shows the arithmetic.

What bounds a key by itself (``le=`` of a field) is beside that key; what follows from several keys,
given or default, is held against these by ``feasible.py``.
"""

from __future__ import annotations

import math

MAX_JOBS = 100_000
"""Snakemake does not plan more in a reasonable time."""

MAX_JOB_GB = 256.0
"""Memory that one job asks for at its first attempt. Larger machines are rare."""

MAX_JOB_DAYS = 60.0
"""Time that one job asks for at its first attempt, which is twice what it is expected to take."""

FULL_JOB_BYTES = 2**31
"""Results of a job that ``batch: auto`` makes, at most: a job holds them several times."""

LEAST_FULL_BYTES = 2**26
"""And how many it may always have, on however small a machine."""

FULL_JOB_S = 1800.0
"""And its time, at most: queues are made for 10 to 60 minutes, and a node may be half as fast."""

MAX_STORED = 10_000
"""Simulations whose full history is stored."""

MAX_ITEMS = 10_000
"""Names in one list or mapping: all are compared with all."""

MAX_STEPS = 2**24
"""Steps of anything: they are counted in 32 bits, and each leaves a record."""

MAX_COUNT = 10**18
"""Any other number of things; what it leads to is bounded by jobs, bytes and seconds."""

MAX_NAME = 100
"""Letters of a name that becomes a file's: file systems take 255 bytes, and endings are added."""

MAX_TEXT = 1000
"""Letters of any other text."""

MAX_FILE_BYTES = 2**25
"""Of a configuration file; PyYAML reads a MB in several seconds."""

MAX_EXPANDED = 1_000_000
"""Values that aliases of YAML repeat."""

MAX_DEPTH = 40
"""Mappings and lists in each other; a configuration has seven."""


class TooMuch(ValueError):
    """More than a bound allows.

    Args:
        keys: Where the number is that should be smaller, below the run.
        text: The arithmetic, the bound and the remedy.
    """

    def __init__(self, keys: tuple[str, ...], text: str):
        super().__init__(text)
        self.keys = keys


def amount(number: float) -> str:
    """A whole number as text: ``100,000``, ``4.9 x 10^8``."""
    if number < 10_000_000:
        return f"{math.ceil(number):,}"
    # Not by log10 of the number itself: a whole number may be larger than any float.
    digits = str(math.ceil(number))
    lead = round(int(digits[:3]) / 100, 1)
    power = len(digits) - 1
    if lead >= 10:
        lead, power = lead / 10, power + 1
    return f"10^{power}" if lead == 1 else f"{lead:g} x 10^{power}"


def size(n_bytes: float) -> str:
    """Bytes as text: ``560 B``, ``6.7 kB``, ``655 GB``, ``2.1 x 10^8 GB``."""
    for factor, unit in ((1, "B"), (1e3, "kB"), (1e6, "MB")):
        if n_bytes < 999.5 * factor:
            return f"{n_bytes / factor:.3g} {unit}"
    gigabytes = n_bytes / 1e9 if n_bytes < 1e300 else int(n_bytes) // 10**9
    return f"{gigabytes:.3g} GB" if gigabytes < 9.995 else f"{amount(gigabytes)} GB"
