"""How far a run in this process is, as a bar."""

from __future__ import annotations

import contextlib
import logging
import re
import warnings
from collections.abc import Iterator

from tqdm import TqdmWarning

with warnings.catch_warnings():
    # A notebook without widgets has the bar of a terminal, and need not be told.
    warnings.simplefilter("ignore", TqdmWarning)
    from tqdm.auto import tqdm

_DONE = re.compile(r"(\d+)/(\d+) \[|(\d+) of (\d+) estimators")


class Bar(logging.Handler):
    """How much of a part of a run is done, by what those who make it log.

    Args:
        shown: Whether there is a bar at all.

    Attributes:
        done: How much of the part that is being made.
    """

    def __init__(self, shown: bool):
        super().__init__()
        self._bar = tqdm(disable=not shown, leave=False, delay=1e-9)  # nothing before the first part
        self._before = self.done = 0

    @contextlib.contextmanager
    def part(
        self, what: str, *, unit: str = "sim", total: int | None = None, of: str = "engine.pieces"
    ) -> Iterator[None]:
        """While a part of the run is made.

        Args:
            what: Its name.
            unit: What is counted.
            total: How many there are; None where that is not known before.
            of: The module that logs how far it is.
        """
        self._before = self.done = 0
        self._bar.unit = f" {unit}"
        self._bar.set_description_str(what, refresh=False)
        self._bar.reset()
        self._bar.total = total
        self._bar.refresh()
        logger = logging.getLogger(f"jaxmorph.{of}")
        level = logger.level
        logger.addHandler(self)
        logger.setLevel(logging.DEBUG)
        try:
            yield
        finally:
            logger.removeHandler(self)
            logger.setLevel(level)

    def skip(self, n: int) -> None:
        """Count ``n`` that were there before."""
        self._before += n
        self._show(0)

    def emit(self, record: logging.LogRecord) -> None:
        """Take note of what is done; after a count that is full, the next one begins at none."""
        if found := _DONE.search(record.getMessage()):
            done, all_of_them = (int(number) for number in found.groups() if number is not None)
            self._show(done)
            if done == all_of_them:
                self._before += done

    def _show(self, done: int) -> None:
        self.done = self._before + done
        self._bar.update(self.done - self._bar.n)

    def close(self) -> None:
        """Take the bar away."""
        self._bar.close()
        super().close()
