"""What is computed: the reference system at some size, for samples x seeds, with derivatives."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from jaxmorph.studies import Problem

PARAMETERS = ("epsilon", "alpha", "max_radius", "growth_rate", "kT", "gamma")
# A radius far below this largest one does not change, to the last bit.
_NO_GROWTH = {"growth_rate": 0.0, "max_radius": 100.0}
_RECORDED_TIMES = 20
_CONTACT = 0.6


def cluster_settings(n_cells: int, n_dim: int = 2) -> dict[str, float]:
    """The study's settings for cells on the area (volume) that touching ones would fill.

    Forces have a range of 2.5 contact distances.
    """
    return {
        "n_dim": n_dim,
        "dt": 1e-5,
        "initial_spread": _CONTACT * n_cells ** (1 / n_dim) / 2,
        "r_onset": 2.2 * _CONTACT,
        "r_cutoff": 2.5 * _CONTACT,
    }


@dataclasses.dataclass(frozen=True)
class Task:
    """Values and derivatives of the reference system.

    Attributes:
        cells: Number of cells.
        steps: Steps of growth and relaxation.
        relaxation_steps: Brownian steps in each.
        precision: Floating-point type.
        parameters: Those that vary and are differentiated.
        samples: Points of parameter space.
        seeds: Seeds of the noise; every sample is simulated with each.
        growth: Whether cells grow.
        over_time: All six observables at 20 times, instead of the mean distance at the end.
        settings: Other settings of the study, by name.
    """

    cells: int = 10
    steps: int = 100
    relaxation_steps: int = 10
    precision: Literal["float32", "float64"] = "float32"
    parameters: tuple[str, ...] = PARAMETERS
    samples: int = 16
    seeds: int = 16
    growth: bool = True
    over_time: bool = False
    settings: dict[str, float] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, fields: dict[str, Any]) -> Task:
        """The task of these fields, as JSON has them."""
        return cls(**fields | {"parameters": tuple(fields["parameters"])})

    @property
    def simulations(self) -> int:
        """Their number."""
        return self.samples * self.seeds

    @property
    def brownian_steps(self) -> int:
        """Steps of one simulation."""
        return self.steps * self.relaxation_steps

    def problem(self) -> Problem:
        """The reference study at this size."""
        from jaxmorph import studies

        settings = {
            "n_cells": self.cells,
            "n_steps": self.steps,
            "relaxation_steps": self.relaxation_steps,
            "precision": self.precision,
            "record_every": max(1, self.steps // _RECORDED_TIMES) if self.over_time else self.steps,
            **self.settings,
        }
        return studies.load_problem(
            "reference",
            settings,
            dict.fromkeys(self.parameters, "default"),
            "all" if self.over_time else ["mean_distance"],
            fixed={} if self.growth else _NO_GROWTH,
        )

    def points(self, problem: Problem) -> np.ndarray:
        """Values of the parameters: (sample, parameter), drawn from the study's distributions."""
        quantile = np.random.default_rng(0).uniform(size=(self.samples, len(PARAMETERS)))
        chosen = [PARAMETERS.index(name) for name in self.parameters]
        columns = [d.ppf(quantile[:, i]) for i, d in zip(chosen, problem.distributions, strict=True)]
        return np.stack(columns, axis=-1).astype(self.precision)
