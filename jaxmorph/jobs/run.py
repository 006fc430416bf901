"""Running one job: its log, and how it ends."""

import contextlib
import logging
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import JaxmorphError

logger = logging.getLogger("jaxmorph")


@contextlib.contextmanager
def job(snakemake: Any) -> Iterator[None]:
    """Log to the job's file; on a user's mistake end with one readable line and no traceback.

    Args:
        snakemake: The object that Snakemake gives to a script.
    """
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
    start = time.monotonic()
    try:
        yield
    except JaxmorphError as error:
        if error.__cause__ is not None:
            logger.info("the error below came from:", exc_info=error.__cause__)
        logger.error("error: %s", error)
        # Also where whoever started the job sees it; Snakemake adds only that the job failed.
        print(f"{log}: error: {error}", file=sys.stderr)
        sys.exit(1)
    except Exception:
        logger.exception("error: this is a defect of jaxmorph; please report it with this log")
        print(
            f"{log}: error: this is a defect of jaxmorph; please report it with this log",
            file=sys.stderr,
        )
        sys.exit(1)
    logger.info("done in %.1f s", time.monotonic() - start)
