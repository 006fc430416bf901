"""Division and death: cells come and go in slots of a state of fixed size."""

import abc
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from .. import space
from ..errors import JaxmorphError
from ..steps import SimulationStep, State
from ..tracing import bernoulli, categorical, surrogate
from .fields import require
from .lineage import LINEAGE

Events = Literal["independent", "one"]


class _RandomEvents(SimulationStep):
    """Something that happens to single cells, at a rate of each."""

    dt: eqx.AbstractVar[float | Float[Array, ""]]
    events: eqx.AbstractVar[Events]

    def __check_init__(self) -> None:
        if self.events not in ("independent", "one"):
            raise JaxmorphError(f"events = {self.events!r}: use 'independent' or 'one'")

    @property
    @abc.abstractmethod
    def rate_field(self) -> str:
        """The field of the state that holds the rates."""

    def _events(self, state: State, key: PRNGKeyArray | None) -> Float[Array, " cell"]:
        """1 for cells to which it happens in this step, 0 for others."""
        if key is None:
            raise JaxmorphError(f"key = None: {type(self).__name__} needs a random key; pass key=...")
        rate = jnp.where(state.alive, getattr(state, self.rate_field)[:, 0], 0)
        if self.events == "independent":
            return bernoulli(key, -jnp.expm1(-rate * self.dt), indicator=True)
        return categorical(key, rate, one_hot=True)


def _standing_for(celltype: Float[Array, "cell type"], number: Float[Array, " cell"]) -> Array:
    """``celltype``, whose surrogate derivative says that each cell becomes ``number`` cells.

    Each of these carries an equal share of it: the row of a cell that stands for 1 + d cells has the
    derivative d, and hands it on to its daughters.
    """
    share = number / jax.lax.stop_gradient(number)
    return surrogate(celltype, celltype * share[:, None])


class CellDivision(_RandomEvents):
    """Cells divide in two at the rates of the state's ``division_rate``.

    Both daughters have half of the mother's volume (area in 2-D): her radius times 2^(-1 / dim). They
    touch, and lie symmetrically about her centre along an axis. All other fields of cells are hers, as
    they are: what a field holds should be an intensity, as a concentration, and no amount. One daughter
    takes her slot, the other a free one. A division that finds none does not take place, and is counted
    in ``n_missed``; see ``nan_where_missed``.

    ``events = "independent"``: each cell divides in a step with probability 1 - exp(-rate dt), so in a
    population of constant rate the mean number of cells grows by the factor 2 - exp(-rate dt) in a step,
    which tends to the Yule process as dt falls. ``"one"``: exactly one cell divides in each step (none
    where all rates are 0), chosen with probability rate / sum of the rates; time is then not that of the
    rates, and ``dt`` is not used.

    Source of ``"one"``: jax-morph, where it is the division step (Deshpande, Mottes et al., Nat. Comput.
    Sci., 2025, "Engineering morphogenesis of cell clusters with differentiable programming"). The
    choices are drawn through ``jaxmorph.simulation.bernoulli`` and ``categorical``, as numbers; to the
    estimator ``straight-through``, ``celltype`` carries how many cells a cell stands for.

    Attributes:
        dt: Length of a step, time.
        events: ``"independent"`` or ``"one"``.
        axis: Along which daughters lie, shape (dim,) or (cell, dim), of any length above 0; None: a
            random one for each cell, uniform over all directions.
    """

    dt: float | Float[Array, ""] = 1.0
    events: Events = eqx.field(default="independent", static=True)
    axis: Float[Array, "*cell dim"] | None = None

    @property
    def rate_field(self) -> str:
        return "division_rate"

    @jax.named_scope("jaxmorph.CellDivision")
    def __call__(self, state: State, *, key: PRNGKeyArray | None = None) -> State:
        require(self, state, *LINEAGE, declared_by="jaxmorph.env.LineageState")
        choice_key, axis_key = (None, None) if key is None else jax.random.split(key)
        events = self._events(state, choice_key)
        wants = events > 0
        free = ~state.alive
        rank, free_rank = jnp.cumsum(wants) - 1, jnp.cumsum(free) - 1
        divides = wants & (rank < jnp.sum(free))
        born = free & (free_rank < jnp.sum(wants))
        # The k-th free slot is for the second daughter of the k-th cell that divides.
        kth = jnp.searchsorted(rank, free_rank, side="left").astype(rank.dtype)
        source = jnp.where(born, kth, jnp.arange(rank.shape[0]))
        mothers: Any = _divided(state, divides, rank)
        mothers = eqx.tree_at(lambda s: s.celltype, mothers, _standing_for(state.celltype, 1 + events))
        half = self._half_distance(state, divides, axis_key)
        sign = jnp.where(divides, 1, -1)[:, None]
        daughters = jax.tree.map(lambda x: x[source] if x.ndim else x, mothers)
        position = state.shift(daughters.position, sign * half[source])
        moved = (divides | born)[:, None]
        return eqx.tree_at(
            lambda s: (s.position, s.number, s.step, s.n_numbers, s.n_missed),
            daughters,
            (
                jnp.where(moved, position, state.position),
                jnp.where(born, daughters.number + 1, daughters.number),
                mothers.step + 1,
                mothers.n_numbers + 2 * jnp.sum(divides),
                mothers.n_missed + jnp.sum(wants & ~divides),
            ),
        )

    def _half_distance(
        self, state: State, divides: Bool[Array, " cell"], key: PRNGKeyArray | None
    ) -> Float[Array, "cell dim"]:
        """From a mother's centre to a daughter's; 0 where no cell divides."""
        x = state.position
        if self.axis is None:
            assert key is not None
            axis = jax.random.normal(key, x.shape, x.dtype)
        else:
            axis = jnp.broadcast_to(jnp.asarray(self.axis, x.dtype), x.shape)
        length = space.distance(axis)[:, None]
        unit = axis / jnp.where(length > 0, length, 1)
        return jnp.where(divides[:, None], unit * state.radius * 2 ** (-1 / x.shape[1]), 0)


