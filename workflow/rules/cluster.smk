# On a cluster: what a job that failed had to say, which is in files and not on the terminal.
import logging
import os

from snakemake.logging import logger as snakemake_logger
from snakemake_interface_logger_plugins.common import LogEvent


class FailedJobs(logging.Handler):
    """Says why a job failed, and where its logs are; Snakemake, quiet about rules, does not."""

    def emit(self, record):
        if getattr(record, "event", None) == LogEvent.JOB_ERROR and not workflow.local_exec:
            lines = [f"Failed: {', '.join(record.output)}", *last_words(record.log)]
            if record.rule_msg:
                lines.append(re.split(r" *Detailed failure| *For further", record.rule_msg)[0])
            lines.append(f"logs: {' '.join(map(os.path.relpath, record.log))}")
            print("\n  ".join(lines), file=sys.stderr, flush=True)


def last_words(logs):
    """The last error in the first of the logs that has one."""
    for log in filter(os.path.exists, logs):
        text = Path(log).read_text(encoding="utf-8", errors="replace")
        if errors := re.findall(r"\berror: .*", text):
            return errors[-1:]
    return []


if workflow.is_main_process:
    snakemake_logger.addHandler(FailedJobs())
