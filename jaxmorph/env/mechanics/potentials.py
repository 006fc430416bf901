"""Interaction potentials: functions of the state that give energies and forces."""

import abc
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ... import space
from ...errors import JaxmorphError
from ...state import BaseCellState
from .fused import PairLaw, fused_law, pair_force
from .listed import PairFn, is_listed, listed_energy, listed_force
from .pairs import BothWays, Pairs, Vectors, all_pairs

Scalar = float | Float[Array, ""]
EnergyFn = Callable[[Float[Array, "cell dim"]], Float[Array, "*cell"]]
ForceFn = Callable[[Float[Array, "cell dim"]], Float[Array, "cell dim"]]


class MechanicalInteractionPotential(eqx.Module):
    """A potential energy of the positions of a state's living cells."""

    @abc.abstractmethod
    def energy_fn(self, state: BaseCellState, *, per_particle: bool = False) -> EnergyFn:
        """Energy as a function of positions (cell, dim), for the types and radii of ``state``.

        The function returns a scalar, or with ``per_particle`` half of each pair's energy for each of
        its cells, shape (cell,).
        """

    def force_fn(self, state: BaseCellState) -> ForceFn:
        """Force on each cell, shape (cell, dim): minus the gradient of the energy."""
        energy = self.energy_fn(state)
        return lambda position: -jax.grad(energy)(position)

    def scaled_force_fn(self, state: BaseCellState, scale: Scalar) -> ForceFn:
        """``scale`` times the force."""
        force = self.force_fn(state)
        return lambda position: scale * force(position)


class ForceDerivatives(NamedTuple):
    """Derivatives of g, the force of pairs over their distance; all (*pair).

    Attributes:
        by_distance: dg/dr / r.
        by_sigma: In the sum of the radii.
        by_field: In scalar fields of the potential, by name.
    """

    by_distance: Array
    by_sigma: Array
    by_field: dict[str, Array]


