"""Cells coloured by any field, spheres, fields behind, courses beside: against what is known of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import imageio_ffmpeg
import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
import pytest
from matplotlib.collections import EllipseCollection
from matplotlib.colors import LogNorm, Normalize, to_rgba
from matplotlib.figure import Figure
from matplotlib.quiver import Quiver
from support import synthetic

from jaxmorph import Sequential, animations, simulate
from jaxmorph.animations import sheet
from jaxmorph.env import CellDivision, LineageState
from jaxmorph.errors import JaxmorphError
from jaxmorph.figures.style import DIVERGING
from jaxmorph.visualization import (
    CELL_COLOURS,
    Background,
    Camera,
    Colour,
    Course,
    animate_cells,
    draw_cells,
)
from jaxmorph.visualization.spheres import View, picture
from jaxmorph.visualization.tissue import picture as tissue_picture


def _trajectory(n_dim: int = 2) -> SimpleNamespace:
    """Three times, four slots: the last is born at the second time, the first dies at the last."""
    place = np.array([[0, 0, 5], [3, 1, -2], [-2, 4, 1], [1, -3, 0]], float)[:, :n_dim]
    celltype = np.zeros((3, 4, 2))
    celltype[:, [0, 2], 0] = 1
    celltype[:, [1, 3], 1] = 1
    celltype[0, 3] = celltype[2, 0] = 0
    return SimpleNamespace(
        position=place + np.arange(3)[:, None, None],
        radius=np.array([0.5, 1.0, 0.25, 0.5])[None, :, None] * np.arange(1, 4)[:, None, None],
        celltype=celltype,
        pressure=np.array([[9.0, 1, 2, -99], [9, 3, 4, 5], [99, 6, 7, 8]])[..., None],
        chemical=np.arange(24.0).reshape(3, 4, 2),
        clone=np.array([[1, 7, 1, 0], [1, 7, 1, 7], [1, 7, 1, 7]]),
    )


def _at(i: int, n_dim: int = 2) -> SimpleNamespace:
    return SimpleNamespace(**{name: array[i] for name, array in vars(_trajectory(n_dim)).items()})


def _drawn(ax: Any) -> tuple[np.ndarray, np.ndarray]:
    """Places and colours of the circles, one collection of all."""
    (cells,) = [c for c in ax.collections if isinstance(c, EllipseCollection)]
    return np.asarray(cells.get_offsets(), float), np.asarray(cells.get_facecolor(), float)


def test_colours_are_those_of_the_map_and_limits_those_of_living_cells_at_all_times() -> None:
    film: Any = animate_cells(_trajectory(), "pressure")
    (ax,) = film._fig.axes
    viridis = matplotlib.colormaps["viridis"]
    limits = ax.get_xlim(), ax.get_ylim()
    for i, alive in enumerate([[0, 1, 2], [0, 1, 2, 3], [1, 2, 3]]):
        film._func(i)
        place, colours = _drawn(ax)
        np.testing.assert_array_equal(place, _trajectory().position[i][alive])
        values = _trajectory().pressure[i, alive, 0]
        np.testing.assert_allclose(colours, viridis((values - 1) / (9 - 1)))  # neither -99 nor 99
        assert (ax.get_xlim(), ax.get_ylim()) == limits
    assert np.ptp(limits[0]) == pytest.approx(np.ptp(limits[1])), "a square"
    bar = ax.child_axes[0]
    assert bar.get_ylabel() == "pressure"
    assert bar.get_ylim() == (1, 9)
    film._draw_was_started = True


def test_both_signs_are_even_around_zero_and_what_is_not_finite_is_grey() -> None:
    state = _at(1)
    state.pressure = np.array([-1.0, 4.0, 0.0, np.nan])
    ax = draw_cells(state, Colour("pressure", unit="kPa"), ax=Figure().subplots())
    _, colours = _drawn(ax)
    np.testing.assert_allclose(colours[:3], DIVERGING([0.375, 1.0, 0.5]))
    np.testing.assert_allclose(colours[3], to_rgba("#BBBBBB"))
    assert ax.child_axes[0].get_ylabel() == "pressure (kPa)"


@pytest.mark.parametrize(
    ("norm", "shares"), [(Normalize(0, 10), [0.9, 0.3, 0.4, 0.5]), (LogNorm(1, 81), None)]
)
def test_given_limits_and_values_are_used(norm: Normalize, shares: list[float] | None) -> None:
    values = np.array([9.0, 3.0, 4.0, 5.0])
    ax = draw_cells(_at(1), Colour(values, norm=norm, cmap="cividis", label="x"), ax=Figure().subplots())
    expected = matplotlib.colormaps["cividis"](shares or np.log(values) / np.log(81))
    np.testing.assert_allclose(_drawn(ax)[1], expected)


def test_categories_have_one_colour_each_and_a_legend() -> None:
    ax = draw_cells(_at(1), "clone", ax=Figure(layout="constrained").subplots())
    colours = _drawn(ax)[1]
    np.testing.assert_allclose(colours[:, :3], [to_rgba(CELL_COLOURS(k))[:3] for k in (0, 1, 0, 1)])
    (legend,) = ax.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["clone 1", "clone 7"]
    many = draw_cells(
        _at(1), Colour(np.arange(4) * 5, categorical=True), ax=Figure(layout="constrained").subplots()
    )
    assert len(np.unique(_drawn(many)[1], axis=0)) == 4


def test_a_lineage_is_coloured_by_age_and_by_clone() -> None:
    apart = 5.0 * jnp.eye(2)
    state = LineageState.founders(
        apart,
        jnp.ones((2, 1)),
        jnp.full((2, 1), 0.5),
        n_slots=4,
        division_rate=jnp.array([[0.0], [1e9]]),
    )
    model, key = Sequential([CellDivision(axis=jnp.array([1.0, 0.0]))]), jax.random.PRNGKey(0)
    tree = simulate(model, state, key, 1, history=True)
    one = jax.tree.map(lambda x: x[-1], tree)
    viridis = matplotlib.colormaps["viridis"]
    for colour, expected in (
        ("age", viridis([1.0, 0.0, 0.0])),
        ("clone", [CELL_COLOURS(i) for i in (0, 1, 1)]),
    ):
        ax = draw_cells(one, colour, Figure().subplots())
        np.testing.assert_allclose(_drawn(ax)[1][:, :3], np.asarray(expected)[:, :3])


@pytest.mark.parametrize(
    ("colour", "message"),
    [
        ("presure", "colour = presure: the state has no such field; did you mean pressure?"),
        ("chemical", r"chemical has 2 columns; write chemical\[0\] to chemical\[1\]"),
        ("chemical[2]", "chemical has columns 0 to 1"),
        (Colour(np.zeros(3)), r"the values have shape \(3,\); it must be one a cell, \(4,\)"),
    ],
)
def test_mistakes_are_named(colour: Any, message: str) -> None:
    with pytest.raises(JaxmorphError, match=message):
        draw_cells(_at(1), colour, ax=Figure().subplots())


def test_a_sphere_faces_the_light_in_its_own_colour_and_covers_its_disc() -> None:
    picture_, seen = picture(
        np.zeros((1, 3)), np.ones(1), np.array([[0.2, 0.6, 0.4]]), (-2, 2, -2, 2), (400, 400), 1.0
    )
    np.testing.assert_allclose(seen, 1, atol=0.01)
    assert picture_[..., 3].mean() / 255 == pytest.approx(np.pi / 16, abs=0.002)
    brightest = picture_[..., :3].reshape(-1, 3).max(0)
    np.testing.assert_allclose(brightest, [51, 153, 102], atol=1)
    row, column = np.unravel_index(picture_[..., 1].argmax(), (400, 400))
    assert row > 200 > column, "the light comes from the upper left (row 0 is the lowest)"


def test_spheres_that_overlap_meet_where_they_do_in_space() -> None:
    place = np.array([[-0.5, 0, 0], [0.5, 0, 0.0]])
    image, seen = picture(
        place, np.ones(2), np.array([[1.0, 0, 0], [0, 0, 1.0]]), (-2, 2, -2, 2), (200, 200), 1.0
    )
    red, blue = image[100, :, 0].astype(int), image[100, :, 2].astype(int)
    assert (red[60:98] > blue[60:98]).all(), "left of the plane between them"
    assert (blue[102:140] > red[102:140]).all()
    np.testing.assert_allclose(seen[0], seen[1], atol=0.01)
    hidden = picture(
        np.array([[0, 0, -9.0], [0, 0, 0]]), np.ones(2), np.eye(3)[:2], (-2, 2, -2, 2), (50, 50), 9.0
    )
    assert hidden[1][0] == 0


def test_cells_in_the_plane_have_their_colours_and_meet_on_their_radical_line() -> None:
    colours = np.array([[0.2, 0.6, 0.4], [0.8, 0.2, 0.2]])
    place, radius = np.array([[-0.6, 0.0], [0.6, 0.0]]), np.array([0.9, 0.6])
    picture_ = tissue_picture(place, radius, colours, (-2, 2, -2, 2), (800, 800))
    shown = picture_.astype(int)
    assert shown[400, 40].tolist() == [0, 0, 0, 0], "nothing where no cell is"
    for cell, columns in ((0, slice(150, 430)), (1, slice(450, 600))):
        brightest = shown[330:560, columns, :3].reshape(-1, 3).max(0)
        np.testing.assert_allclose(brightest, 255 * colours[cell], atol=2)
    greens = shown[400, :, 1] - shown[400, :, 0]
    meet = np.flatnonzero(np.diff((greens > 0).astype(int)) == -1)[0] + 1
    # x with 0.81 - (x + 0.6)^2 = 0.36 - (x - 0.6)^2
    assert meet == pytest.approx(400 + 200 * 0.1875, abs=1.5)
    alone = tissue_picture(place[:1], radius[:1], colours[:1], (-2, 2, -2, 2), (800, 800))
    assert alone[..., 3].sum() / 255 / 200**2 == pytest.approx(np.pi * 0.81, rel=2e-3)
    assert alone[400, 400 - 120 - 179, :3].max() < 0.6 * 153, "an outline"
    row, column = np.unravel_index(alone[..., 1].argmax(), (800, 800))
    assert row > 400 and column < 300, "the light comes from the upper left (row 0 is the lowest)"


def test_a_cell_beyond_the_picture_or_beneath_another_harms_nothing() -> None:
    place = np.array([[0.0, 0.0], [0.0, 0.0], [9.0, 9.0], [-2.0, 0.0]])
    colours = np.tile([[0.5, 0.5, 0.5, 1.0]], (4, 1))
    shown = tissue_picture(place, np.array([1.0, 1.0, 1.0, 0.5]), colours, (-2, 2, -1, 1), (100, 200))
    assert shown.shape == (100, 200, 4)
    assert shown[50, 5, 3] == 255 and shown[5, 5, 3] == 0


def test_a_camera_from_above_shows_x_to_the_right_and_y_up() -> None:
    view = View(Camera(azimuth=-90, elevation=90), np.zeros(3), 1.0)
    np.testing.assert_allclose(view.project(np.eye(3))[0], np.eye(3), atol=1e-12)
    near = View(Camera(-90, 90, perspective=0.5), np.zeros(3), 1.0).project(np.array([[1.0, 0, 1.0]]))
    np.testing.assert_allclose((near[0][0, 0], near[1][0]), (2, 2))


def test_a_film_of_spheres_has_only_the_living(tmp_path: Path) -> None:
    film: Any = animate_cells(_trajectory(3), Colour("clone"), camera=Camera(-90, 90))
    ax = film._fig.axes[0]
    film._func(2)
    shown = np.asarray(ax.images[0].get_array())
    covered = (shown[..., 3] > 127).mean() * (ax.get_xlim()[1] - ax.get_xlim()[0]) ** 2
    radius = 3 * np.array([1.0, 0.25, 0.5])
    assert covered == pytest.approx(np.pi * (radius**2).sum(), rel=0.03)
    film.save(tmp_path / "film.mp4")
    assert imageio_ffmpeg.count_frames_and_secs(str(tmp_path / "film.mp4"))[0] == 3


@pytest.mark.filterwarnings("error")
def test_a_film_is_saved_beside_jax_without_a_warning(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    """JAX warns of a process that is forked: it may never end."""
    jnp.zeros(3).block_until_ready()
    animate_cells(_trajectory()).save(tmp_path / "film.mp4")
    assert not recwarn.list


def test_arrows_are_those_of_living_cells() -> None:
    state = _at(0)
    ax = draw_cells(state, arrows=np.ones((4, 2)) * [[3], [1], [1], [50]], ax=Figure().subplots())
    (quiver,) = [c for c in ax.collections if isinstance(c, Quiver)]
    assert np.asarray(quiver.Umask).tolist() == [False, False, False, True]
    np.testing.assert_array_equal(np.asarray(quiver.U)[:3], [3, 1, 1])
    assert any("longest arrow: 4.24" in text.get_text() for text in ax.texts)


@pytest.mark.parametrize("n_dim", [2, 3])
def test_arrows_end_within_the_view(n_dim: int) -> None:
    """Each arrow points away from the middle, from a cell of radius 1 where the view of cells ends."""
    outward = np.concatenate([np.eye(n_dim), -np.eye(n_dim)])
    state = SimpleNamespace(
        position=4 * outward, celltype=np.ones((2 * n_dim, 1)), radius=np.ones((2 * n_dim, 1))
    )
    ax = draw_cells(state, arrows=outward, camera=Camera(-90, 90), ax=Figure().subplots())
    tips = 6.5  # from the middle: the longest arrows are 2.5 radii long
    for low, high in (ax.get_xlim(), ax.get_ylim()):
        assert low < -tips and high > tips


def test_the_field_behind_is_the_sum_of_living_sources_with_fixed_limits() -> None:
    def field(points: np.ndarray, position: np.ndarray, strength: np.ndarray) -> np.ndarray:
        squared = ((points[:, None] - position[None]) ** 2).sum(-1)
        return np.exp(-squared) @ strength

    look = Background(field, np.full((3, 4), 2.0), label="c", unit="M", resolution=40)
    film: Any = animate_cells(_trajectory(), background=look)
    (ax,) = film._fig.axes
    (image,) = ax.images
    ends = image.get_clim()
    film._func(0)
    shown = np.asarray(image.get_array())
    (left, right), (lower, upper) = ax.get_xlim(), ax.get_ylim()
    x = np.linspace(left, right, 81)[1::2]
    y = np.linspace(lower, upper, 81)[1::2]
    sources = _trajectory().position[0, :3]  # the fourth is not born
    expected = 2 * sum(np.exp(-((x[None] - a) ** 2) - (y[:, None] - b) ** 2) for a, b in sources)
    np.testing.assert_allclose(shown, expected, atol=1e-12)
    film._func(2)
    assert image.get_clim() == ends
    assert ax.child_axes[0].get_ylabel() == "c (M)"
    film._draw_was_started = True
    with pytest.raises(JaxmorphError, match="in 2 dimensions"):
        draw_cells(_at(0, 3), background=look, ax=Figure().subplots())


def test_a_course_moves_beside_the_cells() -> None:
    time = np.array([0.0, 1.0, 2.0])
    value = np.array([[0.0, 2.0, 4.0], [0.0, 4.0, 8.0]])
    course = Course(time, value, {"a": value / 2}, "size", unit="m", gradient_label="d size / d a")
    film: Any = animate_cells(_trajectory(), course=course, time=time)
    _, upper, lower = film._fig.axes
    film._func(1)
    assert upper.collections[-1].get_offsets().tolist() == [[1.0, 2.0]]
    assert lower.collections[-1].get_offsets()[0, 1] == pytest.approx(1.5), "the mean over seeds"
    assert upper.lines[-1].get_xdata() == [1.0, 1.0], "the marker"
    assert upper.get_ylabel() == "size (m)"
    band = upper.collections[0].get_paths()[0].vertices
    assert band[:, 1].max() == pytest.approx(4 + 0.9 * 4)
    film._draw_was_started = True


@pytest.mark.parametrize("n_dim", [2, 3])
def test_no_cells_at_all_are_an_empty_picture(n_dim: int) -> None:
    state = _trajectory(n_dim)
    state.celltype[:] = 0
    film: Any = animate_cells(state, "pressure")
    film._func(1)
    film._draw_was_started = True


def _coloured() -> Any:
    batch = synthetic.batch()
    batch["pressure"] = batch["radius"] * 2
    batch["pressure"].attrs = {"units": "kPa", "long_name": "pressure"}
    return batch


FILMS: dict[str, Callable[[Path], None]] = {
    "field": lambda path: animations.cells_animation(_coloured(), path, colour="pressure"),
    "beside": lambda path: animations.cells_animation(_coloured(), path, observable="mean_distance"),
    "corners": lambda path: animations.corners_animation(synthetic.corners(), path, colour="radius"),
}


@pytest.mark.parametrize("make", FILMS.values(), ids=FILMS.keys())
def test_films_of_a_run(
    make: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheet, "MOVING_FRAMES", 3)
    make(tmp_path / "film.mp4")
    frames = imageio_ffmpeg.count_frames_and_secs(str(tmp_path / "film.mp4"))[0]
    assert frames == 3 + sheet.RESTING_FRAMES


def test_an_unknown_field_or_observable_of_a_film_is_named(tmp_path: Path) -> None:
    with pytest.raises(JaxmorphError, match=r"colour = presure: .* did you mean pressure?"):
        animations.cells_animation(_coloured(), tmp_path / "film.mp4", colour="presure")
    with pytest.raises(JaxmorphError, match="no observable size; known: mean_distance"):
        animations.cells_animation(_coloured(), tmp_path / "film.mp4", observable="size")
