"""The gradient of the mean over randomly shifted parameters.

Sources: Nesterov, Spokoiny, Found. Comput. Math. 17 (2017) 527-566 (Gaussian smoothing); Choromanski et
al., ICML (2018) 970-978 (orthogonal directions).
"""

from collections.abc import Callable
from functools import partial
from typing import ClassVar, final

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.stats import norm
from jaxtyping import Array, Float, PRNGKeyArray

from ...configuration import GradientDeclaration
from ...errors import JaxmorphError
from ...studies import Problem
from ..program import Gradients, NoiseTerms, Traced, Values, key_apart, values
from ..several import over_points
from .base import GradientEstimator, WantedMode, Way

DECLARATION = GradientDeclaration(
    name="smoothed",
    meaning="that of the mean over randomly shifted parameters",
    modes=(),
    along_paths=False,
    sees_choices=True,
    long_name="smoothed over shifts of {smoothing:g} standard deviations",
    computed="by smoothing over randomly shifted parameters",
    settings=("smoothing",),
    caution="Gradients on this page are smoothed: derivatives of the mean over a spread of the "
    "parameters around each sample, not of single paths (Nesterov and Spokoiny, Found. Comput. "
    "Math. 17 (2017) 527-566).",
    order=1,
)

# Ends of a distribution bend shifts within so many of their standard deviations. A point closer to an
# end than the second number, as a share of the width, counts as one there.
_REACH, _NEAREST = 16.0, 1e-3


@final
class Smoothed(GradientEstimator):
    """Differences between simulations at random points around each sample.

    Args:
        smoothing: Standard deviation of the shifts, as a share of the parameter's.
    """

    declaration: ClassVar[GradientDeclaration] = DECLARATION

    def __init__(self, smoothing: float):
        self.smoothing = smoothing

    def way(self, problem: Problem, traced: Traced, wanted: WantedMode, run_key: int) -> Way:
        del wanted, run_key
        if not self.smoothing > 0:
            raise JaxmorphError(f"smoothing = {self.smoothing}: must be more than 0")
        reason = (
            f"differences between random points, {self.smoothing:g} standard deviations around each "
            "sample"
        )
        single = partial(smoothed, problem, smoothing=self.smoothing)
        with_noise = partial(smoothed_with_noise, problem, smoothing=self.smoothing)
        return Way(traced, None, reason, single, single, with_noise)


def smoothed(
    problem: Problem, theta: Float[Array, " parameter"], key: PRNGKeyArray, *, smoothing: float
) -> tuple[Values, Gradients]:
    """Values, and the gradient of the observable smoothed over parameter space.

    With m_p(z_p) the parameter on its natural scale, u_p, moved by a standard normal number z_p, see
    :func:`_moves`,

        E_z[(f(m(z)) - f(m(-z))) z_p] / (2 E[m_p(z_p) z_p]),

    averaged over as many orthogonal directions z as there are parameters, with the simulation's own key
    on both sides (common random numbers). Costs two simulations a parameter, and one. The directions
    belong to the seed. Where no parameter has ends, m_p(z_p) = u_p + s_p z_p with s_p ``smoothing``
    times the standard deviation of u_p, and this is the gradient of E_z[f(u + s z)]. It is that of f
    where f is linear in u, and has a bias of order s^2 elsewhere; where f jumps or is chaotic on scales
    below s that is the point of it. Its variance is 2 / P of the squared length of (s_p df/du_p) where f
    is linear on the scale s, and does not grow with time.
    """
    move, reach = _moves(problem, theta, smoothing)
    z = _directions(key_apart(key, "directions"), theta.size, theta.dtype)
    value, ahead, behind = _around(problem, theta, key, move, z)
    return value, jnp.einsum("dto,dp->top", ahead - behind, z) / (2 * reach * theta.size)


