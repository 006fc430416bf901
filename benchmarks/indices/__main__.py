"""Compares first and total indices at equal cost, and the time they take: ``make bench-indices``."""

import argparse
import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pandas as pd

from jaxmorph.engine import describe_devices
from jaxmorph.errors import JaxmorphError

from .. import output as machine
from . import output, times, truth
from .measure import Row, compare
from .plan import PACKAGES, Plan
from .process import Other
from .simulated import case

RESULTS = Path(__file__).parents[1] / "results/indices"
_NODES = 16, 12
"""Of the grid that gives the truth of the ODE, and of a coarser one that tells its error."""
PARTS = ("errors", "times")
Say = Callable[[str], None]


def run(plan: Plan, results: Path, parts: Sequence[str] = PARTS) -> None:
    """Measure and write."""
    start = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - start:5.0f} s  {text}", file=sys.stderr, flush=True)

    for part, measured in (("errors", _errors), ("times", _times)):
        if part not in parts:
            continue
        began = time.monotonic()
        with contextlib.ExitStack() as stack:
            others = {name: stack.enter_context(Other(name, part == "times")) for name in PACKAGES}
            for name in [name for name, other in others.items() if not other.version]:
                say(f"{name} is left out: no Python that was found has it (docs/benchmarks.md)")
                del others[name]
            about = machine.describe(describe_devices())
            about["versions"] |= {name: other.version for name, other in others.items()}
            for rows in measured(plan, others, say):
                about["seconds"] = round(time.monotonic() - began)
                found = pd.DataFrame(rows)
                output.write(results, about, *(found if p == part else None for p in PARTS))
    say(f"written to {results}")


def _errors(plan: Plan, others: dict[str, Other], say: Say) -> Iterator[list[Row]]:
    """All rows there are, after each case: a benchmark that is ended has left what it had."""
    rows: list[Row] = []
    for name in plan.cases:
        rows += compare(name, plan, others)
        say(name)
        yield rows


def _times(plan: Plan, others: dict[str, Other], say: Say) -> Iterator[list[Row]]:
    rows = []
    for row in times.measure(plan, others):
        rows.append(row)
        say("{estimate}: {program}, intervals: {intervals}: {ms:.3g} ms".format_map(row))
    yield rows


def find_truths() -> None:
    """Those that have no closed form, to the file: about 5 minutes."""
    found = {"ode": truth.by_quadrature(case("ode"), *_NODES)}
    for name in ("reference", "reference-noise"):
        found[name] = truth.by_pairs(case(name))
    truth.write(found)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.indices", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of results")
    parser.add_argument("--only", choices=PARTS, help="one part; of the other, what was there stays")
    cases = "of the others, what was there stays"
    parser.add_argument("--cases", nargs="+", choices=Plan.cases, default=Plan.cases, help=cases)
    parser.add_argument(
        "--truths", action="store_true", help="find the truths on file anew, and nothing else"
    )
    arguments = parser.parse_args()
    try:
        if arguments.truths:
            find_truths()
        else:
            parts = [arguments.only] if arguments.only else PARTS
            run(Plan(cases=tuple(arguments.cases)), arguments.results, parts)
    except JaxmorphError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
