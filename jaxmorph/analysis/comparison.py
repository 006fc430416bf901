"""Several runs beside each other."""

from __future__ import annotations

import functools
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from .. import figures, report
from ..errors import JaxmorphError
from ..figures import comparison as drawn
from ..jobs.compare import Compared, differences_of
from .result import Analysis, show_figures
from .result import open as open_analysis

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Comparison:
    """Runs that are held against the first. In a notebook it shows what differs.

    Args:
        names: Of the runs, the first one first.
        analyses: The runs, which are kept with their files.

    Attributes:
        dataset: Estimates of each run along ``run``, and differences from the first along ``other``.
    """

    def __init__(self, names: list[str], analyses: list[Analysis]):
        self.names, self._analyses = names, analyses
        runs = zip(names, analyses, strict=True)
        self.dataset = differences_of([Compared(name, one.specs, one.folder) for name, one in runs])

    @functools.cached_property
    def findings(self) -> list[str]:
        """What differs, a sentence a line."""
        return report.findings_of_comparison(self.dataset)

    @property
    def plot(self) -> ComparisonPlots:
        """Every figure of the comparison: ``comparison.plot.means()``."""
        return ComparisonPlots(self)

    def report(self, path: str | Path) -> Path:
        """Write the page: one file that needs no other.

        Args:
            path: The HTML file.
        """
        path = Path(path)
        report.write_comparison(path, " and ".join(self.names), self.dataset)
        return path

    def _repr_html_(self) -> str:
        lines = "".join(f"<li>{escape(line)}</li>" for line in self.findings)
        return f"<div><ul>{lines}</ul>{figures.as_svg(self.plot.mean_differences())}</div>"

    def __repr__(self) -> str:
        return "\n".join(self.findings)


class ComparisonPlots:
    """The figures of a comparison, each a function of its name that gives a Matplotlib figure."""

    def __init__(self, comparison: Comparison):
        self._comparison = comparison
        self.names = list(drawn.FIGURES)
        show_figures()

    def __getattr__(self, name: str) -> Callable[[], Figure]:
        if name.startswith("_") or name not in self.names:
            raise AttributeError(f"there is no figure {name}: choose one of {', '.join(self.names)}")
        return lambda: drawn.draw(name, self._comparison.dataset)[0]

    def __dir__(self) -> list[str]:
        return [*self.names]

    def __repr__(self) -> str:
        return f"figures: {', '.join(f'{name}()' for name in self.names)}"


def compare(*runs: Analysis | str | Path, names: list[str] | None = None) -> Comparison:
    """Hold runs against the first of them.

    Where two runs have the same points of the design, seeds and random key, differences are taken
    simulation by simulation (common random numbers), which makes them sharp; else errors of both add.

    Args:
        *runs: Two or more: what :func:`analyse` or :func:`open` gave, or folders ``results/<run>``.
        names: What they are called; default: the names of the runs.

    Raises:
        JaxmorphError: There are fewer than two, a folder has no finished run, names are not distinct, or
            two runs share no observable or no time.
    """
    if len(runs) < 2:
        raise JaxmorphError(f"compare needs two or more runs, not {len(runs)}")
    made = [one if isinstance(one, Analysis) else open_analysis(one) for one in runs]
    called = [one.name for one in made] if names is None else list(names)
    if len(called) != len(made):
        raise JaxmorphError(f"names = {called}: must name each of {len(made)} runs")
    if twice := [name for i, name in enumerate(called) if name in called[:i]]:
        raise JaxmorphError(f"two of the runs are called {twice[0]}; give names=[...], each its own")
    return Comparison(called, made)
