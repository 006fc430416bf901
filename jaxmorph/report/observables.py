"""The section of one observable: its ranking with every estimate, and what to make of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from ..figures.estimates import discrete, present, unreliable, unsuited
from ..figures.numbers import NOT_DEFINED, plain, uncertain_between
from ..figures.ranking import sizes
from ..figures.style import final, unit_of, words
from ..figures.tables import ends_of
from ..quantities import Kind, Quantity
from .findings import in_detail, noiseless
from .over_time import over_time
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
    unit: str
    description: str
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


def section(sensitivity: xr.Dataset, observable: str, ranking: Ranking) -> Section:
    """The section of one observable; ``ranking`` is what matters for it."""
    data = final(sensitivity).sel(observable=observable)
    unit = unit_of(sensitivity, "observable", observable)
    text = data["observable_description"].item() if "observable_description" in data.coords else ""
    flags = unreliable(data)
    flagged = np.zeros(data.sizes["parameter"], bool) if flags is None else flags.values
    cancels = bool(unsuited(sensitivity).sel(observable=observable))
    columns = _columns(sensitivity, cancels, bool(flagged.any()))
    few = discrete(sensitivity).values
    undefined = np.zeros(few.size, bool)
    if "elasticity_average" in data and not cancels:
        undefined = np.isnan(data["elasticity_average"].values) & ~few
    found = Section(
        words(observable), f"observable-{observable}", "" if unit == "1" else unit, str(text), columns,
        has_semi_elasticity="semi_elasticity_average" in sensitivity,
        details=in_detail(data, ranking),
    )  # fmt: skip
    parameters = [words(str(p)) for p in data["parameter"].values]
    found.flagged = [p for p, bad in zip(parameters, flagged, strict=True) if bad]
    found.discrete = [p for p, of_few in zip(parameters, few, strict=True) if of_few]
    found.undefined = [p for p, bad in zip(parameters, undefined, strict=True) if bad]
    for i in sizes(data, not cancels).order:
        one = data.isel(parameter=int(i))
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
    found.over_time = [one.sentence for one in over_time(sensitivity.sel(observable=[observable]))]
    return found


def _columns(sensitivity: xr.Dataset, cancels: bool, flagged: bool) -> list[Quantity]:
    """The estimates that the table has.

    A direction stands in place of elasticities that are not suited, and the gradients themselves are
    beside what is made from them where they are not to be trusted.
    """
    kinds = [*_COLUMNS, *([Kind.DERIVATIVE] if flagged else [])]
    if cancels:
        kinds.remove(Kind.ELASTICITY)
        kinds += [kind for kind in _DIRECTIONS if present(sensitivity, kind)][:1]
    # Further readings of an index (with noise as an input, of the noise itself) stand last.
    further = (Kind.TOTAL, Kind.FIRST)
    return sorted(present(sensitivity, *kinds), key=lambda one: one.kind in further and not one.ranks)


def _of_noise(data: xr.Dataset, column: Quantity) -> RankedNumber:
    """The noise as one more input has a first-order index, and nothing else of its own."""
    own = {f"{column.of_noise}{end}": f"{column.name}{end}" for end in ("", "_low", "_high")}
    held = {old: new for old, new in own.items() if column.of_noise and old in data}
    return _entry(data[list(held)].rename(held), column, flagged=False) if held else RankedNumber("")


def _entry(one: xr.Dataset, column: Quantity, flagged: bool) -> RankedNumber:
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