def _divided(state: Any, divides: Bool[Array, " cell"], rank: Int[Array, " cell"]) -> Any:
    """Mothers turned into their first daughters, at her place."""
    shrunk = state.radius * 2 ** (-1 / state.position.shape[1])
    return eqx.tree_at(
        lambda s: (s.radius, s.number, s.mother, s.birth, s.generation),
        state,
        (
            jnp.where(divides[:, None], shrunk, state.radius),
            jnp.where(divides, state.n_numbers + 2 * rank, state.number),
            jnp.where(divides, state.number, state.mother),
            jnp.where(divides, state.step + 1, state.birth),
            jnp.where(divides, state.generation + 1, state.generation),
        ),
    )


class CellDeath(_RandomEvents):
    """Cells die at the rates of the state's ``death_rate``; their slots become free.

    A slot's cell type and radius become 0; its other fields keep what they had.

    Attributes:
        dt: Length of a step, time; see ``CellDivision``.
        events: ``"independent"`` (each with probability 1 - exp(-rate dt)) or ``"one"`` (exactly one
            cell in a step, with probability rate / sum of the rates).
    """

    dt: float | Float[Array, ""] = 1.0
    events: Events = eqx.field(default="independent", static=True)

    @property
    def rate_field(self) -> str:
        return "death_rate"

    @jax.named_scope("jaxmorph.CellDeath")
    def __call__(self, state: State, *, key: PRNGKeyArray | None = None) -> State:
        require(self, state, "death_rate", declared_by="jaxmorph.env.LineageState")
        events = self._events(state, key)
        dies = events[:, None] > 0
        celltype = _standing_for(state.celltype, jnp.where(dies[:, 0], 1, 1 - events))
        return eqx.tree_at(
            lambda s: (s.celltype, s.radius),
            state,
            (jnp.where(dies, 0, celltype), jnp.where(dies, 0, state.radius)),
        )
