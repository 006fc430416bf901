"""The first screen of a report: the question, the picture, the light, the next step, the words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xarray as xr
from support import synthetic

from jaxmorph import store
from jaxmorph.report import (
    answer,
    convergence_table,
    glossary,
    light,
    next_step,
    page,
    price,
    summary,
)
from jaxmorph.store.one_answer import ONE_ANSWER

SHAPE: dict[str, Any] = {"n_parameters": 3, "n_observables": 2, "n_times": 3, "n_samples": 16}
GOOD, CARE, DO_NOT_USE = light.Level


@pytest.fixture
def settled() -> xr.Dataset:
    """A run that nothing speaks against: total indices with an error of 0.01, a simulation a second."""
    data = synthetic.sensitivity(**SHAPE, design="saltelli")
    for end, shift in (("low", -0.01), ("high", 0.01)):
        data[f"sobol_total_{end}"] = data["sobol_total"] + shift
    data = data.drop_vars([n for n in data.data_vars if str(n).startswith("sobol_total_by")])
    n = data.sizes["sample"] * data.sizes["seed"]
    return data.assign_attrs(simulations=n, simulations_wanted=n, batch_wall_time_s=1.0 * n)


def shown(data: xr.Dataset, checks: xr.Dataset | None = None) -> light.Light:
    return light.light(data, checks, summary.rankings(data))


def step(data: xr.Dataset, checks: xr.Dataset | None = None) -> next_step.NextStep:
    return next_step.next_step(data, checks, summary.rankings(data))


def widened(data: xr.Dataset, half: float, part: str = "seeds") -> xr.Dataset:
    """The first observable's total indices with this half-width, all of it of one source."""
    data = data.copy(deep=True)
    for end, shift in (("low", -half), ("high", half)):
        data[f"sobol_total_{end}"][:, 0] = data["sobol_total"][:, 0] + shift
    for other in ("samples", "seeds"):
        data[f"sobol_total_se_{other}"] = data["sobol_total"] * 0 + (half / 2 if other == part else 0)
    return data


def test_the_question_is_one_line(settled: xr.Dataset) -> None:
    settled.attrs["study"] = "reference"
    told = "Which of 3 parameters move 2 observables of reference, over 80 samples × 16 seeds?"
    assert answer.asked(settled) == told
    quiet = synthetic.sensitivity(**SHAPE | {"n_parameters": 1, "n_observables": 1}, stochastic=False)
    quiet.attrs["study"] = ""
    assert answer.asked(quiet) == "Does epsilon move 1 observable, over 16 samples?"


def test_the_picture_has_the_numbers_of_the_file(settled: xr.Dataset) -> None:
    found = answer.answer(summary.rankings(settled))
    assert found.measure == "share of the variance in which a parameter is involved, in %"
    last = settled.isel(time=-1)
    for row, name in zip(found.rows, settled["observable"].values, strict=True):
        for head, cell in zip(found.parameters, row.cells, strict=True):
            one = last.sel(observable=name, parameter=head.replace(" ", "_"))
            share = float(one["sobol_total"])
            if cell.state == "told":
                assert cell.strength == pytest.approx(min(max(share, 0), 1))
                assert cell.size == (f"{100 * share:.0f}" if share >= 0.005 else "< 1")
                up = {"up": 1, "down": -1}.get(cell.direction, 0)
                assert up in (0, np.sign(float(one["elasticity_average"])))
            else:
                assert not float(one["sobol_total_low"]) > 0


def test_the_picture_of_many_has_room_for_those_that_matter_most() -> None:
    data = synthetic.sensitivity(n_parameters=12, n_observables=8, n_times=2, n_samples=8)
    found = answer.answer(summary.rankings(data) * 2)
    assert (len(found.parameters), found.more_parameters) == (8, 4)
    assert (len(found.rows), found.more_observables) == (10, 6)


