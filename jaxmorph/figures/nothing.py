"""What is drawn for a figure that this run has no data for: why that is so."""

from __future__ import annotations

import textwrap

import pandas as pd
from matplotlib.figure import Figure

from . import style

_WIDTH = 110
"""Characters of a line."""


def draw(title: str, reason: str) -> tuple[Figure, pd.DataFrame]:
    """A strip with the title and the reason, and a table of one row with the reason."""
    lines = textwrap.wrap(f"Nothing to draw: {reason}.", _WIDTH)
    with style.style():
        height = 0.45 + 0.15 * len(lines)
        figure = style.new_figure(height)
        figure.text(0.02, 1 - 0.19 / height, title, fontsize=8.5, weight="bold", va="center")
        figure.text(0.02, 1 - 0.34 / height, "\n".join(lines), color=style.GREY, va="top")
    return figure, pd.DataFrame({"nothing_drawn": [reason]})
