"""Where the parts of a figure lie, and the shape of data that leaves least room."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

LARGEST: dict[str, Any] = {
    "n_parameters": 12,
    "n_observables": 8,
    "n_samples": 8,
    "n_times": 3,
    "n_seeds": 4,
}


def check_arrangement(figure: Figure) -> None:
    """Labels are inside the page and legible, and no panel lies on another."""
    figure.draw_without_rendering()
    for ax in figure.axes:
        for text in _texts(ax):
            box = text.get_window_extent()
            assert figure.bbox.padded(1).containsx(box.x0), text
            assert figure.bbox.padded(1).containsx(box.x1), text
            assert figure.bbox.padded(1).containsy(box.y0), text
            assert figure.bbox.padded(1).containsy(box.y1), text
            assert float(text.get_fontsize()) >= 5
    panels = [ax.get_window_extent() for ax in figure.axes]
    for i, one in enumerate(panels):
        assert not any(one.overlaps(other.padded(-1)) for other in panels[i + 1 :])


def _texts(ax: Axes) -> list[Text]:
    """Title and labels of an axes, without the tick labels that lie outside its view."""
    found = [ax.title, ax.xaxis.label, ax.yaxis.label]
    for axis, place in ((ax.xaxis, 0), (ax.yaxis, 1)):
        low, high = sorted(axis.get_view_interval())
        labels = axis.get_ticklabels()
        found += [text for text in labels if low <= text.get_position()[place] <= high]
    return [text for text in found if text.get_text() and text.get_visible()]
