"""Every sentence of a report against the numbers that it is of: random runs of every design."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import numpy as np
import xarray as xr
from hypothesis import HealthCheck, given, settings
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
    run_contradictions,
)
from support.columns import Columns
from support.random_runs import Case

from jaxmorph.report import answer, convergence_table, findings, light, next_step, observables
from jaxmorph.report.convergence import verdicts
from jaxmorph.report.findings import paragraph, per_observable
from jaxmorph.report.summary import Ranking, leading_sentence, rankings, single_seed

T = TypeVar("T")
_DISTURBED = 6
"""So many datasets are made of each run."""
_QUICK = settings(
    max_examples=30, deadline=None, derandomize=True, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


def datasets(case: Case) -> Iterator[xr.Dataset]:
    """The dataset of a run, and others that are like it."""
    data = random_runs.estimated(case)
    yield data
    rng = np.random.default_rng(case.key)
    for _ in range(_DISTURBED):
        yield random_runs.disturbed(data, rng)


def wrong(data: xr.Dataset, page: bool = True) -> Iterator[tuple[str, str]]:
    """Each sentence that a column contradicts, or that no form has, with what is wrong."""
    reader, ranked = sentences.Reader(data), rankings(data)
    for text in dict.fromkeys([leading_sentence(ranked, data), *answer.sentences(data, ranked)]):
        yield from _checked(text, reader.answer, lambda said: answer_contradictions(said, data))
    found = per_observable(data, ranked)
    for name, (told, text), ranking in zip(data["observable"].values, found, ranked, strict=True):
        assert told == sentences.spoken(name)
        columns = Columns(data, str(name))
        details = findings.in_detail(columns.data, ranking)
        yield from _checked(
            " ".join([text, *details]), reader.of_observable,
            lambda said, columns=columns: contradictions(said, columns),
        )  # fmt: skip
        for verdict in verdicts(data, str(name)):
            yield from _checked(
                verdict.sentence, lambda text: sentences.judged(text, reader.parameters),
                lambda said, verdict=verdict, name=name: convergence_contradictions(
                    said, verdict.name, str(name), data
                ),
            )  # fmt: skip
    if page:
        yield from beside(data, ranked)
    for text in paragraph(data, ranked):
        yield from _checked(text, reader.of_run, lambda said: run_contradictions(said, data))


def beside(data: xr.Dataset, ranked: list[Ranking]) -> Iterator[tuple[str, str]]:
    """What the page says beside its sentences: picture, light, next step, tables, captions."""
    measures = {r.observable: r.measure.name for r in ranked if r.measure is not None}
    yield from wrong_cells(answer.answer(ranked), data)
    yield from wrong_light(light.light(data, None, ranked), data, measures)
    yield from wrong_step(next_step.next_step(data, None, ranked), data, measures)
    yield from wrong_lines(convergence_table.lines(data, ranked), data)
    for name, ranking in zip(data["observable"].values, ranked, strict=True):
        section = observables.section(data, str(name), ranking)
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


@_QUICK
@given(random_runs.cases())
def test_no_sentence_contradicts_a_column(case: Case) -> None:
    for data in datasets(case):
        assert not list(wrong(data))
