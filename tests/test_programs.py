"""The programs of the built-in studies, traced as for a GPU: nothing is compiled or computed."""

import re
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import pytest

from jaxmorph.configuration import BUILT_IN_STUDIES, GRADIENT_ESTIMATORS
from jaxmorph.engine import program
from jaxmorph.engine.estimators import WantedMode, Way
from jaxmorph.engine.lanes import noting_mapped
from jaxmorph.engine.ways import SMOOTHING, choose_way
from jaxmorph.errors import JaxmorphError
from jaxmorph.studies import Problem, load_problem, load_study

# What has no rule and is mapped by jax.vmap, besides the directions of `smoothed` (`qr`, and the product
# with them): places that differ between simulations, and what the loops of Diffrax are made of. What is
# new here is slower.
OF_SMOOTHED = {"qr", "dot_general"}
# Searching a sorted array is an operation of its own in JAX 0.12, under this name.
SEARCH = {"call_hi_primitive"} if jax.__version_info__ >= (0, 12) else set()
DIVIDING = {"gather", "scatter-add", *SEARCH}
MAPPED: dict[str, set[str]] = {
    **{study: set() for study in BUILT_IN_STUDIES},
    "cell-sorting": {"dot_general"},
    "growing-disc": DIVIDING,
    "chemical-patterning": {*DIVIDING, "dot_general"},
    "elongation": {*DIVIDING, "dot_general", "maybe_set", "vprim"},
    "epidemic": {
        *("dynamic_slice", "dynamic_update_slice", "gather", "scatter"),
        *("maybe_set", "select_if_vmap", "vprim"),
    },
}
# Calls that are no operations of XLA's own, and that GPUs have.
OF_GPUS = {"cusolver_geqrf_ffi", "cusolver_orgqr_ffi"}

ONE_WAY = {("EpidemicStudy", "reverse")}
"""What studies do not have, because of their adjoint."""

OF_CELLS = set(BUILT_IN_STUDIES) - {"linear", "ishigami", "ornstein-uhlenbeck"}  # slow to trace


def _problem(study: str) -> Problem:
    first_two = [p.name for p in load_study(study).parameters[:2]]
    return load_problem(study, {}, dict.fromkeys(first_two, "default"))


# Parts of others: `none` of all, and straight-through of straight-through in reverse and a path forward.
PARTS = [("pathwise", "none"), ("straight-through", "forward")]


def _ways(problem: Problem, leave_out: list[tuple[str, str]]) -> Iterator[tuple[str, Way]]:
    """All estimators that a study has, in all modes."""
    wanted: list[tuple[str, WantedMode]] = [("pathwise", "none")]
    for name, declared in GRADIENT_ESTIMATORS.items():
        wanted += [(name, mode) for mode in declared.modes or ("auto",)]
    for name, mode in wanted:
        if (name, mode) not in leave_out:
            try:
                way = choose_way(problem, mode, name, SMOOTHING, 0)
            except JaxmorphError as error:
                # The score of a study without draws; loops that JAX differentiates one way.
                if "draws nothing" in str(error) or (type(problem.study).__name__, mode) in ONE_WAY:
                    continue
                raise
            yield f"{name}, {mode}", way


def _lowers(study: str, monkeypatch: pytest.MonkeyPatch, leave_out: list[tuple[str, str]]) -> int:
    """In how many ways a study lowers; all operations in it must be known."""
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    # Equinox raises from callbacks, which JAX lowers only for a machine that it has.
    monkeypatch.setattr("equinox._errors.EQX_ON_ERROR", "nan")
    problem = _problem(study)
    mapped: set[str] = set()
    ways = list(_ways(problem, leave_out))
    for name, way in ways:
        with program.precision(problem):
            theta = jax.ShapeDtypeStruct((2, len(problem.names)), program.dtype(problem))
            keys = jax.ShapeDtypeStruct((3, 2), jnp.uint32)
            with noting_mapped() as found:
                traced = jax.jit(program.over_batch(way.single)).trace(theta, keys)
            text = traced.lower(lowering_platforms=("cuda",)).as_text()
        mapped |= set(found) - (OF_SMOOTHED if name.startswith("smoothed") else set())
        calls = set(re.findall(r"custom_call @([\w.$]+)", text))
        assert calls <= OF_GPUS, name
        # GPUs round what single-precision products take in to 10 bits where nothing is said.
        products = [line for line in text.splitlines() if ".dot_general " in line]
        assert all("precision = [HIGHEST, HIGHEST]" in line for line in products), name
    assert mapped == MAPPED[study]
    return len(ways)


# One of each kind of cells; `make verify` has all of them, in every way.
LOWERED = ("reference", "growing-disc", "epidemic")


@pytest.mark.parametrize(
    "study",
    [
        pytest.param(x, marks=[pytest.mark.slow] if x in OF_CELLS else [])
        for x in BUILT_IN_STUDIES
        if x not in OF_CELLS or x in LOWERED
    ],
)
def test_a_study_lowers_for_gpus_by_every_estimator_with_known_operations(
    study: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = PARTS if study in OF_CELLS - {"epidemic"} else []
    assert _lowers(study, monkeypatch, parts) >= 3


@pytest.mark.verify
@pytest.mark.parametrize("study", sorted(OF_CELLS))
def test_a_study_of_cells_lowers_for_gpus_in_every_way_with_known_operations(
    study: str, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    record_property("ways", _lowers(study, monkeypatch, []))
