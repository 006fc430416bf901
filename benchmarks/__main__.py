"""Runs the benchmark and writes tables, a figure and the machine's description: ``make bench``."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from jaxmorph.errors import JaxmorphError

from . import machine, output
from .comparisons import PEERS, compare, comparison
from .plan import Plan
from .processes import Host, Share, Worker
from .scalings import all_scalings

RESULTS = Path(__file__).parent / "results"


def run(plan: Plan, peers: list[str], results: Path) -> Path:
    """Measure everything; the folder of this kind of machine, with what was written.

    Raises:
        JaxmorphError: If jaxmorph and a peer do not compute the same; nothing is written then.
    """
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="jaxmorph-benchmark-") as name:
        folder = Path(name)
        n_cpus = machine.usable_cpus()
        with Worker(Share(n_cpus), folder) as worker:
            about = worker.about
        host = Host(about["devices"], about["platform"] == "cpu", folder)
        described = machine.describe(about)
        say(start, f"{described['devices']}, {described['cpu']}")
        compared, settings = [], []
        for peer in peers:
            say(start, f"beside {PEERS[peer]}")
            rows, tried = compare(comparison(peer, plan.task), plan, host)
            compared += rows
            settings += tried
            for row in rows:
                say(start, f"  {row['computed']}: {row['times_faster']:.3g} times faster")
        scaled = []
        for row in all_scalings(plan, host, peers):
            scaled.append(row)
            say(start, "  " + output.short(row))
    described["seconds"] = round(time.monotonic() - start)
    where = results / machine.kind(described)
    output.write(where, described, compared, settings, scaled)
    say(start, f"written to {where}")
    return where


def say(start: float, text: str) -> None:
    """A line of progress, with the time so far."""
    print(f"{time.monotonic() - start:5.0f} s  {text}", file=sys.stderr, flush=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--peers", nargs="*", choices=list(PEERS), default=list(PEERS))
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of results")
    arguments = parser.parse_args()
    try:
        run(Plan(), arguments.peers, arguments.results)
    except JaxmorphError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
