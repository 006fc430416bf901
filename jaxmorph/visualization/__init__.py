"""Draw states of cells, and animate trajectories, in a notebook or a script.

Cells are circles in two dimensions and lit spheres in three, coloured by type or by any field of
the state. ``draw_circles_ctype``, ``draw_circles_chem``, ``animate_traj_ctype`` and
``animate_traj_chem`` are those of the reference notebook.
"""

from .artists import Background
from .cells import animate_cells, draw_cells
from .colours import CELL_COLOURS, Colour
from .course import Course
from .notebook import (
    animate_traj_chem,
    animate_traj_ctype,
    draw_circles_chem,
    draw_circles_ctype,
)
from .player import NotebookAnimation
from .spheres import Camera

__all__ = [
    "CELL_COLOURS",
    "Background",
    "Camera",
    "Colour",
    "Course",
    "NotebookAnimation",
    "animate_cells",
    "animate_traj_chem",
    "animate_traj_ctype",
    "draw_cells",
    "draw_circles_chem",
    "draw_circles_ctype",
]
