"""What the trial asks of every built-in study: a few simulations, with gradients."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from jaxmorph import engine
from jaxmorph.configuration import BUILT_IN_STUDIES, read_configuration
from jaxmorph.engine import GradientArguments
from jaxmorph.studies import Problem, load_problem, load_study

from ..processes import ROOT

TISSUES = {
    "growing-disc": "disc",
    "cell-sorting": "sorting",
    "chemical-patterning": "patterning",
    "elongation": "elongation",
}
"""The runs of ``config/tissues.yaml``, by their studies."""
KEY = 1
# Recorded a few times, to the same end.
_SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "reference": {"record_every": 50},
    "ornstein-uhlenbeck": {"record_every": 100},
    "epidemic": {"n_times": 5},
}


class Asked(NamedTuple):
    """What is evaluated of a study.

    Attributes:
        problem: The study, what varies and what is measured.
        how: How gradients are made.
        samples: The number of points.
        seeds: The number of seeds of each.
        chaotic: Whether rounding moves single simulations, so that only means can be compared.
    """

    problem: Problem
    how: GradientArguments
    samples: int
    seeds: int
    chaotic: bool

    def evaluated(self, points: Any) -> engine.Evaluation:
        """Values and gradients at points (sample, parameter)."""
        return engine.evaluate(self.problem, points, np.arange(self.seeds), run_key=KEY, **self.how)


def asked(study: str) -> Asked:
    """Tissues as ``config/tissues.yaml`` has them, all others in double precision."""
    if study in TISSUES:
        run = read_configuration(ROOT / "config/tissues.yaml").runs[TISSUES[study]]
        problem = load_problem(run.study, run.settings, dict(run.parameters))
        return Asked(problem, {"estimator": run.estimator, "smoothing": run.smoothing}, 4, 8, True)
    settings = {"precision": "float64", **_SETTINGS.get(study, {})}
    varied = [p.name for p in load_study(study).parameters]
    return Asked(load_problem(study, settings, dict.fromkeys(varied, "default")), {}, 2, 2, False)


EXACT = tuple(study for study in BUILT_IN_STUDIES if study not in TISSUES)
