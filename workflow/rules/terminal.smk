# What is said in the terminal: how far simulations are, how to go on after Ctrl-C, and on a cluster what
# a job that failed had to say, which is in files.
import logging
import os
import time

from snakemake.logging import logger as snakemake_logger
from snakemake_interface_logger_plugins.common import LogEvent


class FailedJobs(logging.Handler):
    """Says why a job failed, and where its logs are; Snakemake, quiet about rules, does not."""

    def __init__(self):
        super().__init__()
        self._start = time.time()
        self._told = {}

    def emit(self, record):
        if getattr(record, "event", None) == LogEvent.JOB_ERROR and not workflow.local_exec:
            logs = [os.path.relpath(path) for path in record.log if self._is_news(path)]
            lines = [
                f"Failed: {', '.join(record.output)}",
                *last_words(logs),
                *reason(record.rule_msg),
            ]
            if logs:
                lines.append(f"logs: {' '.join(logs)}")
            print("\n  ".join(lines), file=sys.stderr, flush=True)

    def _is_news(self, path):
        """Whether this attempt has written the log: one that was not even queued has not."""
        if not os.path.exists(path) or not os.path.getsize(path):
            return False
        before, self._told[path] = self._told.get(path, self._start), os.path.getmtime(path)
        return self._told[path] > before


def last_words(logs):
    """The last error in the first of the logs that has one."""
    for log in logs:
        text = Path(log).read_text(encoding="utf-8", errors="replace")
        if errors := re.findall(r"\berror: .*", text):
            return errors[-1:]
    return []


def reason(message):
    """What the plugin says of a job, without what it adds to each message and the command that was to run."""
    short = re.split(r" *Detailed failure| *For further| --wrap=", message or "")[0].strip()
    return [short] if short else []


class Forks(logging.Handler):
    """Offers forks when the first job starts: only then is it known that jobs are to run."""

    def emit(self, record):
        started = getattr(record, "event", None) == LogEvent.JOB_INFO
        containers = workflow.deployment_settings.deployment_method
        if started and not workflow.dryrun and not containers:
            offer_forks()


def planned_batches():
    """The run, the batch and the simulations of each batch job of this command, finished ones included."""
    for job in workflow.dag.needrun_jobs(exclude_finished=False):
        if job.rule.name == "batch":
            batch = cut(job.wildcards.run).run.batches[job.wildcards.batch]
            size = len(batch.samples) * len(batch.seeds)
            yield job.wildcards.run, job.wildcards.batch, size


if workflow.remote_exec:
    refuse_forks()  # its environment may be that of the main process; forks would not be on this node
if workflow.is_main_process:
    snakemake_logger.addHandler(FailedJobs())
    snakemake_logger.addHandler(Forks())
    if not only_looks():
        snakemake_logger.addFilter(Stopped())
        snakemake_logger.addHandler(
            Simulations(workflow.cores or 1, planned_batches, snakemake_logger.info)
        )
