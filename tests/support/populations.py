"""Studies with discrete choices whose means have closed forms."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray
from pydantic import Field

import jaxmorph as jxm
from jaxmorph.distributions import Uniform
from jaxmorph.env import CellDeath, CellDivision, LineageState, nan_where_missed
from jaxmorph.studies import Problem


class Population(jxm.Study):
    """Cells that divide and die at constant rates."""

    parameters = (
        jxm.Parameter("birth", "1", "rate of division", 0.8, Uniform(low=0.4, high=1.2)),
        jxm.Parameter("death", "1", "rate of death", 0.3, Uniform(low=0.1, high=0.5)),
        jxm.Parameter("size", "1", "radius of the founders", 0.5, Uniform(low=0.4, high=0.6)),
    )
    observables = (
        jxm.Observable("number", "1", "living cells"),
        jxm.Observable("square", "1", "its square"),
        jxm.Observable("volume", "1", "sum of squared radii"),
    )
    n_founders: int = 3
    n_steps: int = 20
    dt: float = 0.05
    dying: bool = False
    own_jit: bool = Field(default=False, description="whether the step is jitted by its author")

    def simulate(self, parameters: Mapping[str, Float[Array, ""]], key: PRNGKeyArray) -> jxm.Recording:
        n = self.n_founders
        state = LineageState.founders(
            jnp.zeros((n, 2)),
            jnp.ones((n, 1)),
            jnp.full((n, 1), parameters["size"]),
            n_slots=40,
            division_rate=parameters["birth"],
            death_rate=parameters["death"],
        )
        steps: list[jxm.SimulationStep] = [CellDivision(dt=self.dt)]
        if self.dying:
            steps.append(CellDeath(dt=self.dt))
        model = jxm.Sequential(steps)

        def measure(state: LineageState) -> tuple[Array, Array]:
            return nan_where_missed(state, jxm.observables.n_cells(state)), jnp.sum(state.radius**2)

        step = eqx.filter_jit(model) if self.own_jit else model
        number, volume = jxm.record(
            step, state, key, self.n_steps, every=self.n_steps // 2, measure=measure
        )
        time = jnp.arange(3) * (self.n_steps // 2) * self.dt
        return jxm.Recording(time, {"number": number, "square": number**2, "volume": volume})


def population(
    names: tuple[str, ...] = ("birth", "size"),
    observables: tuple[str, ...] = ("number",),
    **settings: Any,
) -> Problem:
    """A population whose parameters ``names`` vary."""
    return _varied(Population(**settings), names, observables)


class Competition(jxm.Study):
    """Two cells of two types, of which at each event one that is there divides."""

    parameters = (
        jxm.Parameter("a", "1", "rate of the first", 0.7, Uniform(low=0.3, high=1.1)),
        jxm.Parameter("b", "1", "rate of the second", 1.6, Uniform(low=1.0, high=2.2)),
    )
    observables = (jxm.Observable("first", "1", "cells of the first type"),)
    n_events: int = 1

    def simulate(self, parameters: Mapping[str, Float[Array, ""]], key: PRNGKeyArray) -> jxm.Recording:
        rates = jnp.stack([parameters["a"], parameters["b"]])[:, None]
        state = LineageState.founders(
            jnp.zeros((2, 2)),
            jnp.eye(2),
            jnp.ones((2, 1)),
            n_slots=2 + self.n_events,
            division_rate=rates,
        )
        after = jxm.simulate(CellDivision(events="one"), state, key, self.n_events)
        return jxm.Recording(jnp.zeros(1), {"first": jnp.sum(after.celltype[:, :1], axis=0)})


def competition(n_events: int) -> Problem:
    """Both rates vary."""
    return _varied(Competition(n_events=n_events), ("a", "b"), ("first",))


class Resetting(jxm.Study):
    """A noisy particle in a trap, set back to the middle now and then by a choice of the study's own."""

    parameters = (
        jxm.Parameter("k", "1", "stiffness", 1.0, Uniform(low=0.5, high=1.5)),
        jxm.Parameter("rate", "1", "of being set back", 0.6, Uniform(low=0.2, high=1.0)),
    )
    observables = (
        jxm.Observable("position", "1", "position"),
        jxm.Observable("square", "1", "squared position"),
    )
    n_steps: int = 8
    as_number: bool = True

    def simulate(self, parameters: Mapping[str, Float[Array, ""]], key: PRNGKeyArray) -> jxm.Recording:
        k, p = parameters["k"], -jnp.expm1(-0.1 * parameters["rate"])

        def step(x: Array, key: PRNGKeyArray) -> tuple[Array, None]:
            noise_key, key = jax.random.split(key)
            x = jxm.gaussian(jax.random.normal(noise_key, dtype=x.dtype), x - 0.1 * k * x, 0.3)
            if self.as_number:
                return (1 - jxm.bernoulli(key, p, indicator=True)) * x, None
            return jnp.where(jxm.bernoulli(key, p), 0, x), None

        x, _ = jxm.scan(step, jnp.ones_like(k), jax.random.split(key, self.n_steps))
        return jxm.Recording(jnp.zeros(1), {"position": x[None], "square": x[None] ** 2})


def resetting(names: tuple[str, ...] = ("k", "rate"), rate: float = 0.6, **settings: Any) -> Problem:
    """A particle whose parameters ``names`` vary; ``rate`` if it does not."""
    problem = _varied(Resetting(**settings), names, ("position", "square"))
    return dataclasses.replace(problem, fixed={"rate": rate} if "rate" not in names else {})


def _varied(study: jxm.Study, names: tuple[str, ...], observables: tuple[str, ...]) -> Problem:
    varied = tuple(p for p in study.parameters if p.name in names)
    fixed = {p.name: p.default for p in study.parameters if p.name not in names}
    return Problem(study, varied, tuple(p.distribution for p in varied), fixed, observables)
