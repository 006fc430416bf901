"""Running one job: its log, its share of the machine, and how it ends."""

import contextlib
import contextvars
import hashlib
import logging
import os
import platform
import resource
import signal
import sys
import time
from collections.abc import Collection, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from ..atomic import UNFINISHED, asides_in
from ..errors import JaxmorphError
from .forks import become_a_fork

logger = logging.getLogger("jaxmorph")

ASKED_IN: contextvars.ContextVar[Path | None] = contextvars.ContextVar("ASKED_IN", default=None)
"""The folder of the package with which the workflow of this job was read."""

AFRESH = "JAXMORPH_AFRESH"
"""Set to 1 in the environment of a job, it has it compute what is there and made of the same, too."""

# File systems keep times to a second or two, and so do clocks that are set by NTP.
_CLOCK_TOLERANCE_S = 10.0


def import_alike(another_python: Collection[object] = ()) -> None:
    """Let the jobs of this process import this package, whatever else their environment has.

    Args:
        another_python: How jobs get a Python of their own (conda), if they do. It must not import what
            is installed beside this package for ours, so it gets a link to the package alone.
    """
    folder = Path(__file__).parents[2]
    if another_python and folder.name in ("site-packages", "dist-packages"):
        digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
        alone = Path(f".snakemake/jaxmorph-{digest}").absolute()
        alone.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            (alone / "jaxmorph").symlink_to(folder / "jaxmorph")
        folder = alone
    paths = [*filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    if paths[:1] != [str(folder)]:
        os.environ["PYTHONPATH"] = os.pathsep.join([str(folder), *paths])


@contextlib.contextmanager
def job(snakemake: Any, *, computes: bool = False) -> Iterator[None]:
    """Log to the job's file; on a user's mistake end with one readable line and no traceback.

    What the job has used is written beside it (``.tsv``), in columns of Snakemake's benchmarks.

    Args:
        snakemake: The object that Snakemake gives to a script.
        computes: Whether the job runs JAX: then on the devices that Snakemake gave it, and no others.
    """
    no_fork = become_a_fork()
    log = snakemake.log[0]
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        level=logging.WARNING,
        filename=log,
        filemode="w",
        force=True,
        format="%(asctime)s %(message)s",
    )
    logger.setLevel(logging.INFO)
    logging.captureWarnings(True)
    logging.raiseExceptions = False  # a full disk refuses the log, too: the error alone is to be seen
    if no_fork:
        logger.info(no_fork)
    if package := getattr(snakemake, "config", {}).get("package"):
        ASKED_IN.set(Path(package))
    start = time.monotonic()
    try:
        with asides_in(UNFINISHED), _devices(snakemake) if computes else contextlib.nullcontext():
            yield
        _keep_order(list(snakemake.input), list(snakemake.output))
    except JaxmorphError as error:
        if error.__cause__ is not None:
            logger.info("the error below came from:", exc_info=error.__cause__)
        logger.error("error: %s", error)
        # Also where whoever started the job sees it; Snakemake adds only that the job failed.
        print(f"{log}: error: {error}", file=sys.stderr)
        sys.exit(1)
    except SystemExit as error:  # of a user's code: the job would end as if it had done its work
        what = f"error: a study or what it calls ended the process (sys.exit({error.code!r}))"
        logger.exception(what)
        print(f"{log}: {what}; let it raise an error instead", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        logger.info("stopped")
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)  # whoever started the job sees why it ended
    except Exception:
        what = "error: this is a defect of jaxmorph; please report it with this log"
        logger.exception(what)
        print(f"{log}: {what}", file=sys.stderr)
        sys.exit(1)
    seconds = time.monotonic() - start
    logger.info("done in %.1f s", seconds)
    _write_benchmark(Path(log), seconds)


def _devices(snakemake: Any) -> contextlib.AbstractContextManager[None]:
    from .devices import devices

    return devices(int(snakemake.resources.get("gpu", 0)), min(snakemake.threads, _usable_cpus()))


def _write_benchmark(log: Path, seconds: float) -> None:
    """What this process and those that it started have used, by the account of the system.

    Snakemake's own would be of the process that waits for a fork.
    """
    own, started = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes
    row = {
        "s": f"{seconds:.4f}",
        "h:m:s": str(timedelta(seconds=round(seconds))),
        "max_rss": f"{max(own.ru_maxrss, started.ru_maxrss) * unit / 2**20:.2f}",  # MiB
        "cpu_time": f"{sum(r.ru_utime + r.ru_stime for r in (own, started)):.2f}",
    }
    lines = ("\t".join(row), "\t".join(row.values()))
    log.with_suffix(".tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _usable_cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS


def _keep_order(inputs: list[str], outputs: list[str]) -> None:
    """Outputs are not older than inputs, also if the clocks of two nodes differ.

    Else Snakemake would make them again, and again.
    """
    made = {path: os.path.getmtime(path) for path in inputs if os.path.exists(path)}
    if not made:
        return
    newest = max(made, key=lambda path: made[path])
    for path in filter(os.path.exists, outputs):
        late = made[newest] - os.path.getmtime(path)
        if late <= 0:
            continue
        os.utime(path, (made[newest], made[newest]))
        if late > _CLOCK_TOLERANCE_S:
            message = (
                f"the clock of {platform.node()} is {late:.0f} s behind that of the machine that wrote "
                f"{newest}; have both set by NTP. {path} is given the time of {newest}, so that "
                "nothing is made again"
            )
            logger.warning(message)
            print(f"warning: {message}", file=sys.stderr)
