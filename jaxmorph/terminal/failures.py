"""Why a job on a cluster failed, and where its logs are."""

from __future__ import annotations

import logging
import os
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .events import event_of


class FailedJobs(logging.Handler):
    """Says why a job failed, and where its logs are; Snakemake, quiet about rules, does not.

    Args:
        workflow: That of Snakemake. Jobs that run beside its main process say it themselves.
    """

    def __init__(self, workflow: Any):
        super().__init__()
        self._workflow = workflow
        self._start = time.time()
        self._told: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Take note of a job that failed."""
        event = event_of(record)
        if event != "job_error" or self._workflow.local_exec:
            return
        logs = [os.path.relpath(path) for path in record.log if self._is_news(path)]  # type: ignore[attr-defined]
        lines = [
            f"Failed: {', '.join(record.output)}",  # type: ignore[attr-defined]
            *_last_words(logs),
            *_reason(record.rule_msg),  # type: ignore[attr-defined]
        ]
        if logs:
            lines.append(f"logs: {' '.join(logs)}")
        print("\n  ".join(lines), file=sys.stderr, flush=True)

    def _is_news(self, path: str) -> bool:
        """Whether this attempt has written the log: one that was not even queued has not."""
        if not os.path.exists(path) or not os.path.getsize(path):
            return False
        before, self._told[path] = self._told.get(path, self._start), os.path.getmtime(path)
        return self._told[path] > before


def _last_words(logs: Sequence[str]) -> list[str]:
    """The last error in the first of the logs that has one."""
    for log in logs:
        text = Path(log).read_text(encoding="utf-8", errors="replace")
        if errors := re.findall(r"\berror: .*", text):
            return errors[-1:]
    return []


def _reason(message: str | None) -> list[str]:
    """What the plugin says of a job, without what it adds to each message and the job's command."""
    short = re.split(r" *Detailed failure| *For further| --wrap=", message or "")[0].strip()
    return [short] if short else []
