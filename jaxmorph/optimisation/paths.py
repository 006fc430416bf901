"""The paths of all starts: what is kept of each step, and the whole of it at the end."""

import dataclasses
from typing import NamedTuple

import numpy as np
from jaxtyping import Array, Bool, Float, Int


class Record(NamedTuple):
    """What is kept of each step, (start, ...); entry s is the state before update s."""

    u: Float[Array, "start parameter"]
    loss: Float[Array, " start"]
    loss_se: Float[Array, " start"]
    gradient_norm: Float[Array, " start"]
    running: Array


@dataclasses.dataclass(frozen=True)
class Paths:
    """The paths of all starts; NaN after a start has stopped.

    Attributes:
        u: On the unconstrained scale, (start, step, parameter).
        parameter_value: The same in the parameters' units.
        loss: Of the seeds of each step, (start, step).
        loss_se: Its standard error over them; NaN of one seed.
        gradient_norm: On the unconstrained scale, (start, step).
        steps_done: Updates of each start.
        stopped: Why it ended, see ``STOP_REASONS``.
        refined: Whether the last update is a refinement.
    """

    u: Float[np.ndarray, "start step parameter"]
    parameter_value: Float[np.ndarray, "start step parameter"]
    loss: Float[np.ndarray, "start step"]
    loss_se: Float[np.ndarray, "start step"]
    gradient_norm: Float[np.ndarray, "start step"]
    steps_done: Int[np.ndarray, " start"]
    stopped: Int[np.ndarray, " start"]
    refined: Bool[np.ndarray, " start"]

    @property
    def last(self) -> Float[np.ndarray, "start parameter"]:
        """Where each start ended, on the unconstrained scale."""
        return self.u[np.arange(len(self.u)), self.steps_done]


class History:
    """What has been recorded so far, on the host."""

    def __init__(self, n: int, steps: int, n_parameters: int, kind: np.dtype):
        self.u = np.full((n, steps + 1, n_parameters), np.nan, kind)
        self.loss, self.loss_se, self.gradient_norm = (
            np.full((n, steps + 1), np.nan, kind) for _ in range(3)
        )
        self.running = np.zeros((n, steps + 1), bool)

    @property
    def arrays(self) -> list[np.ndarray]:
        return [self.u, self.loss, self.loss_se, self.gradient_norm, self.running]

    def put(self, first: int, records: Record) -> None:
        """Take in some steps; what belongs to starts that had stopped is left out."""
        count = min(len(records.running), self.running.shape[1] - first)
        where = slice(first, first + count)
        running = np.asarray(records.running)[:count].T
        self.running[:, where] = running
        for mine, new in zip(self.arrays[:-1], records, strict=False):
            part = np.moveaxis(np.asarray(new)[:count], 1, 0)
            mine[:, where][running] = part[running]

    def paths(self, values: np.ndarray, stopped: np.ndarray) -> Paths:
        """The whole, when all have stopped."""
        done = self.running.sum(axis=1) - 1
        losses = self.loss, self.loss_se, self.gradient_norm
        return Paths(self.u, values, *losses, done, stopped, np.zeros(len(done), bool))
