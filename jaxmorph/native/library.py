"""Modules of LLVM, compiled for this processor and known to XLA by the names of their functions."""

import ctypes
import functools
import os

import jax
import llvmlite.binding as llvm

from ..errors import JaxmorphError

_HANDLER = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
# Compiled code lives as long as the process: programs of XLA may call it at any time.
_engines: dict[str, llvm.ExecutionEngine] = {}


def compile_module(text: str) -> llvm.ExecutionEngine:
    """Compiled code of a module, for this processor; it lives as long as what is returned."""
    machine = _target_machine()
    module = llvm.parse_assembly(text)
    module.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    passes = llvm.create_pass_builder(machine, options)
    passes.getModulePassManager().run(module, passes)
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    return engine


def _target_machine() -> llvm.TargetMachine:
    """A new one: what compiles with it owns it."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=3
    )


_WIDTHS = (16, 32, 64)
_WIDTH = "JAXMORPH_VECTOR_BYTES"


def vector_bytes() -> int:
    """Width of the processor's vectors, or what the environment variable JAXMORPH_VECTOR_BYTES says.

    Raises:
        JaxmorphError: If that is no width.
    """
    wanted = os.environ.get(_WIDTH)
    if wanted is None:
        return _processors_vector_bytes()
    if wanted not in map(str, _WIDTHS):
        raise JaxmorphError(f"{_WIDTH} = {wanted!r}: must be 16, 32 or 64")
    return int(wanted)


@functools.cache
def _processors_vector_bytes() -> int:
    features = llvm.get_host_cpu_features()
    of_features = {"avx512f": 64, "avx": 32}
    return next((width for name, width in of_features.items() if features.get(name)), 16)


def add(name: str, text: str) -> None:
    """Compile a module and register its function ``name`` with XLA, once in a process."""
    if name in _engines:
        return
    engine = compile_module(text)
    function = _HANDLER(engine.get_function_address(name))
    jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(function), platform="cpu")
    _engines[name] = engine
