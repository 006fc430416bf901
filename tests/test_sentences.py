"""Every sentence of a report against the numbers that it is of: random runs of every design."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TypeVar

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, Phase, given, settings
from support import random_runs, sentences
from support.claims import contradictions
from support.claims_of_page import (
    wrong_captions,
    wrong_cells,
    wrong_light,
    wrong_lines,
    wrong_section,
    wrong_seeds,
    wrong_step,
)
from support.claims_of_run import (
    answer_contradictions,
    convergence_contradictions,
    holds,
    run_contradictions,
)
from support.claims_over_time import contradictions_over_time
from support.columns import Columns
from support.random_runs import Case

from jaxmorph import sensitivity
from jaxmorph.distributions import Uniform
from jaxmorph.report import answer, convergence_table, findings, light, next_step, observables
from jaxmorph.report.convergence import verdicts
from jaxmorph.report.findings import paragraph, per_observable
from jaxmorph.report.over_time import told_over_time
from jaxmorph.report.summary import Ranking, leading_sentence, rankings, single_seed

T = TypeVar("T")
_DISTURBED = 6
"""So many datasets are made of each run."""
_QUICK, _LONG = (
    settings(
        max_examples=n, deadline=None, derandomize=True, database=None,
        phases=[Phase.explicit, Phase.generate],  # a run is not made smaller by shrinking what it is of
        suppress_health_check=list(HealthCheck),
    )
    for n in (12, 400)
)  # fmt: skip


def datasets(case: Case) -> Iterator[xr.Dataset]:
    """The dataset of a run, and others that are like it."""
    data = random_runs.estimated(case)
    yield data
    rng = np.random.default_rng(case.key)
    for _ in range(_DISTURBED):
        yield random_runs.disturbed(data, rng)


def wrong(data: xr.Dataset, page: bool = True) -> Iterator[tuple[str, str]]:
    """Each sentence that a column contradicts, or that no form has, with what is wrong.

    ``page``: what stands beside the sentences on the page, too.
    """
    reader, ranked = sentences.Reader(data), rankings(data)
    first = [leading_sentence(ranked, data), *answer.sentences(data, ranked)]
    for text in dict.fromkeys(first):
        yield from _checked(text, reader.answer, partial(answer_contradictions, data=data))
    found = per_observable(data, ranked)
    for name, (told, text), ranking in zip(data["observable"].values, found, ranked, strict=True):
        assert told == sentences.spoken(name)
        columns = Columns(data, str(name))
        whole = " ".join([text, *findings.in_detail(columns.data, ranking)])
        yield from _checked(whole, reader.of_observable, partial(contradictions, columns=columns))
        read = partial(sentences.judged, parameters=reader.parameters)
        for one in verdicts(data, str(name)):
            check = partial(convergence_contradictions, name=one.name, observable=str(name), data=data)
            yield from _checked(one.sentence, read, check)
    times = [f"time {t:g}" for t in data["time"].values]
    for text in told_over_time(data):
        over = partial(contradictions_over_time, data=data, times=times)
        yield from _checked(text, partial(reader.over_time, times=times), over)
    for text in paragraph(data, ranked):
        yield from _checked(text, reader.of_run, partial(run_contradictions, data=data))
    if page:
        yield from beside(data, ranked)


def beside(data: xr.Dataset, ranked: list[Ranking]) -> Iterator[tuple[str, str]]:
    """What the page says beside its sentences: picture, light, next step, tables, captions."""
    measures = {r.observable: r.measure.name for r in ranked if r.measure is not None}
    yield from wrong_cells(answer.answer(ranked), data)
    yield from wrong_light(light.light(data, None, ranked), data, measures)
    yield from wrong_step(next_step.next_step(data, None, ranked), data, measures)
    yield from wrong_lines(convergence_table.lines(data, ranked), data)
    sections = observables.sections(data, ranked)
    for name, section in zip(data["observable"].values, sections, strict=True):
        yield from wrong_section(section, Columns(data, str(name)))
    yield from wrong_seeds(single_seed(data), data)
    yield from wrong_captions(data)


def _checked(
    text: str, read: Callable[[str], T], check: Callable[[T], Iterable[str]]
) -> Iterator[tuple[str, str]]:
    try:
        said = read(text)
    except sentences.NoForm as error:
        yield text, f"has no form: {error}"
    else:
        yield from ((text, error) for error in check(said))


def contradicted(case: Case) -> list[tuple[str, str]]:
    """Of the datasets of one case; the page is looked at once."""
    found: list[tuple[str, str]] = []
    for i, data in enumerate(datasets(case)):
        found += [("an interval without its estimate", told) for told in holds(data)]
        found += wrong(data, page=i == 0)
    return found


@_QUICK
@given(random_runs.cases())
def test_no_sentence_contradicts_a_column(case: Case) -> None:
    assert not contradicted(case)


@pytest.mark.verify
@_LONG
@given(random_runs.cases())
def test_no_sentence_contradicts_a_column_of_many_runs(case: Case) -> None:
    assert not contradicted(case)


def test_parameters_that_nobody_would_read_are_counted() -> None:
    """Two of twelve parameters act; of the others a sentence says how many they are, and it is true."""
    names = [f"p_{i}" for i in range(12)]
    theta = np.random.default_rng(1).uniform(size=(64, 12))
    slope = np.array([2.0, 1.0] + [0.0] * 10)
    data = sensitivity.from_arrays(
        theta,
        1.0 + theta @ slope,
        np.broadcast_to(slope, theta.shape).copy(),
        dict.fromkeys(names, Uniform(low=0, high=1)),
    )
    (told,) = (text for _, text in per_observable(data, rankings(data)))
    assert "10 of 12 parameters hardly matter: each share is below 5 %" in told
    assert not list(wrong(data, page=False))
    claims = sentences.Reader(data).of_observable(told.replace("10 of 12", "11 of 12"))
    columns = Columns(data, str(data["observable"].values[0]))
    assert any(
        "11 are said to be negligible" in error for error in contradictions(claims, columns=columns)
    )
