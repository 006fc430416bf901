"""Where the first cells of a study are."""

import numpy as np
from jaxtyping import Float


def grid_ball(n_cells: int, n_dim: int) -> Float[np.ndarray, "cell dim"]:
    """The ``n_cells`` points of a grid of spacing 1 that are nearest to the origin, the nearest first.

    The origin is a point of the grid, or the middle of a square (cube), as the number of cells decides.
    """
    side = int(np.ceil(n_cells ** (1 / n_dim))) + 2
    grid = np.stack(np.meshgrid(*[np.arange(side)] * n_dim, indexing="ij"), -1)
    points = grid.reshape(-1, n_dim) - (side - 1) / 2
    return points[np.argsort(np.linalg.norm(points, axis=1), kind="stable")[:n_cells]]
