"""Observables of shape, distribution and composition, against known answers."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads
from jaxtyping import Array
from scipy import special, stats

import jaxmorph as jxm
from jaxmorph import observables
from jaxmorph.env.chemicals import ExponentialKernel, ScreenedDiffusion, Secretion, UniformKernel
from jaxmorph.errors import JaxmorphError

pytestmark = pytest.mark.usefixtures("x64")


class State(jxm.BaseCellState):
    chemical: Array
    secretion: Array
    generation: Array


N_SLOTS = 17
"""Of nearly all states: operations on arrays of one shape are compiled once."""


def cells(position: Any, radius: Any = 0.5, types: Any = None) -> State:
    """Living cells, and dead slots that are large and far away."""
    position = np.asarray(position, float)
    n = len(position)
    celltype = np.ones((n, 1)) if types is None else np.eye(max(types) + 1)[np.asarray(types)]
    rng = np.random.default_rng(n)
    radii = np.broadcast_to(np.reshape(radius, (-1, 1)), (n, 1))
    state = State(
        *jxm.space.free(),
        position=jnp.asarray(position),
        celltype=jnp.asarray(celltype),
        radius=jnp.asarray(radii),
        chemical=jnp.asarray(rng.uniform(size=(n, 2))),
        secretion=jnp.asarray(celltype[:, :1] * (1 + np.arange(n)[:, None])),
        generation=jnp.arange(n),
    ).elongate(max(2, N_SLOTS - n))
    new = (
        state.position.at[n:].set(70.0),
        state.radius.at[n:].set(3.0),
        state.chemical.at[n:].set(8.0),
        state.secretion.at[n:].set(5.0),
        state.generation.at[n:].set(9),
    )
    return eqx.tree_at(
        lambda s: (s.position, s.radius, s.chemical, s.secretion, s.generation), state, new
    )


def polygon(n: int, radius: float = 1.0) -> np.ndarray:
    angle = 2 * np.pi * np.arange(n) / n
    return radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def cloud(dim: int, n: int = 7) -> State:
    rng = np.random.default_rng(dim)
    return cells(rng.normal(size=(n, dim)), rng.uniform(0.3, 0.7, n), [0, 1, 1, 0, 1, 0, 0])


def test_cells_and_divisions_are_counted() -> None:
    state = cells(polygon(5))
    assert observables.n_cells(state) == 5
    assert observables.lineage_depth(state) == 2  # the mean of 0 to 4
    plain = jxm.BaseCellState(*jxm.space.free(), state.position, state.celltype, state.radius)
    with pytest.raises(JaxmorphError, match="BaseCellState has no field 'generation'"):
        observables.lineage_depth(plain)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_moments_are_scipys(order: int) -> None:
    state = cloud(2)
    functions: dict[int, Callable] = {1: np.mean, 2: np.std, 3: stats.skew}
    function = functions.get(order, lambda x: stats.kurtosis(x, fisher=False))
    radius, chemical = np.asarray(state.radius)[:7, 0], np.asarray(state.chemical)[:7, 1]
    assert observables.radius_moment(state, order) == pytest.approx(function(radius), rel=1e-12)
    assert observables.chemical_moment(state, order, 1) == pytest.approx(function(chemical), rel=1e-12)


def test_moments_of_equal_cells_have_finite_gradients() -> None:
    state = cells(polygon(4))
    for order in (1, 2, 3, 4):
        value, of = jax.value_and_grad(observables.radius_moment, allow_int=True)(state, order)
        assert value == (0.5 if order == 1 else 0)
        assert jnp.isfinite(of.radius).all()
    with pytest.raises(JaxmorphError, match="order = 5"):
        observables.radius_moment(state, 5)
    with pytest.raises(JaxmorphError, match="no column 2 of a field 'chemical'"):
        observables.chemical_moment(state, 1, 2)


def test_a_polygon_is_isotropic_and_a_line_is_not() -> None:
    anisotropy = jax.jit(observables.anisotropy)
    for n in (3, 4, 7):
        state = cells(polygon(n, 2.0) + 5)
        np.testing.assert_allclose(observables.gyration_tensor(state), 2 * np.eye(2), atol=1e-12)
        assert anisotropy(state) == pytest.approx(0, abs=1e-12)
    cube = np.stack(np.meshgrid(*[[-1, 1]] * 3), -1).reshape(-1, 3)
    assert anisotropy(cells(cube)) == pytest.approx(0, abs=1e-12)
    for dim in (2, 3):
        line = np.linspace(0, 3, 5)[:, None] * np.arange(1, dim + 1)
        assert anisotropy(cells(line)) == pytest.approx(1, rel=1e-12)
    flat = np.concatenate([polygon(6), np.zeros((6, 1))], axis=1)
    assert anisotropy(cells(flat)) == pytest.approx(1 / 4, rel=1e-12)
    ellipse = polygon(8) * [3.0, 1.0]
    assert anisotropy(cells(ellipse)) == pytest.approx(((9 - 1) / (9 + 1)) ** 2, rel=1e-12)
    same = cells(np.zeros((3, 2)))
    value, of = jax.jit(jax.value_and_grad(observables.anisotropy, allow_int=True))(same)
    assert value == 0
    np.testing.assert_array_equal(of.position, 0)


def test_roundness_is_that_of_the_covered_area() -> None:
    roundness = jax.jit(observables.roundness, static_argnums=(1, 2, 3))
    assert roundness(cells([[3.0, 1.0]], 0.8), 1.2, 200, 0.004) == pytest.approx(1, rel=1e-3)
    # Two discs that touch: J = 2 (pi R^4 / 2 + pi R^2 R^2), A = 2 pi R^2.
    pair = cells([[-0.5, 0.0], [0.5, 0.0]], 0.5)
    assert roundness(pair, 1.2, 200, 0.004) == pytest.approx(2 / 3, rel=2e-3)
    ball = cells([[0.0, 0.0, 0.0]], 0.8)
    # The volume inside a logistic edge is that of the ball times 1 + a, and its second moment that
    # times 1 + 10 a / 3 + 7 a^2 / 3.
    a = (np.pi * 0.05 / 0.8) ** 2
    soft = (1 + a) ** (5 / 3) / (1 + 10 / 3 * a + 7 / 3 * a**2)
    assert roundness(ball, 1.4, 40, 0.05) == pytest.approx(soft, rel=1e-3)
    # Two balls: J = 2 (3/5 V R^2 + V R^2), so 0.6 (2 V)^(5/3) / (3.2 V R^2) (3 / 4 pi)^(2/3).
    balls = cells([[-0.5, 0.0, 0.0], [0.5, 0.0, 0.0]], 0.5)
    assert roundness(balls, 1.2, 48, 0.015) == pytest.approx(0.6 * 2 ** (5 / 3) / 3.2, rel=5e-3)


def test_radial_density_of_rings() -> None:
    rings = cells(np.array([1.0, 2.0]) + np.concatenate([polygon(6), polygon(9, 3.0)]))
    sharp = 1e-3
    density = observables.radial_density
    assert density(rings, 0, 2, sharp) == pytest.approx(6 / (4 * np.pi), rel=1e-12)
    assert density(rings, 2, 4, sharp) == pytest.approx(9 / (12 * np.pi), rel=1e-12)
    assert density(rings, 4, 5, sharp) == pytest.approx(0, abs=1e-12)
    cube = 2 * np.stack(np.meshgrid(*[[-1, 1]] * 3), -1).reshape(-1, 3)
    assert density(cells(cube), 3, 4, sharp) == pytest.approx(8 / (4 / 3 * np.pi * (64 - 27)), rel=1e-12)
    with pytest.raises(JaxmorphError, match="inner = 2, outer = 1"):
        density(rings, 2, 1, sharp)


def test_radial_order_is_a_correlation() -> None:
    state = cloud(3)
    x = np.asarray(state.position)[:7]
    r = np.linalg.norm(x - x.mean(axis=0), axis=1)
    radius = np.asarray(state.radius)[:7, 0]
    order = observables.radial_order
    assert order(state, state.radius[:, 0]) == pytest.approx(np.corrcoef(r, radius)[0, 1], rel=1e-12)
    rings = cells(np.concatenate([polygon(6), polygon(6, 3.0)]), types=[0] * 6 + [1] * 6)
    assert order(rings, rings.celltype[:, 1]) == pytest.approx(1, rel=1e-12)
    assert order(rings, rings.celltype[:, 0]) == pytest.approx(-1, rel=1e-12)
    assert order(rings, jnp.ones(N_SLOTS)) == 0


def test_contacts_of_a_hexagon_and_of_a_line() -> None:
    sharp = 1e-3
    flower = cells(np.concatenate([np.zeros((1, 2)), polygon(6)]))
    # Six have three neighbours, and that in the middle six.
    assert observables.contact_number(flower, sharp) == pytest.approx(24 / 7, rel=1e-12)
    line = np.stack([np.arange(4.0), np.zeros(4), np.zeros(4)], axis=1)
    assert observables.contact_number(cells(line), sharp) == pytest.approx(6 / 4, rel=1e-12)
    pair = cells([[0.0, 0.0], [1.3, 0.0]])
    assert observables.contact_number(pair, 0.1) == pytest.approx(1 / (1 + np.exp(2)), rel=1e-12)
    assert observables.contact_number(cells([[0.0, 0.0]]), sharp) == 0


def test_mixing_of_separated_alternating_and_random_types() -> None:
    grid = np.stack(np.meshgrid(np.arange(6.0), np.arange(6.0)), -1).reshape(-1, 2)
    left = (grid[:, 0] > 2).astype(int)
    apart = cells(grid + 10 * left[:, None], types=list(left))
    mixing = jax.jit(observables.mixing_index)
    assert mixing(apart, 1e-3) == pytest.approx(0, abs=1e-12)
    chess = cells(grid, types=list(grid.sum(axis=1).astype(int) % 2))
    # All contacts are unlike, and of pairs 18 of 35.
    assert mixing(chess, 1e-3) == pytest.approx(35 / 18, rel=1e-12)
    # 6 of 60 contacts cross the border.
    assert mixing(cells(grid, types=list(left)), 1e-3) == pytest.approx(0.1 * 35 / 18, rel=1e-12)
    rng = np.random.default_rng(0)
    drawn = [float(mixing(cells(grid, types=list(rng.permutation(left))), 1e-3)) for _ in range(200)]
    assert np.mean(drawn) == pytest.approx(1, abs=3 * np.std(drawn) / np.sqrt(200))
    assert mixing(cells(grid), 1e-3) == 0


def test_types_are_counted_with_their_shares() -> None:
    state = cells(polygon(5), types=[0, 1, 1, 0, 1])
    assert observables.type_fraction(state, 0) == pytest.approx(2 / 5, rel=1e-12)
    mixed = eqx.tree_at(lambda s: s.celltype, state, state.celltype.at[0].set(jnp.array([1.0, 3.0])))
    assert observables.type_fraction(mixed, 1) == pytest.approx((3 + 0.75) / 5, rel=1e-12)
    # Of a cell with the row (a, b), the share b / (a + b) has the derivative a / (a + b)^2 in b.
    slope = jax.grad(observables.type_fraction, allow_int=True)(mixed, 1).celltype[0, 1]
    assert slope == pytest.approx(1 / 16 / 5, rel=1e-12)
    with pytest.raises(JaxmorphError, match="celltype = 2: the state has the types 0 to 1"):
        observables.type_fraction(state, 2)


def around_a_source(kernel: Any, distances: Any, n_dim: int) -> State:
    """Cells along x that do not secrete, and one at the origin that does, with D = 1, k = 1 / 4."""
    x = np.zeros((len(distances) + 1, n_dim))
    x[1:, 0] = distances
    state = cells(x, types=[0] + [1] * len(distances))
    state = eqx.tree_at(lambda s: (s.chemical, s.secretion), state, (state.chemical[:, :1],) * 2)
    rates = Secretion(jnp.array([[2.0], [0.0]]))
    return spread_out(ScreenedDiffusion(degradation=0.25, kernel=kernel), rates(state))


@eqx.filter_jit
def spread_out(step: ScreenedDiffusion, state: State) -> State:
    return step(state)


def test_the_decay_length_around_one_source_is_known() -> None:
    """The screening length is 2, and a cell of any size makes the field of a point, but for a factor."""
    length, decay_length = 2.0, jax.jit(observables.decay_length)
    exponential = around_a_source(ExponentialKernel(), [1.0, -2.5, 4.0, -7.0], 2)
    assert decay_length(exponential) == pytest.approx(length, rel=1e-12)
    for r in (1.0, 2.5):
        pair = r, r + 0.7
        of_k0 = 0.7 / np.log(special.k0(pair[0] / length) / special.k0(pair[1] / length))
        disc = around_a_source(UniformKernel(), pair, 2)
        assert decay_length(disc) == pytest.approx(of_k0, rel=1e-10)
        ball = around_a_source(UniformKernel(), pair, 3)
        known = 0.7 / (0.7 / length + np.log1p(0.7 / r))
        assert decay_length(ball) == pytest.approx(known, rel=1e-10)
    far = around_a_source(UniformKernel(), [800.0, 801.0], 3)
    assert decay_length(far) == pytest.approx(length, rel=3e-3)


def test_a_decay_length_that_there_is_not_is_not_finite() -> None:
    state = around_a_source(ExponentialKernel(), [1.0, 2.0, 4.0], 2)
    nothing = eqx.tree_at(lambda s: (s.chemical, s.secretion), state, (0 * state.chemical,) * 2)
    flat = eqx.tree_at(lambda s: s.chemical, state, jnp.ones_like(state.chemical))
    one = around_a_source(ExponentialKernel(), [1.0], 2)
    for undefined in (nothing, flat, one):
        assert not jnp.isfinite(observables.decay_length(undefined))
    rises = eqx.tree_at(lambda s: s.chemical, state, 1 / state.chemical)
    assert observables.decay_length(rises) == pytest.approx(-2, rel=1e-12)
    with pytest.raises(JaxmorphError, match="no column 1 of a field 'chemical'"):
        observables.decay_length(state, 1)


SMOOTH: dict[str, Callable[[State], Array]] = {
    "anisotropy": observables.anisotropy,
    "chemical_moment": lambda s: observables.chemical_moment(s, 3),
    "contact_number": lambda s: observables.contact_number(s, 0.3),
    "decay_length": observables.decay_length,
    "mixing_index": lambda s: observables.mixing_index(s, 0.3),
    "radial_density": lambda s: observables.radial_density(s, 0.5, 1.5, 0.2),
    "radial_order": lambda s: observables.radial_order(s, s.radius[:, 0]),
    "radius_moment": lambda s: observables.radius_moment(s, 2),
    "roundness": lambda s: observables.roundness(s, 3.0, 12, 0.3),
}


@pytest.mark.parametrize("dim", [2, pytest.param(3, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", SMOOTH)
def test_gradients_and_invariances(name: str, dim: int) -> None:
    state, f = cloud(dim), eqx.filter_jit(SMOOTH[name])
    value = f(state)
    order = np.random.default_rng(0).permutation(N_SLOTS)
    assert f(jax.tree.map(lambda x: x[order], state)) == pytest.approx(float(value), rel=1e-11)
    moved = eqx.tree_at(lambda s: s.position, state, state.position + 3.0)
    assert f(moved) == pytest.approx(float(value), rel=1e-11)
    if name != "roundness":  # whose grid does not turn with it
        turn = np.linalg.qr(np.random.default_rng(1).normal(size=(dim, dim)))[0]
        turned = eqx.tree_at(lambda s: s.position, state, state.position @ turn)
        assert f(turned) == pytest.approx(float(value), rel=1e-11)

    def of(position: Array, radius: Array, chemical: Array) -> Array:
        fields = position, radius, chemical
        return f(eqx.tree_at(lambda s: (s.position, s.radius, s.chemical), state, fields))

    at = (state.position, state.radius, state.chemical)
    check_grads(of, at, order=1, modes=("fwd", "rev"), rtol=1e-6, atol=1e-7, eps=1e-6)
