"""The job that draws the figures of a run, and what they say of themselves in Snakemake's own report."""

import contextlib
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

from .. import figures, store
from ..configuration.identity import Identity
from ..configuration.look import Figures
from ..configuration.sections import Findings
from ..configuration.specify import Specifications
from ..figures.stated import stated
from ..integrity import list_files

logger = logging.getLogger("jaxmorph")


def draw_figures(
    names: Iterable[str],
    sensitivity: str,
    checks: str | None,
    optimisation: str | None,
    findings: Findings,
    folder: Path,
    look: Figures | None = None,
    specs: Specifications | None = None,
) -> None:
    """Draw figures, and save each with its data; files that would be the same stay as they are.

    ``specs``: what the files must have been made of; None: whatever they were.
    """
    of: Mapping[str, Identity] = {} if specs is None else specs.identities
    checked = stated(store.read_given(checks, "checks", of.get("checks")), findings.time)
    others = checked, store.read_given(optimisation, "optimisation", of.get("optimisation"))
    made: list[Path] = []
    with (
        store.open_dataset(sensitivity, "sensitivity", of.get("sensitivity")) as opened,
        figures.looking(look),
    ):
        for name in names:
            # A copy forgets what it has read, so that no more than what one needs is in memory.
            data = stated(opened.copy(), findings.time)
            try:
                figure, table = figures.draw(name, data, *others)
                made += figures.save_figure(figure, table, folder / name)
            except Exception as error:
                error.add_note(f"while the figure {name} was drawn")
                raise
            logger.info("%s: drawn", name)
    list_files(folder, made)


def captions(run_name: str, names: Iterable[str], findings: Findings, folder: Path) -> dict[str, str]:
    """Captions of figures in reStructuredText, by what the files in the run's ``folder`` have."""
    with contextlib.ExitStack() as opened:
        given = {
            kind: stated(opened.enter_context(store.open_dataset(path, kind)), findings.time)
            for kind in ("sensitivity", "checks", "optimisation")
            if (path := folder / f"{kind}.nc").is_file()
        }
        told = {name: figures.caption(name, **given) for name in names}
    return {
        name: f"**{one.title}.** {one.reading} {one.bias}".rstrip()
        + f"\n\nRun ``{run_name}``; the numbers are in ``{name}.csv``.\n"
        for name, one in told.items()
    }
