"""Where derivatives end between parameters and observables, by file and line."""

import inspect
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from jaxtyping import Array

from jaxmorph import engine
from jaxmorph.distributions import Uniform
from jaxmorph.report import incomplete
from jaxmorph.simulation import bernoulli, gaussian
from jaxmorph.studies import Observable, Parameter, Problem, Recording, Study

Simulated = Callable[[Mapping[str, Array], Array], dict[str, Array]]


def problem_of(simulate: Simulated, *observables: str) -> Problem:
    """A study of the parameters a and b that gives what a function gives."""

    class Own(Study):
        parameters = tuple(Parameter(name, "1", name, 0.5, Uniform(low=0, high=1)) for name in "ab")

        def simulate(self, parameters: Mapping[str, Array], key: Array) -> Recording:
            return Recording(jnp.zeros(1), {k: v[None] for k, v in simulate(parameters, key).items()})

    Own.observables = tuple(Observable(name, "1", name) for name in observables)
    study = Own()
    return Problem(study, study.parameters, (study.parameters[0].distribution,) * 2, {}, observables)


def found(simulate: Simulated, *observables: str, estimator: str = "pathwise") -> dict[str, set[str]]:
    """The pairs behind each text, ``y<a``, of places in this file at the line that has the text."""
    cuts = engine.find_cuts(problem_of(simulate, *observables), estimator)
    lines, first = inspect.getsourcelines(simulate)
    for cut in cuts:
        file, line = cut.place.split(":")
        assert file == Path(__file__).name
        assert cut.text in " ".join(lines[int(line) - first].split()), (cut, lines[int(line) - first])
    return {cut.text: {f"{o}<{p}" for o, p in cut.pairs} for cut in cuts}


def test_each_jump_is_named_with_its_pairs_and_nothing_that_only_bends() -> None:
    def simulate(p: Mapping[str, Array], key: Array) -> dict[str, Array]:
        a, b = p["a"], p["b"]
        both = jnp.array([a, b])
        smooth = jax.nn.relu(a) + jnp.maximum(a, b) + jnp.clip(a, 0, 1) + jax.nn.softmax(both)[0]
        smooth += jax.scipy.special.logsumexp(both) + jnp.sort(both)[0] + jnp.logaddexp(a, b)
        smooth += jnp.where(jax.random.uniform(key) < 0.5, a, b)  # noise that no parameter changes
        where = jnp.where(a > 0.3, 1.0, b)
        flat = jnp.floor(a) * b
        order = both[jnp.argmax(both)] + jnp.argsort(both)[0]
        fixed = jax.lax.stop_gradient(a) + b
        choice = jax.random.bernoulli(key, b) * a
        unused = jnp.round(b) > a
        del unused
        twice = jnp.sign(jnp.round(a) - 0.5)  # the derivative is lost at the first of the two
        given = {"where": where, "flat": flat, "order": order, "fixed": fixed, "choice": choice}
        return given | {"smooth": smooth, "twice": twice, "linear": a + b}

    names = ("where", "flat", "order", "fixed", "choice", "smooth", "twice", "linear")
    assert found(simulate, *names) == {
        "a > 0.3": {"where<a"},
        "jnp.floor(a)": {"flat<a"},
        "jnp.argmax(both)": {"order<a", "order<b"},
        "jnp.argsort(both)": {"order<a", "order<b"},
        "jax.lax.stop_gradient(a)": {"fixed<a"},
        "jax.random.bernoulli(key, b)": {"choice<b"},
        "jnp.round(a)": {"twice<a"},
    }


