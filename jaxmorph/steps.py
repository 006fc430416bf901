"""Simulation steps: Equinox modules that map a state and a key to the next state."""

import abc
from collections.abc import Iterator, Sequence
from typing import TypeVar, overload

import equinox as eqx
import jax
from jaxtyping import PRNGKeyArray

from .errors import JaxmorphError
from .state import BaseCellState

State = TypeVar("State", bound=BaseCellState)


class SimulationStep(eqx.Module):
    """One step of a model. Subclass it, declare fields, and write ``__call__``.

    Give numeric parameters as plain fields, never static ones: a field that holds a JAX array is
    trainable (``eqx.filter_grad`` differentiates it), one that holds a Python number is not.
    """

    @abc.abstractmethod
    def __call__(self, state: State, *, key: PRNGKeyArray | None = None) -> State:
        """The state after the step; ``key`` is the source of its randomness."""


class Sequential(SimulationStep):
    """Steps that follow one another; the key is split into one key per step.

    Supports ``len``, iteration, indexing (a step) and slicing (a ``Sequential``).

    >>> from jaxmorph.env import CellGrowth
    >>> grow = CellGrowth(growth_rate=0.1, max_radius=1.0)
    >>> len(Sequential([grow, grow]))
    2
    """

    substeps: tuple[SimulationStep, ...]

    def __init__(self, substeps: Sequence[SimulationStep]):
        for i, step in enumerate(substeps):
            if not isinstance(step, SimulationStep):
                raise JaxmorphError(
                    f"substeps[{i}] = {step!r}: a Sequential holds SimulationStep instances"
                )
        self.substeps = tuple(substeps)

    @jax.named_scope("jaxmorph.Sequential")
    def __call__(self, state: State, *, key: PRNGKeyArray | None = None) -> State:
        n = len(self.substeps)
        keys = [None] * n if key is None else jax.random.split(key, n)
        for step, step_key in zip(self.substeps, keys, strict=True):
            state = step(state, key=step_key)
        return state

    @overload
    def __getitem__(self, index: int) -> SimulationStep: ...
    @overload
    def __getitem__(self, index: slice) -> "Sequential": ...
    def __getitem__(self, index: int | slice) -> "SimulationStep | Sequential":
        if isinstance(index, slice):
            return Sequential(self.substeps[index])
        return self.substeps[index]

    def __iter__(self) -> Iterator[SimulationStep]:
        return iter(self.substeps)

    def __len__(self) -> int:
        return len(self.substeps)
