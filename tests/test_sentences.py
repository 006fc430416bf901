"""Every sentence of a report against the numbers that it is of: random runs of every design."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr
from hypothesis import HealthCheck, given, settings
from support import claims, claims_of_run, random_runs, sentences
from support.columns import Columns
from support.random_runs import Case

from jaxmorph.report.convergence import verdicts
from jaxmorph.report.findings import paragraph, per_observable
from jaxmorph.report.summary import leading_sentence, rankings

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


def wrong(data: xr.Dataset) -> Iterator[tuple[str, str]]:
    """Each sentence that a column contradicts, or that no form has, with what is wrong."""
    reader, ranked = sentences.Reader(data), rankings(data)
    try:
        leading = leading_sentence(ranked, data)
        yield from (
            (leading, e) for e in claims_of_run.leading_contradictions(reader.leading(leading), data)
        )
    except sentences.NoForm as error:
        yield leading, f"has no form: {error}"
    for observable, (name, text) in zip(
        data["observable"].values, per_observable(data, ranked), strict=True
    ):
        try:
            assert name == sentences.spoken(observable)
            columns = Columns(data, str(observable))
            said = reader.of_observable(text)
            yield from ((text, error) for error in claims.contradictions(said, columns))
        except sentences.NoForm as error:
            yield text, f"has no form: {error}"
        for verdict in verdicts(data, str(observable)):
            judged = sentences.judged(verdict.sentence, reader.parameters)
            for error in claims_of_run.convergence_contradictions(
                judged, verdict.name, str(observable), data
            ):
                yield f"{verdict.name}: {verdict.sentence}", error
    for text in paragraph(data, ranked):
        try:
            yield from (
                (text, error) for error in claims_of_run.run_contradictions(reader.of_run(text), data)
            )
        except sentences.NoForm as error:
            yield text, f"has no form: {error}"


@_QUICK
@given(random_runs.cases())
def test_no_sentence_contradicts_a_column(case: Case) -> None:
    for data in datasets(case):
        assert not list(wrong(data))
