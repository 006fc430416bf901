"""How long a film takes: ``python -m benchmarks.films``; one number a kind of film, in seconds.

1,000 cells that move, grow and are born, at 200 times, to an MP4.
"""

import argparse
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from jaxmorph.visualization import Background, Colour, animate_cells


def trajectory(n_cells: int, n_times: int, n_dim: int) -> SimpleNamespace:
    """Cells in a ball that expands; a quarter of them is born one by one."""
    rng = np.random.default_rng(0)
    direction = rng.normal(size=(n_cells, n_dim))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    place = direction * rng.uniform(size=(n_cells, 1)) ** (1 / n_dim)
    size = 0.55 * n_cells ** (1 / n_dim)
    growth = np.linspace(0.8, 1.0, n_times)[:, None, None]
    radius = 0.5 * growth * rng.uniform(0.8, 1.1, (1, n_cells, 1))
    celltype = np.ones((n_times, n_cells, 1))
    born = np.linspace(-3 * n_times, n_times - 1, n_cells)
    celltype[np.arange(n_times)[:, None] < born] = 0
    return SimpleNamespace(
        position=size * growth * place,
        radius=radius,
        celltype=celltype,
        pressure=place[None, :, :1] * growth,
    )


def _kernel(points: np.ndarray, positions: np.ndarray, strengths: np.ndarray) -> np.ndarray:
    squared = (points**2).sum(1)[:, None] + (positions**2).sum(1) - 2 * points @ positions.T
    return np.exp(-np.sqrt(np.maximum(squared, 0)) / 3) @ strengths


def main() -> None:
    """Time the films and print the numbers."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.films", description=__doc__)
    parser.add_argument("--cells", type=int, default=1000)
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--kinds", nargs="+", default=["circles", "spheres", "background"])
    arguments = parser.parse_args()
    for kind in arguments.kinds:
        cells = trajectory(arguments.cells, arguments.frames, 3 if kind == "spheres" else 2)
        strength = np.abs(cells.pressure[..., 0])
        field = Background(_kernel, strength) if kind == "background" else None
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            film = animate_cells(cells, Colour("pressure"), background=field)
            film.save(Path(folder) / "film.mp4")
        elapsed = time.perf_counter() - start
        print(f"{kind}: {arguments.cells} cells x {arguments.frames} frames in {elapsed:.1f} s")


if __name__ == "__main__":
    main()
