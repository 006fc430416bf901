"""The examples in docstrings of public names say what comes out."""

import doctest
import sys

import pytest
from test_reference import LISTED, value_of

WITH_EXAMPLES = [entry for entry in LISTED if ">>>" in (value_of(entry).__doc__ or "")]


@pytest.mark.parametrize("entry", WITH_EXAMPLES, ids=".".join)
def test_examples_in_docstrings(entry: tuple[str, str]) -> None:
    value = value_of(entry)
    names = dict(vars(sys.modules[value.__module__]))
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    for test in doctest.DocTestFinder(recurse=False).find(value, entry[1], globs=names):
        runner.run(test)
    assert runner.tries and not runner.failures


def test_there_are_examples() -> None:
    assert len(WITH_EXAMPLES) >= 4
