"""What is analysed: a study at points of the unit cube, by the engine, with what a gradient costs."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from jaxmorph.engine import evaluate, trace
from jaxmorph.sensitivity.natural import natural_scale
from jaxmorph.studies import load_problem

_FUNCTIONS = "benchmarks.indices.functions"


class Simulated:
    """A study of which one number is observed.

    Attributes:
        stochastic: Whether there is noise.
    """

    def __init__(
        self,
        spec: str,
        settings: Mapping[str, Any],
        stochastic: bool,
        observable: str = "f",
        fixed: Mapping[str, float] | None = None,
    ):
        every = load_problem(spec, settings, {}, [observable]).study.parameters
        varied = {p.name: "default" for p in every if p.name not in (fixed or {})}
        self.problem = load_problem(spec, settings, varied, [observable], fixed)  # type: ignore[arg-type]
        self.stochastic, self._traced = stochastic, trace(self.problem)

    @property
    def dimension(self) -> int:
        """Number of parameters."""
        return len(self.problem.varied)

    def parameters(self, unit: np.ndarray) -> np.ndarray:
        """Their values (sample, parameter) at points of the unit cube."""
        columns = zip(self.problem.distributions, unit.T, strict=True)
        return np.column_stack([d.ppf(u) for d, u in columns])

    def values(self, unit: np.ndarray, seeds: np.ndarray) -> np.ndarray:
        """Last records (sample, seed)."""
        found = self._evaluated(unit, seeds, "none")
        return np.asarray(found.value[:, :, -1, 0], float)

    def rows(self, unit: np.ndarray, seeds: np.ndarray) -> np.ndarray:
        """Values, then derivatives in units of the parameters' natural sd: (sample, row, seed)."""
        found = self._evaluated(unit, seeds, "reverse")
        assert found.gradient is not None
        distributions = self.problem.distributions
        theta = xr.DataArray(self.parameters(unit), dims=("sample", "parameter"))
        scale = natural_scale(distributions, theta).values * [d.natural_sd for d in distributions]
        slopes = found.gradient[:, :, -1, 0].swapaxes(1, 2) * scale[..., None]
        return np.concatenate([found.value[:, None, :, -1, 0], slopes], axis=1).astype(float)

    def price(self, samples: int, seeds: int, rounds: int = 5) -> float:
        """What a value with its gradient costs, in values: a ratio of medians, by turns; 1 at least."""
        unit = np.random.default_rng(0).uniform(size=(samples, self.dimension))
        both: list[Callable[..., Any]] = [self.rows, self.values]
        taken: list[list[float]] = [[], []]
        for function in both:
            function(unit, np.arange(seeds))  # compiled
        for _ in range(rounds):
            for function, seconds in zip(both, taken, strict=True):
                start = time.perf_counter()
                function(unit, np.arange(seeds))
                seconds.append(time.perf_counter() - start)
        return max(1.0, statistics.median(taken[0]) / statistics.median(taken[1]))

    def _evaluated(self, unit: np.ndarray, seeds: np.ndarray, mode: Any) -> Any:
        theta = self.parameters(unit)
        return evaluate(self.problem, theta, seeds, run_key=0, gradient=mode, traced=self._traced)


NOISE = 0.5
"""Standard deviation of the noise of functions, in units of their own."""
_REFERENCE: dict[str, Any] = {"precision": "float32", "record_every": 100}


def case(name: str) -> Simulated:
    """By the name of a case: a study, ``-noise`` with noise."""
    kind, noise = name.removesuffix("-noise"), name.endswith("-noise")
    if kind == "reference":
        cold = {} if noise else {"kT": 0.0}
        return Simulated("reference", _REFERENCE, noise, "total_energy", cold)
    names = {"ishigami": "Ishigami", "g": "SobolG", "morris": "Morris", "ode": "PredatorPrey"}
    return Simulated(f"{_FUNCTIONS}:{names[kind]}", {"noise": NOISE} if noise else {}, noise)
