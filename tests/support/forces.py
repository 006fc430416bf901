"""Forces between cells of every law, from a few numbers; how they are derived and compared."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core
from jaxtyping import Array

import jaxmorph as jxm
from jaxmorph.engine.program import over_batch
from jaxmorph.env.mechanics import (
    Cutoff,
    HarmonicPotential,
    HertzianPotential,
    LennardJonesPotential,
    MechanicalInteractionPotential,
    MorseAdhesionPotential,
    MorsePotential,
    PairPotential,
    SoftSpherePotential,
)
from jaxmorph.tracing import batched_on, many_tangents

N = 9


class Springs(PairPotential):
    """What a user writes: the energy alone."""

    stiffness: Any = 2.0
    rest: Any = 1.0

    def pair_energy(self, distance: Array, sigma: Array) -> Array:
        return self.stiffness * (distance - self.rest * sigma) ** 2 * jnp.exp(-distance)


ENDS: dict[str, Any] = {"r_onset": 1.5, "r_cutoff": 2.5}
# Each from two numbers of about 1. Cells are within, in and beyond the cutoff.
LAWS: dict[str, Callable[[Array, Array], MechanicalInteractionPotential]] = {
    "morse": lambda a, b: MorsePotential(a, b, r_onset=1.5, r_cutoff=2.5),
    "morse, far cutoff": lambda a, b: MorsePotential(a, b, r_onset=15.0, r_cutoff=20.0),
    "morse, cutoff varies": lambda a, b: MorsePotential(a, 2.0, r_onset=1.5, r_cutoff=2 + b),
    "lennard-jones": lambda a, b: LennardJonesPotential(a * b, r_onset=1.5, r_cutoff=2.5),
    "harmonic": lambda a, b: HarmonicPotential(a * b),
    "hertzian": lambda a, b: HertzianPotential(a * b),
    "soft sphere": lambda a, b: SoftSpherePotential(a, 1.2 + b),
    "adhesion of types": lambda a, b: MorseAdhesionPotential(
        jnp.stack([jnp.stack([a, b]), jnp.stack([b, a * b])]), alpha=b, **ENDS
    ),
    "adhesion of molecules": lambda a, b: MorseAdhesionPotential(
        jnp.stack([jnp.stack([a, b]), jnp.stack([b / 2, a * b])]), **ENDS, carried="cadherin"
    ),
    "springs": Springs,
    "springs, cut off": lambda a, b: Cutoff(Springs(a, b), **ENDS),
}


class Cells(jxm.BaseCellState):
    cadherin: Array


def state_of(position: Array, radius: Array, carries: Any = 1.0) -> Cells:
    """Cells of two types in free space, the last of which is dead, with two molecules on each."""
    displacement, shift = jxm.space.free()
    each = np.arange(2 * len(position)).reshape(-1, 2)
    return Cells(
        displacement=displacement,
        shift=shift,
        position=position,
        celltype=jnp.asarray(np.eye(2)[each[:, 0] // 2 % 2], position.dtype).at[-1].set(0),
        radius=radius,
        cadherin=carries * jnp.asarray(1 + 0.3 * np.sin(each), position.dtype),
    )


def forces_of(name: str, n_dim: int) -> Callable[[Array, Array], Array]:
    """(theta, key) -> the force on each cell; theta moves the law, the factor, positions and radii."""
    law = LAWS[name]

    def force(theta: Array, key: Array) -> Array:
        a, b, scale, spread, growth = theta
        position = jax.random.uniform(key, (N, n_dim), theta.dtype) * 4 * spread
        if name != "lennard-jones":  # whose forces are 1e14 there
            position = position.at[1].set(position[0])
        radius = jnp.full((N, 1), 0.5, theta.dtype) * growth
        state = state_of(position, radius, growth)
        return law(a, b).scaled_force_fn(state, scale)(position)

    return force


def derived(function: Callable, mode: str) -> Callable:
    """Values and derivatives along the way that the engine takes."""

    def forward(theta: Array, key: Array) -> Any:
        def along(t: Array) -> Any:
            return jax.jvp(lambda x: function(x, key), (theta,), (t,))

        with many_tangents():
            return jax.vmap(along, out_axes=(None, -1))(jnp.eye(theta.size, dtype=theta.dtype))

    def reverse(theta: Array, key: Array) -> Any:
        value, back = jax.vjp(lambda x: function(x, key), theta)
        basis = jnp.eye(value.size, dtype=value.dtype).reshape(value.size, *value.shape)
        return value, jax.vmap(back)(basis)

    def one_cotangent(theta: Array, key: Array) -> Any:
        def total(x: Array) -> Array:
            result = function(x, key)
            return jnp.sum(result * jnp.cos(jnp.arange(result.size)).reshape(result.shape))

        return jax.value_and_grad(total)(theta)

    ways = {"forward": forward, "reverse": reverse, "gradient": one_cotangent}
    return ways[mode]


def plain(function: Callable, samples: Any, keys: Any) -> Any:
    return jax.vmap(jax.vmap(function, (None, 0)), (0, None))(samples, keys)


def points(dtype: str, n: int) -> tuple[np.ndarray, np.ndarray]:
    samples = np.random.default_rng(1).uniform(0.8, 1.2, (n, 5)).astype(dtype)
    return samples, np.asarray(jax.random.split(jax.random.PRNGKey(3), 3))


def close(got: Any, wanted: Any, tolerance: float) -> None:
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(wanted), strict=True):
        assert a.shape == b.shape and a.dtype == b.dtype
        assert np.all(np.isfinite(b))
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * np.abs(b).max())


def has_kernels(function: Callable, *arguments: Any) -> bool:
    """Whether the forces of a function are operations with kernels."""

    def names(jaxpr: core.Jaxpr) -> set[str]:
        inner = [names(j) for e in jaxpr.eqns for j in core.jaxprs_in_params(e.params)]
        return {e.primitive.name for e in jaxpr.eqns}.union(*inner)

    with batched_on("cpu"):
        found = names(jax.make_jaxpr(function)(*arguments).jaxpr)
    return any(name.startswith("pair_force") for name in found)


def by_kernels(function: Callable, samples: Any, keys: Any) -> Any:
    """What the engine computes with ``function``; it must call kernels."""
    lowered = jax.jit(over_batch(function)).lower(samples, keys)
    assert "jaxmorph_pair_kernel_" in lowered.as_text()
    return lowered.compile()(samples, keys)
