"""Whether what a page says beside its sentences is true: its picture, light, next step and tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import xarray as xr

from jaxmorph.figures import CATALOGUE, caption, nothing_because, sources
from jaxmorph.quantities import Quantity
from jaxmorph.report.answer import Answer, Cell
from jaxmorph.report.convergence_table import ConvergenceRow
from jaxmorph.report.light import Level, Light
from jaxmorph.report.next_step import NextStep
from jaxmorph.report.observables import RankedNumber, Section

from .claims import plain
from .columns import Columns, Ends
from .sentences import NUMBER, NoForm, number, one_of, spoken

_CARE = {
    "seed": r"With one seed, an effect cannot be told from chance\.",
    "failed": r"(?:(?P<n>\d+) %|Less than 1 %) of the simulations failed\. All numbers are of the "
    r"others\.",
    "some failed": r"Some simulations failed\. All numbers are of the others\.",
    "incomplete": r"Gradients miss a part of how (?P<o>.*) changes\. What is made of them is withheld\.",
    "all rests": r"Some gradients of (?P<o>.*) are not to be trusted, and all that is said of what "
    r"matters most rests on such\.",
    "unreliable": r"Some gradients of (?P<o>.*) are not to be trusted\.",
    "expansion": r"Shares of (?P<o>.*) are withheld: the expansion fails\.",
    "wide": r"(?:Shares|Sizes) are still wide for (?P<o>.*); the widest is (?P<text>.*)\.",
    "unsettled": r"(?:Shares|Sizes) of (?P<o>.*) are not settled: half of the samples give others\.",
    "unknown": r"How sure the sizes are is not known\.",
    "good": r"No check of this run found a fault, and its sizes are known well enough to be compared\.",
}  # fmt: skip


def every_column(data: xr.Dataset) -> dict[str, Columns]:
    """The columns of each observable, by its name in words."""
    return {spoken(o): Columns(data, str(o)) for o in data["observable"].values}


# The picture.


def wrong_cells(picture: Answer, data: xr.Dataset) -> Iterator[tuple[str, str]]:
    """Fields of the picture that a column contradicts."""
    each = every_column(data)
    for row in picture.rows:
        for name, cell in zip(picture.parameters, row.cells, strict=True):
            columns = each[row.observable]
            for error in _cell(cell, plain(name, columns), columns, picture.measure):
                yield f"{row.observable}, {name}: {cell}", error


def _cell(cell: Cell, p: str, columns: Columns, measure: str) -> Iterator[str]:
    who = columns.who_sees(p)
    seen = {one for one in who.values() if one is not None}
    state = "told" if True in seen else "zero" if columns.exactly_zero(p) else "open"
    if cell.state != (state if seen else "unknown") and (cell.state, state) != ("flagged", "told"):
        yield f"{p} is {state}: {who}"
    if cell.state not in ("told", "flagged"):
        return
    label, of = columns.ranges()
    one = of[p] if of else Ends(np.nan, np.nan, np.nan)
    if columns.is_share(label):
        if "%" not in measure:
            yield f"a share in per cent stands below {measure}"
        yield from _percent(cell, one, label.startswith("the share"))
    elif cell.size and not np.isnan(one.value):
        shown = columns.ends("elasticity_average", p) if label == "elasticity" else one
        shown = shown.or_value()
        if not number(cell.size).says(shown.value, shown.low, shown.high):
            yield f"{label} of {p} is {shown}"
    if cell.direction in ("up", "down"):
        own = columns.ends("elasticity_average", p).or_value()
        if not columns.elasticities() or not (own.low > 0 if cell.direction == "up" else own.high < 0):
            yield f"{p} does not move it {cell.direction} for sure: {own}"


def _percent(cell: Cell, one: Ends, between: bool) -> Iterator[str]:
    value, low, high = (100 * float(np.clip(x, 0, 1)) for x in (one.value, one.low, one.high))
    if np.isnan(one.value):
        if cell.size and "±" not in cell.size:
            yield f"its size is not known: {one}"
    elif cell.size.startswith("≤"):
        if not abs(float(cell.size[2:]) - high) <= 0.5001:
            yield f"it is {one}"
    elif between:
        told = [float(x) for x in cell.size.split("\N{EN DASH}")]
        if not (abs(told[0] - low) <= 0.5001 and abs(told[-1] - high) <= 0.5001):
            yield f"it is {one}"
    elif cell.size == "< 1":
        if not value < 1:
            yield f"it is {one}"
    elif not abs(float(cell.size) - value) <= 0.5001:
        yield f"it is {one}"
    if cell.interval:
        told = [float(x) for x in cell.interval.split("\N{EN DASH}")]
        if not (abs(told[0] - low) <= 0.5001 and abs(told[1] - high) <= 0.5001):
            yield f"it is {one}"


# The light.


def wrong_light(light: Light, data: xr.Dataset, measures: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Doubts that a column contradicts; ``measures``: what ranks, by observable in words."""
    each = every_column(data)
    if (light.level is Level.GOOD) != (not light.doubts):
        yield str(light), "good with a doubt, or none without"
    for text in [light.reason, *(doubt.text for doubt in light.doubts)]:
        kind, found = next(
            ((k, m) for k, form in _CARE.items() if (m := re.fullmatch(form, text))), ("", None)
        )
        if found is None:
            yield text, "has no form"
            continue
        of = found.groupdict().get("o")
        where = None if of is None else _where(of, list(each))
        for error in _doubt(kind, found.groupdict(), where, each, measures):
            yield text, error