def test_below_the_picture_are_only_signs_that_are_in_it(settled: xr.Dataset) -> None:
    cells = [cell for row in answer.answer(summary.rankings(settled)).rows for cell in row.cells]
    marks = answer.answer(summary.rankings(settled)).marks
    assert marks == {part for cell in cells for part in (cell.state, cell.direction)}
    signs = {"open": "not told from zero.", "unknown": "not defined.", "flagged": "not to be trusted."}
    for state, said in signs.items():
        for there in (False, True):
            cell = replace(cells[0], state=state if there else "told")
            one = answer.Answer("share", ("k",), (answer.Row("x", (cell,)),), 0, 0)
            text = page.rendered({"answer": one, "shares": True}, "answer.html")
            assert (said in text) == there and ('class="key"' in text) == there


def test_at_most_three_sentences(settled: xr.Dataset) -> None:
    for data in (
        settled,
        synthetic.sensitivity(**SHAPE),
        synthetic.sensitivity(**SHAPE, stochastic=False),
    ):
        told = answer.sentences(data, summary.rankings(data))
        assert 1 <= len(told) <= 3
        assert all(sentence.endswith(".") and sentence.count(". ") == 0 for sentence in told)


def test_a_run_without_a_fault_is_good(settled: xr.Dataset) -> None:
    checks = synthetic.checks(n_parameters=3, n_observables=2, n_times=3)
    assert shown(settled, checks) == light.Light(GOOD)
    assert shown(settled).level.word == "Good"


def _flag(name: str, *dims: str) -> Any:
    def flagged(data: xr.Dataset) -> xr.Dataset:
        sizes = [data.sizes[dim] for dim in dims]
        array = np.zeros(sizes, bool)
        array[..., 0] = True
        return data.assign({name: (dims, array)})

    return flagged


def lost(data: xr.Dataset, share: float) -> xr.Dataset:
    return data.assign(left_out_share=(("time", "observable"), np.full((3, 2), share)))


def _withheld(data: xr.Dataset) -> xr.Dataset:
    data = data.assign(expansion_q2=(("time", "observable"), np.full((3, 2), 0.5)))
    for name in ("sobol_total", "sobol_total_low", "sobol_total_high"):
        data[name][:, 0] = np.nan
    return data


@pytest.mark.parametrize(
    ("change", "level", "reason"),
    [
        (lambda d: d.isel(seed=[0]), DO_NOT_USE, "With one seed"),
        (lambda d: lost(d, 0.03), CARE, "3 % of the"),
        (lambda d: lost(d, 0.4), DO_NOT_USE, "40 % of the"),
        (lambda d: d.assign(non_finite_count=("observable", [1, 0])), CARE, "Some simulations failed"),
        (_flag("gradient_unreliable", "observable", "parameter"), CARE, "Some gradients of every"),
        (
            lambda d: _flag("some_gradient_incomplete", "time", "observable")(
                _flag("gradient_incomplete", "time", "observable", "parameter")(d)
            ),
            CARE,
            "Gradients miss a part of how mean distance changes",
        ),
        (
            lambda d: d.assign_attrs(missing_batch_count=2, simulations=700, simulations_wanted=1280),
            CARE,
            "Only 700 of 1280 simulations",
        ),
        (lambda d: d.assign_attrs(gradient_bias="b", estimator="e"), CARE, "Gradients are biased"),
        (_withheld, CARE, "Shares of mean distance are withheld"),
        (lambda d: widened(d, 0.2), CARE, "Shares are still wide for mean distance"),
    ],
)  # fmt: skip
def test_each_fault_has_its_light(
    settled: xr.Dataset, change: Any, level: light.Level, reason: str
) -> None:
    found = shown(change(settled))
    assert found.level is level
    assert any(doubt.text.startswith(reason) for doubt in found.doubts if doubt.level is level)


def test_faults_of_the_checks_have_their_lights(settled: xr.Dataset) -> None:
    checks = synthetic.checks(n_parameters=3, n_observables=2, n_times=3)
    wrong = checks.copy(deep=True)
    wrong["relative_difference"][..., 0, 0] = 0.5
    found = shown(settled, wrong)
    assert (found.level, found.reason) == (CARE, "Gradients and finite differences do not agree.")
    numbers = {q.name: np.zeros(checks.sizes["observable"]) for q in ONE_ANSWER}
    numbers["alone_value_differs"][0] = 1
    numbers["alone_value_difference"][0] = 0.42
    assert shown(settled, store.with_one_answer(checks, numbers, 4)).level is DO_NOT_USE


