"""What is drawn for a figure that this run has no data for: why that is so."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from . import style


def draw(title: str, reason: str) -> tuple[Figure, pd.DataFrame]:
    """A strip with the title and the reason, and a table of one row with the reason."""
    with style.style():
        figure = style.new_figure(0.6)
        figure.text(0.02, 0.68, title, fontsize=8.5, weight="bold", va="center")
        figure.text(0.02, 0.3, f"Nothing to draw: {reason}.", color=style.GREY, va="center")
    return figure, pd.DataFrame({"nothing_drawn": [reason]})
