"""Time of a step against the number of cells, by kernels, with neighbour lists and with all pairs.

    python -m benchmarks.clusters [--cells 1000 3000 10000 20000] [--simulations 1] [--modes none]
        [--forces kernels lists] [--dimensions 3] [--all-observables]

The reference study at one density: cells of radius 0.3 that grow by little, a range of 2.5 contact
distances. A step is one growth and 10 Brownian substeps, in one program of the engine; what is observed
is so at the start and at the end.
"""

import argparse
import contextlib
import math
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Literal, get_args
from unittest import mock

import numpy as np

from jaxmorph.engine import batch, pair_rules
from jaxmorph.engine.estimators import WantedMode
from jaxmorph.engine.pieces import Piece, compile_piece, evaluate_piece
from jaxmorph.engine.ways import choose
from jaxmorph.env.mechanics import listed
from jaxmorph.studies import Problem, load_problem

from .task import PARAMETERS, cluster_settings

Forces = Literal["kernels", "lists", "all"]
FORCES: tuple[Forces, ...] = get_args(Forces)
MODES: tuple[WantedMode, ...] = ("none", "forward", "reverse")
Watched = list[str] | Literal["all"]


def problem(n_cells: int, n_steps: int, n_dim: int, watched: Watched) -> Problem:
    """Cells on the area (volume) that touching cells would fill, one record at each end."""
    settings = {
        "n_cells": n_cells,
        "n_steps": n_steps,
        "record_every": n_steps,
        **cluster_settings(n_cells, n_dim),
    }
    return load_problem("reference", settings, dict.fromkeys(PARAMETERS, "default"), watched)


def measure(
    n_cells: int,
    mode: WantedMode = "none",
    *,
    n_simulations: int = 1,
    forces: Forces = "kernels",
    n_dim: int = 2,
    watched: Watched,
    n_steps: int = 10,
    repeats: int = 3,
) -> float:
    """Seconds of one step of one simulation, the best of ``repeats``.

    Args:
        n_cells: Number of cells.
        mode: Gradients in all 6 parameters, or none.
        n_simulations: How many one program evaluates together.
        forces: By kernels, which jobs on CPUs take; by operations of JAX on neighbour lists, as on
            GPUs; or by those on all pairs.
        n_dim: Dimensions of space.
        watched: What is observed.
        n_steps: Steps of the simulation.
        repeats: How often it is timed.
    """
    study = problem(n_cells, n_steps, n_dim, watched)
    samples = np.array([[p.default for p in study.study.parameters]])
    way = choose(study, mode, "pathwise", 0.0, 0)
    seeds = np.arange(n_simulations)
    with (
        _only(forces),
        batch.on_pairs(study, way.single, samples, seeds, 0, way.simulates) as (function, keys),
    ):
        program = compile_piece(function, samples, keys, (1, n_simulations), math.inf)
        seconds = []
        for _ in range(repeats + 1):
            start = time.perf_counter()
            leaves = evaluate_piece(program, samples, keys, Piece(0, 1, 0, n_simulations))
            seconds.append(time.perf_counter() - start)
    if not all(np.isfinite(leaf).all() for leaf in leaves):
        raise SystemExit(f"{n_cells} cells, {mode}: the result is not finite")
    return min(seconds[1:]) / n_steps / n_simulations


@contextlib.contextmanager
def _only(forces: Forces) -> Iterator[None]:
    """No other way to sum forces."""
    if forces == "kernels":
        yield
        return
    # A list that is no shorter than all pairs would not be taken either.
    crossover, dearer = (0, 0) if forces == "lists" else (sys.maxsize, listed.DEARER)
    with (
        mock.patch.object(pair_rules, "_can_fuse", lambda *_: False),
        mock.patch.object(listed, "CROSSOVER", crossover),
        mock.patch.object(listed, "DEARER", dearer),
    ):
        yield


def exponent(n_cells: Sequence[int], seconds: Sequence[float]) -> float:
    """Of the power of the number of cells with which the time grows, by least squares."""
    return float(np.polyfit(np.log(n_cells), np.log(seconds), 1)[0])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, nargs="+", default=[1000, 3000, 10_000, 20_000])
    parser.add_argument("--forces", nargs="+", choices=FORCES, default=("kernels",))
    parser.add_argument("--modes", nargs="+", choices=MODES, default=MODES)
    parser.add_argument("--simulations", type=int, default=1)
    parser.add_argument("--dimensions", type=int, choices=(2, 3), default=2)
    parser.add_argument("--all-observables", action="store_true", help="not the mean distance alone")
    arguments = parser.parse_args()
    watched: Watched = "all" if arguments.all_observables else ["mean_distance"]
    print("| mode | forces | cells | ms a step and simulation |\n|---|---|---|---|")
    for mode in arguments.modes:
        for forces in arguments.forces:
            seconds = []
            for n_cells in arguments.cells:
                taken = measure(
                    n_cells,
                    mode,
                    n_simulations=arguments.simulations,
                    forces=forces,
                    n_dim=arguments.dimensions,
                    watched=watched,
                )
                seconds.append(taken)
                print(f"| {mode} | {forces} | {n_cells:,} | {1e3 * taken:.3g} |", flush=True)
            if len(seconds) > 1:
                print(f"| {mode} | {forces} | exponent | {exponent(arguments.cells, seconds):.2f} |")


if __name__ == "__main__":
    main()
