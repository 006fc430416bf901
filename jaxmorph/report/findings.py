"""The findings in words: sentences that follow from the numbers, the answer first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from ..figures.estimates import best, unreliable
from ..figures.estimates import leading as leading_estimate
from ..figures.numbers import plain
from ..figures.style import final, names, words
from ..quantities import Kind, Quantity
from .convergence import verdicts
from .summary import Effect, Ranking, percent

NEGLIGIBLE = 0.05
"""A parameter whose total index is below this at the upper end of its interval hardly matters."""
ALIKE = 0.95
"""Estimates of two parameters that are correlated by more than this cannot be told apart."""
_MOST_NAMED = 3


def joined(items: Sequence[str], last: str = "and") -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def per_observable(sensitivity: xr.Dataset, rankings: Sequence[Ranking]) -> list[tuple[str, str]]:
    """Each observable and what it follows, with sign, size and certainty, and its variance."""
    noisy = int(sensitivity.attrs.get("stochastic", 1)) == 1
    only = "with this one seed " if noisy and sensitivity.sizes.get("seed", 1) < 2 else ""
    found = []
    for observable, ranking in zip(names(sensitivity, "observable"), rankings, strict=True):
        cancels = ranking.measure is None or not ranking.measure.is_signed
        more = "" if cancels else explained(sensitivity, observable)
        parts = [only + (_by_size(ranking) if cancels else _effects(ranking)), more]
        found.append((ranking.observable, " ".join(part for part in parts if part)))
    return found


_NOT_RANKED = "elasticities change sign or are not defined, and are not ranked"
_HEAD = "of its variance without noise, "
# What is said of the first parameter, and what between the others.
_SHARES = {
    Kind.TOTAL: (" is involved in ", " in "),
    Kind.BOUND: (" is involved in ", " in "),
    Kind.FIRST: (" alone explains ", " "),
}


def _by_size(ranking: Ranking) -> str:
    """What matters by a measure that has no direction."""
    if ranking.measure is None:
        return f"is not ranked: {_NOT_RANKED}, and this design gives no other measure of size."
    if not ranking.effects:
        return f"follows no parameter in a way that can be told from zero; {_NOT_RANKED}."
    shown = ranking.effects[:_MOST_NAMED]
    kind = ranking.measure.kind
    if kind in _SHARES:
        head, (first, next_) = _HEAD, _SHARES[kind]
        told = [f"{e.parameter}{next_ if i else first}{e.text}{_doubt(e)}" for i, e in enumerate(shown)]
        if kind is Kind.BOUND and shown[0].text.startswith("no bound"):
            head, told = (
                "by the upper bound on the total Sobol index, largest first: ",
                [f"{e.parameter} ({e.text}{_doubt(e)})" for e in shown],
            )
        text = f"{head}{joined(told)}"
    else:
        label = ranking.measure.label
        told = [
            f"{e.parameter} ({'' if i else label + ' '}{e.text}{_doubt(e)})" for i, e in enumerate(shown)
        ]
        text = f"depends most on {joined(told)}"
    if rest := len(ranking.effects) - len(shown):
        text += f" ({rest} more {'are' if rest > 1 else 'is'} smaller)"
    return f"{text}; {_NOT_RANKED}."


def _doubt(effect: Effect) -> str:
    return ", not to be trusted" if effect.flagged else ""


def _effects(ranking: Ranking) -> str:
    if not ranking.effects and ranking.zero and not ranking.unsure and not ranking.undefined:
        return "does not depend on any parameter."
    if not ranking.effects:
        return "follows no parameter in a way that can be told from zero."
    shown = ranking.effects[:_MOST_NAMED]
    first = shown[0]
    told = []
    for sign in (shown[0].sign, -shown[0].sign):
        effects = [_effect(effect, effect is first) for effect in shown if effect.sign == sign]
        if effects:
            size = " in size" if ranking.negative else ""
            told.append(f"{'grows' if sign > 0 else 'shrinks'}{size} with {joined(effects)}")
    text = " and ".join(told)
    rest = len(ranking.effects) - len(shown)
    if rest:
        text += f"; {rest} more effect{'s' if rest > 1 else ''} {'are' if rest > 1 else 'is'} smaller"
    return f"{text}."


def _effect(effect: Effect, first: bool) -> str:
    aside = _doubt(effect) + ("; its sign differs over the design" if effect.mixed else "")
    return f"{effect.parameter} ({'elasticity ' if first else ''}{effect.text}{aside})"


def explained(sensitivity: xr.Dataset, observable: str) -> str:
    """What explains the variance that is not noise, as far as the design tells."""
    estimate = leading_estimate(sensitivity)
    if estimate is None or not estimate.is_share:
        return ""
    data = final(sensitivity).sel(observable=observable)
    value = data[estimate.name].values
    if not np.isfinite(value).any():
        return ""
    parts = []
    if estimate.kind is Kind.TOTAL:
        one = data.isel(parameter=int(np.nanargmax(value)))
        name = words(str(one["parameter"].item()))
        parts.append(f"{percent(one, estimate.name)} involves {name}")
    elif (first := best(data, Kind.FIRST)) is not None:
        parts += _alone(data, first)
    parts += _negligible(data, estimate)
    return f"Of its variance without noise, {'; '.join(parts)}." if parts else ""


def _alone(data: xr.Dataset, name: str) -> list[str]:
    """The parameter that alone explains most, if that is more than what hardly matters."""
    low = data.get(f"{name}_low")
    if low is None or not np.isfinite(data[name].values).any():
        return []
    most = int(np.nanargmax(data[name].values))
    if not float(low[most]) > NEGLIGIBLE:
        return []
    one = data.isel(parameter=most)
    return [f"{words(str(one['parameter'].item()))} alone explains {percent(one, name)}"]


def _negligible(data: xr.Dataset, estimate: Quantity) -> list[str]:
    """Parameters whose total index is shown to be small: they could be held fixed."""
    if f"{estimate.name}_high" not in data:
        return []
    flagged = unreliable(data)
    small = data[f"{estimate.name}_high"].values < NEGLIGIBLE
    if estimate.from_gradients and flagged is not None:
        small &= ~flagged.values
    found = [words(str(p)) for p in data["parameter"].values[small]]
    if not found:
        return []
    verb = "is" if len(found) == 1 else "are each"
    return [f"{joined(found)} {verb} involved in less than {100 * NEGLIGIBLE:.0f} %"]


def noise(sensitivity: xr.Dataset) -> str:
    """How much of the variance is noise, where least and where most."""
    if int(sensitivity.attrs.get("stochastic", 1)) == 0:
        return "The study has no noise: there is nothing for seeds to average out."
    if "noise_share" not in sensitivity:
        return ""
    data = final(sensitivity)
    share = data["noise_share"].values
    known = np.flatnonzero(np.isfinite(share))
    if known.size == 0:
        return ""
    order = known[np.argsort(share[known], kind="stable")]
    quiet = [i for i in order if noiseless(data.isel(observable=int(i)))]
    noisy = [data.isel(observable=int(i)) for i in order[len(quiet) :]]
    if not noisy:
        return "All seeds give the same values: there is no noise."
    one, told = order.size == 1, [_noise_of(noisy[0])]
    if one:
        told = [f"{percent(noisy[0], 'noise_share')} of the variance"]
    elif len(noisy) > 1:
        told = [f"from {told[0]} to {percent(noisy[-1], 'noise_share')} of that of {_name(noisy[-1])}"]
    if quiet:
        without = [words(str(data["observable"].values[i])) for i in quiet]
        told.append(f"none of that of {joined(without)}")
    return f"Noise between seeds makes up {joined(told)}."


def _name(one: xr.Dataset) -> str:
    return words(str(one["observable"].item()))


def _noise_of(one: xr.Dataset) -> str:
    return f"{percent(one, 'noise_share')} of the variance of {_name(one)}"


def noiseless(one: xr.Dataset) -> bool:
    """Whether the noise of an observable is no more than rounding."""
    return float(one["noise_share"]) < 1e-9


def convergence(sensitivity: xr.Dataset) -> str:
    """Which estimates have not converged, over all observables."""
    open_: dict[str, list[str]] = {}
    total, doubted = 0, False
    for observable in names(sensitivity, "observable"):
        for verdict in verdicts(sensitivity, observable):
            if verdict.distrusted:
                doubted = True
                continue
            total += 1
            if not verdict.converged:
                open_.setdefault(verdict.label, []).append(words(observable))
    if doubted and not open_:
        return (
            "Every estimate that can be judged and is not made from these gradients has converged."
            if total
            else ""
        )
    if not total:
        return "There are too few samples or seeds to say whether anything has converged."
    if not open_:
        return "Every estimate that can be judged has converged."
    n = len(names(sensitivity, "observable"))
    told = [label if len(where) == n else f"{label} ({joined(where)})" for label, where in open_.items()]
    return (
        f"Not converged: {joined(told)}; the sections of the observables say how many more samples "
        "or seeds it would take."
    )


def trust(sensitivity: xr.Dataset) -> str:
    """Which gradients are not to be trusted, and why."""
    flagged = unreliable(sensitivity)
    if flagged is None or not flagged.any():
        return ""
    by_parameters: dict[str, list[str]] = {}
    for observable in names(sensitivity, "observable"):
        bad = flagged.sel(observable=observable)
        found = [words(str(p)) for p in bad["parameter"].values[bad.values]]
        every = len(found) == bad.sizes["parameter"] > 1
        if found:
            key = "every parameter" if every else joined(found)
            by_parameters.setdefault(key, []).append(words(observable))
    told = [f"{joined(where)} with respect to {which}" for which, where in by_parameters.items()]
    return f"Not to be trusted: the gradients of {'; '.join(told)}."


def alike(sensitivity: xr.Dataset) -> str:
    """Parameters that one experiment could not tell apart, and those it could not tell at all."""
    sentences = []
    correlation = sensitivity.get("parameter_correlation")
    if correlation is not None:
        parameters = names(sensitivity, "parameter")
        value = correlation.transpose("parameter", "parameter_2").values
        pairs = [
            f"{words(parameters[i])} and {words(parameters[j])} ({plain(value[i, j], 2)})"
            for i in range(len(parameters))
            for j in range(i)
            if abs(value[i, j]) > ALIKE
        ]
        if pairs:
            shown, rest = pairs[:_MOST_NAMED], len(pairs) - _MOST_NAMED
            more = [f"{rest} more pairs"] if rest > 1 else pairs[_MOST_NAMED:]
            sentences.append(
                "One experiment cannot tell apart (correlation of their estimates): "
                f"{joined([*shown, *more])}."
            )
    single = "A single experiment"
    if (sd := sensitivity.get("cramer_rao_sd")) is None:
        sd, single = sensitivity.get("sd_from_mean"), "The mean of the records of a single experiment"
    if sd is not None:
        vague = [words(str(p)) for p in sd["parameter"].values[~(sd.values < 1)]]
        if len(vague) == sd.sizes["parameter"]:
            sentences.append(
                f"{single} could not narrow down any parameter beyond the range of the design."
            )
        elif vague:
            sentences.append(
                f"{single} could not narrow down {joined(vague)} beyond the range of the design."
            )
    return " ".join(sentences)


def paragraph(sensitivity: xr.Dataset) -> list[str]:
    """What holds for the whole run: noise, convergence, trust, identifiability."""
    found = [noise(sensitivity), trust(sensitivity), convergence(sensitivity), alike(sensitivity)]
    return [sentence for sentence in found if sentence]