def test_loops_and_branches_are_looked_into() -> None:
    def simulate(p: Mapping[str, Array], key: Array) -> dict[str, Array]:
        a, b = p["a"], p["b"]

        def step(carry: tuple[Array, Array], _: None) -> tuple[tuple[Array, Array], Array]:
            x, y = carry  # a comes into y only by the carry
            return (x + a, y + jnp.where(x > 1.0, 1.0, 0.0)), y

        stepped = jax.lax.scan(step, (b, b), length=3)[0][1]
        root = jax.lax.while_loop(lambda x: x * x - b > 1e-9, lambda x: (x + b / x) / 2, 1 + b)
        branch = jax.lax.cond(a < 0.5, lambda: b, lambda: 2 * b)
        inside = jax.jit(lambda x: jnp.ceil(x) + 1)(b)
        return {"stepped": stepped, "root": root, "branch": branch, "inside": inside}

    assert found(simulate, "stepped", "root", "branch", "inside") == {
        "x > 1.0": {"stepped<a", "stepped<b"},
        "x * x - b > 1e-9": {"root<b"},
        "a < 0.5": {"branch<a"},
        "jnp.ceil(x)": {"inside<b"},
    }


def test_score_leaves_out_what_is_not_drawn_through_the_library() -> None:
    def choices(p: Mapping[str, Array], key: Array) -> dict[str, Array]:
        k1, k2 = jax.random.split(key)
        a, b = p["a"], p["b"]
        drawn = gaussian(jax.random.normal(key), b, 1.0)
        seen = bernoulli(k1, a, indicator=True)
        return {
            "seen": seen,
            "raw": seen + (jax.random.uniform(k2) < a),
            "above": seen + (drawn > 0),
        }

    names = ("seen", "raw", "above")
    raw = {"jax.random.uniform(k2) < a": {"raw<a"}}
    assert found(choices, *names, estimator="score") == raw | {"drawn > 0": {"above<b"}}

    def gaussians(p: Mapping[str, Array], key: Array) -> dict[str, Array]:
        drawn = gaussian(jax.random.normal(key), p["b"], p["a"])
        return {"above": 1.0 * (drawn > 0), "below": 1.0 * (drawn < p["b"])}

    # Gaussian draws alone are held fixed, and a threshold on them may jump; not one that moves itself.
    moved = {'drawn < p["b"]': {"below<b"}}
    assert found(gaussians, "above", "below", estimator="score") == moved
    along = {"drawn > 0": {"above<a", "above<b"}, 'drawn < p["b"]': {"below<a", "below<b"}}
    assert found(gaussians, "above", "below") == along


def test_what_a_threshold_does_to_a_density_counts_for_the_score() -> None:
    def simulate(p: Mapping[str, Array], key: Array) -> dict[str, Array]:
        probability = jnp.where(p["a"] > 0.5, p["b"], 0.1)
        return {"y": bernoulli(key, probability, indicator=True)}

    assert found(simulate, "y", estimator="score") == {'p["a"] > 0.5': {"y<a"}}


@pytest.mark.parametrize(("estimator", "remedies"), [("pathwise", True), ("smoothed", False)])
def test_places_are_named_of_what_is_refuted_alone(estimator: str, remedies: bool) -> None:
    dims = ("time", "observable", "parameter")
    flags = np.zeros((1, 2, 2), bool)
    names = {"observable": ["f", "g"], "parameter": ["a", "b"]}
    cuts = [
        {"place": "trap.py:31", "text": "x > c", "pairs": [["f", "a"], ["g", "a"]]},
        {"place": "trap.py:40", "text": "x < 0", "pairs": [["f", "b"]]},
    ]
    attributes = {"derivatives_end": json.dumps(cuts), "estimator": estimator}
    data = xr.Dataset({"gradient_incomplete": (dims, flags)}, names, attributes)

    def told(*refuted: tuple[int, int], somewhere: tuple[int, ...] = ()) -> str:
        now = flags.copy()
        for o, p in refuted:
            now[0, o, p] = True
        some = np.array(now.any(-1))
        some[0, list(somewhere)] = True
        found = data.assign(gradient_incomplete=(dims, now), some_gradient_incomplete=(dims[:2], some))
        return incomplete.refuted(found)

    assert told() == ""
    assert "at trap.py:31: x > c. What helps: smooth the threshold" in told((0, 0))
    assert "trap.py:40: x < 0. What" in told((0, 1))
    assert "trap.py" not in told((1, 1))
    assert told((1, 1)).split("nothing. ")[1].startswith("What helps: smooth the threshold")
    assert "trap.py:31: x > c and trap.py:40" in told(somewhere=(0,))
    assert ("estimator: smoothed" in told((0, 0))) == remedies