def _where(text: str, observables: list[str]) -> list[str] | int:
    """Which observables, or how many."""
    if text == "every observable":
        return observables
    if found := re.fullmatch(r"(\d+) of \d+ observables", text):
        return int(found[1])
    return re.findall(one_of(observables), text)


def _same(told: list[str] | int | None, true: Iterable[str]) -> bool:
    found = list(true)
    return len(found) == told if isinstance(told, int) else {*found} == {*(told or [])}


def _doubt(
    kind: str, groups: dict[str, str], where: list[str] | int | None, each: dict[str, Columns],
    measures: dict[str, str],
) -> Iterator[str]:  # fmt: skip
    first = next(iter(each.values()))
    wide = {o: _half_and_target(measures[o], c) for o, c in each.items() if o in measures}
    open_ = [o for o, (half, target) in wide.items() if not half <= target * (1 + 1e-9)]
    if kind == "seed" and not first.one_seed:
        yield "there are more"
    if kind == "failed":
        lost = max(float(c.data["left_out_share"]) for c in each.values())
        if not (0 < lost < 0.01 if groups["n"] is None else abs(100 * lost - float(groups["n"])) < 0.51):
            yield f"{lost} failed"
    if kind == "incomplete":
        flags = first.whole["some_gradient_incomplete"].astype(bool).any("time")
        if not _same(where, (o for o, c in each.items() if bool(flags.sel(observable=c.observable)))):
            yield f"{flags.values} miss something"
    if kind in ("unreliable", "all rests"):
        bad = (o for o, c in each.items() if any(c.flagged(p) for p in c.names.values()))
        if not _same(where, bad):
            yield "others are flagged"
    if kind == "wide" and not _same(where, open_):
        yield f"half-widths and targets are {wide}"
    if kind == "good" and open_:
        yield f"half-widths and targets are {wide}"
    if kind == "wide" and (percent := re.search(r"\(± (\d+) %\)", groups["text"])):
        halves = [100 * min(half, 1.0) for half, _ in wide.values()]
        if not any(abs(float(percent[1]) - half) <= 0.5001 for half in halves):
            yield f"half-widths are {halves}"


