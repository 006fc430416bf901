"""The job that draws a figure. It imports no more than that: a run has a dozen of them."""

import contextlib

from .. import figures, store


def draw_figure(
    name: str, sensitivity: str | None, checks: str | None, optimisation: str | None, stem: str
) -> None:
    """Draw one figure and save it with its data; it needs only the files that it is drawn from."""
    with contextlib.ExitStack() as opened:
        data = None
        if sensitivity:
            data = opened.enter_context(store.open_dataset(sensitivity, "sensitivity"))
        figure, table = figures.draw(
            name,
            data,
            store.read_given(checks, "checks"),
            store.read_given(optimisation, "optimisation"),
        )
    figures.save_figure(figure, table, stem)
