"""The handlers of a workflow's logger, once for each workflow, and warnings, once for each process.

A caller that uses the workflow as a module has it read by each of its ``use rule`` statements.
"""

from __future__ import annotations

import atexit
import logging
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

from .events import event_of
from .failures import FailedJobs
from .plan import Plan
from .progress import Simulations

_STOPPING = "Terminating processes on user request"
_STOPPED = """\
Stopped.
Kept: what is finished below results/, and the finished pieces of batches below unfinished/.
To go on: the same command."""


_BESIDES_S = 25.0
"""What a run takes besides simulating and compiling: it is estimated, drawn and filmed."""

_BESIDES_ON_A_CLUSTER_S = 300.0
"""Besides, jobs wait for each other: that one has ended is seen once a minute."""


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
        event = event_of(record)
        containers = self._workflow.deployment_settings.deployment_method
        if event == "job_info" and not containers:
            self._offer()


class Listeners(NamedTuple):
    """What says something of simulations; it is to be told of which."""

    plan: Plan
    simulations: Simulations | None

    def follow(
        self,
        runs: Mapping[str, int],
        located: Callable[[str], str],
        simulations_of: Callable[[str, str], int],
    ) -> None:
        """Follow some runs, too: see :meth:`.plan.Plan.follow`."""
        self.plan.follow(runs, located, simulations_of)
        if self.simulations is not None:
            self.simulations.follow(runs, located, simulations_of)


_listening: list[tuple[Any, Listeners]] = []


def listen(
    workflow: Any,
    logger: logging.Logger,
    offer_forks: Callable[[], None],
    again: Callable[[], Iterable[str]] = tuple,
    *,
    only_plans: bool = False,
) -> Listeners:
    """Let Snakemake's ``logger`` say what is made, and what happens to the jobs of a workflow.

    Args:
        workflow: That of Snakemake.
        logger: That of Snakemake.
        offer_forks: Called when jobs are about to start.
        again: Lines on what is made again, and why.
        only_plans: Whether nothing is made.
    """
    for other, listeners in _listening:
        if other is workflow:
            listeners.plan.also_say(again)
            return listeners

    def planned() -> list[str]:
        jobs = workflow.dag.needrun_jobs(exclude_finished=False)
        return [str(file) for job in jobs for file in job.output]

    def at_once() -> tuple[int, float]:
        if workflow.local_exec:
            return workflow.cores or 1, _BESIDES_S
        return workflow.nodes or 1, _BESIDES_ON_A_CLUSTER_S

    plan = Plan(planned, logger.info)
    plan.also_say(again)
    listeners = Listeners(plan, None if only_plans else Simulations(at_once, planned, logger.info))
    handlers: list[logging.Handler] = [plan]
    if listeners.simulations is not None:
        logger.addFilter(Stopped())
        handlers += [FailedJobs(workflow), _Forks(workflow, offer_forks), listeners.simulations]
    for handler in handlers:
        logger.addHandler(handler)
    _listening.append((workflow, listeners))
    return listeners


@cache
def warn_once(line: str) -> None:
    """Print a warning, unless it was."""
    print(f"Warning: {line}", file=sys.stderr)
