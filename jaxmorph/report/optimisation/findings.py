"""What an optimisation found, in sentences that follow from the numbers."""

from __future__ import annotations

import numpy as np
import xarray as xr

from ...configuration import GRADIENT_ESTIMATORS
from ...distributions import AT_BOUND
from ...figures.numbers import plain, uncertain_between
from ...figures.optimisation import starts
from ...figures.style import logarithmic, names, words
from ...figures.tables import ends_of
from ...listing import first_of, joined

VAGUE = 0.5
"""A 95 % interval over more than this share of the bounds hardly determines a parameter."""
_MOST_NAMED = 12


def paragraph(data: xr.Dataset) -> list[str]:
    """Starts, agreement, parameters, directions: what stands below what was gained."""
    found = [others(data), ran(data), agreement(data), *determined(data), directions(data)]
    return [sentence for sentence in found if sentence]


def ran(data: xr.Dataset) -> str:
    """How many starts, over what, how far."""
    n, free = data.sizes["start"], joined([words(p) for p in names(data, "parameter")])
    block = starts.block(data)
    name = block.get("optimiser", {}).get("name")
    done, reasons = starts.steps_done(data), [str(r) for r in data["stop_reason"].values]
    most = int(done.max())
    ruled = sum(reason != "steps" and not reason.startswith(starts.NOT_FINITE) for reason in reasons)
    told = f"{n} start{'s' if n != 1 else ''} optimised {free}{f' with {name}' if name else ''}"
    refine = block.get("refine")
    refined = f", and then refined them on {refine['seeds']} seeds" if refine else ""
    by_rule = f"; {ruled} of them ended earlier, by a stopping rule" if ruled else ""
    return f"{told} in {'at most ' if len(set(done)) > 1 else ''}{most} steps{refined}{by_rule}."


_NORMAL = 1.96


def _rivals(data: xr.Dataset) -> list[str]:
    """Optima whose loss on fresh seeds is not larger than that of the first beyond the error of both."""
    found = starts.optima(data)
    loss, se = data["optimum_loss"].values[found], data["optimum_loss_se"].values[found]
    # The same fresh seeds were used for both, so this error is too large, not too small.
    error = _NORMAL * np.hypot(se[0], se[1:])
    alike = ~(loss[1:] - loss[0] > error)
    return [f"optimum {data['optimum'].values[k]}" for k in found[1:][alike]]


def _the_first(data: xr.Dataset) -> str:
    """``the best optimum`` where that is told, else its number."""
    if len(starts.optima(data)) == 1 or not _rivals(data):
        return "the best optimum"
    return f"optimum {data['optimum'].values[starts.optima(data)[0]]}"


def agreement(data: xr.Dataset) -> str:
    """How many distinct optima the starts reached, and how many starts the best one."""
    reached = int((data["optimum_of_start"] >= 0).sum())
    found = starts.optima(data)
    if not found.size:
        return "No start ended in an optimum."
    counts = [int(starts.in_optimum(data, k).sum()) for k in found]
    labels = [data["optimum"].values[k] for k in found]
    if len(found) == 1:
        if reached == 1:
            return "One start ended in an optimum: one alone cannot say whether there are others."
        return f"The {reached} starts that ended in an optimum agree: it is one and the same."
    best = data.isel(optimum=found[0])
    worse = [float(data["optimum_loss"].values[k] - best["optimum_loss"]) for k in found[1:]]
    told = [
        f"{n} in optimum {label} ({f'loss larger by {plain(more)}' if more > 0 else 'loss no larger'})"
        for n, label, more in zip(counts[1:], labels[1:], worse, strict=True)
    ]
    rivals = _rivals(data)
    first = f"optimum {labels[0]}" if rivals else f"the best (optimum {labels[0]})"
    untold = (
        f" Which of optimum {labels[0]} and {joined(rivals)} is best is within the error."
        if rivals
        else ""
    )
    return (
        f"The starts do not agree: {reached} ended in {len(found)} distinct optima, {counts[0]} in "
        f"{first}, "
        f"{joined(first_of(told, 3, 'the others in {} more'))}.{untold}"
    )


def gained(data: xr.Dataset) -> str:
    """What the best start improved on fresh seeds, and how surely."""
    best = starts.best_start(data)
    one = data.isel(start=best)
    if starts.stopped(data)[best] or not np.isfinite(float(one["improvement"])):
        return "No start reached an end whose loss is finite: nothing was gained."
    before, after = (float(one[f"evaluation_loss_{s}"].mean()) for s in ("before", "after"))
    n = data.sizes["evaluation_seed"]
    where = f"On {n} fresh seeds" if n > 1 else "On one fresh seed"
    gain, low, high = (
        float(one[name]) for name in ("improvement", "improvement_low", "improvement_high")
    )
    name = one["start"].item()
    of = f" ({100 * gain / before:.0f} %)" if before > 0 and after >= 0 else ""
    told = f"{where} the best start ({name}) took the loss from {plain(before)} to {plain(after)}"
    if not np.isfinite(high - low) or n < 2:
        return f"{told}: by {plain(gain)}{of}. One seed says nothing of how sure that is."
    size = uncertain_between(gain, low, high)
    if low > 0:
        return f"{told}: an improvement of {size}{of}."
    if high < 0:
        return f"{told}: it got worse, by {uncertain_between(-gain, -high, -low)}."
    return (
        f"{told}, but the difference of {plain(gain)} (95 %: {plain(low)} to {plain(high)}) cannot "
        "be told from none."
    )


