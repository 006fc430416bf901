"""What is computed: the reference system at some size, for samples x seeds, with derivatives."""

import dataclasses
import sys
from typing import Any, Literal, Self

import numpy as np

from jaxmorph.studies import Problem, load_problem

PARAMETERS = ("epsilon", "alpha", "max_radius", "growth_rate", "kT", "gamma")
PROGRAMS = {
    "engine": "jaxmorph",
    "plain": "jaxmorph by plain vmap",
    "morph": "jax-morph 0.4.0",
    "md": "jax-md",
    "notebook": "the notebook's way",
}
# A radius far below this largest one does not change, to the last bit.
_NO_GROWTH = {"growth_rate": 0.0, "max_radius": 100.0}
_CONTACT = 0.6


def cluster_settings(n_cells: int, n_dim: int = 2) -> dict[str, float]:
    """Cells on the area (volume) that touching ones would fill, with forces to 2.5 contact distances."""
    reach = {"r_onset": 2.2 * _CONTACT, "r_cutoff": 2.5 * _CONTACT}
    return {"n_dim": n_dim, "dt": 1e-5, "initial_spread": _CONTACT * n_cells ** (1 / n_dim) / 2, **reach}


@dataclasses.dataclass(frozen=True)
class Task:
    """Values and derivatives of the reference system."""

    cells: int = 10
    steps: int = 100  # of growth and relaxation
    relaxation_steps: int = 10  # Brownian steps in each
    precision: Literal["float32", "float64"] = "float32"
    parameters: tuple[str, ...] = PARAMETERS  # those that vary and are differentiated
    samples: int = 16  # points of parameter space
    seeds: int = 16  # of the noise; every sample is simulated with each
    growth: bool = True
    # The mean distance at the end; or all six observables at both ends, or at 20 times.
    recorded: Literal["last", "ends", "times"] = "last"
    settings: dict[str, float] = dataclasses.field(default_factory=dict)  # others of the study

    @property
    def simulations(self) -> int:
        """Their number."""
        return self.samples * self.seeds

    @property
    def brownian_steps(self) -> int:
        """Steps of one simulation."""
        return self.steps * self.relaxation_steps

    def but(self, **fields: Any) -> Self:
        """The task with other values of some fields."""
        return dataclasses.replace(self, **fields)

    def problem(self) -> Problem:
        """The reference study at this size."""
        last = self.recorded == "last"
        every = max(1, self.steps // 20) if self.recorded == "times" else self.steps
        steps = {"n_steps": self.steps, "relaxation_steps": self.relaxation_steps, "record_every": every}
        return load_problem(
            "benchmarks.engine:LastRecord" if last else "reference",
            {"n_cells": self.cells, "precision": self.precision, **steps, **self.settings},
            dict.fromkeys(self.parameters, "default"),
            ["mean_distance"] if last else "all",
            fixed={} if self.growth else _NO_GROWTH,
        )

    def points(self, problem: Problem) -> np.ndarray:
        """Values of the parameters: (sample, parameter), drawn from the study's distributions."""
        quantile = np.random.default_rng(0).uniform(size=(self.samples, len(PARAMETERS)))
        chosen = [PARAMETERS.index(name) for name in self.parameters]
        columns = [d.ppf(quantile[:, i]) for i, d in zip(chosen, problem.distributions, strict=True)]
        return np.stack(columns, axis=-1).astype(self.precision)


@dataclasses.dataclass(frozen=True)
class Case:
    """A program in a process."""

    program: str  # a key of ``PROGRAMS``
    task: Task
    setting: dict[str, Any] = dataclasses.field(default_factory=dict)  # that it is built with
    devices: int | None = None  # of its process; None: all
    python: str = sys.executable  # that its process runs

    @classmethod
    def of(cls, program: str, task: Task, **fields: Any) -> Self:
        """With other fields of the task and the case; what is of neither belongs to the setting."""
        names = [{field.name for field in dataclasses.fields(kind)} for kind in (Task, cls)]
        of_task, own = ({k: v for k, v in fields.items() if k in known} for known in names)
        setting = {k: v for k, v in fields.items() if k not in of_task | own}
        return cls(program, task.but(**of_task), setting, **own)