class PairPotential(MechanicalInteractionPotential):
    """A sum over pairs of cells of an energy that depends on their distance.

    A subclass writes :meth:`pair_energy` only. The force is exact: the derivative of the pair energy
    along the distance, times the unit vector between the cells; it costs no second backward pass. With
    :meth:`force_over_distance` and :meth:`force_derivatives` in closed form it is faster.

    Where the energy has a finite range, many cells are summed by a neighbour list, whose fixed size the
    engine looks after (see ``listed.py``). Elsewhere all pairs are summed.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        """What a class derives from its energy or force holds no more where a subclass has another."""
        super().__init_subclass__(**options)
        chain = ("pair_energy", "force_over_distance", "force_derivatives")
        for i, name in enumerate(chain):
            if name not in vars(cls) and not vars(cls).keys().isdisjoint(chain[:i]):
                setattr(cls, name, vars(PairPotential)[name])
        if "force_fn" in vars(cls) and "scaled_force_fn" not in vars(cls):
            cls.scaled_force_fn = MechanicalInteractionPotential.scaled_force_fn  # type: ignore[method-assign]

    @property
    def interaction_range(self) -> float | None:
        """Distance from which on the pair energy is exactly 0; None if there is none, or no number."""
        return None

    @abc.abstractmethod
    def pair_energy(self, distance: Array, sigma: Array) -> Array:
        """Energy of pairs at ``distance`` whose radii add to ``sigma`` (same shape, elementwise).

        If all array fields of the potential are scalars, each pair is computed once. Else the shape of
        ``distance`` is (cell, cell), so that a field may hold a number for each pair.
        """

    def force_over_distance(self, distance: Array, sigma: Array) -> Array:
        """Minus the derivative of the pair energy along the distance, over the distance.

        Cells at the same place have no direction between them: it must be finite there.
        """
        return -_slope(self, distance, sigma) / _apart(distance)

    def force_derivatives(self, distance: Array, sigma: Array) -> ForceDerivatives:
        """Derivatives of :meth:`force_over_distance`; of fields that are missing, JAX derives them."""
        by_distance = _derivative(lambda r: self.force_over_distance(r, sigma), distance)
        by_sigma = _derivative(lambda s: self.force_over_distance(distance, s), sigma)
        return ForceDerivatives(by_distance / _apart(distance), by_sigma, {})

    def _pairs(self, state: BaseCellState) -> tuple[Pairs, Array, Array]:
        """The pairs of the state, the sums of their radii, and 1 for those that interact (else 0)."""
        n_cells = state.radius.shape[0]
        pairs = all_pairs(n_cells) if self._is_scalar() else BothWays(n_cells)
        return (
            pairs,
            pairs.sums(state.radius[:, 0]),
            pairs.products(state.alive.astype(state.radius.dtype)),
        )

    def range_in(self, state: BaseCellState) -> Scalar | None:
        """:attr:`interaction_range`, or that for the radii of ``state`` where these decide."""
        del state
        return self.interaction_range

    def _range(self, state: BaseCellState) -> Scalar | None:
        """The range, where a neighbour list is to be used."""
        reach = self.range_in(state)
        return reach if self._is_scalar() and is_listed(reach, state) else None

    def _in_slot(self, slot: Int[Array, " cell"]) -> "PairPotential":
        """The potential of each cell and its neighbour in a slot of a list."""
        del slot
        return self

    def _is_scalar(self) -> bool:
        """Whether no field can hold a number for each pair."""
        return all(jnp.ndim(leaf) == 0 for leaf in jax.tree.leaves(self))

    def energy_fn(self, state: BaseCellState, *, per_particle: bool = False) -> EnergyFn:
        return self._sum_fn(lambda potential: potential.pair_energy, state, per_particle=per_particle)

    def virial_fn(self, state: BaseCellState) -> EnergyFn:
        """For each cell half of what its pairs have of the virial, the force times the distance.

        A function of positions (cell, dim); the virial of a pair is positive where it repels. Shape
        (cell,), energy.
        """

        def of_pair(potential: PairPotential) -> PairFn:
            return lambda r, sigma: potential.force_over_distance(r, sigma) * r**2

        return self._sum_fn(of_pair, state, per_particle=True)

    def _sum_fn(
        self, function: Callable[["PairPotential"], PairFn], state: BaseCellState, *, per_particle: bool
    ) -> EnergyFn:
        """The sum over pairs of a function of distance and sum of radii, or half of it for each cell."""
        reach = self._range(state)
        if reach is not None:
            return listed_energy(
                lambda slot: function(self._in_slot(slot)), reach, state, per_particle=per_particle
            )
        of_pair = function(self)
        pairs, sigma, interacts = self._pairs(state)

        def total(position: Array) -> Array:
            between = pairs.displacements(state.displacement, position)
            of_pairs = interacts * of_pair(space.root(pairs.dot(between, between)), sigma)
            shares = pairs.shares(of_pairs)
            return shares if per_particle else jnp.sum(shares)

        return total

    def force_fn(self, state: BaseCellState) -> ForceFn:
        return self.scaled_force_fn(state, 1.0)

    def scaled_force_fn(self, state: BaseCellState, scale: Scalar) -> ForceFn:
        reach = self._range(state)
        if reach is not None:
            listed = listed_force(lambda slot: self._in_slot(slot).force_over_distance, reach, state)
            return lambda position: scale * listed(position)
        if fused := self._fused_fn(state, scale):
            return fused
        pairs, sigma, interacts = self._pairs(state)

        def force(position: Array) -> Array:
            between = pairs.displacements(state.displacement, position)
            return pairs.forces(_pair_forces(self, pairs, interacts, between, sigma), scale)

        return force


    def _fused_fn(self, state: BaseCellState, scale: Scalar) -> ForceFn | None:
        """``scale`` times the force as one operation, where the engine has a kernel for it."""
        like = state.position
        if not (self._is_scalar() and space.is_free(state.displacement, like.shape[1])):
            return None
        law = fused_law(lambda: _law(self, like.dtype), like.shape)
        if law is None:
            return None
        radius, interacts = state.radius[:, 0], state.alive.astype(like.dtype)
        numbers = [jnp.asarray(x, like.dtype) for x in (scale, *_fields(self)[0].values())]
        return lambda position: pair_force(law, position, radius, interacts, *numbers)


def _fields(potential: PairPotential) -> tuple[dict[str, Array], Callable[..., PairPotential]]:
    """The fields that are arrays, by name, and the potential as a function of them."""
    moving, rest = eqx.partition(potential, eqx.is_inexact_array)
    leaves, structure = jax.tree_util.tree_flatten_with_path(moving)
    names = [jax.tree_util.keystr(path, simple=True) for path, _ in leaves]

    def changed(*fields: Array) -> PairPotential:
        return eqx.combine(jax.tree.unflatten(structure, fields), rest)

    return dict(zip(names, (leaf for _, leaf in leaves), strict=True)), changed


def _law(potential: PairPotential, dtype: np.dtype) -> PairLaw:
    fields, changed = _fields(potential)

    def numbers(squared: Array, sigma: Array, *values: Array) -> tuple[Array, ...]:
        return (changed(*values).force_over_distance(space.root(squared), sigma),)

    def derivatives(squared: Array, sigma: Array, *values: Array) -> tuple[Array, ...]:
        at, distance = changed(*values), space.root(squared)
        known = at.force_derivatives(distance, sigma)
        moving = eqx.filter(at, eqx.is_inexact_array)
        by_fields = _by_fields(at, moving, distance, sigma, known.by_field)
        return (
            at.force_over_distance(distance, sigma),
            known.by_distance,
            known.by_sigma,
            *(by_field for by_field, _ in by_fields),
        )

    def force(position: Array, radius: Array, interacts: Array, scale: Array, *values: Array) -> Array:
        pairs = all_pairs(len(position))
        between = pairs.displacements(space.free()[0], position)
        both = pairs.products(interacts)
        of_pairs = _pair_forces(changed(*values), pairs, both, between, pairs.sums(radius))
        return pairs.forces(of_pairs, scale)

    scalars = [jax.ShapeDtypeStruct((), dtype)] * (2 + len(fields))
    made = (jax.make_jaxpr(function)(*scalars) for function in (numbers, derivatives))
    return PairLaw(force, *made)


def _apart(distance: Array) -> Array:
    """A distance to divide by: 1 where it is 0."""
    return jnp.where(distance > 0, distance, 1)


def _derivative(function: Callable[[Array], Array], x: Array) -> Array:
    """Of an elementwise function."""
    return jax.jvp(function, (x,), (jnp.ones_like(x),))[1]


def _slope(potential: PairPotential, distance: Array, sigma: Array) -> Array:
    """Derivative of the pair energy along the distance."""
    return _derivative(lambda r: potential.pair_energy(r, sigma), distance)


@eqx.filter_custom_jvp
def _pair_forces(
    potential: PairPotential,
    pairs: Pairs,
    interacts: Float[Array, "*pair"],
    between: Vectors,
    sigma: Float[Array, "*pair"],
) -> Vectors:
    """The force of each pair on its first cell; ``between`` leads there from the second.

    The derivative is written out: with f = g d it is g d' + (a d.d' + b sigma' + sum_p c_p p') d, where
    g, a, b and c_p are numbers of a pair that all tangents share, and all that the transpose needs.
    """
    distance = space.root(pairs.dot(between, between))
    return pairs.scaled(interacts * potential.force_over_distance(distance, sigma), between)


@_pair_forces.def_jvp
def _pair_forces_jvp(primals: tuple, tangents: tuple) -> tuple[Vectors, Vectors]:
    potential, pairs, interacts, between, sigma = primals
    in_potential, _, _, in_between, in_sigma = tangents
    distance = space.root(pairs.dot(between, between))
    apart = _apart(distance)

    def once(x: Array) -> Array:
        return pairs.once(interacts * x, apart)

    g = once(potential.force_over_distance(distance, sigma))
    derivatives = potential.force_derivatives(distance, sigma)
    along = jnp.zeros_like(distance)
    change = jax.tree.map(jnp.zeros_like, between)
    if jax.tree.leaves(in_between):
        along += once(derivatives.by_distance) * pairs.dot(between, in_between)
        change = pairs.scaled(g, in_between)
    if in_sigma is not None:
        along += once(derivatives.by_sigma) * in_sigma
    for by_field, in_field in _by_fields(potential, in_potential, distance, sigma, derivatives.by_field):
        along += once(by_field) * in_field
    change = jax.tree.map(jnp.add, change, pairs.scaled(along, between))
    return pairs.scaled(g, between), change


def _by_fields(
    potential: PairPotential,
    tangent: PairPotential,
    distance: Array,
    sigma: Array,
    known: dict[str, Array],
) -> Iterator[tuple[Array, Array]]:
    """Derivative of the force over distance by each array field that has a tangent, and this tangent.

    What is no scalar is differentiated along its tangent instead, to be multiplied by 1.
    """
    moving, rest = eqx.partition(
        potential, jax.tree.map(lambda t: t is not None, tangent, is_leaf=_is_none)
    )
    leaves, structure = jax.tree_util.tree_flatten_with_path(moving)
    values = [leaf for _, leaf in leaves]
    for i, ((path, leaf), t) in enumerate(zip(leaves, jax.tree.leaves(tangent), strict=True)):
        name = jax.tree_util.keystr(path, simple=True)
        if name in known and leaf.ndim == 0:
            yield known[name], t
            continue

        def force(leaf: Array, i: int = i) -> Array:
            changed = jax.tree.unflatten(structure, [*values[:i], leaf, *values[i + 1 :]])
            return eqx.combine(changed, rest).force_over_distance(distance, sigma)

        along, factor = (jnp.ones_like(leaf), t) if leaf.ndim == 0 else (t, jnp.ones_like(distance))
        yield jax.jvp(force, (leaf,), (along,))[1], factor


def _is_none(x: object) -> bool:
    return x is None


class MorsePotential(PairPotential):
    """Morse potential with its minimum where two cells just touch, cut off smoothly.

    U(r) = S(r) (epsilon (1 - exp(-alpha (r - sigma)))^2 - epsilon), sigma = the sum of the radii.
    S is 1 below ``r_onset``, 0 above ``r_cutoff`` and continuously differentiable.

    Source: ``jax_md.energy.morse_pair`` and ``multiplicative_isotropic_cutoff`` (after HOOMD-blue's
    "xplor" smoothing), which a test holds this against.

    Attributes:
        epsilon: Depth of the minimum, energy.
        alpha: Inverse width of the minimum, 1 / length.
        r_cutoff: Distance beyond which cells do not interact, length.
        r_onset: Distance at which the cutoff begins, length, less than ``r_cutoff``.
    """

    epsilon: Scalar = 3.0
    alpha: Scalar = 2.8
    r_cutoff: Scalar = 2.0
    r_onset: Scalar = 1.7

    def __check_init__(self) -> None:
        check_cutoff(self.r_onset, self.r_cutoff)

    @property
    def interaction_range(self) -> float | None:
        return range_of(self.r_cutoff)

    def pair_energy(self, distance: Array, sigma: Array) -> Array:
        well = self.epsilon * (1 - jnp.exp(-self.alpha * (distance - sigma))) ** 2 - self.epsilon
        return smooth_cutoff(distance, self.r_onset, self.r_cutoff) * well

    def force_over_distance(self, distance: Array, sigma: Array) -> Array:
        c, apart, t, e = self._terms(distance, sigma)
        cut = 6 * c * distance * (t * (1 - t)) * (e * (e - 2))
        # Ends with the division: compilers then compute it once for all components of the force.
        return self.epsilon * (cut + 2 * self.alpha * (_smooth(t) * (e * (e - 1)))) / apart

    def force_derivatives(self, distance: Array, sigma: Array) -> ForceDerivatives:
        c, apart, t, e = self._terms(distance, sigma)
        alpha, smooth, per_length = self.alpha, _smooth(t), 1 / apart
        well, slope, curvature = e * (e - 2), e * (e - 1), e * (2 * e - 1)
        cut, cut_slope = 6 * c * (t * (1 - t)), jnp.where((t > 0) & (t < 1), 1 - 2 * t, 0)
        by_exponent = 2 * cut * slope + 2 * alpha * per_length * smooth * curvature
        by_distance = (
            -6 * c**2 * distance * cut_slope * well
            - 4 * alpha * cut * slope
            - 2 * alpha * per_length * smooth * (per_length * slope + alpha * curvature)
        ) / apart
        return ForceDerivatives(
            by_distance=self.epsilon * by_distance,
            by_sigma=self.epsilon * alpha * by_exponent,
            by_field={
                "epsilon": cut * well + 2 * alpha * per_length * (smooth * slope),
                "alpha": self.epsilon
                * ((sigma - distance) * by_exponent + 2 * per_length * smooth * slope),
            },
        )

    def _terms(self, distance: Array, sigma: Array) -> tuple[Scalar, Array, Array, Array]:
        """c, the distance (1 where it is 0), t and e.

        The energy is t^2 (3 - 2 t) epsilon (e^2 - 2 e), with dt/dr = -c r and de/dr = -alpha e.
        """
        c = 2 / (self.r_cutoff**2 - self.r_onset**2)
        t = _within(distance, self.r_onset, self.r_cutoff)
        return c, _apart(distance), t, jnp.exp(self.alpha * (sigma - distance))


def check_cutoff(r_onset: Scalar, r_cutoff: Scalar) -> None:
    """Raises JaxmorphError if both are numbers and the cutoff ends before it begins."""
    numbers = isinstance(r_onset, float | int) and isinstance(r_cutoff, float | int)
    if numbers and not r_onset < r_cutoff:
        raise JaxmorphError(
            f"r_onset = {r_onset}, r_cutoff = {r_cutoff}: the cutoff must begin before it ends"
        )


def range_of(r_cutoff: Scalar) -> float | None:
    """The range of a potential with that cutoff; None if it is no number."""
    return float(r_cutoff) if isinstance(r_cutoff, float | int) else None


def _within(r: Array, r_onset: Scalar, r_cutoff: Scalar) -> Array:
    """1 below ``r_onset``, 0 above ``r_cutoff``, (rc^2 - r^2) / (rc^2 - ro^2) in between."""
    return jnp.clip((r_cutoff**2 - r**2) / (r_cutoff**2 - r_onset**2), 0, 1)


def _smooth(t: Array) -> Array:
    """0 at 0, 1 at 1, and flat at both."""
    return t * t * (3 - 2 * t)


def smooth_cutoff(r: Array, r_onset: Scalar, r_cutoff: Scalar) -> Array:
    """1 below ``r_onset``, 0 above ``r_cutoff``, and continuously differentiable in between.

    S(r) = (rc^2 - r^2)^2 (rc^2 + 2 r^2 - 3 ro^2) / (rc^2 - ro^2)^3; shape of ``r``, any length unit.
    It is t^2 (3 - 2 t) with t of :func:`_within`.
    """
    return _smooth(_within(r, r_onset, r_cutoff))
