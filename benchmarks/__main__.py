"""Runs the benchmark and writes tables, a figure and the machine's description: ``make bench``."""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from jaxmorph.errors import JaxmorphError

from . import output
from .measure import Row, compare, compare_jax, scalings
from .plan import PEERS, Plan
from .processes import ROOT, Processes
from .task import Case

RESULTS = Path(__file__).parent / "results"
OTHER = ROOT / ".venv-other/bin/python"
_SAID = "measured program mode computes cells parameters simulations ms memory_mb build_s times_faster"


def run(plan: Plan, peers: Sequence[str], results: Path, other: Path) -> Path:
    """Measure everything; the folder of this kind of machine, with what was written.

    ``other`` is a Python with the other JAX of the lock file, which is left out if it is not there.

    Raises:
        JaxmorphError: If jaxmorph and a peer do not compute the same; nothing is written then.
    """
    start = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - start:5.0f} s  {text}", file=sys.stderr, flush=True)

    parts: list[Callable[[Processes], Iterator[Row]]] = [partial(compare, peer, plan) for peer in peers]
    if other.exists():
        parts.append(partial(compare_jax, str(other), plan))
    else:
        say(f"{other} is not there: the other JAX of the lock file is left out (make other)")
    parts.append(partial(scalings, peers, plan))
    rows = []
    with tempfile.TemporaryDirectory(prefix="jaxmorph-benchmark-") as folder:
        with Processes(Path(folder), output.usable_cpus()) as probe:
            about = probe.ask("about", Case("engine", plan.task))
        described = output.describe(about["kind"])
        for part in parts:
            with Processes(Path(folder), about["devices"], about["platform"] == "cpu") as processes:
                for row in part(processes):
                    rows.append(row)
                    said = {k: row[k] for k in _SAID.split() if k in row}.items()
                    say(", ".join(f"{v:.3g} {k}" if isinstance(v, float) else str(v) for k, v in said))
    described["seconds"] = round(time.monotonic() - start)
    where = results / output.kind(described)
    output.write(where, described, rows)
    say(f"written to {where}")
    return where


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--peers", nargs="*", choices=list(PEERS), default=list(PEERS))
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of results")
    parser.add_argument("--other", type=Path, default=OTHER, help="a Python with the other JAX")
    arguments = parser.parse_args()
    try:
        run(Plan(), arguments.peers, arguments.results, arguments.other)
    except JaxmorphError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
