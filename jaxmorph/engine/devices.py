"""The devices that a batch is evaluated on: all that JAX sees in this process."""

import importlib.util
import os
import platform
from collections.abc import Callable

import jax
import numpy as np
from jax.sharding import Mesh, PartitionSpec

from ..errors import JaxmorphError

_GPU_PLUGINS = ("jax_cuda12_plugin", "jax_cuda13_plugin", "jax_rocm7_plugin", "jax_rocm60_plugin")
_AXIS = "device"


def describe_devices() -> str:
    """Platform, kind and number of the devices: ``cpu``, ``gpu NVIDIA H100 80GB HBM3 x 4``."""
    devices = jax.local_devices()
    kind = " ".join(dict.fromkeys([devices[0].platform, devices[0].device_kind]))
    return kind if len(devices) == 1 else f"{kind} x {len(devices)}"


def n_cpus() -> int:
    """CPUs that this process computes on."""
    return len(jax.local_devices(backend="cpu"))


def require_gpus(n: int) -> None:
    """Make sure that JAX computes on ``n`` GPUs, if so many were asked for.

    Raises:
        JaxmorphError: If it sees fewer; says whether the JAX of this environment is the reason.
    """
    found = jax.local_devices()
    n_found = len(found) if found[0].platform in ("gpu", "cuda", "rocm") else 0
    if n_found >= n:
        return
    asked = f"{n} GPU{'s were' if n > 1 else ' was'} asked for on {platform.node()}, and JAX"
    if not any(importlib.util.find_spec(name) for name in _GPU_PLUGINS):
        raise JaxmorphError(
            f"{asked} {jax.__version__} of this environment computes on CPUs only; install its build "
            'for GPUs (pip install -e ".[cuda12]", or cuda13), or ask for no GPU (gpu: 0)'
        )
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "not set")
    raise JaxmorphError(
        f"{asked} sees {n_found} (CUDA_VISIBLE_DEVICES = {visible}, JAX_PLATFORMS = "
        f"{os.environ.get('JAX_PLATFORMS', 'not set')}); look whether nvidia-smi works on this node, or "
        "ask for no GPU (gpu: 0)"
    )


def over_devices(function: Callable) -> Callable:
    """``function(samples, keys)`` with the samples split evenly over all devices.

    Each device evaluates its samples by itself: they exchange nothing.
    """
    devices = jax.local_devices()
    if len(devices) == 1:
        return function
    return jax.shard_map(
        function,
        mesh=Mesh(np.array(devices), (_AXIS,)),
        in_specs=(PartitionSpec(_AXIS), PartitionSpec()),
        out_specs=PartitionSpec(_AXIS),
        # The check asks studies to declare which values differ between devices.
        check_vma=False,
    )


def per_device(n_samples: int) -> int:
    """``n_samples`` rounded up to a multiple of the number of devices."""
    n = len(jax.local_devices())
    return -(-n_samples // n) * n
