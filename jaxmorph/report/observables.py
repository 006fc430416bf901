"""The section of one observable: its ranking with every estimate, and what to make of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from ..figures.estimates import discrete, present, unreliable, unsuited
from ..figures.numbers import NOT_DEFINED, plain, uncertain_between
from ..figures.ranking import sizes
from ..figures.style import final, names, unit_of, words
from ..figures.tables import ends_of, interval
from ..quantities import Kind, Quantity
from .findings import in_detail, noiseless
from .over_time import Finding, over_time
from .summary import Ranking, percent
from .survivors import of_survivors

_COLUMNS = (
    *(Kind.ELASTICITY, Kind.TOTAL, Kind.FIRST, Kind.BOUND, Kind.LOWER_BOUND, Kind.SCORE, Kind.EFFECT),
    Kind.DISTANCE,
)
# Where elasticities are not suited, one of these says the direction.
_DIRECTIONS = (Kind.SCALED, Kind.SEMI_ELASTICITY)


@dataclass(frozen=True)
class RankedNumber:
    """One number of a ranking as text; ``flagged`` where its gradient cannot be trusted."""

    text: str
    flagged: bool = False
    sign: int = 0


@dataclass
class Section:
    """What the page says about one observable."""

    name: str
    anchor: str
    description: str
    unit: str = ""
    columns: list[Quantity] = field(default_factory=list)
    rows: list[tuple[str, list[RankedNumber]]] = field(default_factory=list)
    flagged: list[str] = field(default_factory=list)
    undefined: list[str] = field(default_factory=list)
    discrete: list[str] = field(default_factory=list)
    has_semi_elasticity: bool = False
    noise: str = ""
    survivors: str = ""
    details: list[str] = field(default_factory=list)
    over_time: list[str] = field(default_factory=list)


def sections(
    sensitivity: xr.Dataset, ranked: Sequence[Ranking], over: Sequence[Finding] | None = None
) -> list[Section]:
    """Those of all observables.

    ``ranked`` is what matters for each of them, ``over`` what is found over time, where it is known.
    """
    data, cancelling = final(sensitivity), unsuited(sensitivity)
    over = over_time(sensitivity) if over is None else over
    found = []
    for name, ranking in zip(names(sensitivity, "observable"), ranked, strict=True):
        one = _section(data.sel(observable=name), ranking, bool(cancelling.sel(observable=name)))
        unit = unit_of(sensitivity, "observable", name)
        one.unit = "" if unit == "1" else unit
        one.over_time = [told.sentence for told in over if told.observable == name]
        found.append(one)
    return found


def _section(data: xr.Dataset, ranking: Ranking, cancels: bool) -> Section:
    """The section of one observable, of ``data`` at one time; whether its elasticities cancel."""
    observable = str(data["observable"].item())
    text = data["observable_description"].item() if "observable_description" in data.coords else ""
    flags = unreliable(data)
    flagged = np.zeros(data.sizes["parameter"], bool) if flags is None else flags.values
    columns = _columns(data, cancels, bool(flagged.any()))
    few = discrete(data).values
    undefined = np.zeros(few.size, bool)
    if "elasticity_average" in data and not cancels:
        undefined = np.isnan(data["elasticity_average"].values) & ~few
    found = Section(
        words(observable), f"observable-{observable}", str(text), columns=columns,
        has_semi_elasticity="semi_elasticity_average" in data,
        details=in_detail(data, ranking),
    )  # fmt: skip
    parameters = [words(str(p)) for p in data["parameter"].values]
    found.flagged = [p for p, bad in zip(parameters, flagged, strict=True) if bad]
    found.discrete = [p for p, of_few in zip(parameters, few, strict=True) if of_few]
    found.undefined = [p for p, bad in zip(parameters, undefined, strict=True) if bad]
    wanted = {n for c in columns for n in (*interval(c.name), c.tested_by) if n in data}
    numbers = {name: data[name].values for name in wanted}
    for i in sizes(data, not cancels).order:
        one = {name: values[i] for name, values in numbers.items()}
        entries = [_entry(one, column, bool(flagged[i])) for column in columns]
        found.rows.append((parameters[i], entries))
    if any(c.of_noise in data and np.isfinite(data[c.of_noise].item()) for c in columns):
        found.rows.append(("noise", [_of_noise(data, column) for column in columns]))
    if "noise_share" in data and np.isfinite(data["noise_share"].item()):
        found.noise = (
            "" if noiseless(data) else f"Noise makes up {percent(data, 'noise_share')} of its variance."
        )
        found.noise = found.noise or "It has no noise: all seeds give the same value."
    found.survivors = of_survivors(data)
    return found


def _columns(data: xr.Dataset, cancels: bool, flagged: bool) -> list[Quantity]:
    """The estimates that the table has.

    A direction stands in place of elasticities that are not suited, and the gradients themselves are
    beside what is made from them where they are not to be trusted.
    """
    kinds = [*_COLUMNS, *([Kind.DERIVATIVE] if flagged else [])]
    if cancels:
        kinds.remove(Kind.ELASTICITY)
        kinds += [kind for kind in _DIRECTIONS if present(data, kind)][:1]
    # Further readings of an index (with noise as an input, of the noise itself) stand last.
    further = (Kind.TOTAL, Kind.FIRST)
    return sorted(present(data, *kinds), key=lambda one: one.kind in further and not one.ranks)


def _of_noise(data: xr.Dataset, column: Quantity) -> RankedNumber:
    """The noise as one more input has a first-order index, and nothing else of its own."""
    own = {f"{column.of_noise}{end}": f"{column.name}{end}" for end in ("", "_low", "_high")}
    held = {new: float(data[old]) for old, new in own.items() if column.of_noise and old in data}
    return _entry(held, column, flagged=False) if held else RankedNumber("")


def _entry(one: Mapping[str, float], column: Quantity, flagged: bool) -> RankedNumber:
    value = float(one[column.name])
    mark = flagged and column.from_gradients
    if not np.isfinite(value):
        return RankedNumber(NOT_DEFINED if np.isnan(value) else "no finite bound", mark)
    if column.tested_by:
        return RankedNumber(f"{plain(value)} (p = {plain(float(one[column.tested_by]), 1)})", mark)
    if (ends := ends_of(one, column.name)) is None:
        return RankedNumber(plain(value), mark, _sign(column, value, value))
    low, high = ends
    if not np.isfinite(high - low):
        return RankedNumber(f"{plain(value)} (interval unbounded)", mark)
    sign = _sign(column, low, high)
    return RankedNumber(uncertain_between(value, low, high), mark, sign)


def _sign(column: Quantity, low: float, high: float) -> int:
    """Direction of a signed estimate where its interval leaves zero out."""
    if not column.is_signed:
        return 0
    return int(low > 0) - int(high < 0)