def others(data: xr.Dataset) -> str:
    """For how many starts an improvement is established."""
    usable = np.isfinite(data["improvement"].values)
    n = int(usable.sum())
    if n < 2:
        return ""
    better = int((data["improvement_low"].values > 0).sum())
    worse = int((data["improvement_high"].values < 0).sum())
    told = (
        f"{better} of {n} starts improved beyond doubt"
        if better < n
        else f"All {n} starts that ended improved"
    )
    return f"{told}{f', {worse} got worse' if worse else ''}."


def determined(data: xr.Dataset) -> list[str]:
    """Which parameters the objective determines at the best optimum; which lie at a bound."""
    found = starts.optima(data)
    if not found.size:
        return []
    best = data.isel(optimum=found[0])
    sure, vague, edge = [], [], []
    for name in names(data, "parameter"):
        one = best.sel(parameter=name)
        value = float(one["optimum_parameter_value"])
        if (end := _bound(data, name, value)) is not None:
            edge.append(f"{words(name)} at its {end} bound")
        if (ends := ends_of(one, "parameter")) is None:
            continue
        low, high = ends
        told = f"{words(name)} {plain(value)} ({plain(low)} to {plain(high)}"
        if not _covered(data, name, value, low, high) < VAGUE:
            vague.append(f"{told})")
            continue
        if end is not None:
            one_sided = f"at least {plain(low)}" if end == "upper" else f"at most {plain(high)}"
            sure.append(f"{words(name)} {plain(value)} ({one_sided})")
            continue
        share = f", ± {plain(50 * (high - low) / abs(value), 2)} %" if value else ""
        sure.append(f"{told}{share})")
    sentences = []
    if sure:
        sentences.append(f"Determined at {_the_first(data)} (95 %): {joined(sure)}.")
    if vague:
        sentences.append(f"Hardly determined: {joined(vague)}.")
    if edge:
        sentences.append(
            f"{_capital(_the_first(data))} has {joined(edge)}: what is best may lie beyond."
        )
    return sentences


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _position(data: xr.Dataset, name: str, value: float) -> float:
    """Where between the bounds a value is, 0 to 1, on the natural scale of the parameter."""
    low, high = starts.bounds(data, name)
    if logarithmic(data)[name] and low > 0 and value > 0:
        return float(np.log(value / low) / np.log(high / low))
    return (value - low) / (high - low)


def _covered(data: xr.Dataset, name: str, value: float, low: float, high: float) -> float:
    """Share of the bounds that an interval covers; without bounds, its half-width over the value."""
    if not np.isfinite(high - low):
        return np.inf
    if not np.isfinite(starts.hard_bounds(data, name)).all():
        return 0.5 * (high - low) / abs(value) if value else np.inf
    return _position(data, name, high) - _position(data, name, low)


def _bound(data: xr.Dataset, name: str, value: float) -> str | None:
    """Which bound a value lies at, if any."""
    share, (low, high) = _position(data, name, value), starts.hard_bounds(data, name)
    if share < AT_BOUND and np.isfinite(low):
        return "lower"
    return "upper" if share > 1 - AT_BOUND and np.isfinite(high) else None


def directions(data: xr.Dataset) -> str:
    """The stiffest and the sloppiest direction at the best optimum, how far apart, and how sure."""
    told = _directions(data)
    estimator = data.attrs.get("estimator", "pathwise")
    through_choices = GRADIENT_ESTIMATORS[estimator].sees_choices
    rough = through_choices and data.attrs["covariance_kind"] != "Fisher"
    if not told or not rough:
        return told
    return (
        f"{told} This is rough: with the estimator {estimator}, curvature misses what a parameter does "
        "by turning one random choice into another."
    )


def _directions(data: xr.Dataset) -> str:
    found = starts.optima(data)
    if not found.size or "hessian_eigenvalue" not in data or data.sizes["parameter"] < 2:
        return ""
    best = data.isel(optimum=found[0])
    value = best["hessian_eigenvalue"].values
    vector = best["hessian_eigenvector"].transpose("direction", "parameter").values
    parameters = names(data, "parameter")
    if not np.isfinite(value).all() or not value[0] > 0:
        return f"The loss is not curved upwards at {_the_first(data)} in any direction that was found."
    stiff, sloppy = (mixture(vector[k], parameters) for k in (0, -1))
    if value[-1] <= 0:
        return (
            f"Along the sloppiest direction ({sloppy}) the loss is not curved upwards: nothing bounds "
            f"it there. The stiffest is {stiff}."
        )
    ratio = value[0] / value[-1]
    return (
        f"The stiffest direction is {stiff}, the sloppiest {sloppy}, along which the loss is "
        f"{plain(ratio, 2)} times less curved."
    )


def mixture(vector: np.ndarray, parameters: list[str]) -> str:
    """A direction as the parameters that make it up, the largest weight first and positive."""
    order = np.argsort(-np.abs(vector), kind="stable")
    kept = [i for i in order if np.abs(vector[i]) > 0.25 * np.abs(vector[order[0]])][:3]
    sign = np.sign(vector[order[0]]) or 1.0
    if len(kept) == 1:
        return f"almost {words(parameters[kept[0]])} alone"
    told = [f"{plain(abs(vector[i]), 2)} {words(parameters[i])}" for i in kept]
    joints = [" + " if sign * vector[i] > 0 else " \N{MINUS SIGN} " for i in kept]
    return "".join([told[0], *[j + t for j, t in zip(joints[1:], told[1:], strict=True)]])


def stopped(data: xr.Dataset) -> list[str]:
    """Each start that was stopped, by name, with step and reason."""
    found = np.flatnonzero(starts.stopped(data))
    told = []
    for start in found[:_MOST_NAMED]:
        one = data.isel(start=start)
        told.append(
            f"start {one['start'].item()} at step {int(one['steps_done'])}: {one['stop_reason'].item()}"
        )
    rest = len(found) - len(told)
    return [*told, *([f"{rest} more, in stop_reason"] if rest else [])]
