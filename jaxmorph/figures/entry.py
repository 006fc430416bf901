"""What a figure says of itself: its heading, how to read it, and the NetCDF variables behind it."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from ..listing import joined
from ..quantities import literal


@dataclass(frozen=True)
class Entry:
    """One figure or film.

    Each figure's module declares one as ``ENTRY``, an expression of literals: it is read without
    importing the module, because the workflow reads it whenever it is parsed (:func:`read_entry`).

    Attributes:
        place: Its place in the report.
        title: Its heading.
        reading: How to read it: a Jinja template, in which the name of each variable that the run has is
            true (``{% if noise_share %} The grey bar is the noise.{% endif %}``), ``{{ when }}`` is the
            time at which findings are stated, ``{{ over }}`` says what its intervals are over (``over
            samples and seeds``), ``bounded`` whether there are any.
        variables: What it is made from; an asterisk stands for anything.
        source: The file that has them.
        part: The part of the report that it belongs to.
        needs: A run that has none of these has nothing to draw. Why the last of them is absent is said
            in the file, where it is an estimate.
        otherwise: The same for what is no estimate.
        design: The only method of design that has this figure; none: every one.
        n_parameters: The only number of parameters that has it; 0: every one.
    """

    place: int
    title: str
    reading: str
    variables: tuple[str, ...]
    source: str = "sensitivity.nc"
    part: str = "overview"
    needs: tuple[str, ...] = ()
    otherwise: str = ""
    design: str = ""
    n_parameters: int = 0

    def told(self, has: Collection[str], when: str = "the last time") -> str:
        """How to read the figure of a run that ``has`` these variables, and states findings ``when``."""
        from jinja2 import Template

        parts = [part for part in ("samples", "seeds") if self._varies(part, has)]
        about = {"over": f"over {joined(parts)}", "bounded": self._bounded(has), "when": when}
        text = Template(self.reading).render(dict.fromkeys(has, True), **about)
        return " ".join(text.split())

    def _varies(self, part: str, has: Collection[str]) -> bool:
        """Whether the choice of samples, or of seeds, is a part of its intervals."""
        return any(fnmatchcase(n, f"{one}_se_{part}") for n in has for one in self.variables)

    def _bounded(self, has: Collection[str]) -> bool:
        """Whether anything that it shows has an interval."""
        shown = (n for n in has if any(fnmatchcase(n, one) for one in self.variables))
        return any(f"{name.split('_by_')[0]}_low" in has for name in shown)

    def sources(self, has: Iterable[str]) -> list[str]:
        """Those of its variables, with the ends of their intervals, that a run has."""
        wanted = [f"{name}{end}" for name in self.variables for end in ("", "_low", "_high")]
        there = sorted(has)
        return [name for one in wanted for name in there if fnmatchcase(name, one)]

    def lacks(self, has: Iterable[str]) -> bool:
        """Whether none of what it needs is there."""
        return bool(self.needs) and not any(fnmatchcase(n, one) for n in has for one in self.needs)


def read_entry(module: Path) -> Entry | None:
    """The entry that a module declares; None: it draws no figure."""
    for node in ast.parse(module.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "ENTRY":
            assert isinstance(node.value, ast.Call), f"{module}: ENTRY is not an Entry(...)"
            entry: Entry = literal(node.value, Entry)
            return entry
    return None
