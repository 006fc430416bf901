"""An epidemic: a study of ordinary differential equations, solved by Diffrax, without cells or noise."""

from collections.abc import Mapping
from typing import Any

import diffrax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray
from pydantic import Field

from ..distributions import LogUniform, Uniform
from .base import Observable, Parameter, Recording, Study


class EpidemicStudy(Study):
    """Susceptible, infected and recovered shares of a population (SIR).

    ds/dt = -beta s i, di/dt = beta s i - gamma i, dr/dt = gamma i.

    In the end ln(s / s0) = -(beta / gamma) (1 - s): everybody who is not susceptible has recovered.
    Diffrax solves it with steps that adapt. Of three parameters forward mode is the cheaper one, and the
    only one that this adjoint has.

    Source: Kermack and McKendrick, Proc. R. Soc. A 115 (1927) 700-721.
    """

    parameters = (
        Parameter("beta", "day-1", "infections by an infected person", 0.4, Uniform(low=0.2, high=0.6)),
        Parameter("gamma", "day-1", "rate of recovery", 0.1, LogUniform(low=0.05, high=0.2)),
        Parameter("i0", "1", "share infected at first", 1e-3, LogUniform(low=1e-4, high=1e-2)),
    )
    observables = (
        Observable("infected", "1", "share of the population that is infected", low=0, high=1),
        Observable("recovered", "1", "share of the population that has recovered", low=0, high=1),
    )
    time_unit = "day"
    stochastic = False

    days: float = Field(default=120.0, gt=0, description="how long it is followed")
    n_times: int = Field(default=41, ge=2, description="number of recorded times")
    tolerance: float = Field(default=1e-8, gt=0, description="relative error of a step of the solver")

    def simulate(self, parameters: Mapping[str, Float[Array, ""]], key: PRNGKeyArray) -> Recording:
        del key
        beta, gamma, i0 = (parameters[name] for name in ("beta", "gamma", "i0"))

        def change(t: Any, y: Array, args: None) -> Array:
            s, i, _ = y
            return jnp.stack([-beta * s * i, beta * s * i - gamma * i, gamma * i])

        times = jnp.linspace(0.0, self.days, self.n_times)
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(change),
            diffrax.Tsit5(),
            t0=0.0,
            t1=self.days,
            dt0=0.1,
            y0=jnp.stack([1 - i0, i0, jnp.zeros_like(i0)]),
            adjoint=diffrax.ForwardMode(),
            throw=False,  # what the solver does not reach is not finite, and counted
            saveat=diffrax.SaveAt(ts=times),
            stepsize_controller=diffrax.PIDController(rtol=self.tolerance, atol=1e-3 * self.tolerance),
        )
        assert solution.ys is not None
        return Recording(times, {"infected": solution.ys[:, 1], "recovered": solution.ys[:, 2]})
