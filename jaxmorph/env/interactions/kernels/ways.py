"""Sums of forces by kernels, in programs of an engine that evaluates batches on CPUs."""

import abc
import dataclasses
import math
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .... import native, space
from ..fields import PairProduct, fields_of
from ..interaction import Interaction
from ..situation import Situation
from ..sums.all_pairs import AllPairs, interacting
from ..sums.pair_sum import EnergyFn, ForceFn, OfPair, PairSum, Scalar
from .every_pair import EveryPair, local_bytes
from .kernel import Kind, PairKernel
from .near_pairs import NearPairs
from .operation import PairForce, pair_force_p
from .pair_writer import PairWriter

# Two vectors side by side hide the time that an instruction waits for the one before.
_VECTORS = 2


@dataclasses.dataclass(frozen=True)
class PairKernels(PairSum):
    """Kernels of a kind.

    Attributes:
        vector_bytes: Width of vectors; None is that of the processor.
    """

    vector_bytes: int | None = None
    writer: ClassVar[type[PairWriter]]

    def refusal(self, situation: Situation) -> str:
        if situation.work in ("energy", "nearest"):
            return "only forces have kernels"
        if situation.platform != "cpu":
            return "no processor evaluates a batch"
        if situation.n_cells < 2:
            return "there are no pairs"
        if situation.space != "free":
            return {"periodic": "its space is periodic", "unknown": "its space is another library's"}[
                situation.space
            ]
        if situation.array_field:
            return f"its field {situation.array_field!r} is an array"
        return situation.unwritable

    def energy(self, of: Interaction, of_pair: OfPair, *, per_particle: bool) -> EnergyFn:
        raise NotImplementedError("only forces have kernels")

    def force(self, of: Interaction, scale: Scalar) -> ForceFn:
        situation = of.situation("force", None)
        by_jax = of.choose(situation._replace(platform=None))
        fields, changed = fields_of(of.law)

        def way(kind: Kind, n_simulations: int) -> Any:
            return of.choose(situation._replace(work=kind, n_simulations=n_simulations))

        def plain(position: Array, radius: Array, interacts: Array, scale: Array, *ends: Array) -> Array:
            law = changed(*_fields(of.forms.kinds, ends))
            return by_jax.force_at(law, space.free()[0], position, radius, interacts, scale)

        assert isinstance(by_jax, AllPairs), by_jax
        force = PairForce(type(of.law).__name__, of.forms, plain, way)
        dtype = of.state.position.dtype
        numbers = [jnp.asarray(x, dtype) for x in (scale, *_operands(fields))]
        cells = of.state.radius[:, 0], interacting(of.state).astype(dtype)
        return lambda position: pair_force_p.bind(position, *cells, *numbers, law=force)

    @abc.abstractmethod
    def width(self, dtype: np.dtype, n_simulations: int) -> int:
        """Numbers that one vector of a kernel holds."""

    def fewest(self, kernel: PairKernel) -> int:
        """Simulations that a kernel needs at least."""
        del kernel
        return 1

    @abc.abstractmethod
    def at_a_time(self, none: PairKernel, one: PairKernel) -> int:
        """How many tangents or cotangents a kernel takes, from those of none and of one."""

    def _numbers(self, dtype: np.dtype) -> int:
        """That the processor's vectors hold."""
        return _VECTORS * (self.vector_bytes or native.vector_bytes()) // dtype.itemsize


def _operands(fields: dict[str, Array | PairProduct]) -> list[Array]:
    """The operands that fields are."""
    both = ((x.left, x.right) if isinstance(x, PairProduct) else (x,) for x in fields.values())
    return [end for ends in both for end in ends]


def _fields(kinds: tuple[int, ...], ends: tuple[Array, ...]) -> list[Array | PairProduct]:
    """The fields from their operands."""
    rest = iter(ends)
    return [PairProduct(next(rest), next(rest)) if k else next(rest) for k in kinds]


@dataclasses.dataclass(frozen=True)
class EveryPairKernels(PairKernels):
    """Kernels that go over all pairs; a vector holds one pair of several simulations.

    Attributes:
        local_bytes: What a kernel with several tangents may keep of the simulations of one vector: the
            caches of a core hold it.
    """

    local_bytes: int = 2**18
    writer = EveryPair

    def width(self, dtype: np.dtype, n_simulations: int) -> int:
        return min(self._numbers(dtype), 2 ** math.ceil(math.log2(n_simulations)))

    def fewest(self, kernel: PairKernel) -> int:
        return kernel.width

    def at_a_time(self, none: PairKernel, one: PairKernel) -> int:
        fixed, both = map(local_bytes, (none, one))
        return max(1, (self.local_bytes - fixed) // (both - fixed))


@dataclasses.dataclass(frozen=True)
class NearPairKernels(PairKernels):
    """Kernels that look for the pairs within reach; a vector holds several pairs of one simulation.

    Attributes:
        most_tangents: Of one kernel; a vector holds one number of each.
    """

    most_tangents: int = 16
    writer = NearPairs

    def width(self, dtype: np.dtype, n_simulations: int) -> int:
        del n_simulations
        return self._numbers(dtype)

    def at_a_time(self, none: PairKernel, one: PairKernel) -> int:
        del none, one
        return self.most_tangents


EVERY_PAIR = EveryPairKernels()
NEAR_PAIRS = NearPairKernels()
