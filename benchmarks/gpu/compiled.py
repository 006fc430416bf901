"""Programs compiled for a GPU by XLA, on a machine without one: nothing runs.

Needs JAX's plugin for CUDA and NVIDIA's assembler (``pip install jax-cuda12-plugin jax-cuda12-pjrt
nvidia-cuda-nvcc-cu12 nvidia-cuda-runtime-cu12``, of the version of JAX), and nothing of NVIDIA's driver.
"""

import contextlib
from collections.abc import Iterator
from typing import Any
from unittest import mock

import jax
import numpy as np
from jax.experimental import topologies

from jaxmorph.engine import GradientArguments, capacities
from jaxmorph.engine.batch import on_pairs
from jaxmorph.engine.estimators import WantedMode
from jaxmorph.engine.ways import SMOOTHING, choose_way
from jaxmorph.errors import JaxmorphError
from jaxmorph.studies import Problem

from .studies import KEY

H200 = """
gpu_device_info {
  name: "NVIDIA H200" threads_per_warp: 32 threads_per_block_limit: 1024 threads_per_core_limit: 2048
  thread_dim_limit_x: 1024 thread_dim_limit_y: 1024 thread_dim_limit_z: 64
  block_dim_limit_x: 2147483647 block_dim_limit_y: 65535 block_dim_limit_z: 65535
  core_count: 132 fpus_per_core: 128 clock_rate_ghz: 1.98
  shared_memory_per_block: 49152 shared_memory_per_block_optin: 232448 shared_memory_per_core: 233472
  registers_per_core_limit: 65536 registers_per_block_limit: 65536
  memory_bandwidth: 4800000000000 device_memory_size: 151397597184 l2_cache_size: 52428800
  cuda_compute_capability { major: 9 }
  driver_version: "12.8.0" runtime_version: "12.8.0" compile_time_toolkit_version: "12.8.0"
}
platform_name: "CUDA" device_description_str: "NVIDIA H200"
"""
"""What XLA has to know of the GPU, from NVIDIA's data sheet (132 processors, 141 GB at 4.8 TB/s)."""


def gpu(description: str = H200) -> jax.sharding.Sharding:
    """A place on a GPU that is not there.

    Raises:
        JaxmorphError: If the plugin is not installed.
    """
    try:
        there = topologies.get_topology_desc("gpu", "cuda", target_config=description, topology="1x1x1")
    except Exception as error:
        raise JaxmorphError(
            f"JAX {jax.__version__} cannot compile for CUDA ({str(error).splitlines()[0]}); install "
            "jax-cuda12-plugin, jax-cuda12-pjrt, nvidia-cuda-nvcc-cu12 and nvidia-cuda-runtime-cu12"
        ) from error
    return jax.sharding.SingleDeviceSharding(there.devices[0])


@contextlib.contextmanager
def traced_for_gpus() -> Iterator[None]:
    """What is traced inside is what a GPU would get."""
    with (
        mock.patch.object(jax, "default_backend", lambda: "gpu"),
        # Equinox raises from callbacks, which are no part of a simulation.
        mock.patch("equinox._errors.EQX_ON_ERROR", "nan"),
    ):
        yield


def compiled(
    problem: Problem,
    mode: WantedMode,
    shape: tuple[int, int],
    place: jax.sharding.Sharding,
    how: GradientArguments | None = None,
) -> Any:
    """The program of a study for so many samples and seeds, compiled."""
    how = how or {}
    with traced_for_gpus():
        estimator, smoothing = how.get("estimator", "pathwise"), how.get("smoothing", SMOOTHING)
        way = choose_way(problem, mode, estimator, smoothing, KEY)
        samples = np.tile(problem.centre, (shape[0], 1)).astype(problem.study.precision)
        pairs = on_pairs(problem, way.single, samples, np.arange(shape[1]), KEY, way.simulates)
        with pairs as (function, keys):
            given = [jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=place) for x in (samples, keys)]
            return capacities.lower(function, given, samples, keys).compile()
