"""The words that a reader may not know: what each means, and where a text has one.

A term is a link to its meaning at the end of the page, where it stands first in a section. So it works
without a script, by keyboard, and by a tap; the page's script shows the meaning in place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from markupsafe import Markup, escape


@dataclass(frozen=True)
class GlossaryEntry:
    """A word and what it means; ``forms`` are other ways to write it."""

    word: str
    meaning: str
    forms: tuple[str, ...] = ()

    @property
    def anchor(self) -> str:
        """Its place on the page."""
        return "term-" + re.sub(r"[^a-z0-9]+", "-", self.word.lower()).strip("-")


TERMS: tuple[GlossaryEntry, ...] = (
    GlossaryEntry("sample", "One choice of values for all parameters, from their ranges.", ("samples",)),
    GlossaryEntry(
        "seed",
        "One series of random numbers. Every sample is simulated with the same seeds.",
        ("seeds",),
    ),
    GlossaryEntry("parameter", "A number of the model that was varied.", ("parameters",)),
    GlossaryEntry("observable", "A number that is measured in each simulation.", ("observables",)),
    GlossaryEntry(
        "noise",
        "What differs between seeds at the same parameters: chance, that no parameter explains.",
        ("chance",),
    ),
    GlossaryEntry(
        "share",
        "The part of an observable's variance over the parameter ranges, noise averaged out, in which a "
        "parameter is involved, alone or together with others. Shares may add up to more than 100 %.",
        ("shares", "total Sobol index", "total effect"),
    ),
    GlossaryEntry(
        "first-order Sobol index",
        "The part of the variance that a parameter explains alone, whatever the others do.",
        ("first-order index", "first-order"),
    ),
    GlossaryEntry(
        "interaction",
        "What parameters do together, and none of them alone.",
        ("interactions", "second-order index"),
    ),
    GlossaryEntry(
        "elasticity",
        "By how many per cent the observable grows when the parameter grows by 1 %.",
        ("elasticities",),
    ),
    GlossaryEntry(
        "upper bound",
        "The share is not above it. A small bound proves that a parameter hardly matters; one of 1 or "
        "more says nothing.",
        ("upper bound on the total Sobol index",),
    ),
    GlossaryEntry(
        "lower bound", "The share is not below it.", ("lower bound on the total Sobol index",)
    ),
    GlossaryEntry(
        "DGSM",
        "The mean square of the gradient over the ranges (derivative-based global sensitivity measure), "
        "from which bounds on shares are made.",
    ),
    GlossaryEntry(
        "activity score",
        "How far a parameter moves the observable along the few directions in which it varies most.",
    ),
    GlossaryEntry(
        "Shapley effect",
        "A share in which interactions are divided equally among those that act together; these add up "
        "to 100 %.",
        ("Shapley effects",),
    ),
    GlossaryEntry(
        "expansion",
        "A formula in polynomials of the parameters that stands for the simulation. It is judged by "
        "samples that it has not seen.",
    ),
    GlossaryEntry(
        "gradient",
        "How fast an observable changes with a parameter, exactly, in each simulation.",
        ("gradients", "derivative"),
    ),
    GlossaryEntry(
        "interval",
        "It holds the true value in about 95 of 100 such runs.",
        ("intervals", "95 % interval", "95 % intervals"),
    ),
    GlossaryEntry(
        "in size",
        "Without the sign: an observable below zero grows in size when it becomes more negative.",
    ),
)
"""All that the page explains."""

_BY_FORM = {form.lower(): term for term in TERMS for form in (term.word, *term.forms)}
_ANY = re.compile(
    r"(?<![\w-])(" + "|".join(map(re.escape, sorted(_BY_FORM, key=len, reverse=True))) + r")(?![\w-])",
    re.IGNORECASE,
)


@dataclass
class Explained:
    """Marks terms where they stand first; one for each page.

    Attributes:
        said: The terms that this section has explained.
        used: The terms that the page has used, which its end explains.
    """

    said: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)

    def section(self) -> str:
        """A section begins: its terms explain themselves again. Nothing to write."""
        self.said.clear()
        return ""

    def mark(self, text: object) -> Markup:
        """The text as HTML, with the terms that this section has not had as links."""
        told, parts, end = str(escape(text)), [], 0
        for found in _ANY.finditer(told):
            term = _BY_FORM[found[0].lower()]
            if term.word in self.said:
                continue
            self.said.add(term.word)
            self.used.add(term.word)
            parts += [told[end : found.start()], _link(term, found[0])]
            end = found.end()
        return Markup("".join([*parts, told[end:]]))

    def terms(self) -> list[GlossaryEntry]:
        """Those that the page has used, in their order."""
        return [term for term in TERMS if term.word in self.used]


def _link(term: GlossaryEntry, text: str) -> str:
    return (
        f'<a class="term" href="#{term.anchor}" aria-describedby="{term.anchor}"><dfn>{text}</dfn></a>'
    )
