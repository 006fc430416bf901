"""Ordinary differential equations inside each cell, by Diffrax."""

import abc
from collections.abc import Callable
from types import ModuleType
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ..errors import JaxmorphError
from ..steps import SimulationStep, State
from ..tracing import scan
from .fields import FieldName, columns, field_of, with_field

Levels = Float[Array, "cell variable"]


class CellODE(SimulationStep):
    """dy/dt = f(y, u) in each living cell, over ``duration``; subclass it and write :meth:`rates`.

    y is the state field ``variables``, u are other fields, which do not change meanwhile. Steps of an
    explicit solver have one size, so both modes of differentiation are exact for what was computed.
    :class:`~jaxmorph.env.Sensing` makes rates and secretion of y.
    """

    variables: eqx.AbstractVar[str]
    inputs: eqx.AbstractVar[tuple[FieldName, ...]]
    duration: eqx.AbstractVar[float | Float[Array, ""]]
    solver_steps: eqx.AbstractVar[int]
    solver: eqx.AbstractVar[Any]

    @abc.abstractmethod
    def rates(self, y: Levels, u: Float[Array, "cell input"]) -> Levels:
        """dy/dt."""

    def __check_init__(self) -> None:
        if self.solver_steps < 1:
            raise JaxmorphError(f"solver_steps = {self.solver_steps}: must be at least 1")

    @jax.named_scope("jaxmorph.CellODE")
    def __call__(self, state: State, *, key: PRNGKeyArray | None = None) -> State:
        del key
        variables = field_of(self, state, self.variables)
        y = variables.reshape(variables.shape[0], -1)
        u = columns(self, state, self.inputs) if self.inputs else jnp.zeros((y.shape[0], 0), y.dtype)
        return with_field(self, state, self.variables, self._solve(y, u))

    def _solve(self, y: Levels, u: Array) -> Levels:
        diffrax = _diffrax()
        solver = _explicit(diffrax, self.solver)
        dt = jnp.asarray(self.duration, y.dtype) / self.solver_steps
        start = jnp.zeros_like(dt)  # f does not depend on the time
        term = diffrax.ODETerm(lambda _, y, u: self.rates(y, u))

        def step(carry: tuple[Levels, Any], _: None) -> tuple[tuple[Levels, Any], None]:
            y, memory = carry
            y, _, _, memory, _ = solver.step(term, start, dt, y, u, memory, made_jump=False)
            return (y, memory), None

        (y, _), _ = scan(step, (y, solver.init(term, start, dt, y, u)), None, length=self.solver_steps)
        return y


def _diffrax() -> ModuleType:
    try:
        import diffrax
    except ImportError:
        raise JaxmorphError(
            "Diffrax, which solves the equations inside cells, is not installed: pip install diffrax"
        ) from None
    return diffrax


def _explicit(diffrax: ModuleType, solver: Any) -> Any:
    """The solver, such that its stages can be differentiated in both modes."""
    solver = diffrax.Tsit5() if solver is None else solver
    implicit = isinstance(solver, diffrax.AbstractImplicitSolver)
    if implicit or not isinstance(solver, diffrax.AbstractSolver):
        raise JaxmorphError(f"solver = {solver!r}: must be an explicit solver, such as diffrax.Tsit5()")
    if getattr(solver, "scan_kind", "none to set") is None:
        return eqx.tree_at(lambda s: s.scan_kind, solver, "bounded", is_leaf=lambda x: x is None)
    return solver


class GeneNetwork(CellODE):
    """Genes that regulate one another and are regulated by what the cell senses.

    dg/dt = production * phi(W g + V u + b) - degradation * g, for the levels g of the genes.

    Source: the connectionist model of Mjolsness, Sharp and Reinitz, J. Theor. Biol. 152 (1991), as in
    ``jax_morph.GeneNetworkConnectionist``, where phi is (1 + a / sqrt(1 + a^2)) / 2.

    Attributes:
        interactions: W, shape (gene, gene); row i acts on gene i.
        sensitivities: V, shape (gene, input).
        bias: b, one number, or shape (gene,).
        production: The fastest production of a gene, level / time; one number, or shape (gene,).
        degradation: 1 / time; one number, or shape (gene,).
        activation: phi, elementwise.
        variables: The state field that holds the levels, (cell, gene).
        inputs: State fields, or columns of them, that make up u.
        duration: Time that passes in one call.
        solver_steps: Steps of the solver in one call.
        solver: An explicit solver of Diffrax; None is ``diffrax.Tsit5()``.
    """

    interactions: Float[Array, "gene gene"]  # type: ignore[misc]
    sensitivities: Float[Array, "gene input"] | None = None
    bias: float | Array = 0.0
    production: float | Array = 1.0
    degradation: float | Array = 1.0
    activation: Callable[[Array], Array] = eqx.field(default=jax.nn.sigmoid, static=True)
    variables: str = eqx.field(default="gene", static=True)
    inputs: tuple[FieldName, ...] = eqx.field(default=(), static=True)
    duration: float | Float[Array, ""] = 1.0
    solver_steps: int = eqx.field(default=10, static=True)
    solver: Any = None

    def rates(self, y: Levels, u: Float[Array, "cell input"]) -> Levels:
        n_genes = y.shape[1]
        _check_shape("interactions", self.interactions, (n_genes, n_genes))
        drive = _product(y, self.interactions) + self.bias
        if self.sensitivities is not None or u.shape[1]:
            _check_shape("sensitivities", self.sensitivities, (n_genes, u.shape[1]))
            drive += _product(u, self.sensitivities)
        return self.production * self.activation(drive) - self.degradation * y


def _product(x: Array, matrix: Any) -> Array:
    return jnp.matmul(x, jnp.asarray(matrix).T, precision=jax.lax.Precision.HIGHEST)


def _check_shape(name: str, value: Any, shape: tuple[int, int]) -> None:
    if value is None or jnp.shape(value) != shape:
        actual = "None" if value is None else f"of shape {jnp.shape(value)}"
        raise JaxmorphError(
            f"{name} {actual}: must be {shape}, for {shape[0]} genes as in the state"
            + (f" and {shape[1]} inputs" if name == "sensitivities" else "")
        )
