"""Drawings of states and the notebook's animations."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import EllipseCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from support import ROOT

from jaxmorph.errors import JaxmorphError
from jaxmorph.visualization import (
    CELL_COLOURS,
    NotebookAnimation,
    animate_traj_chem,
    animate_traj_ctype,
    draw_circles_chem,
    draw_circles_ctype,
)


def _state(n_dim: int = 2) -> SimpleNamespace:
    """Three cells of two types and a dead slot."""
    position = np.array([[0, 0, 5], [3, 1, -2], [-2, 4, 1], [9, 9, 9]], float)[:, :n_dim]
    return SimpleNamespace(
        position=position,
        celltype=np.array([[1, 0], [0, 1], [1, 0], [0, 0]], float),
        radius=np.array([[0.5], [1.0], [0.25], [7.0]]),
        chemical=np.array([[0.0, 1.0], [2.0, 1.0], [4.0, 1.0], [99.0, 1.0]]),
    )


def _cells(ax: Axes) -> EllipseCollection:
    """The one collection of circles on the axes."""
    (cells,) = ax.collections
    assert isinstance(cells, EllipseCollection)
    return cells


def _offsets(ax: Axes) -> np.ndarray:
    return np.asarray(_cells(ax).get_offsets(), float)


def _colours(ax: Axes) -> np.ndarray:
    return np.asarray(_cells(ax).get_facecolor(), dtype=float)


def _trajectory() -> SimpleNamespace:
    state, n = _state(), 3
    fields = {name: np.stack([value] * n) for name, value in vars(state).items()}
    fields["position"] = fields["position"] + np.arange(n)[:, None, None]
    fields["radius"] = fields["radius"] * np.arange(1, n + 1)[:, None, None]
    fields["celltype"][2, 3] = [0, 1]
    return SimpleNamespace(**fields)


@pytest.fixture
def ax() -> Axes:
    return Figure().subplots()


def test_circles_are_where_and_as_large_as_the_living_cells(ax: Axes) -> None:
    assert draw_circles_ctype(_state(), ax=ax) is ax
    cells = _cells(ax)
    np.testing.assert_array_equal(_offsets(ax), [[0, 0], [3, 1], [-2, 4]])
    np.testing.assert_array_equal(cells.get_widths(), [1.0, 2.0, 0.5])
    np.testing.assert_array_equal(cells.get_heights(), [1.0, 2.0, 0.5])
    colours = [to_rgba(CELL_COLOURS(k), 0.75) for k in (0, 1, 0)]
    np.testing.assert_allclose(_colours(ax), np.array(colours))


def test_a_circle_of_radius_1_covers_two_units_of_the_axis(ax: Axes) -> None:
    draw_circles_ctype(_state(), ax=ax, alpha=1.0, edgecolor="none")
    ax.set(xlim=(-5, 5), ylim=(-5, 5), xticks=[], yticks=[])
    ax.set_axis_off()
    figure = ax.get_figure(root=True)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    picture = np.asarray(canvas.buffer_rgba())[..., :3].astype(int)
    second_type = np.abs(picture - np.array(to_rgba(CELL_COLOURS(1))[:3]) * 255).max(axis=-1) < 3
    width = np.flatnonzero(second_type.any(axis=0))
    units = (width[-1] - width[0] + 1) / ax.bbox.width * 10
    assert units == pytest.approx(2.0, abs=0.05)


def test_in_three_dimensions_the_higher_cell_is_drawn_last(ax: Axes) -> None:
    draw_circles_ctype(_state(n_dim=3), ax=ax)
    np.testing.assert_array_equal(_offsets(ax), [[3, 1], [-2, 4], [0, 0]])


def test_all_cells_are_in_view(ax: Axes) -> None:
    draw_circles_ctype(_state(), ax=ax)
    assert ax.get_xlim()[0] <= -2.25
    assert ax.get_xlim()[1] >= 4.0
    assert ax.get_ylim()[1] >= 4.25
    assert ax.get_ylim()[1] < 9.0
    assert ax.get_aspect() == 1.0


def test_colours_of_a_chemical_run_from_zero_to_its_largest_living_value(ax: Axes) -> None:
    draw_circles_chem(_state(), chem=0, ax=ax, colorbar=True)
    shown = _colours(ax)[:, :3]
    expected = [matplotlib.colormaps["YlGn"](x)[:3] for x in (0.0, 0.5, 1.0)]
    np.testing.assert_allclose(shown, np.array(expected), atol=0.01)
    assert len(ax.figure.axes) == 2


def test_without_colour_bar_and_with_a_grid(ax: Axes) -> None:
    draw_circles_chem(_state(), chem=1, ax=ax, colorbar=False, grid=True, linewidth=3)
    assert len(ax.figure.axes) == 1
    assert ax.xaxis.get_gridlines()[0].get_visible()
    assert ax.collections[0].get_linewidth() == 3


def test_an_empty_state_draws_nothing(ax: Axes) -> None:
    state = _state()
    state.celltype[:] = 0
    draw_circles_ctype(state, ax=ax)
    assert len(_offsets(ax)) == 0


def test_mistakes_are_named(ax: Axes) -> None:
    with pytest.raises(JaxmorphError, match="no chemical 2: the state has 2, counted from 0"):
        draw_circles_chem(_state(), chem=2, ax=ax)
    with pytest.raises(JaxmorphError, match="pass one state, not a trajectory"):
        draw_circles_ctype(_trajectory(), ax=ax)


@pytest.mark.parametrize("animate", [animate_traj_ctype, animate_traj_chem])
def test_an_animation_moves_one_collection(animate: Callable[..., NotebookAnimation]) -> None:
    animation: Any = animate(_trajectory(), xlim=(-6, 12), ylim=(-5, 13))
    (ax,) = animation._fig.axes
    assert (ax.get_xlim(), ax.get_ylim()) == ((-6, 12), (-5, 13))
    for i, n_cells in enumerate([3, 3, 4]):
        animation._func(i)
        cells = _cells(ax)
        assert len(_offsets(ax)) == n_cells
        np.testing.assert_array_equal(_offsets(ax)[0], [i, i])
        assert np.asarray(cells.get_widths())[0] == i + 1
    animation._draw_was_started = True


def test_a_notebook_shows_a_player_with_all_frames() -> None:
    before = dict(matplotlib.rcParams)
    html = animate_traj_chem(_trajectory(), chem=1, colorbar=True)._repr_html_()
    assert html.count("data:image/png;base64") == 3
    assert dict(matplotlib.rcParams) == before


def test_without_axes_the_current_ones_of_pyplot_are_used() -> None:
    script = (
        "import sys; sys.path[:0] = ['tests', '.']\n"
        "import matplotlib; matplotlib.use('Agg')\n"
        "from matplotlib import pyplot\n"
        "from test_visualization import _state\n"
        "from jaxmorph.visualization import draw_circles_ctype\n"
        "assert draw_circles_ctype(_state()) is pyplot.gca()\n"
        "assert 'jax' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT)
