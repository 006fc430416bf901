"""Outputs that a job need not compute."""

import logging
import os

from .. import store
from ..configuration.identity import Identity
from .run import AFRESH

logger = logging.getLogger("jaxmorph")


def is_kept(path: str, kind: str, made_of: Identity) -> bool:
    """Whether an output is there, whole, and made of the same, so that the job is done.

    So it is where a file above is made again that decides no number, such as what a simulation costs.
    """
    if os.environ.get(AFRESH) == "1" or not store.is_made(path, kind, made_of):
        return False
    logger.info("%s: is kept: it is whole, and made of the same", path)
    return True
