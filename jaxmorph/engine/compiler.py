"""How XLA compiles the programs of batches."""

import functools
import logging

import jax

logger = logging.getLogger(__name__)

_WANTED_ON_CPUS: dict[str, str | bool] = {
    # The whole width of the processor's vectors; XLA takes half of the widest ones by default.
    "xla_cpu_prefer_vector_width": "512",
    # No library for sums, which newer XLA takes by default: of arrays as small as those of a batch,
    # calling it takes longer than summing (reverse mode, five times).
    "xla_cpu_experimental_ynn_fusion_type": "",
}


@functools.cache
def compiler_options() -> dict[str, str | bool]:
    """Those of the wanted options that the installed XLA knows; the log names the others."""
    if jax.default_backend() != "cpu":
        return {}
    known = {key: value for key, value in _WANTED_ON_CPUS.items() if _is_known(key, value)}
    if len(known) < len(_WANTED_ON_CPUS):
        unknown = ", ".join(_WANTED_ON_CPUS.keys() - known.keys())
        logger.warning(
            "XLA of JAX %s has no option %s: programs may be slower", jax.__version__, unknown
        )
    return known


def _is_known(key: str, value: str | bool) -> bool:
    try:
        jax.jit(lambda x: x).lower(0.0).compile({key: value})
    except jax.errors.JaxRuntimeError:
        return False
    return True
