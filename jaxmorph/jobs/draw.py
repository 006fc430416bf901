"""The job that draws the figures of a run, and what they say of themselves in Snakemake's own report."""

import logging
from collections.abc import Iterable
from pathlib import Path

from .. import figures, store

logger = logging.getLogger("jaxmorph")


def draw_figures(
    names: Iterable[str],
    sensitivity: str,
    checks: str | None,
    optimisation: str | None,
    folder: Path,
) -> None:
    """Draw figures, and save each with its data; files that would be the same stay as they are."""
    others = store.read_given(checks, "checks"), store.read_given(optimisation, "optimisation")
    for name in names:
        # Opened for each, so that no more than what one of them needs is in memory.
        with store.open_dataset(sensitivity, "sensitivity") as data:
            try:
                figure, table = figures.draw(name, data, *others)
                figures.save_figure(figure, table, folder / name)
            except Exception as error:
                error.add_note(f"while the figure {name} was drawn")
                raise
        logger.info("%s: drawn", name)


def caption(run_name: str, figure: str, folder: Path) -> str:
    """The caption of a figure in reStructuredText, by what the files in its run's ``folder`` have."""
    entry = figures.CATALOGUE[figure]
    has, bias = set[str](), ""
    for kind in ("sensitivity", "checks", "optimisation"):
        path = folder / f"{kind}.nc"
        if path.is_file():
            with store.open_dataset(path, kind) as data:
                has |= set(map(str, data.variables))
                if entry.source.startswith(path.name):
                    bias = figures.bias(figure, data)
    text = " ".join([f"**{entry.title}.** {entry.told(has)}", *([f"{bias}."] if bias else [])])
    return f"{text}\n\nRun ``{run_name}``; the numbers are in ``{figure}.csv``.\n"