def smoothed_with_noise(
    problem: Problem, theta: Float[Array, " parameter"], key: PRNGKeyArray, *, smoothing: float
) -> tuple[Values, Gradients, None, NoiseTerms]:
    """The same, no score of a path, and how the variance between seeds changes.

    With D(z) the difference between the seed's simulation and one with other noise, both at m(z), half
    the mean of D^2 is the variance there. So

        E_z[(D(m(z))^2 - D(m(-z))^2) z_p] / (4 E[m_p(z_p) z_p])

    is the gradient of the smoothed variance, from the first direction: two simulations more. (The
    squares of f alone would also count how the mean varies over the shifts.)
    """
    move, reach = _moves(problem, theta, smoothing)
    z = _directions(key_apart(key, "directions"), theta.size, theta.dtype)
    value, ahead, behind = _around(problem, theta, key, move, z)
    gradient = jnp.einsum("dto,dp->top", ahead - behind, z) / (2 * reach * theta.size)
    ends = jnp.stack([move(z[0]), move(-z[0])])
    twin = over_points(partial(values, problem), ends, key_apart(key, "twin"))
    one, other = ahead[0] - twin[0], behind[0] - twin[1]
    slope = (one - other)[..., None] * z[0] / (2 * reach)
    return value, gradient, None, NoiseTerms((one + other) / 2, slope)


def _around(
    problem: Problem,
    theta: Float[Array, " parameter"],
    key: PRNGKeyArray,
    move: Callable[[Array], Array],
    z: Float[Array, "direction parameter"],
) -> tuple[Values, Float[Array, "direction time observable"], Float[Array, "direction time observable"]]:
    """Values at theta, at m(z) and at m(-z) of each direction z, all in one program."""
    there = jax.vmap(move)(jnp.concatenate([z, -z]))
    found = over_points(partial(values, problem), jnp.concatenate([theta[None], there]), key)
    ahead, behind = jnp.split(found[1:], 2)
    return found[0], ahead, behind


def _moves(
    problem: Problem, theta: Float[Array, " parameter"], smoothing: float
) -> tuple[Callable[[Array], Array], Float[Array, " parameter"]]:
    """Where standard normal numbers z move the parameters, and how far: E[m(z) z] dtheta / du.

    On the natural scale, m(z) = u + s z for a distribution without ends. Between ends,

        m(z) = a + (b - a) Phi(x + t z),  u = a + (b - a) Phi(x),  t = s / ((b - a) phi(0)),

    with the normal distribution Phi never leaves the interval; a and b are the ends, but no farther from
    u than 16 s, so that this is u + s z, nearly, where no end is near. E[m(z) z] = E[m'(z)], here
    (b - a) t / r phi(x / r) with r^2 = 1 + t^2. A parameter at an end counts as one a thousandth inside.
    """
    logarithmic = np.array([d.is_logarithmic for d in problem.distributions])
    natural = jnp.where(logarithmic, jnp.log(theta), theta)
    sd = jnp.array(
        [0 if d.is_discrete else smoothing * d.natural_sd for d in problem.distributions], theta.dtype
    )
    ends = np.array([d.natural_support for d in problem.distributions])
    bounded = np.isfinite(ends).any(axis=1) & ~problem.discrete  # those stay where they are
    low = jnp.maximum(ends[:, 0].astype(theta.dtype), natural - _REACH * sd)
    width = jnp.minimum(ends[:, 1].astype(theta.dtype), natural + _REACH * sd) - low
    x = norm.ppf(jnp.clip((natural - low) / width, _NEAREST, 1 - _NEAREST))
    t = sd / (width * norm.pdf(0.0))
    root = jnp.sqrt(1 + t**2)

    def move(z: Array) -> Array:
        u = jnp.where(bounded, low + width * norm.cdf(x + t * z), natural + sd * z)
        return jnp.where(logarithmic, jnp.exp(u), u)

    reach = jnp.where(bounded, width * t / root * norm.pdf(x / root), sd)
    return move, reach * jnp.where(logarithmic, theta, 1)


def _directions(key: PRNGKeyArray, n: int, kind: np.dtype) -> Float[Array, "direction parameter"]:
    """``n`` orthogonal directions, each of which is standard normal."""
    draws = jax.random.normal(key, (2, n, n), kind)
    orthonormal, _ = jnp.linalg.qr(draws[0])
    # The lengths of independent normal vectors; the sign of a direction does not matter.
    return jnp.linalg.norm(draws[1], axis=1)[:, None] * orthonormal.T
