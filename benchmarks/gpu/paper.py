"""Launches and bytes on a GPU, counted in compiled programs: ``python -m benchmarks.gpu.paper``.

A simulation runs step after step, each in some kernels, which read what the last one wrote. So few
simulations wait for launches, and many for the memory; where the two are equal, a GPU begins to be full.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from jax.sharding import Sharding

from jaxmorph.configuration import read_configuration
from jaxmorph.engine import GradientArguments
from jaxmorph.engine.estimators import WantedMode
from jaxmorph.studies import Problem, load_problem, load_study

from ..processes import ROOT
from ..task import Task
from .compiled import compiled, gpu
from .kernels import count
from .studies import TISSUES
from .text import table
from .throughput import Row, in_one_line

LAUNCH_S, BYTES_PER_S = 2e-6, 4.8e12
"""Of a kernel in a stream, as a rule; of an H200's memory, by its data sheet."""
_SHAPE = 32, 32
"""Samples and seeds that programs are compiled for; bytes grow in proportion."""
_MODES: tuple[WantedMode, ...] = ("none", "reverse", "forward")


class _Case(NamedTuple):
    study: str
    problem: Problem
    mode: WantedMode
    how: GradientArguments


def cases(studies: Sequence[str]) -> Iterator[_Case]:
    """The task of the benchmark; other studies; tissues by the estimators of ``config/tissues.yaml``."""
    for study in studies:
        if study in TISSUES:
            run = read_configuration(ROOT / "config/tissues.yaml").runs[TISSUES[study]]
            problem = load_problem(run.study, run.settings, dict(run.parameters))
            yield _Case(study, problem, "none", {})
            yield _Case(study, problem, "auto", {"estimator": run.estimator, "smoothing": run.smoothing})
        elif study == "reference":
            yield from (_Case(study, Task().problem(), mode, {}) for mode in _MODES)
        else:
            varied = [p.name for p in load_study(study).parameters]
            problem = load_problem(study, {}, dict.fromkeys(varied, "default"))
            yield from (_Case(study, problem, mode, {}) for mode in _MODES)


def counted(case: _Case, place: Sharding) -> Row:
    """A row of one program."""
    row: Row = {"study": case.study, "mode": case.how.get("estimator", case.mode)}
    start = time.perf_counter()
    try:
        program = compiled(case.problem, case.mode, _SHAPE, place, case.how)
    except Exception as error:
        return row | {"why": in_one_line(error)}
    whole, n = count(program.as_text()), _SHAPE[0] * _SHAPE[1]
    launches, moved = whole.launches * LAUNCH_S, whole.moved / n / BYTES_PER_S
    return row | {
        "kernels": round(whole.launches),
        "MB": whole.moved / n / 1e6,
        "launches ms": 1e3 * launches,
        "bytes us": 1e6 * moved,
        "equal at": round(launches / moved),
        "us at 2^16": 1e6 * max(launches / 2**16, moved),
        "unknown": whole.unknown or "",
        "kB held": program.memory_analysis().temp_size_in_bytes / n / 1e3,
        "compiled s": time.perf_counter() - start,
    }


def main() -> None:
    """Print the rows as Markdown."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.gpu.paper", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("studies", nargs="*", default=["reference", "ornstein-uhlenbeck", *TISSUES])
    place = gpu()
    rows = []
    for case in cases(parser.parse_args().studies):
        rows.append(counted(case, place))
        print(rows[-1], file=sys.stderr, flush=True)
    print(table(rows, list(dict.fromkeys(name for row in rows for name in row))))


if __name__ == "__main__":
    main()
