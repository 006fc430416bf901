"""Large clusters by several ways to sum forces, and films: functions to call in Python."""

import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from jaxmorph.visualization import Background, Colour, animate_cells

from .processes import Processes
from .task import Case, Task, cluster_settings


def clusters(
    cells: tuple[int, ...] = (1000, 3000, 10_000, 20_000),
    forces: tuple[str, ...] = ("kernels",),
    modes: tuple[str, ...] = ("none", "forward", "reverse"),
    simulations: int = 1,
    dimensions: int = 2,
    all_observables: bool = False,
) -> None:
    """Time of a step against the number of cells, on one core in double precision.

    The reference study at one density: cells of radius 0.3 that grow by little, a range of 2.5 contact
    distances. A step is one growth and 10 Brownian ones. Observed is the mean distance at the end, or
    all at both ends. Forces are by ``kernels``, by ``lists``, or of ``all`` pairs.
    """
    ends = {"recorded": "ends"} if all_observables else {}
    task = Task(steps=10, precision="float64", samples=1, seeds=simulations).but(**ends)
    print("| mode | forces | cells | ms a step and simulation |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, Processes(Path(folder), 1) as processes:
        for mode, by in ((m, f) for m in modes for f in forces):
            found = []
            for n in cells:
                sized = task.but(cells=n, settings=cluster_settings(n, dimensions))
                case = Case("engine", sized, {"mode": mode, "forces": by})
                seconds = min(processes.ask("call", case) for _ in range(4))
                found.append(1e3 * seconds / task.steps / simulations)
                print(f"| {mode} | {by} | {n:,} | {found[-1]:.3g} |", flush=True)
            if len(found) > 1:
                power = np.polyfit(np.log(cells), np.log(found), 1)[0]
                print(f"| {mode} | {by} | exponent | {power:.2f} |")


def films(
    cells: int = 1000, frames: int = 200, kinds: tuple[str, ...] = ("circles", "spheres", "background")
) -> None:
    """How long films take, to an MP4: cells in a ball that move and grow, a quarter of which is born."""
    for kind in kinds:
        rng, dim = np.random.default_rng(0), 3 if kind == "spheres" else 2
        direction = rng.normal(size=(cells, dim))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        place = direction * rng.uniform(size=(cells, 1)) ** (1 / dim)
        growth = np.linspace(0.8, 1.0, frames)[:, None, None]
        born = np.linspace(-3 * frames, frames - 1, cells)
        trajectory = SimpleNamespace(
            position=0.55 * cells ** (1 / dim) * growth * place,
            radius=0.5 * growth * rng.uniform(0.8, 1.1, (1, cells, 1)),
            celltype=(np.arange(frames)[:, None] >= born).astype(float)[..., None],
            pressure=place[None, :, :1] * growth,
        )
        strength = np.abs(trajectory.pressure[..., 0])
        field = Background(_field, strength) if kind == "background" else None
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            film = animate_cells(trajectory, Colour("pressure"), background=field)
            film.save(Path(folder) / "film.mp4")
        print(f"{kind}: {cells} cells x {frames} frames in {time.perf_counter() - start:.1f} s")


def _field(points: np.ndarray, positions: np.ndarray, strengths: np.ndarray) -> np.ndarray:
    squared = (points**2).sum(1)[:, None] + (positions**2).sum(1) - 2 * points @ positions.T
    return np.exp(-np.sqrt(np.maximum(squared, 0)) / 3) @ strengths
