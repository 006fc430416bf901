"""The findings in words: sentences that follow from the numbers, the answer first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from ..figures.estimates import has_noise, has_one_noisy_seed, present, unreliable
from ..figures.numbers import plain, uncertain_between
from ..figures.ranking import LEVEL, ends_of, sizes
from ..figures.style import final, names, words
from ..figures.tables import interval
from ..listing import first_of, joined
from ..quantities import Kind, Quantity
from .convergence import all_verdicts
from .incomplete import unresolved
from .measuring import measuring
from .over_time import told_over_time
from .summary import NEGLIGIBLE, Effect, Ranking, leading_sentence, percent, rankings
from .survivors import left_out

ALIKE = 0.95
"""Estimates of two parameters that are correlated by more than this cannot be told apart."""
_MOST_NAMED = 3
_MOST_LISTED = 6


def per_observable(sensitivity: xr.Dataset, ranked: Sequence[Ranking]) -> list[tuple[str, str]]:
    """Each observable and what it follows, with size, direction and certainty: one claim a sentence."""
    one_seed, every = has_one_noisy_seed(sensitivity), final(sensitivity)
    found = []
    for observable, ranking in zip(names(sensitivity, "observable"), ranked, strict=True):
        data = every.sel(observable=observable)
        parts = [
            *_answer(ranking, one_seed),
            *_survivors(data),
            *_asides(ranking),
            *_negligible(data, ranking),
        ]
        found.append((ranking.observable, " ".join(f"{part}." for part in parts)))
    return found


def in_detail(data: xr.Dataset, ranking: Ranking) -> list[str]:
    """What else the estimates of one observable say: which see an effect and which do not."""
    return [f"{part}." for part in (*_unseen(ranking), *_independent(data, ranking))]


def _survivors(data: xr.Dataset) -> list[str]:
    lost = left_out(data)
    return (
        [f"All of this is of survivors: {lost} of the simulations are left out as not finite"]
        if lost
        else []
    )


def _answer(ranking: Ranking, one_seed: bool) -> list[str]:
    """What matters, the largest first, and in which direction; the first is the rest of a sentence."""
    measure, only = ranking.measure, "with this one seed " if one_seed else ""
    if measure is None and not ranking.effects:
        of = "one seed with noise" if one_seed else "this design"
        return [f"{only}is not ranked: {ranking.no_direction}, and {of} gives no other measure of size"]
    if not ranking.effects:
        if ranking.zero and not ranking.unsure and not ranking.undefined:
            return [f"{only}does not depend on any parameter"]
        return [f"{only}follows no parameter in a way that can be told from zero"]
    shown = _named(ranking)
    if measure is not None and measure.kind is Kind.ELASTICITY:
        return [only + _signs(ranking, shown) + _and_more(ranking, shown)]
    found = [only + _sizes_told(ranking, shown) + _and_more(ranking, shown)]
    if ranking.tied > 1:
        which = joined(first_of(ranking.first, _MOST_NAMED))
        found.append(f"Which of {which} matters most is open")
    directions = _signs(ranking, [e for e in shown if e.sign])
    return [*found, f"It {directions}"] if directions else found


def _named(ranking: Ranking) -> list[Effect]:
    """The effects that a sentence has room for: of shares not those that hardly matter."""
    shown = ranking.effects[:_MOST_NAMED]
    if ranking.measure is None or not ranking.measure.is_share:
        return shown
    may_lead = max(ranking.tied, 1)
    return shown[:may_lead] + [e for e in shown[may_lead:] if not e.high < NEGLIGIBLE or e.flagged]


def _sizes_told(ranking: Ranking, shown: Sequence[Effect]) -> str:
    """``follows drag most, with a share of 81 % (71 to 91 %), then kappa with 20 % (10 to 30 %)``."""
    first = shown[0]
    head = f"{_measured_by(ranking, first)}{_with(first)}"
    others = [f"{e.parameter} with {_with(e)}" for e in shown[1:]]
    if ranking.tied > 1:
        return f"follows {joined([f'{first.parameter} with {head}', *others])}"
    most = " most" if len(ranking.effects) > 1 else ""
    told = f"follows {first.parameter}{most}, with {head}"
    return told + (f", then {joined(others)}" if others else "")


def _measured_by(ranking: Ranking, effect: Effect) -> str:
    """What its size is a number of, before that; nothing before what is not such a number."""
    if ranking.measure is None or not np.isfinite(effect.value):
        return ""
    return "a share of " if ranking.measure.is_share else f"{ranking.measure.label} "


def _with(effect: Effect) -> str:
    """Its size; a test may find an effect of which no estimate tells the size."""
    return f"{effect.text or 'an unknown size'}{_doubt(effect)}"


def _and_more(ranking: Ranking, shown: Sequence[Effect]) -> str:
    """How many others there are, but for those that hardly matter, of which another sentence tells."""
    share = ranking.measure is not None and ranking.measure.is_share
    rest = sum(not (share and e.high < NEGLIGIBLE) for e in ranking.effects if e not in shown)
    return f" ({rest} more {'are' if rest > 1 else 'is'} smaller)" if rest else ""


def _doubt(effect: Effect) -> str:
    return ", not to be trusted" if effect.flagged else ""


def _signs(ranking: Ranking, effects: Sequence[Effect]) -> str:
    """``grows with k (elasticity 0.50 ± 0.10) and shrinks with c (-1.0 ± 0.2)``, the first one first."""
    if not effects:
        return ""
    size = " in size" if ranking.negative else ""
    verbs = {1: f"grows{size}", -1: f"shrinks{size}", 0: "goes both ways"}
    told, open_ = [], [e for e in effects if not (e.sign or e.mixed)]
    known = [e for e in effects if e.sign or e.mixed]
    for sign in dict.fromkeys(effect.sign for effect in known):
        of_sign = [_effect(e, e is known[0]) for e in known if e.sign == sign]
        told.append(f"{verbs[sign]} with {joined(of_sign)}")
    if open_:
        told.append(f"depends on {joined(e.parameter + _doubt(e) for e in open_)}")
    return joined(told)


def _effect(effect: Effect, first: bool) -> str:
    text = effect.elasticity or f"{effect.text} on average"
    return f"{effect.parameter} ({'elasticity ' if first else ''}{text}{_doubt(effect)})"


def _asides(ranking: Ranking) -> list[str]:
    """Where the direction is not one, of the parameters that are named."""
    shown, found = _named(ranking), []
    by_elasticity = ranking.measure is not None and ranking.measure.kind is Kind.ELASTICITY
    mixed = [e.parameter for e in shown if e.mixed]
    if mixed and not by_elasticity:
        found.append(f"Over the design, {joined(mixed)} {_acts(mixed)} in either direction")
    if shown and not by_elasticity and not ranking.directed:
        found.append(f"No direction is told: {ranking.no_direction}")
    return found


def _unseen(ranking: Ranking) -> list[str]:
    """Which estimates cannot tell an effect from zero that others see."""
    unseen: dict[tuple[str, ...], list[str]] = {}
    for effect in ranking.effects[:_MOST_NAMED]:
        if effect.unseen:
            unseen.setdefault(effect.unseen, []).append(effect.parameter)
    return [
        f"{joined(parameters)} {'have' if len(parameters) > 1 else 'has'} an effect that "
        f"{joined(labels)} {'do' if len(labels) > 1 else 'does'} not tell from zero"
        for labels, parameters in unseen.items()
    ]


def _acts(parameters: Sequence[str]) -> str:
    return "act" if len(parameters) > 1 else "acts"


def _negligible(data: xr.Dataset, ranking: Ranking) -> list[str]:
    """Parameters whose total index is shown to be small: they could be held fixed."""
    by, flagged = sizes(data, elasticities=False), unreliable(data)
    # Of what has no interval, noise or the choice of samples may have made a small one.
    if by.measure is None or not by.measure.is_share or (by.low == by.high).all():
        return []
    trusted = ~_found_by_test(data)  # a bound that misses what a test sees would be a wrong one
    if flagged is not None:
        trusted &= ~flagged.values
    at_most = by.high
    if by.measure.from_gradients:
        at_most = np.where(trusted & (f"{by.measure.name}_low" in data), at_most, np.inf)
    elif bounds := _with_interval(data, Kind.BOUND):  # a total index is not above its bound
        _, _, high = ends_of(data, bounds[0].name)
        if not (high < by.low).any():  # one of the two would be wrong
            at_most = np.fmin(at_most, np.where(trusted, high, np.inf))
    small = (at_most < NEGLIGIBLE) & ~_changes_noise(data)
    # What is among the parameters that matter has been told with its size.
    told = {effect.parameter for effect in _named(ranking)}
    found = [words(str(p)) for p in data["parameter"].values[small]]
    found = [name for name in found if name not in told]
    if not found:
        return []
    verb, each = ("matters", "its share is") if len(found) == 1 else ("matter", "each share is")
    small_ones = _named_or_counted(found, data)
    return [f"{small_ones} hardly {verb}: {each} below {100 * NEGLIGIBLE:.0f} %"]


def _named_or_counted(parameters: Sequence[str], data: xr.Dataset) -> str:
    """Names; how many they are of how many, where a reader would not read them all."""
    if len(parameters) <= _MOST_LISTED:
        return joined(parameters)
    return f"{len(parameters)} of {data.sizes['parameter']} parameters"


def _with_interval(data: xr.Dataset, kind: Kind) -> list[Quantity]:
    return [one for one in present(data, kind) if f"{one.name}_low" in data]


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
    none = _named_or_counted(found, data)
    return [f"No dependence on {none} is found by a test whose level is {level} for the run"]


def chance(sensitivity: xr.Dataset) -> str:
    """How much single simulations differ by chance, in one plain sentence; empty if not known."""
    if not has_noise(sensitivity):
        return "Nothing is left to chance: the study has no noise."
    known = _by_noise(sensitivity)
    if not known:
        return ""
    least, most = known[0], max(known, key=_noise_share)
    if noiseless(most):
        return "Nothing is left to chance: all seeds give the same values."
    told = _part(most)
    if len(known) == 1:
        return f"Chance makes up {told} of how single simulations differ."
    return (
        f"Chance makes up {told} of how single simulations differ in {_name(most)}, and "
        f"{_part(least)} in {_name(least)}."
    )


def _by_noise(sensitivity: xr.Dataset) -> list[xr.Dataset]:
    """Observables whose share of noise is known, at the stated time, the least noisy first."""
    if "noise_share" not in sensitivity:
        return []
    data = final(sensitivity[[name for name in interval("noise_share") if name in sensitivity]])
    each = [data.isel(observable=i) for i in range(data.sizes["observable"])]
    return sorted((one for one in each if np.isfinite(_noise_share(one))), key=_noise_share)


def _noise_share(one: xr.Dataset) -> float:
    return float(one["noise_share"])


def _part(one: xr.Dataset) -> str:
    if noiseless(one):
        return "nothing"
    share = 100 * min(max(_noise_share(one), 0.0), 1.0)
    return f"{share:.0f} %" if share >= 0.5 else "less than 1 %"


def noise(sensitivity: xr.Dataset) -> str:
    """How much of the variance is noise, where least and where most."""
    if not has_noise(sensitivity):
        return "The study has no noise: there is nothing for seeds to average out."
    known = _by_noise(sensitivity)
    if not known:
        return ""
    quiet = [one for one in known if noiseless(one)]
    noisy = known[len(quiet) :]
    if not noisy:
        return "All seeds give the same values: there is no noise."
    one, told = len(known) == 1, [_noise_of(noisy[0])]
    if one:
        told = [f"{percent(noisy[0], 'noise_share')} of the variance"]
    elif len(noisy) > 1:
        told = [f"from {told[0]} to {percent(noisy[-1], 'noise_share')} of that of {_name(noisy[-1])}"]
    if quiet:
        told.append(f"none of that of {joined(map(_name, quiet))}")
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
    data, flags = final(sensitivity[list(interval("noise_elasticity"))]), unreliable(sensitivity)
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
            alone_ = "" if name in moves else ", its mean not as far as can be told"
            verb = "widens" if value > 0 else "narrows"
            sentence = f"{name} {verb} that of {words(observable)} (elasticity {text}{alone_})"
            found.append((name in moves, -abs(value), sentence))
    if not found:
        return ""
    sentences = [sentence for _, _, sentence in sorted(found)]
    told = first_of(sentences, _MOST_NAMED, "{} more such pairs are in the figure of noise")
    return f"The spread between seeds changes with parameters: {'; '.join(told)}."


def _name(one: xr.Dataset) -> str:
    return words(str(one["observable"].item()))


def _noise_of(one: xr.Dataset) -> str:
    return f"{percent(one, 'noise_share')} of the variance of {_name(one)}"


def noiseless(one: xr.Dataset) -> bool:
    """Whether the noise of an observable is no more than rounding."""
    return _noise_share(one) < 1e-9


def convergence(sensitivity: xr.Dataset) -> str:
    """Which estimates have not converged, over all observables."""
    judgements = all_verdicts(sensitivity)
    open_: dict[str, list[str]] = {}
    total, doubted = 0, False
    judged: dict[str, None] = {}
    for observable in names(sensitivity, "observable"):
        for verdict in judgements[observable]:
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
        f"Not converged: {joined(told)}. The report's table of convergence says what it would take and "
        "cost."
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
            f"{words(parameters[i])} from {words(parameters[j])} ({plain(value[i, j], 2)})"
            for i in range(len(parameters))
            for j in range(i)
            if abs(value[i, j]) > ALIKE
        ]
        if pairs:
            sentences.append(
                f"One experiment hardly tells {joined(first_of(pairs, _MOST_NAMED, '{} more pairs'))}: "
                "the numbers are correlations of their estimates."
            )
    single, name = "One experiment of these measurements", "cramer_rao_sd"
    if name not in sensitivity:
        name, single = "sd_from_mean", "The mean of the records of one experiment"
    every = "Even every step of a single path, were all seen,"
    sentences += [_vague(sensitivity, name, single), _vague(sensitivity, "cramer_rao_sd_path", every)]
    return " ".join(sentence for sentence in sentences if sentence)


def _vague(sensitivity: xr.Dataset, name: str, single: str) -> str:
    """Which parameters a ``single`` experiment says less of than is assumed, or may say less of."""
    if name not in sensitivity:
        return ""
    sd = sensitivity[name].values
    _, low, high = ends_of(sensitivity, name)
    low, high = np.fmin(low, sd), np.fmax(high, sd)
    parameters = [words(str(p)) for p in sensitivity["parameter"].values]
    none = [p for p, least in zip(parameters, low, strict=True) if least >= 1]
    open_ = [p for p, least, most in zip(parameters, low, high, strict=True) if least < 1 <= most]
    found = []
    if none:
        which = "any parameter" if len(none) == len(parameters) else joined(none)
        found.append(f"{single} could not narrow down {which} beyond the range of the design.")
    if open_:
        found.append(f"Whether it narrows down {joined(open_)} is open.")
    return " ".join(found)


def of_run(sensitivity: xr.Dataset, ranked: Sequence[Ranking]) -> list[str]:
    """What holds for the whole run beside what has converged, of which a page has a table."""
    found = [
        noise(sensitivity),
        acts_on_noise(sensitivity, ranked),
        trust(sensitivity),
        unresolved(sensitivity),
        alike(sensitivity),
        measuring(sensitivity),
    ]
    return [sentence for sentence in found if sentence]


def paragraph(sensitivity: xr.Dataset, ranked: Sequence[Ranking]) -> list[str]:
    """What holds for the whole run: noise, trust, identifiability, convergence."""
    return [one for one in (*of_run(sensitivity, ranked), convergence(sensitivity)) if one]


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
