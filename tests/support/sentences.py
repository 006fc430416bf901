"""The forms that the sentences of a report have, and what each says, as numbers and names.

All wording that tests of sentences know is here: whoever rewrites a sentence changes its form, and the
claims that a form makes are then held against the dataset by ``support.claims``. A sentence that has no
form is an error, so that none is without a test.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

_SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
_PLAIN = r"(?:−?\d[\d.]*(?: × 10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?|−?∞)"
NUMBER = (
    rf"(?:\({_PLAIN} ± {_PLAIN}\) × 10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+|{_PLAIN} ± {_PLAIN}|"
    rf"{_PLAIN} \({_PLAIN} to {_PLAIN}\)|{_PLAIN})"
)
SHARE = (
    r"(?:less than 1 %|at most \d+ %|at least \d+ %|anything up to 100 %|\d+ to \d+ %|"
    r"\d+ % \(\d+ to \d+ %\)|\d+ %)"
)
UNKNOWN = "an unknown size"
DOUBT = ", not to be trusted"
_ABOUT_NOISE = {
    "Nothing is left to chance: the study has no noise.": "no noise",
    "Nothing is left to chance: all seeds give the same values.": "none of any",
}


_MANY = 10**12
"""Of which a sentence says that they are more than ten million."""


class NoForm(AssertionError):
    """A sentence that no form has."""


def spoken(name: object) -> str:
    """A name as a sentence has it."""
    return str(name).replace("_", " ")


@dataclass(frozen=True)
class Told:
    """A number of a sentence, with its interval where it has one; ``unit`` of its last digit."""

    value: float
    low: float | None
    high: float | None
    unit: float
    unit_of_ends: float

    def says(self, value: float, low: float, high: float) -> bool:
        """Whether it is this number with this interval, as far as it has digits."""
        if not _near(self.value, value, self.unit):
            return False
        if self.low is None or self.high is None:
            return True
        if self.lopsided:
            return _near(self.low, low, self.unit_of_ends) and _near(self.high, high, self.unit_of_ends)
        return _near((self.high - self.low) / 2, (high - low) / 2, self.unit_of_ends)

    @property
    def holds_zero(self) -> bool | None:
        """Whether zero is in its interval; None without one."""
        if self.low is None or self.high is None:
            return None
        return self.low <= 0 <= self.high

    @property
    def lopsided(self) -> bool:
        """Whether both ends were told."""
        return self.low is not None and abs(self.low + (self.high or 0) - 2 * self.value) > 1e-9 * abs(
            self.value
        )


def _near(told: float, value: float, unit: float) -> bool:
    if not np.isfinite(value) or not np.isfinite(told):
        return bool(told == value)
    return abs(told - value) <= 0.5 * unit * 1.001 + 1e-12 * abs(value)


def _digits(text: str) -> tuple[float, float]:
    """A number and the unit of its last digit; zeros at the end of a whole one may be none of its."""
    mantissa, _, power = text.replace("−", "-").partition(" × 10")
    factor = 10.0 ** int(power.translate(_SUPERSCRIPTS)) if power else 1.0
    if mantissa in ("∞", "-∞"):
        return float(mantissa.replace("∞", "inf")), 0.0
    whole, _, decimals = mantissa.partition(".")
    zeros = len(whole) - len(whole.rstrip("0")) if not decimals and whole.strip("-0") else 0
    return float(mantissa) * factor, factor * 10.0 ** (zeros - len(decimals))


def number(text: str) -> Told:
    """What a number with its uncertainty says."""
    if found := re.fullmatch(rf"\(({_PLAIN}) ± ({_PLAIN})\)( × 10.+)", text):
        value, half = (_digits(found[i] + found[3]) for i in (1, 2))
        unit = min(value[1], half[1])
        return Told(value[0], value[0] - half[0], value[0] + half[0], unit, half[1])
    if found := re.fullmatch(rf"({_PLAIN}) ± ({_PLAIN})", text):
        value, half = _digits(found[1]), _digits(found[2])
        unit = min(value[1], half[1]) if value[0] else half[1]
        return Told(value[0], value[0] - half[0], value[0] + half[0], unit, half[1])
    if found := re.fullmatch(rf"({_PLAIN}) \(({_PLAIN}) to ({_PLAIN})\)", text):
        value, low, high = (_digits(found[i]) for i in (1, 2, 3))
        return Told(value[0], low[0], high[0], value[1], max(low[1], high[1]))
    value = _digits(text)
    return Told(value[0], None, None, value[1], 0.0)


@dataclass(frozen=True)
class Share:
    """A share in percent: a number, an interval (``low`` to ``high``) or both; ``under`` 1 %."""

    value: float | None
    low: float | None
    high: float | None
    under: bool = False


_SHARES: dict[str, Callable[..., Share]] = {
    "less than 1 %": lambda: Share(None, None, None, under=True),
    "anything up to 100 %": lambda: Share(None, 0.0, 100.0),
    r"at most (\d+) %": lambda high: Share(None, 0.0, high),
    r"at least (\d+) %": lambda low: Share(None, low, 100.0),
    r"(\d+) to (\d+) %": lambda low, high: Share(None, low, high),
    r"(\d+) % \((\d+) to (\d+) %\)": Share,
    r"(\d+) %": lambda value: Share(value, None, None),
}


def share(text: str) -> Share:
    """What a share in percent says."""
    for form, made in _SHARES.items():
        if found := re.fullmatch(form, text):
            return made(*map(float, found.groups()))
    raise NoForm(text)


@dataclass(frozen=True)
class Size:
    """A parameter, what is said of its size, and whether that is doubted."""

    parameter: str
    text: str
    doubted: bool


@dataclass(frozen=True)
class Claim:
    """What one form says: its kind, and what it names."""

    kind: str
    sizes: tuple[Size, ...] = ()
    parameters: tuple[str, ...] = ()
    observables: tuple[str, ...] = ()
    text: str = ""
    number: int = 0


class Reader:
    """Knows the names of one dataset, and reads its sentences."""

    def __init__(self, data: xr.Dataset):
        self.parameters = [spoken(p) for p in data["parameter"].values]
        self.observables = [spoken(o) for o in data["observable"].values]
        one_p = "|".join(map(re.escape, sorted(self.parameters, key=len, reverse=True)))
        one_o = "|".join(map(re.escape, sorted(self.observables, key=len, reverse=True)))
        self.p = rf"(?:\|(?:{one_p})\||(?:{one_p}))"
        self.o = rf"(?:{one_o})"
        self.ps, self.os = self._list(self.p), self._list(self.o)

    @staticmethod
    def _list(one: str, last: str = "and") -> str:
        return rf"{one}(?:, {one})*(?:(?:, \d+ more)? {last} (?:{one}|\d+ more))?"

    def named(self, text: str) -> tuple[str, ...]:
        """The parameters of a list."""
        return tuple(re.findall(self.p, text))

    def seen(self, text: str) -> tuple[str, ...]:
        """The observables of a list."""
        return tuple(re.findall(self.o, text))

    # What is said of each observable.

    def of_observable(self, text: str) -> list[Claim]:
        """The claims of what stands after the name of an observable, and of its details."""
        if not text.endswith("."):
            raise NoForm(text)
        claims = []
        if text.startswith(begin := "with this one seed "):
            claims.append(Claim("one seed"))
            text = text.removeprefix(begin)
        for part in text.removesuffix(".").split(". "):
            claims += self._part(part)
        return claims

    def _part(self, part: str) -> list[Claim]:
        for kind, form in (
            ("not ranked", r"is not ranked: (?P<text>.*), and (?:one seed with noise|this design) gives "
             "no other measure of size"),
            ("constant", "does not depend on any parameter"),
            ("follows none", "follows no parameter in a way that can be told from zero"),
            ("survivors", r"All of this is of survivors: (?P<text>.*) of the simulations are left out "
             "as not finite"),
            ("open order", rf"Which of (?P<ps>{self.ps}) matters most is open"),
            ("mixed", rf"Over the design, (?P<ps>{self.ps}) acts? in either direction"),
            ("unseen", rf"(?P<ps>{self.ps}) ha(?:s|ve) an effect that (?P<text>.*) do(?:es)? not tell "
             "from zero"),
            ("no direction", "No direction is told: (?P<text>elasticities .*)"),
            ("many negligible", rf"(?P<text>\d+) of {len(self.parameters)} parameters hardly matter: "
             r"each share is below (?P<n>\d+) %"),
            ("many independent", rf"No dependence on (?P<text>\d+) of {len(self.parameters)} parameters "
             r"is found by a test whose level is (?P<n>\d+) % for the run"),
            ("negligible", rf"(?P<ps>{self.ps}) hardly matters?: (?:its share is|each share is) below "
             r"(?P<n>\d+) %"),
            ("independent", rf"No dependence on (?P<ps>{self.ps}) is found by a test whose level is "
             r"(?P<n>\d+) % for the run"),
        ):  # fmt: skip
            if found := re.fullmatch(form, part):
                groups = found.groupdict()
                return [Claim(
                    kind, parameters=self.named(groups.get("ps") or ""), text=groups.get("text") or "",
                    number=int(groups.get("n") or 0),
                )]  # fmt: skip
        return self._sizes(part)

    def _sizes(self, part: str) -> list[Claim]:
        part, more = self._more(part)
        claims = [Claim("more", number=more)] if more else []
        for kind, form in (
            ("most", rf"follows ({self.p})(?: most)?, with (.*)"),
            ("together", rf"follows ({self.p}) with (.*)"),
        ):
            if found := re.fullmatch(form, part):
                label, rest = self._label(found[2])
                sizes = self._series(
                    rf"({self.p}) with (?:elasticity )?({SHARE}|{NUMBER}|{UNKNOWN})({DOUBT})?",
                    f"{found[1]} with {rest}".replace(", then ", ", "),
                )
                label = "" if label == "a share of" else label
                return [Claim("measured", sizes, text=label), Claim(kind, sizes[:1]), *claims]
        return self._directions(part) + claims

    @staticmethod
    def _label(text: str) -> tuple[str, str]:
        """What sizes are measured by, and they."""
        found = re.match(
            r"(?:(a share of|[^\d−∞(]*?(?:\([^)]*\))?[^\d−∞(]*?) )??"
            rf"(?={SHARE}|{NUMBER}|{UNKNOWN}|elasticity )",
            text,
        )
        if found is None:
            raise NoForm(text)
        return found[1] or "", text[found.end() :]

    @staticmethod
    def _more(part: str) -> tuple[str, int]:
        found = re.fullmatch(r"(.*) \((\d+) more (?:are|is) smaller\)", part)
        return (found[1], int(found[2])) if found else (part, 0)

    def _all(self, text: str) -> tuple[Size, ...]:
        one = rf"({self.p}) \((?:elasticity )?({NUMBER}|{SHARE})(?: on average)?({DOUBT})?\)"
        return self._series(one, text)

    @staticmethod
    def _series(one: str, text: str) -> tuple[Size, ...]:
        plain = one.replace("(?:", "\0").replace("(", "(?:").replace("\0", "(?:").replace(r"\(?:", r"\(")
        if not re.fullmatch(rf"{plain}(?:, {plain})*(?: and {plain})?", text):
            raise NoForm(text)
        return tuple(Size(p, size, bool(doubt)) for p, size, doubt in re.findall(one, text))

    def _directions(self, part: str) -> list[Claim]:
        """``It grows with ..., shrinks in size with ... and depends on ...``."""
        part = part.removeprefix("It ")
        if found := re.fullmatch(
            rf"(?:(.*)(?:,| and) )?depends on ((?:{self.p}(?:{DOUBT})?)(?:.*))", part
        ):
            one = rf"({self.p})({DOUBT})?(?:, | and |$)"
            if re.sub(one, "", found[2]):
                raise NoForm(part)
            sizes = tuple(Size(p, "", bool(doubt)) for p, doubt in re.findall(one, found[2]))
            return [*(self._directions(found[1]) if found[1] else []), Claim("depends on", sizes)]
        begin = r"(grows in size|shrinks in size|grows|shrinks|goes both ways) with "
        places = [m.start() for m in re.finditer(rf"(?:(?<=^)|(?<=, )|(?<= and )){begin}", part)]
        if not places or places[0] != 0:
            raise NoForm(part)
        claims = []
        for start, stop in zip(places, [*places[1:], len(part)], strict=True):
            verb = re.match(begin, part[start:])
            assert verb is not None
            text = part[start + verb.end() : stop]
            if stop < len(part):
                text = re.sub(r"(?:,| and) $", "", text).removesuffix(", ").removesuffix(" and ")
            claims.append(Claim(verb[1], self._all(text)))
        return claims

    # What is said of the whole run.

    def leading(self, text: str) -> list[Claim]:
        """The first sentence of all."""
        claims = []
        if text.endswith(end := " The gradients behind this are not to be trusted."):
            claims.append(Claim("doubted"))
            text = text.removesuffix(end)
        for kind, form in (
            ("one seed", "One seed has no uncertainty: which effects are real cannot be said."),
            ("nothing ranked", "Nothing is ranked: (?P<text>.*), and this design gives no other measure "
             "of size."),
            ("no effect", "No parameter has an effect that can be told from zero."),
            ("untold", rf"Which of (?P<ps>{self.ps}) matters most for each observable is open\."),
            ("untold", rf"(?P<ps>{self.ps}) matter most for {self.o}; which of them more is open\."),
        ):  # fmt: skip
            if found := re.fullmatch(form, text):
                groups = found.groupdict()
                names = self.named(groups.get("ps") or "")
                return [Claim(kind, parameters=names, text=groups.get("text") or ""), *claims]
        where = (
            rf"every observable|\d+ of \d+ observables|{self.o}(?: and {self.o}(?! (?:matters|for)))?"
        )
        one = rf"({self.p}) (?:matters most )?for ({where})"
        plain = rf"{self.p} (?:matters most )?for (?:{where})"
        if not re.fullmatch(rf"{plain}(?:, {plain})*(?: and {plain})?\.", text):
            raise NoForm(text)
        return [*(self._leads(p, of) for p, of in re.findall(one, text)), *claims]

    def _leads(self, parameter: str, where: str) -> Claim:
        """That a parameter matters most for one or two observables, or for so many."""
        if where == "every observable":
            return Claim("leads", parameters=(parameter,), number=len(self.observables))
        if found := re.fullmatch(r"(\d+) of \d+ observables", where):
            return Claim("leads", parameters=(parameter,), number=int(found[1]))
        return Claim("leads", parameters=(parameter,), observables=self.seen(where))

    def answer(self, text: str) -> list[Claim]:
        """The second and third sentence of the page."""
        if text in _ABOUT_NOISE:
            return [Claim(_ABOUT_NOISE[text])]
        where = rf"(every observable|\d+ of \d+ observables|{self.os})"
        if found := re.fullmatch(
            rf"What matters most for {where} is still open: ({self._list(self.p, 'or')})\.", text
        ):
            seen = self.seen(found[1])
            return [Claim("still open", (), self.named(found[2]), seen, found[1])]
        if found := re.fullmatch(
            rf"No effect of ({self.ps}) on (?:any observable|{self.o}) can be told from zero\.", text
        ):
            return [Claim("inert", parameters=self.named(found[1]))]
        return self._chance(text) or self.leading(text)

    def _chance(self, text: str) -> list[Claim]:
        part = r"(\d+ %|less than 1 %|nothing)"
        begin = rf"Chance makes up {part} of how single simulations differ"
        if found := re.fullmatch(rf"{begin} in ({self.o}), and {part} in ({self.o})\.", text):
            most, least = Size("", found[1], False), Size("", found[3], False)
            return [
                Claim("most chance", (most,), observables=(found[2],)),
                Claim("least chance", (least,), observables=(found[4],)),
            ]
        if found := re.fullmatch(rf"{begin}\.", text):
            return [Claim("chance", (Size("", found[1], False),))]
        return []

    def over_time(self, text: str, times: Sequence[str]) -> list[Claim]:
        """A finding over time; ``text`` of a claim is a stretch of the recorded ``times``."""
        t = one_of(times)
        if re.fullmatch(r"\d+ more such findings are in the sections of the observables\.", text):
            return []
        size = (
            rf"(?:is largest (?P<peak>at the beginning|at (?:{t})|between (?:{t}) and (?:{t}))"
            rf"(?:, and less than a tenth of that from (?P<gone>{t}) on)?|comes late: until "
            rf"(?P<late>{t}) it is less than a tenth of what it becomes)"
        )
        if found := re.fullmatch(rf"The effect of ({self.p}) on ({self.o}) {size}\.", text):
            names, rest = (found[1], found[2]), found
            claims = []
        else:
            found = re.fullmatch(
                rf"({self.p}) (?:changes the direction in which it moves ({self.o}) (?:once|\d+ times)|"
                rf"((?:raises|lowers) ({self.o}) .*?))(?:; its effect {size})?\.", text,
            )  # fmt: skip
            if found is None:
                raise NoForm(text)
            names, rest = (found[1], found[2] or found[4]), found
            stretch = (
                rf"(raises|lowers) (?:it|{self.o}) (until (?:{t})|from (?:{t}) to (?:{t})|from (?:{t}) "
                rf"on|at (?:{t}))"
            )
            if re.sub(rf"{stretch}|, | and ", "", found[3] or ""):
                raise NoForm(text)
            claims = [
                Claim(verb, (), names[:1], names[1:], when)
                for verb, when in re.findall(stretch, found[3] or "")
            ]
        for kind in ("peak", "gone", "late"):
            if rest[kind]:
                claims.append(Claim(kind, (), names[:1], names[1:], rest[kind]))
        return claims

    def of_run(self, text: str) -> list[Claim]:
        """A paragraph on the whole run: noise, trust, convergence, one experiment."""
        for reader in (
            self._noise,
            self._acts_on_noise,
            self._trust,
            self._convergence,
            self._experiment,
        ):
            if (claims := reader(text)) is not None:
                return claims
        raise NoForm(text)

    def _noise(self, text: str) -> list[Claim] | None:
        if text == "The study has no noise: there is nothing for seeds to average out.":
            return [Claim("no noise")]
        if text == "All seeds give the same values: there is no noise.":
            return [Claim("none of any")]
        found = re.fullmatch(r"Noise between seeds makes up (?P<rest>.*)\.", text)
        if found is None:
            return None
        rest, claims = found["rest"], []
        if quiet := re.fullmatch(rf"(.*?) and none of that of ({self.os})", rest):
            claims.append(Claim("quiet", observables=self.seen(quiet[2])))
            rest = quiet[1]
        if two := re.fullmatch(
            rf"from ({SHARE}) of the variance of ({self.o}) to ({SHARE}) of that of ({self.o})", rest
        ):
            return [*claims, Claim("least noise", (Size("", two[1], False),), observables=(two[2],)),
                    Claim("most noise", (Size("", two[3], False),), observables=(two[4],))]  # fmt: skip
        if one := re.fullmatch(rf"({SHARE}) of the variance(?: of ({self.o}))?", rest):
            where = one[2] or self.observables[0]
            return [*claims, Claim("only noise", (Size("", one[1], False),), observables=(where,))]
        raise NoForm(text)

    def _acts_on_noise(self, text: str) -> list[Claim] | None:
        found = re.fullmatch(r"The spread between seeds changes with parameters: (.*)\.", text)
        if found is None:
            return None
        claims = []
        for part in found[1].split("; "):
            if re.fullmatch(r"\d+ more such pairs are in the figure of noise", part):
                continue
            one = re.fullmatch(
                rf"({self.p}) (widens|narrows) that of ({self.o}) \(elasticity ({NUMBER})"
                r"(, its mean not as far as can be told)?\)", part,
            )  # fmt: skip
            if one is None:
                raise NoForm(part)
            kind = "changes noise alone" if one[5] else "changes noise"
            claims.append(
                Claim(kind, (Size(one[1], one[4], False),), observables=(one[3],), text=one[2])
            )
        return claims

    def _trust(self, text: str) -> list[Claim] | None:
        if found := re.fullmatch(r"Not to be trusted: the gradients of (.*)\.", text):
            claims = []
            for part in found[1].split("; "):
                one = re.fullmatch(rf"({self.os}) with respect to (every parameter|{self.ps})", part)
                if one is None:
                    raise NoForm(part)
                every = one[2] == "every parameter"
                of = tuple(self.parameters) if every else self.named(one[2])
                claims.append(Claim("distrusted", parameters=of, observables=self.seen(one[1])))
            return claims
        if found := re.fullmatch(
            r"Not resolved, for too few samples or too steep slopes: whether (.*) a jump "
            r"\(gradient_missing_error\)\.", text,
        ):  # fmt: skip
            pairs = re.findall(rf"of ({self.o}) with respect to ({self.p})", found[1])
            if found[1] == "any gradient misses":
                pairs = [(o, p) for o in self.observables for p in self.parameters]
            return [Claim("unresolved", parameters=(p,), observables=(o,)) for o, p in pairs]
        return None

    def _convergence(self, text: str) -> list[Claim] | None:
        if text == "There are too few samples or seeds to say whether anything has converged.":
            return [Claim("too few")]
        if found := re.fullmatch(r"Converged, of what is not made from these gradients: (.*)\.", text):
            return [Claim("all converged", text=found[1])]
        if found := re.fullmatch(r"Converged: (.*)\. Of the other estimates it is not said\.", text):
            return [Claim("all converged", text=found[1])]
        if found := re.fullmatch(
            r"Not converged: (.*)\. The report's table of convergence says what it would take and "
            r"cost\.", text,
        ):  # fmt: skip
            return [Claim("open", text=found[1])]
        return None

    def _experiment(self, text: str) -> list[Claim] | None:
        claims, rest = [], text
        pair = rf"({self.p}) from ({self.p}) \(({_PLAIN})\)"
        if found := re.match(
            r"One experiment hardly tells (.*?): the numbers are correlations of their estimates\."
            r"(?: |$)", rest,
        ):  # fmt: skip
            if re.sub(rf"{pair}|, | and |\d+ more pairs", "", found[1]):
                raise NoForm(text)
            claims += [
                Claim("alike", (Size("", r, False),), parameters=(p, q))
                for p, q, r in re.findall(pair, found[1])
            ]
            rest = rest[found.end() :]
        for kind, who in (
            ("vague", "One experiment of these measurements"),
            ("vague mean", "The mean of the records of one experiment"),
            ("vague path", "Even every step of a single path, were all seen,"),
        ):
            if found := re.match(
                rf"{who} could not narrow down (any parameter|{self.ps}) beyond the range of the "
                r"design\.(?: |$)", rest,
            ):  # fmt: skip
                every = found[1] == "any parameter"
                of = tuple(self.parameters) if every else self.named(found[1])
                claims.append(Claim(kind, parameters=of))
                rest = rest[found.end() :]
            if found := re.match(rf"Whether it narrows down ({self.ps}) is open\.(?: |$)", rest):
                claims.append(Claim("may be vague", parameters=self.named(found[1])))
                rest = rest[found.end() :]
        if rest.startswith("Best measured: "):
            return [*claims, self._measuring(rest)]
        if rest and claims:
            raise NoForm(rest)
        return claims or None

    def _measuring(self, text: str) -> Claim:
        found = re.fullmatch(
            r"Best measured: (.*); (?:these \d+ records tell|this record tells) (\d+) % \((\d+) to "
            r"(\d+) %\) of what all (\d+) do(?:\. All observables at (?:time|\d+ times) \(.*\) tell "
            r"\d+ %)?\.", text,
        )  # fmt: skip
        if found is None:
            raise NoForm(text)
        return Claim("measured best", (Size("", f"{found[2]} % ({found[3]} to {found[4]} %)", False),),
                     text=found[1], number=int(found[5]))  # fmt: skip


@dataclass(frozen=True)
class Judged:
    """What is said of the convergence of one estimate."""

    kind: str
    half: float = np.nan
    target: float = np.nan
    parameter: str = ""
    dominant: str = ""
    needed: tuple[tuple[int, str, int], ...] = ()
    parameters: tuple[str, ...] = ()


def judged(text: str, parameters: Sequence[str]) -> Judged:
    """What a sentence on the convergence of one estimate says."""
    p = "|".join(map(re.escape, sorted(parameters, key=len, reverse=True)))
    if text == "exact: the error is that of rounding.":
        return Judged("exact")
    if re.fullmatch(rf"not converged: the interval is unbounded(?: for (?:{p}))?\.", text):
        return Judged("unbounded", parameter=(re.findall(p, text) or [""])[-1])
    if found := re.fullmatch(rf"converged: ± ({_PLAIN}) at most, ± ({_PLAIN}) is enough\.", text):
        return Judged("converged", _digits(found[1])[0], _digits(found[2])[0])
    if found := re.fullmatch(
        r"not settled: half of the samples give a value outside the interval(?: of all| for (.*))\.",
        text,
    ):
        return Judged("unsettled", parameters=tuple(re.findall(p, found[1] or "")))
    if re.fullmatch(r"the interval is ± (.*) at most, but gradients that are not to be trusted do not "
                    r"allow to say whether it has converged, or how many more samples or seeds it would "
                    r"take\.", text):  # fmt: skip
        return Judged("distrusted")
    found = re.fullmatch(
        rf"not converged: ± ({_PLAIN})(?: for ({p}))?, ± ({_PLAIN}) is wanted(?:\. Most of the error is "
        r"that of the (samples|seeds))?[;.] it would take (.*)\.", text,
    )  # fmt: skip
    if found is None:
        raise NoForm(text)
    needed = tuple(
        (int(re.sub(r"\D", "", count) or _MANY), what, int(now))
        for count, what, now in re.findall(
            r"(?:about ([\d\u202f]+)|more than ten million) ([a-z ]+) \(now (\d+)\)", found[5]
        )
    )
    return Judged(
        "open", _digits(found[1])[0], _digits(found[3])[0], found[2] or "", found[4] or "", needed
    )


def one_of(names: Iterable[str]) -> str:
    """A pattern of any of these names."""
    return "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
