"""How XLA compiles the programs of batches."""

import functools
import logging
from typing import Any

import jax

logger = logging.getLogger(__name__)

_WANTED_ON_CPUS: dict[str, str | bool] = {
    # The whole width of the processor's vectors; XLA takes half of the widest ones by default.
    "xla_cpu_prefer_vector_width": "512",
    # No library for sums, which newer XLA takes by default: of arrays as small as those of a batch,
    # calling it takes longer than summing (reverse mode of all observables: 3 to 7 % of the time).
    "xla_cpu_experimental_ynn_fusion_type": "",
}

# Every operation rounds: none is contracted with the next one. Compiling takes half of the time, too.
_UNFUSED_ON_CPUS: dict[str, str | bool | int] = {
    "xla_backend_optimization_level": 0,
    "xla_llvm_disable_expensive_passes": True,
}


def compiler_options() -> dict[str, str | bool]:
    """Those of the wanted options that the installed XLA knows; the log names the others."""
    return _known_options(tuple(_WANTED_ON_CPUS.items()), "programs may be slower")


def unfused_options() -> dict[str, Any]:
    """Those for a program that rounds after every operation."""
    return _known_options(tuple(_UNFUSED_ON_CPUS.items()), "what rounding decides may go unseen")


@functools.cache
def _known_options(wanted: tuple[tuple[str, str | bool | int], ...], without: str) -> dict[str, Any]:
    if jax.default_backend() != "cpu":
        return {}
    known = {key: value for key, value in wanted if _is_known(key, value)}
    if len(known) < len(wanted):
        unknown = ", ".join(key for key, _ in wanted if key not in known)
        logger.warning("XLA of JAX %s has no option %s: %s", jax.__version__, unknown, without)
    return known


def _is_known(key: str, value: str | bool | int) -> bool:
    option: dict[str, Any] = {key: value}
    try:
        jax.jit(lambda x: x).lower(0.0).compile(option)
    except jax.errors.JaxRuntimeError:
        return False
    return True
