"""jaxmorph as its jobs run it: ``jaxmorph.engine``, on all devices of the process."""

from collections.abc import Mapping

import jax
import numpy as np

from jaxmorph.engine import capacities, program
from jaxmorph.engine.batch import on_pairs
from jaxmorph.engine.devices import per_device
from jaxmorph.engine.estimators import WantedMode
from jaxmorph.engine.pieces import compile_piece, evaluate_piece, free_for_a_program, grid
from jaxmorph.engine.ways import choose_way
from jaxmorph.env.interactions import choosing, preferring
from jaxmorph.env.interactions.sums import BOTH_WAYS, ONCE, NeighbourLists, PairSum
from jaxmorph.studies import Recording
from jaxmorph.studies.reference import ReferenceStudy

from .task import Task

_WAYS: dict[str, PairSum] = {"lists": NeighbourLists(), "all": BOTH_WAYS, "once": ONCE}


class LastRecord(ReferenceStudy):
    """The reference study at its last recorded time: one number to pull back, as the peers have it."""

    def simulate(self, parameters: Mapping[str, jax.Array], key: jax.Array) -> Recording:
        return jax.tree.map(lambda x: x[-1:], super().simulate(parameters, key))


class Engine:
    """See :func:`engine`."""

    def __init__(self, task: Task, mode: WantedMode):
        self.problem = task.problem()
        self.samples = task.points(self.problem)
        way = choose_way(self.problem, mode, "pathwise", 0.0, run_key=0)
        size, seeds = (per_device(task.samples), task.seeds), np.arange(task.seeds)
        pairs = on_pairs(self.problem, way.single, self.samples, seeds, 0, way.simulates)
        with pairs as (function, self.keys):
            outgrown = True
            while outgrown:
                limit = free_for_a_program()
                self.program = compile_piece(function, self.samples, self.keys, size, limit)
                self.pieces = list(grid((task.samples, task.seeds), self.program.size))
                leaves = evaluate_piece(self.program, self.samples, self.keys, self.pieces[0])
                outgrown = capacities.outgrown(self.samples, self.keys, leaves)
        self.memory = self.program.memory

    def __call__(self) -> tuple[np.ndarray, np.ndarray]:
        with program.precision(self.problem):
            parts = [evaluate_piece(self.program, self.samples, self.keys, p) for p in self.pieces]
        shape = len(self.samples), len(self.keys)
        whole = [np.empty((*shape, *leaf.shape[2:]), leaf.dtype) for leaf in parts[0]]
        for piece, part in zip(self.pieces, parts, strict=True):
            for array, leaf in zip(whole, part, strict=True):
                array[piece.where] = leaf
        return whole[0], whole[1] if whole[1:] else np.empty(0)


def engine(task: Task, mode: WantedMode = "reverse", forces: str = "kernels") -> Engine:
    """Compile it, with derivatives in a mode or none.

    Forces are summed by ``kernels``, which jobs on CPUs take, and jobs on GPUs what they take; or by
    operations of JAX on neighbour ``lists``, on ``all`` pairs both ways, or on each ``once``.
    """
    if forces == "kernels":
        return Engine(task, mode)
    with choosing(preferring(_WAYS[forces])):
        return Engine(task, mode)
