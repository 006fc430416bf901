"""The handlers of a workflow's logger, once for each workflow, and warnings, once for each process.

A caller that uses the workflow as a module has it read by each of its ``use rule`` statements.
"""

from __future__ import annotations

import atexit
import logging
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

from .failures import FailedJobs
from .progress import Simulations

_STOPPING = "Terminating processes on user request"
_STOPPED = """\
Stopped.
Kept: what is finished below results/, and the finished pieces of batches below unfinished/.
To go on: the same command."""


class Stopped(logging.Filter):
    """After Ctrl-C: what is kept and how to go on, instead of how each process died."""

    def __init__(self) -> None:
        super().__init__()
        self.stopped = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is to be shown."""
        if not self.stopped and record.getMessage().startswith(_STOPPING):
            self.stopped = True
            atexit.register(print, _STOPPED, file=sys.stderr, flush=True)
        return not self.stopped


class _Forks(logging.Handler):
    """Offers forks when the first job starts: only then is it known that jobs are to run."""

    def __init__(self, workflow: Any, offer: Callable[[], None]):
        super().__init__()
        self._workflow, self._offer = workflow, offer

    def emit(self, record: logging.LogRecord) -> None:
        event = str(getattr(getattr(record, "event", None), "value", ""))
        containers = self._workflow.deployment_settings.deployment_method
        if event == "job_info" and not containers:
            self._offer()


_listening: list[tuple[Any, Simulations]] = []


def listen(workflow: Any, logger: logging.Logger, offer_forks: Callable[[], None]) -> Simulations:
    """Let Snakemake's ``logger`` say what happens to the jobs of a workflow.

    Returns:
        What follows simulations: it is to be told which.
    """
    for other, simulations in _listening:
        if other is workflow:
            return simulations

    def planned() -> list[str]:
        jobs = workflow.dag.needrun_jobs(exclude_finished=False)
        return [str(file) for job in jobs for file in job.output]

    simulations = Simulations(workflow.cores or 1, planned, logger.info)
    logger.addFilter(Stopped())
    for handler in (FailedJobs(workflow), _Forks(workflow, offer_forks), simulations):
        logger.addHandler(handler)
    _listening.append((workflow, simulations))
    return simulations


@cache
def warn_once(line: str) -> None:
    """Print a warning, unless it was."""
    print(f"Warning: {line}", file=sys.stderr)