def test_the_gravest_reason_comes_first(settled: xr.Dataset) -> None:
    found = shown(
        widened(settled, 0.2).assign(left_out_share=(("time", "observable"), np.full((3, 2), 0.4)))
    )
    assert [doubt.level for doubt in found.doubts] == [DO_NOT_USE, CARE]
    assert found.reason.startswith("40 %")


def test_no_step_where_all_is_known(settled: xr.Dataset) -> None:
    assert step(settled) == next_step.NextStep()


def test_the_step_names_key_gain_and_price(settled: xr.Dataset) -> None:
    """Half-width 0.1 by 16 seeds: 0.05 takes 64, which are 48 x 80 simulations of a second more."""
    found = step(widened(settled, 0.1))
    assert found.keys == ("seeds: 64",)
    assert found.gain == "tells the shares of mean distance to ± 5 %"
    assert found.price == "about 64 minutes" == price.in_words(48 * 80)


def test_samples_are_counted_as_the_configuration_does(settled: xr.Dataset) -> None:
    """Four times 16 base samples, of 5 points each."""
    found = step(widened(settled, 0.1, "samples"))
    assert found.keys == ("samples: 64",)
    assert found.price == price.in_words(48 * 5 * 16)


def test_a_fault_is_mended_before_errors_are(settled: xr.Dataset) -> None:
    wide = widened(settled, 0.1)
    partial = wide.assign_attrs(missing_batch_count=1, simulations=1000, simulations_wanted=1280)
    assert step(partial).action.startswith("Take allow_partial out")
    assert step(partial).price == price.in_words(280 * 1.28)
    assert step(wide.isel(seed=[0])).keys == ("seeds: 16",)
    flagged = _flag("gradient_unreliable", "observable", "parameter")(wide)
    assert step(flagged).keys[0].startswith("estimator: ")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(10, "less than a minute"), (70, "about 1 minute"), (180, "about 3 minutes"),
     (7200, "about 2 hours"), (40 * 86400, "about 40 days")],
)  # fmt: skip
def test_prices_in_words(seconds: float, words: str) -> None:
    assert price.in_words(seconds) == words


def test_convergence_is_one_table(settled: xr.Dataset) -> None:
    data = widened(settled, 0.1)
    found = convergence_table.lines(data, summary.rankings(data))
    first, second = [line for line in found if line.leads]
    assert (first.what, first.state) == ("mean distance: total Sobol index", "open")
    assert first.sure.startswith("± 0.10 (") and first.sure.endswith("± 0.050 is wanted")
    assert (first.take, first.cost) == ("about 64 seeds (now 16)", "about 64 minutes")
    assert (second.state, second.take, second.cost) == ("met", "", "")
    others = [line.what for line in found if not line.leads]
    assert len(others) == len(set(others)) and "elasticity" in others


def test_a_term_explains_itself_where_a_section_first_has_it() -> None:
    explained = glossary.Explained()
    marked = str(explained.mark("Shares of 3 seeds & a share < 1 of seeds"))
    assert marked.count('href="#term-share"') == marked.count('href="#term-seed"') == 1
    assert "&amp; a share &lt; 1" in marked
    assert 'href="#' not in str(explained.mark("seeds"))
    explained.section()
    assert 'href="#term-seed"' in str(explained.mark("seeds"))
    assert [term.word for term in explained.terms()] == ["seed", "share"]


def test_a_term_is_a_word_of_its_own() -> None:
    marked = str(glossary.Explained().mark("a noiseless resample of first-order indices"))
    assert 'href="#term-noise"' not in marked and 'href="#term-sample"' not in marked


def test_every_term_has_one_place() -> None:
    anchors = [term.anchor for term in glossary.TERMS]
    forms = [form.lower() for term in glossary.TERMS for form in (term.word, *term.forms)]
    assert len(set(anchors)) == len(anchors) and len(set(forms)) == len(forms)
    assert all(term.meaning.endswith(".") for term in glossary.TERMS)
