"""``cost.json``: what a simulation of a run costs, as the study job measured it."""

from __future__ import annotations

import errno
import functools
import os
from pathlib import Path

from ..errors import JaxmorphError
from ..integrity import read_json, write_json
from .fields import ConfigurationModel


class Cost(ConfigurationModel):
    """Cost of simulations with gradients, as one program evaluates them on the devices of a process.

    Attributes:
        device: Platform, kind and number of the devices.
        threads: CPUs that the process could use.
        simulations: Number of simulations of the program.
        seconds_per_simulation: Wall-clock time of the program over their number.
        compile_s: Time to trace and compile it, in seconds.
        result_bytes_per_simulation: Size of values and gradients.
        program_bytes: Memory of the program while it runs.
        at_once: Such jobs that the machine does at once.
        memory_bytes: Memory of the machine for each of them.
    """

    device: str
    threads: int
    simulations: int
    seconds_per_simulation: float
    compile_s: float
    result_bytes_per_simulation: int
    program_bytes: int
    at_once: int = 1  # earlier versions did not measure this, nor what follows
    memory_bytes: float = 16e9


def write_cost(cost: Cost, path: str | Path) -> None:
    """Write what was measured: aside first, then renamed into place."""
    write_json(cost.plain(), path)


def read_cost(path: str | Path) -> Cost:
    """What :func:`write_cost` wrote, read once for all jobs of a run.

    Raises:
        FileNotFoundError: Before the study job has written it, and if it is damaged, so that this job
            is done again: Snakemake then asks again later.
        JaxmorphError: If it is of another version.
    """
    return _read(str(path), os.stat(path).st_mtime_ns)


@functools.lru_cache(maxsize=64)
def _read(path: str, changed: int) -> Cost:
    """``changed`` is the time at which the file was written."""
    try:
        content = read_json(path)
    except ValueError as error:
        raise FileNotFoundError(errno.ENOENT, f"is damaged: {error}", path) from None
    try:
        return Cost.from_plain(content)
    except ValueError:  # of pydantic
        raise JaxmorphError(
            f"{path}: is of another version; remove it, and the workflow makes it again"
        ) from None
