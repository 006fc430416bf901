"""The findings in words: sentences that follow from the numbers, the answer first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from ..figures.estimates import has_noise, has_one_noisy_seed, present, unreliable
from ..figures.numbers import plain, uncertain_between
from ..figures.ranking import LEVEL, ends_of, sizes
from ..figures.style import final, names, words
from ..listing import first_of, joined
from ..quantities import Kind
from .convergence import verdicts
from .incomplete import unresolved
from .measuring import measuring
from .over_time import told_over_time
from .summary import Effect, Ranking, leading_sentence, percent, rankings
from .survivors import left_out

NEGLIGIBLE = 0.05
"""A parameter whose total index is below this at the upper end of its interval hardly matters."""
ALIKE = 0.95
"""Estimates of two parameters that are correlated by more than this cannot be told apart."""
_MOST_NAMED = 3


def per_observable(sensitivity: xr.Dataset, ranked: Sequence[Ranking]) -> list[tuple[str, str]]:
    """Each observable and what it follows, with size, direction and certainty."""
    one_seed = has_one_noisy_seed(sensitivity)
    only = "with this one seed " if one_seed else ""
    found = []
    for observable, ranking in zip(names(sensitivity, "observable"), ranked, strict=True):
        data = final(sensitivity).sel(observable=observable)
        lost = left_out(data)
        survivors = (
            [f"all of this is of survivors: {lost} of the simulations are left out as not finite"]
            if lost
            else []
        )
        parts = [
            only + _answer(ranking, one_seed),
            *survivors,
            *_asides(ranking),
            *_negligible(data, ranking),
            *_independent(data, ranking),
        ]
        found.append((ranking.observable, f"{'; '.join(parts)}."))
    return found


_HEAD = "of its variance without noise, "


def _answer(ranking: Ranking, one_seed: bool) -> str:
    """What matters, the largest first."""
    measure = ranking.measure
    if measure is None and not ranking.effects:
        of = "one seed with noise" if one_seed else "this design"
        return f"is not ranked: {ranking.no_direction}, and {of} gives no other measure of size"
    if not ranking.effects:
        if ranking.zero and not ranking.unsure and not ranking.undefined:
            return "does not depend on any parameter"
        return "follows no parameter in a way that can be told from zero"
    shown = ranking.effects[:_MOST_NAMED]
    if measure is not None and measure.kind is Kind.ELASTICITY:
        return _signs(ranking, shown) + _and_more(ranking, shown)
    if measure is not None and measure.is_share:
        told = [
            f"{e.parameter}{' in ' if i else ' is involved in '}{e.text}{_doubt(e)}"
            for i, e in enumerate(shown)
        ]
        text = f"{_HEAD}{joined(told)}"
    else:
        label = "" if measure is None else f"{measure.label} "
        told = [f"{e.parameter} ({'' if i else label}{e.text}{_doubt(e)})" for i, e in enumerate(shown)]
        text = f"depends most on {joined(told)}"
    text += _and_more(ranking, shown)
    directions = _signs(ranking, [e for e in shown if e.sign])
    return f"{text}; it {directions}" if directions else text


def _and_more(ranking: Ranking, shown: Sequence[Effect]) -> str:
    rest = len(ranking.effects) - len(shown)
    return f" ({rest} more {'are' if rest > 1 else 'is'} smaller)" if rest else ""


def _doubt(effect: Effect) -> str:
    return ", not to be trusted" if effect.flagged else ""


def _signs(ranking: Ranking, effects: Sequence[Effect]) -> str:
    """``grows with k (elasticity 0.50 ± 0.10) and shrinks with c (-1.0 ± 0.2)``, the first one first."""
    if not effects:
        return ""
    size = " in size" if ranking.negative else ""
    verbs = {1: f"grows{size}", -1: f"shrinks{size}", 0: "goes both ways"}
    told = []
    for sign in dict.fromkeys(effect.sign for effect in effects):
        of_sign = [_effect(e, e is effects[0]) for e in effects if e.sign == sign]
        told.append(f"{verbs[sign]} with {joined(of_sign)}")
    return joined(told)


def _effect(effect: Effect, first: bool) -> str:
    text = effect.elasticity or f"{effect.text} on average"
    return f"{effect.parameter} ({'elasticity ' if first else ''}{text}{_doubt(effect)})"


def _asides(ranking: Ranking) -> list[str]:
    """Where estimates disagree, and where the direction changes, of the parameters that are named."""
    shown, found = ranking.effects[:_MOST_NAMED], []
    by_elasticity = ranking.measure is not None and ranking.measure.kind is Kind.ELASTICITY
    mixed = [e.parameter for e in shown if e.mixed]
    if mixed and not by_elasticity:
        found.append(f"the direction in which {joined(mixed)} {_acts(mixed)} changes over the design")
    unseen: dict[tuple[str, ...], list[str]] = {}
    for effect in shown:
        if effect.unseen:
            unseen.setdefault(effect.unseen, []).append(effect.parameter)
    for labels, parameters in unseen.items():
        their = "their" if len(parameters) > 1 else "its"
        found.append(
            f"{joined(parameters)} {'have' if len(parameters) > 1 else 'has'} an effect although "
            f"{their} {joined(labels)} cannot be told from zero"
        )
    if shown and not by_elasticity and not any(e.elasticity or e.mixed for e in ranking.effects):
        found.append(f"{ranking.no_direction}, and say no direction")
    return found


def _acts(parameters: Sequence[str]) -> str:
    return "act" if len(parameters) > 1 else "acts"


def _negligible(data: xr.Dataset, ranking: Ranking) -> list[str]:
    """Parameters whose total index is shown to be small: they could be held fixed."""
    by, flagged = sizes(data, elasticities=False), unreliable(data)
    if by.measure is None or not by.measure.is_share or (by.low == by.high).all():
        return []
    trusted = ~_found_by_test(data)  # a bound that misses what a test sees would be a wrong one
    if flagged is not None:
        trusted &= ~flagged.values
    at_most = by.high
    if by.measure.from_gradients:
        at_most = np.where(trusted, at_most, np.inf)
    elif bounds := present(data, Kind.BOUND):  # a total index is not above its bound
        _, _, high = ends_of(data, bounds[0].name)
        if not (high < by.low).any():  # one of the two would be wrong
            at_most = np.fmin(at_most, np.where(trusted, high, np.inf))
    small = (at_most < NEGLIGIBLE) & ~_changes_noise(data)
    # What is among the parameters that matter has been told with its size.
    told = {effect.parameter for effect in ranking.effects[:_MOST_NAMED]}
    found = [words(str(p)) for p in data["parameter"].values[small]]
    found = [name for name in found if name not in told]
    if not found:
        return []
    verb = "is" if len(found) == 1 else "are each"
    return [f"{joined(found)} {verb} involved in less than {100 * NEGLIGIBLE:.0f} %"]


def _tests(data: xr.Dataset) -> list[np.ndarray]:
    """P-values of tests for any dependence, (parameter) each."""
    return [data[one.tested_by].values for one in present(data, Kind.DISTANCE) if one.tested_by]


def _found_by_test(data: xr.Dataset) -> np.ndarray:
    """Which parameters a test says to have an effect, (parameter)."""
    none = np.zeros(data.sizes["parameter"], bool)
    found: np.ndarray = np.logical_or.reduce([none, *(p < LEVEL for p in _tests(data))])
    return found


def _independent(data: xr.Dataset, ranking: Ranking) -> list[str]:
    """Parameters of which no estimate sees an effect, and a test with a level neither."""
    tests = _tests(data)
    if not tests:
        return []
    open_ = np.logical_and.reduce([~_changes_noise(data), *(p >= LEVEL for p in tests)])
    unseen = {*ranking.unsure, *ranking.zero}
    found = [words(str(p)) for p in data["parameter"].values[open_]]
    found = [name for name in found if name in unseen or f"|{name}|" in unseen]
    if not found:
        return []
    level = f"{100 * LEVEL:.0f} %"
    return [f"no dependence on {joined(found)} is found by a test whose level is {level} for the run"]


def noise(sensitivity: xr.Dataset) -> str:
    """How much of the variance is noise, where least and where most."""
    if not has_noise(sensitivity):
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


def _changes_noise(data: xr.Dataset) -> np.ndarray:
    """Which parameters are told to change the noise of one observable; (parameter)."""
    if "noise_elasticity_low" not in data:
        return np.zeros(data.sizes["parameter"], bool)
    told = (data["noise_elasticity_low"] > 0) | (data["noise_elasticity_high"] < 0)
    return np.asarray(told.values)


def acts_on_noise(sensitivity: xr.Dataset, ranked: Sequence[Ranking]) -> str:
    """Parameters that change the noise between seeds, those first that are not found to move a mean."""
    if "noise_elasticity_low" not in sensitivity:
        return ""
    data, flags = final(sensitivity), unreliable(sensitivity)
    found: list[tuple[bool, float, str]] = []
    for observable, ranking in zip(names(data, "observable"), ranked, strict=True):
        one = data.sel(observable=observable)
        sure = _changes_noise(one)
        if flags is not None:
            sure &= ~flags.sel(observable=observable).values
        moves = {effect.parameter.strip("|") for effect in ranking.effects}
        for i in np.flatnonzero(sure):
            name, at = words(str(one["parameter"].values[i])), one.isel(parameter=int(i))
            value, low, high = (float(at[f"noise_elasticity{e}"]) for e in ("", "_low", "_high"))
            text = uncertain_between(value, low, high)
            alone_ = "" if name in moves else ", and not its mean as far as can be told"
            sentence = f"{name} changes that of {words(observable)} (elasticity {text}{alone_})"
            found.append((name in moves, -abs(value), sentence))
    if not found:
        return ""
    sentences = [sentence for _, _, sentence in sorted(found)]
    told = first_of(sentences, _MOST_NAMED, "{} more such pairs are in the figure of noise")
    return f"Standard deviation between seeds: {'; '.join(told)}."


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
    judged: dict[str, None] = {}
    for observable in names(sensitivity, "observable"):
        for verdict in verdicts(sensitivity, observable):
            if verdict.distrusted:
                doubted = True
                continue
            total += 1
            judged.setdefault(verdict.label)
            if not verdict.converged:
                open_.setdefault(verdict.label, []).append(words(observable))
    if doubted and not open_:
        return (
            f"Converged, of what is not made from these gradients: {joined(list(judged))}."
            if total
            else ""
        )
    if not total:
        return "There are too few samples or seeds to say whether anything has converged."
    if not open_:
        return f"Converged: {joined(list(judged))}. Of the other estimates it is not said."
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
    """Parameters that one experiment could not tell apart, and those that it could not narrow down."""
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
            sentences.append(
                "One experiment cannot tell apart (correlation of their estimates): "
                f"{joined(first_of(pairs, _MOST_NAMED, '{} more pairs'))}."
            )
    single = "A single experiment"
    if (sd := sensitivity.get("cramer_rao_sd")) is None:
        sd, single = sensitivity.get("sd_from_mean"), "The mean of the records of a single experiment"
    path = sensitivity.get("cramer_rao_sd_path")
    sentences += [_vague(sd, single), _vague(path, "Even every step of a single path, were all seen,")]
    return " ".join(sentence for sentence in sentences if sentence)


def _vague(sd: xr.DataArray | None, single: str) -> str:
    """Which parameters a ``single`` experiment could not tell from the range of the design."""
    if sd is None:
        return ""
    vague = [words(str(p)) for p in sd["parameter"].values[sd.values >= 1]]
    if not vague:
        return ""
    which = "any parameter" if len(vague) == sd.sizes["parameter"] else joined(vague)
    return f"{single} could not narrow down {which} beyond the range of the design."


def paragraph(sensitivity: xr.Dataset, ranked: Sequence[Ranking]) -> list[str]:
    """What holds for the whole run: noise, convergence, trust, identifiability."""
    found = [
        noise(sensitivity),
        acts_on_noise(sensitivity, ranked),
        trust(sensitivity),
        unresolved(sensitivity),
        convergence(sensitivity),
        alike(sensitivity),
        measuring(sensitivity),
    ]
    return [sentence for sentence in found if sentence]


def findings_of(sensitivity: xr.Dataset) -> list[str]:
    """All that a report finds, a sentence or two a line: what leads, each observable, the whole run."""
    found = rankings(sensitivity)
    each = [f"{name}: {text}" for name, text in per_observable(sensitivity, found)]
    return [
        leading_sentence(found, sensitivity),
        *each,
        *told_over_time(sensitivity),
        *paragraph(sensitivity, found),
    ]
