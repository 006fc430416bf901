"""A traced program as a graph: what flows into each operation, whatever loops and calls it is in."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal, Var

from .lanes.control import scan_sizes


@dataclasses.dataclass(frozen=True)
class Operation:
    """One equation of a program, once for each place from which it is called.

    Attributes:
        equation: Of the jaxpr.
        callers: The calls and loops that it is in, the outermost first.
        outputs: The nodes of what it gives.
    """

    equation: Any
    callers: tuple[Any, ...]
    outputs: tuple[int, ...]


class Flow:
    """What flows where; nodes are numbers, those of variables and of operations.

    Attributes:
        inputs: Nodes of the program's inputs.
        outputs: Nodes of its outputs; None for a constant.
        operations: By their nodes.
    """

    def __init__(self, program: ClosedJaxpr):
        self.operations: dict[int, Operation] = {}
        self._next: list[list[int]] = []
        self._carries: list[bool] = []
        self.inputs = [self._node(v) for v in program.jaxpr.invars]
        self.outputs = self._inlined(program.jaxpr, self.inputs, ())

    def downstream(
        self, start: Iterable[int], ends: Callable[[Operation], bool] = lambda operation: False
    ) -> set[int]:
        """The nodes that ``start`` reaches by what can have a derivative.

        Nothing goes on behind an operation that ``ends``; it is reached itself.
        """
        reached: set[int] = set()
        waiting = list(start)
        while waiting:
            node = waiting.pop()
            if node in reached or not self._carries[node]:
                continue
            reached.add(node)
            operation = self.operations.get(node)
            if operation is None or not ends(operation):
                waiting += self._next[node]
        return reached

    def carries(self, node: int) -> bool:
        """Whether it is of a type that can have a derivative."""
        return self._carries[node]

    def upstream(self, end: Iterable[int]) -> set[int]:
        """The nodes that reach ``end`` in any way."""
        before: list[list[int]] = [[] for _ in self._next]
        for node, after in enumerate(self._next):
            for one in after:
                before[one].append(node)
        reached: set[int] = set()
        waiting = list(end)
        while waiting:
            node = waiting.pop()
            if node not in reached:
                reached.add(node)
                waiting += before[node]
        return reached

    def _node(self, variable: Any = None) -> int:
        """A new node: of a variable, or of an operation."""
        self._next.append([])
        kind = getattr(getattr(variable, "aval", None), "dtype", None)
        self._carries.append(
            variable is None or (kind is not None and jnp.issubdtype(kind, jnp.inexact))
        )
        return len(self._next) - 1

    def _link(self, ins: Iterable[int | None], outs: Iterable[int | None]) -> None:
        """Every one of ``ins`` flows into every one of ``outs``."""
        after = [node for node in outs if node is not None]
        for node in ins:
            if node is not None:
                self._next[node] += after

    def _inlined(
        self, jaxpr: Jaxpr, inputs: Sequence[int | None], callers: tuple[Any, ...]
    ) -> list[int | None]:
        """Adds a program whose inputs are these nodes (None: constants); the nodes of its outputs."""
        known: dict[Var, int | None] = dict(zip(jaxpr.invars, inputs, strict=True))

        def of(atom: Any) -> int | None:
            return None if isinstance(atom, Literal) else known.get(atom)

        for equation in jaxpr.eqns:
            ins = [of(x) for x in equation.invars]
            outs = [self._node(v) for v in equation.outvars]
            known.update(zip(equation.outvars, outs, strict=True))
            self._add(equation, ins, outs, callers)
        return [of(x) for x in jaxpr.outvars]

    def _add(
        self, equation: Any, ins: list[int | None], outs: list[int], callers: tuple[Any, ...]
    ) -> None:
        inside, parameters = (*callers, equation), equation.params
        match equation.primitive.name:
            case "scan":
                n_consts, n_carry = scan_sizes(parameters)
                body = parameters["jaxpr"].jaxpr
                given = self._copies(body, ins)
                made = self._inlined(body, given, inside)
                self._each(made, outs)
                self._each(made[:n_carry], given[n_consts : n_consts + n_carry])
            case "while":
                n_test, n_body = parameters["cond_nconsts"], parameters["body_nconsts"]
                test, body = (parameters[name].jaxpr for name in ("cond_jaxpr", "body_jaxpr"))
                given = self._copies(body, ins[n_test:])
                carried = given[n_body:]
                self._each(self._inlined(body, given, inside), carried)
                self._each(carried, outs)
                self._link(self._inlined(test, [*ins[:n_test], *carried], inside), outs)
            case "cond":
                for branch in parameters["branches"]:
                    self._each(self._inlined(branch.jaxpr, ins[1:], inside), outs)
                self._link(ins[:1], outs)
            case _:
                called = _called(equation)
                if called is not None:
                    self._each(self._inlined(called, ins, inside), outs)
                else:
                    node = self._node()
                    self.operations[node] = Operation(equation, callers, tuple(outs))
                    self._link(ins, [node])
                    self._link([node], outs)

    def _copies(self, jaxpr: Jaxpr, ins: Sequence[int | None]) -> list[int | None]:
        """Nodes of the inputs of a loop's body, into which what comes from outside flows."""
        nodes: list[int | None] = [self._node(v) for v in jaxpr.invars]
        self._each(ins, nodes)
        return nodes

    def _each(self, ins: Sequence[int | None], outs: Sequence[int | None]) -> None:
        for one, other in zip(ins, outs, strict=True):
            self._link([one], [other])


def _called(equation: Any) -> Jaxpr | None:
    """The program that an equation calls with its own inputs (jit, checkpoint, custom derivatives)."""
    for value in equation.params.values():
        jaxpr = value.jaxpr if isinstance(value, ClosedJaxpr) else value
        if (
            isinstance(jaxpr, Jaxpr)
            and len(jaxpr.invars) == len(equation.invars)
            and len(jaxpr.outvars) == len(equation.outvars)
        ):
            return jaxpr
    return None
