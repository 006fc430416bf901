"""An estimator of gradients is one file: what it says of itself, and who reads that."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jaxmorph.configuration import GRADIENT_ESTIMATORS, bias_attributes
from jaxmorph.engine.estimators import estimator_named

ROOT = Path(__file__).parents[1]

TOY = '''"""Twice the derivative of each simulation."""

from typing import ClassVar, final

from ...configuration import GradientDeclaration
from ...quantities import Method
from ..program import forward, values
from .base import GradientEstimator, Way

DECLARATION = GradientDeclaration(
    name="twice",
    meaning="twice the derivative of each simulation",
    modes=("forward",),
    along_paths=False,
    sees_choices=False,
    long_name="twice the derivative, with {smoothing:g}",
    computed="by doubling in {gradient_mode} mode",
    settings=("smoothing",),
    caution="All gradients are doubled.",
    bias="Gradients are doubled",
    method=Method(title="Doubling", formula="2 f", text="Twice.", source="Nobody"),
)


@final
class Twice(GradientEstimator):
    """Twice the derivative."""

    declaration: ClassVar[GradientDeclaration] = DECLARATION

    def __init__(self, smoothing):
        self.smoothing = smoothing

    def way(self, problem, traced, wanted, run_key):
        def single(theta, key):
            value, gradient = forward(lambda t: values(problem, t, key), theta)
            return value, 2 * gradient

        return Way(traced, "forward", "doubles", single, lambda t, k: values(problem, t, k))
'''

WITHOUT_JAX = """
import sys
import xarray as xr
from jaxmorph.configuration import GRADIENT_ESTIMATORS, Run, bias_attributes
from jaxmorph.configuration.document import json_schema
from jaxmorph.configuration.specify import Specifications
from jaxmorph.report import methods, paper

run = Run(
    study="linear",
    parameters={"x1": "default"},
    design={"method": "sobol", "samples": 4},
    estimator="twice",
)
assert Specifications(run).batch("000-000").smoothing == 0.05
plain = run.model_copy(update={"estimator": "pathwise"})
assert Specifications(plain).batch("000-000").smoothing is None
assert "twice" in json_schema()["$defs"]["Run"]["properties"]["estimator"]["enum"]
assert "`twice`, twice the derivative" in Run.model_fields["estimator"].description
assert bias_attributes("twice") == {"gradient_bias": "Gradients are doubled"}
shown = xr.Dataset(attrs={"estimator": "twice", "gradient_mode": "forward"})
assert methods.caution(shown.attrs) == "All gradients are doubled."
assert methods.shown(shown)[0].title == "Doubling"
assert "twice" in methods.other_estimators()
assert "jax" not in sys.modules
"""

WITH_JAX = """
import numpy as np
from jaxmorph import JaxmorphError, engine
from jaxmorph.studies import load_problem

problem = load_problem("linear", {}, {"x1": "default"})
made = [
    engine.evaluate(problem, problem.centre[None], np.arange(2), run_key=0, estimator=e).gradient
    for e in ("pathwise", "twice")
]
np.testing.assert_allclose(made[1], 2 * made[0])
try:
    engine.check_estimator(problem, "twice", "reverse")
except JaxmorphError as error:
    assert "with estimator = twice use auto" in str(error)
else:
    raise AssertionError
"""


@pytest.mark.parametrize("name", GRADIENT_ESTIMATORS)
def test_what_is_read_from_a_file_is_what_the_class_has(name: str) -> None:
    made = estimator_named(name, "auto", smoothing=0.1)
    assert made.declaration == GRADIENT_ESTIMATORS[name]
    assert made.declaration.long_name.format(smoothing=0.1)


def test_only_a_biased_estimator_says_so() -> None:
    said = {name: bias_attributes(name) for name in (*GRADIENT_ESTIMATORS, "none")}
    assert [name for name, attributes in said.items() if attributes] == ["straight-through"]


def test_a_new_estimator_is_one_file(tmp_path: Path) -> None:
    """The configuration, its schema and documentation, the engine and the report find it."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "jaxmorph", tmp_path / "jaxmorph", ignore=ignored)
    (tmp_path / "jaxmorph/engine/estimators/twice.py").write_text(TOY)
    for program in (WITHOUT_JAX, WITH_JAX):
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