def _half_and_target(name: str, columns: Columns) -> tuple[float, float]:
    """Half-width of the widest interval, and what it should be; (0, 0) where nothing is said."""
    attrs = columns.whole[name].attrs
    each = [columns.ends(name, p) for p in columns.names.values()]
    bound = attrs["kind"] == "upper bound on a total share"
    each = [one for one in each if not np.isnan(one.value) and not (bound and one.low > 1)]
    if "wanted_half_width" not in attrs or not each or not all(one.bounded for one in each):
        return 0.0, 0.0
    if columns.one_seed or (
        attrs.get("from_gradients") and any(map(columns.flagged, columns.names.values()))
    ):
        return 0.0, 0.0
    target = float(attrs["wanted_half_width"])
    if attrs["wanted_half_width_relative"]:
        target *= max(abs(one.value) for one in each)
    halves = [(one.high - one.low) / 2 for one in each]
    half = np.inf if np.isnan(halves).any() else max(halves)
    return (
        (0.0, 0.0)
        if half <= 1e-9 * (target if attrs["wanted_half_width_relative"] else 1.0)
        else (half, target)
    )


# The next step, and the table of convergence.


def wrong_step(step: NextStep, data: xr.Dataset, measures: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Whether so many samples and seeds would do for the observables that are named."""
    found = re.fullmatch(r"tells the (?:shares|sizes) of (.*) to ± \d+ %", step.gain)
    if found is None:
        return
    each = every_column(data)
    grown = {"samples": 1.0, "seeds": 1.0}
    for key in step.keys:
        name, count = key.split(": ")
        part = "seeds" if name == "seeds" else "samples"
        now = data.sizes["seed"] if part == "seeds" else _units(data)
        grown[part] = int(count) / now
    if not step.keys or any(factor < 1 for factor in grown.values()):
        yield str(step), f"nothing grows: {grown}"
    where = _where(found[1], list(each))
    names = [o for o in each if o in measures] if isinstance(where, int) else where
    settled = [o for o in names if _settles(measures[o], each[o], grown)]
    if not _same(where, settled) and not (isinstance(where, int) and len(settled) >= where):
        yield str(step), f"it settles {settled}"


def _units(data: xr.Dataset) -> int:
    attrs, n = data.attrs, data.sizes["sample"]
    parts = data.sizes["parameter"]
    if "parameter_group" in data.coords and attrs["design_method"] in ("saltelli", "morris"):
        parts = len(np.unique(data["parameter_group"].values))
    second = 2 if '"second_order":true' in attrs["design"] else 1
    points = {"saltelli": second * parts + 2, "morris": parts + 1, "fast": parts}
    return n // points.get(attrs["design_method"], 1)


def _settles(name: str, columns: Columns, grown: dict[str, float]) -> bool:
    """Whether the widest interval is then as narrow as it should be."""
    half, target = _half_and_target(name, columns)
    each = {p: columns.ends(name, p) for p in columns.names.values()}
    known = [p for p, one in each.items() if not np.isnan(one.value)]
    worst = max(known, key=lambda p: np.nan_to_num(each[p].high - each[p].low, nan=np.inf))
    squares = {
        part: columns.number(f"{name}_se_{part}", worst) ** 2
        for part in ("samples", "seeds")
        if f"{name}_se_{part}" in columns.whole
    }
    total = sum(squares.values())
    if not total > 0 or not np.isfinite(half):
        return True
    then = half * np.sqrt(sum(square / grown[part] for part, square in squares.items()) / total)
    return bool(then <= target * 1.02)


def wrong_lines(lines: list[ConvergenceRow], data: xr.Dataset) -> Iterator[tuple[str, str]]:
    """Lines of the table of convergence whose numbers are not those of the columns."""
    each = every_column(data)
    for line in lines:
        observable, _, label = line.what.rpartition(": ")
        found = re.match(rf"± ({NUMBER})(?: \([^)]*\))?", line.sure)
        if found is None:
            if not re.match("exact|no bound|made from gradients that are not to be trusted", line.sure):
                yield str(line), "has no form"
            continue
        (name,) = (n for n in map(str, data.data_vars) if _is_judged(data[n], label))
        if data[name].dims != ("time", "observable", "parameter"):
            continue
        where = [each[observable]] if observable else list(each.values())
        wide = [_half_and_target(name, columns) for columns in where]
        for error in _width(number(found[1]).value, line.sure, wide):
            yield str(line), error


def _is_judged(one: xr.DataArray, label: str) -> bool:
    return one.attrs.get("label") == label and "wanted_half_width" in one.attrs


def _width(told: float, text: str, wide: list[tuple[float, float]]) -> Iterator[str]:
    if not any(abs(told - half) <= 0.051 * max(half, told) for half, _ in wide):
        yield f"half-widths and targets are {wide}"
    if wanted := re.search(rf"; ± ({NUMBER}) is wanted", text):
        target = number(wanted[1]).value
        if not told > target * 0.95:
            yield "reads as if it were enough"
        if not any(abs(target - one) <= 0.051 * max(one, target) for _, one in wide):
            yield f"half-widths and targets are {wide}"


# Sections, captions, seeds.


def wrong_section(section: Section, columns: Columns) -> Iterator[tuple[str, str]]:
    """Entries of the table of one observable that are not the numbers of the columns."""
    label, of = columns.ranges()
    order = [of[plain(p, columns)].value for p, _ in section.rows if p != "noise"] if of else []
    known = [value for value in order if not np.isnan(value)]
    if known != sorted(known, reverse=True):
        yield f"{section.name}: {[p for p, _ in section.rows]}", f"not sorted by {label}: {order}"
    for name, entries in section.rows:
        for column, entry in zip(section.columns, entries, strict=True):
            if name != "noise":
                for error in _entry(entry, column, plain(name, columns), columns):
                    yield f"{section.name}, {name}, {column.name}: {entry}", error


def _entry(entry: RankedNumber, column: Quantity, p: str, columns: Columns) -> Iterator[str]:
    one = columns.ends(column.name, p)
    if entry.flagged != (columns.flagged(p) and column.from_gradients):
        yield "is flagged wrongly, or not"
    if entry.text in ("not defined", "no finite bound"):
        if np.isfinite(one.value):
            yield f"is {one}"
        return
    told = number(re.sub(r" \((?:interval unbounded|p = .*)\)", "", entry.text))
    if not told.says(one.value, one.low, one.high):
        yield f"is {one}"
    both = column.is_signed and one.bounded and told.holds_zero is not None
    if both and told.holds_zero != (one.low <= 0 <= one.high):
        yield f"reads otherwise of zero: {one}"
    ends = one.or_value()
    if entry.sign and not (ends.low > 0 if entry.sign > 0 else ends.high < 0):
        yield f"has no direction for sure: {one}"


def _of_expansion(data: xr.Dataset) -> bool:
    return data.attrs["design_method"] not in ("saltelli", "fast")


_TOTALS = (
    "sobol_total", "sobol_total_of_group", "total_bound", "noise_sobol_total", "total_bound_of_group",
)  # fmt: skip
_FIRSTS = (
    "sobol_first", "sobol_first_given_data", "kucherenko_first", "noise_sobol_first", "expansion_first",
)  # fmt: skip
_BOUNDS = ("total_bound", "total_bound_of_group")
_JUDGED = ("sobol_total", "total_bound", "sobol_first", "sobol_first_given_data")
_TOLD: dict[str, Callable[[xr.Dataset, str], bool]] = {
    r"95 % interval": lambda d, n: _has(d, _lower(d, n)),
    r"total Sobol index(?! if)": lambda d, _: _has(d, _TOTALS),
    r"first-order index": lambda d, _: _has(d, _FIRSTS),
    r"upper bound on (?:it|the total)": lambda d, _: _has(d, _BOUNDS),
    r"lower bound": lambda d, _: _has(d, ["total_lower_bound"]),
    r"noise between seeds|lies between seeds": lambda d, _: _has(d, ["noise_share"]),
    r"Both are of an expansion": lambda d, _: _of_expansion(d),
    r"Parameters are correlated": lambda d, _: d.attrs["correlations"] != "[]",
    r"over samples and seeds": lambda d, n: _parts(d, n) == {"samples", "seeds"},
    r"over samples(?! and)": lambda d, n: "samples" in _parts(d, n),
    r"judged by the variance": lambda d, _: _has(d, _JUDGED),
    r"averaged over (?:the samples of the design and over the )?seeds": lambda d, _: "mean_se" in d,
}


def _lower(data: xr.Dataset, name: str) -> list[str]:
    shown = map(str, data.data_vars) if name == "convergence" else sources(name, data)
    return [f"{v.split('_by_')[0].removesuffix('_low')}_low" for v in shown]


def _has(data: xr.Dataset, names: Iterable[str]) -> bool:
    there = (data[name].values.astype(float) for name in names if name in data)
    return any(not bool(np.isnan(values).all()) for values in there)


def _parts(data: xr.Dataset, name: str) -> set[str]:
    """The sources of error that the intervals of a figure are of."""
    stems = [v.removesuffix("_low") for v in sources(name, data) if v.endswith("_low")]
    return {part for stem in stems for part in ("samples", "seeds") if f"{stem}_se_{part}" in data}


def wrong_captions(data: xr.Dataset) -> Iterator[tuple[str, str]]:
    """Captions that speak of what the figures of this run have not."""
    for name, entry in CATALOGUE.items():
        if entry.design not in ("", data.attrs["design_method"]):
            continue
        if entry.n_parameters not in (0, data.sizes["parameter"]):
            continue
        if not entry.source.startswith("sensitivity.nc") or nothing_because(name, data) is not None:
            continue
        reading = caption(name, data).reading
        for form, true in _TOLD.items():
            if re.search(form, reading) and not true(data, name):
                yield f"{name}: ... {form} ...", f"{data.attrs['design_method']} has none"


def wrong_seeds(text: str | None, data: xr.Dataset) -> Iterator[tuple[str, str]]:
    """What is said of single seeds, against the gradients of the central sample."""
    if text is None:
        return
    last = data["central_gradient"].isel(time=-1)
    columns = every_column(data)
    names = {spoken(p): str(p) for p in data["parameter"].values}
    if found := re.fullmatch(
        r"One seed is not enough: at the central sample (\d+) of (\d+) seeds give the gradient of "
        rf"({one_of(columns)}) with respect to ({one_of(names)}) the wrong sign, although the mean over "
        r"seeds is clear\.", text,
    ):  # fmt: skip
        one = last.sel(observable=columns[found[3]].observable, parameter=names[found[4]]).values
        one = one[np.isfinite(one)]
        if (int((one * one.mean() < 0).sum()), len(one)) != (int(found[1]), int(found[2])):
            yield text, f"{one}"
        return
    found = re.fullmatch(
        r"At the central sample every (?:one of (\d+) seeds|seed that is there) has the sign of the "
        r"mean, wherever the mean is clear\.", text,
    )  # fmt: skip
    if found is None:
        raise NoForm(text)
    every = last.transpose("observable", "parameter", "seed").values
    for pair in every.reshape(-1, last.sizes["seed"]):
        one = pair[np.isfinite(pair)]
        clear = len(one) > 2 and abs(one.mean()) > 3 * one.std(ddof=1) / len(one) ** 0.5
        if clear and not (one * one.mean() > 0).all():
            yield text, f"{one}"
        if clear and found[1] and len(one) != int(found[1]):
            yield text, f"{len(one)} seeds are there"
