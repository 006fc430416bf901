"""What the log says where forces are slower than they could be."""

import functools
import logging

logger = logging.getLogger(__name__)


@functools.cache
def without_kernel(name: str, reason: str) -> None:
    """Say, once in a process, that the forces of a law are summed without a kernel, and why."""
    logger.info("%s: no kernel for its forces (%s); operations of JAX sum them, slower", name, reason)
