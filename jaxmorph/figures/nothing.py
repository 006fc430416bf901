"""What is drawn for a figure that this run has no data for: why that is so."""

from __future__ import annotations

import textwrap

import pandas as pd
from matplotlib.figure import Figure

from . import style


def draw(title: str, reason: str) -> tuple[Figure, pd.DataFrame]:
    """A strip with the title and the reason, and a table of one row with the reason."""
    with style.style():
        lines = textwrap.wrap(f"Nothing to draw: {reason}.", style.characters(style.width_mm() - 8))
        height = 0.45 + 0.15 * len(lines)
        figure = style.new_figure(height)
        figure.text(0.02, 1 - 0.19 / height, title, fontsize=style.size(1), weight="bold", va="center")
        figure.text(0.02, 1 - 0.34 / height, "\n".join(lines), color=style.GREY, va="top")
    return figure, pd.DataFrame({"nothing_drawn": [reason]})
