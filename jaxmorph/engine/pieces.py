"""A function over samples x seeds: cut to what fits in memory, compiled once, with progress.

What is finished can be kept as it comes, so that a batch that is cut off goes on where it was.
"""

import contextlib
import logging
import math
import os
import time
from collections.abc import Callable, Collection, Iterator, MutableMapping
from typing import Any, NamedTuple

import jax
import numpy as np
import psutil
from tqdm import tqdm

from ..configuration.resources import PIECES
from ..errors import JaxmorphError
from . import capacities
from .compiler import compiler_options
from .devices import over_devices, per_device

logger = logging.getLogger(__name__)

# Part of the free memory that one program may take: another job may want as much. What a job has of a
# GPU is its own; the rest is for gaps between arrays.
_MEMORY_SHARE, _GPU_SHARE = 0.4, 0.8
# Saving pieces takes this share of the time, at most: of a fast study, all would take a third of it.
_SAVING_SHARE = 0.05
# A batch of a few small pieces finds their program in the cache: one of its own would take longer to
# compile than it would save.
_SMALL_PIECE = 32
_MOST_SMALL_PIECES = 64


class Piece(NamedTuple):
    """Samples ``i`` to ``i_stop - 1`` at seeds ``j`` to ``j_stop - 1`` of a batch, from 0."""

    i: int
    i_stop: int
    j: int
    j_stop: int

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of samples and of seeds."""
        return self.i_stop - self.i, self.j_stop - self.j

    @property
    def where(self) -> tuple[slice, slice]:
        """Its place in arrays (sample, seed, ...)."""
        return slice(self.i, self.i_stop), slice(self.j, self.j_stop)


class Program(NamedTuple):
    """A compiled program.

    Attributes:
        compiled: The function of samples and keys.
        size: Numbers of samples and seeds that it evaluates.
        out_info: The pytree of shapes and dtypes that it returns.
        memory: Bytes that it needs, on each GPU or on all CPU devices together.
    """

    compiled: Callable
    size: tuple[int, int]
    out_info: Any
    memory: float


Saved = MutableMapping[tuple[int, int, int, int], list[np.ndarray]]
"""Finished pieces by place (see :class:`Piece`): the leaves of what the function returns."""


class Progress:
    """Writes how many simulations are done, the rate and the remaining time to the log."""

    def __init__(self, total: int, done: int, every: float = 2.0):
        self._total, self._every = total, every
        self._start = self._last = time.monotonic()
        self._done = self._before = done

    def __call__(self, n: int) -> None:
        """Count ``n`` more simulations."""
        self._done += n
        now = time.monotonic()
        if now - self._last >= self._every or self._done >= self._total:
            self._last = now
            elapsed = now - self._start
            meter = tqdm.format_meter(
                self._done, self._total, elapsed, unit=" sim", ncols=80, initial=self._before
            )
            logger.info(meter)


def in_pieces(
    function: Callable,
    samples: np.ndarray,
    keys: np.ndarray,
    memory_limit: float | None,
    saved: Saved | None = None,
    programs: dict[tuple[int, int], Program] | None = None,
) -> Any:
    """Evaluate ``function`` over samples x keys; a pytree of arrays (sample, seed, ...).

    Args:
        function: Of samples (sample, parameter) and keys (seed, 2).
        samples: All samples.
        keys: The keys of all seeds.
        memory_limit: Bytes that a piece may need; default: a share of what is free. A piece for which
            the device has no memory after all is cut, and tried again.
        saved: The pieces that were finished before; those finished now are added, unless that
            takes long beside their evaluation.
        programs: What was compiled for ``function`` before, by the size of pieces that was wanted; what
            is compiled now is added.

    Raises:
        JaxmorphError: If the device has no memory for a single simulation.
    """
    saved = {} if saved is None else saved
    programs = {} if programs is None else programs
    shape = len(samples), len(keys)
    limit = free_for_a_program() if memory_limit is None else memory_limit
    # What goes on must be cut as it was: programs of different sizes differ in the last bits.
    first = max((Piece(*place).shape for place in saved), default=_first_size(*shape, programs))
    size = per_device(first[0]), first[1]
    result: list[np.ndarray] = []
    finished = np.zeros(shape, bool)
    unsaved: list[Piece] = []
    start, saving = time.monotonic(), 0.0
    while True:
        try:
            if size not in programs:
                programs[size] = compile_piece(function, samples, keys, size, limit)
            program = programs[size]
            size = program.size
            if not result:
                leaves = jax.tree.leaves(program.out_info)
                result = [np.empty((*shape, *leaf.shape[2:]), leaf.dtype) for leaf in leaves]
                _take_up(saved, result, finished)
            progress = Progress(finished.size, int(finished.sum()))
            for piece in grid(shape, size):
                if not finished[piece.where].all():
                    done = evaluate_piece(program, samples, keys, piece)
                    i, j = piece.where
                    if capacities.outgrown(samples[i], keys[j], done):
                        programs.clear()
                        break
                    _put(piece, done, result, finished)
                    unsaved.append(piece)
                    while unsaved and saving <= _SAVING_SHARE * (time.monotonic() - start):
                        since, ready = time.monotonic(), unsaved.pop()
                        saved[ready] = [whole[ready.where] for whole in result]
                        saving += time.monotonic() - since
                    progress(math.prod(piece.shape))
            else:
                return jax.tree.unflatten(jax.tree.structure(program.out_info), result)
        except jax.errors.JaxRuntimeError as error:
            if "RESOURCE_EXHAUSTED" not in str(error):
                raise
            if size == (per_device(1), 1):
                raise JaxmorphError(
                    "the device has not enough memory for one simulation; record fewer times or "
                    "parameters, or take a device with more memory"
                ) from error
            logger.warning(
                "%d samples x %d seeds do not fit into the memory of the device: cutting them", *size
            )
            size = _half(size)


def small_piece(n_seeds: int) -> tuple[int, int]:
    """The samples and seeds of a small piece of a run that has so many seeds.

    The program of the study job, which times it: the other jobs of the run find it in the cache.
    """
    seeds = n_seeds if n_seeds < _SMALL_PIECE and n_seeds % 8 else 8
    return math.ceil(_SMALL_PIECE / seeds), seeds


def _first_size(
    n_samples: int, n_seeds: int, programs: Collection[tuple[int, int]] = ()
) -> tuple[int, int]:
    """All seeds of a few samples: they share the noise, and progress is even; or a small piece.

    A program that there is already is taken, if it is that of a small piece and holds everything.
    """
    if n_samples * n_seeds > _MOST_SMALL_PIECES * _SMALL_PIECE:
        return max(1, math.ceil(n_samples * n_seeds // PIECES / n_seeds)), n_seeds
    samples, seeds = small_piece(n_seeds)
    if (samples, seeds) in programs:
        return samples, seeds
    return min(n_samples, samples), seeds


def _half(size: tuple[int, int]) -> tuple[int, int]:
    if size[0] > per_device(1):
        return per_device(math.ceil(size[0] / 2)), size[1]
    return size[0], math.ceil(size[1] / 2)


def _cut(size: tuple[int, int], need: float, limit: float) -> tuple[int, int]:
    """The first half, quarter, ... of ``size`` that may fit: none is compiled for nothing.

    What is needed falls by a half at most, since some of it does not depend on the size: this never
    cuts too much.
    """
    while True:
        size, need = _half(size), need / 2
        if need <= limit or size == (per_device(1), 1):
            return size


def grid(shape: tuple[int, int], size: tuple[int, int]) -> Iterator[Piece]:
    """The pieces of ``size`` that cover a batch of ``shape``; the last ones may be smaller."""
    for i in range(0, shape[0], size[0]):
        for j in range(0, shape[1], size[1]):
            yield Piece(i, min(i + size[0], shape[0]), j, min(j + size[1], shape[1]))


def _take_up(saved: Saved, result: list[np.ndarray], finished: np.ndarray) -> None:
    """Put the pieces that were finished before in their places."""
    for place in saved:
        with contextlib.suppress(KeyError):  # one that is damaged is computed again
            _put(Piece(*place), saved[place], result, finished)
    if saved:
        n_done, n_all = int(finished.sum()), finished.size
        logger.info("resuming: %d of %d simulations were done before", n_done, n_all)


def _put(piece: Piece, leaves: list[np.ndarray], result: list[np.ndarray], finished: np.ndarray) -> None:
    for whole, part in zip(result, leaves, strict=True):
        whole[piece.where] = part
    finished[piece.where] = True


def evaluate_piece(
    program: Program, samples: np.ndarray, keys: np.ndarray, piece: Piece
) -> list[np.ndarray]:
    """The leaves of one piece. Small last pieces are filled up, so that one program evaluates all."""
    i = np.minimum(piece.i + np.arange(program.size[0]), piece.i_stop - 1)
    j = np.minimum(piece.j + np.arange(program.size[1]), piece.j_stop - 1)
    leaves = jax.tree.leaves(program.compiled(samples[i], keys[j]))
    rows, columns = piece.shape
    return [np.asarray(leaf)[:rows, :columns] for leaf in leaves]


def compile_piece(
    function: Callable, samples: np.ndarray, keys: np.ndarray, size: tuple[int, int], limit: float
) -> Program:
    """The program for pieces of ``size``, or of what fits into ``limit`` bytes.

    Raises:
        JaxmorphError: If a single simulation needs more than there is.
    """
    while True:
        arguments = (
            jax.ShapeDtypeStruct((size[0], samples.shape[1]), samples.dtype),
            jax.ShapeDtypeStruct((size[1], *keys.shape[1:]), keys.dtype),
        )
        start = time.monotonic()
        lowered = capacities.lower(over_devices(function), arguments, samples, keys)
        results = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(lowered.out_info))
        if results / _memories() > limit and size != (per_device(1), 1):
            size = _cut(size, results / _memories(), limit)
            continue
        traced = time.monotonic()
        compiled = lowered.compile(compiler_options())
        logger.info("traced in %.1f s, compiled in %.1f s", traced - start, time.monotonic() - traced)
        need = memory_of(compiled)
        if need <= limit or size == (per_device(1), 1):
            _refuse(need, results / math.prod(size))
            break
        logger.info(
            "%d samples x %d seeds need %.3g MB, %.3g MB may be used: cutting the batch",
            *size,
            need / 1e6,
            limit / 1e6,
        )
        size = _cut(size, need, limit)
    logger.info("evaluating pieces of %d samples x %d seeds (%.3g MB)", *size, need / 1e6)
    return Program(compiled, size, lowered.out_info, need)


def _refuse(need: float, results: float) -> None:
    """Raises JaxmorphError if no job of this machine could run a program."""
    if need > (there := memory_there()):
        raise JaxmorphError(
            f"simulations that give {results / 1e9:.3g} GB each need {need / 1e9:.3g} GB at once, and "
            f"there are {there / 1e9:.3g} GB; record fewer times or observables, or vary fewer "
            "parameters"
        )


def memory_of(compiled: Any) -> float:
    """Bytes that a compiled program uses while it runs, on each GPU or on all CPU devices together."""
    m = compiled.memory_analysis()
    need = m.temp_size_in_bytes + m.output_size_in_bytes + m.argument_size_in_bytes
    return need * per_device(1) / _memories()


def _memories() -> int:
    """How many memories hold a piece: each GPU has one, all devices of a processor share one."""
    return 1 if jax.local_devices()[0].platform == "cpu" else per_device(1)


def free_for_a_program() -> float:
    """Bytes that one program may take of what is free on a GPU, or of what Slurm gave this job."""
    if statistics := _of_gpu():
        return (statistics["bytes_limit"] - statistics.get("bytes_in_use", 0)) * _GPU_SHARE
    return min(psutil.virtual_memory().available, _given()) * _MEMORY_SHARE


def _of_gpu() -> dict[str, int] | None:
    """What the first GPU says of its memory; None where there is none."""
    statistics = jax.local_devices()[0].memory_stats()
    return statistics if statistics and "bytes_limit" in statistics else None


def _given() -> float:
    """What Slurm gave this job."""
    return float(os.environ.get("SLURM_MEM_PER_NODE", math.inf)) * 2**20


def memory_there() -> float:
    """Bytes of a GPU, or of what Slurm gave this job, or of the machine."""
    if statistics := _of_gpu():
        return statistics["bytes_limit"]
    return min(psutil.virtual_memory().total, _given())
