"""How JAX runs in a job: on which devices, and with which programs that were compiled before."""

import contextlib
import hashlib
import logging
import os
import platform
import tempfile
from collections.abc import Iterator
from pathlib import Path

# XLA reports two features of every CPU as missing when it loads a program that it compiled on the same
# CPU (its own tuning hints); programs of another kind of CPU are in another folder here. Read by XLA as
# it is loaded.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import jax

from .. import engine
from . import programs

logger = logging.getLogger(__name__)

CACHE = Path(".jaxmorph-cache")
"""Compiled programs of all jobs, in the working directory; JAX_COMPILATION_CACHE_DIR names another."""

ALLOW_CPU = "JAXMORPH_CPU_FOR_GPU"
"""Set to 1 in the environment, it lets a job that asked for a GPU compute on CPUs: to try a cluster."""


@contextlib.contextmanager
def devices(n_gpus: int, n_cpus: int | None = None) -> Iterator[None]:
    """Compute on the devices that the job asked for.

    Args:
        n_gpus: So many GPUs.
        n_cpus: One device, and one thread of JAX's pool, for each of so many CPUs; None: as JAX has it.

    Raises:
        JaxmorphError: If it asked for a GPU, or Slurm gave it one, and JAX computes on CPUs.
    """
    if n_cpus is not None:
        jax.config.update("jax_num_cpu_devices", n_cpus)
        os.environ["PJRT_NPROC"] = str(n_cpus)
    if os.environ.get("SLURM_JOB_ID") and os.environ.get("CUDA_VISIBLE_DEVICES"):
        n_gpus = max(n_gpus, 1)
    if n_gpus and os.environ.get(ALLOW_CPU) == "1":
        logger.warning("%s = 1: a GPU was asked for; computing on whatever is there", ALLOW_CPU)
    else:
        engine.require_gpus(n_gpus)
    logger.info("computing on %s of %s", engine.describe_devices(), platform.node())
    with _compiled_before():
        yield


@contextlib.contextmanager
def _compiled_before() -> Iterator[None]:
    """Use the compiled programs of earlier jobs, and leave those of this one to later jobs.

    JAX writes into its cache in place, and several jobs at once would read each other's halves. So each
    job has a cache of its own, of links to what is there, and what it adds is renamed into place.
    """
    place = os.environ.get("JAX_COMPILATION_CACHE_DIR", "")
    if "://" in place:  # no folder of this machine: JAX itself uses it
        yield
        return
    shared = programs.SharedPrograms(Path(place) if place else CACHE, _machine())
    if obstacle := shared.obstacle():
        logger.warning(
            "%s: programs are compiled again in each job; remove it, or set "
            "JAX_COMPILATION_CACHE_DIR to a folder that can be used",
            obstacle,
        )
        with _without_cache():
            yield
        return
    with tempfile.TemporaryDirectory(prefix="jaxmorph-cache-") as folder:
        own = Path(folder)
        known = shared.link_into(own)
        jax.config.update("jax_compilation_cache_dir", folder)
        # XLA's own caches would make the folder's name a part of every program's key.
        jax.config.update("jax_persistent_cache_enable_xla_caches", "none")
        # Those of a second or more by default; a small study's compiles in less.
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
        try:
            yield
        finally:
            shared.add_from(own, known)


@contextlib.contextmanager
def _without_cache() -> Iterator[None]:
    """Neither JAX reads programs from the folder that its environment names."""
    before = jax.config.values["jax_enable_compilation_cache"]
    jax.config.update("jax_enable_compilation_cache", False)
    try:
        yield
    finally:
        jax.config.update("jax_enable_compilation_cache", before)


def _machine() -> str:
    """The kind of machine that a program is compiled for: code for one CPU can crash another."""
    kind = [jax.__version__, engine.describe_devices().partition(" x ")[0], platform.machine()]
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        kind += sorted({line for line in lines if line.startswith(("flags", "Features", "model name"))})
    digest = hashlib.sha256("\n".join(kind).encode()).hexdigest()[:12]
    return f"{jax.local_devices()[0].platform}-{digest}"
