"""The section of one observable: its ranking with every estimate, and what to make of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from jaxmorph.figures import draw, nothing_because
from jaxmorph.figures.estimates import Estimate, known, present, size_measure, unreliable, unsuited
from jaxmorph.figures.numbers import NOT_DEFINED, plain, uncertain_between
from jaxmorph.figures.save import render
from jaxmorph.figures.style import final, words
from jaxmorph.report.convergence import Verdict, verdicts
from jaxmorph.report.findings import noiseless
from jaxmorph.report.summary import percent

_COLUMNS = (
    "elasticity_average", "sobol_total", "sobol_first", "sobol_total_with_noise",
    "sobol_first_with_noise", "sobol_first_given_data", "total_bound", "activity_score",
    "morris_mu_star", "morris_sigma", "pawn",
)  # fmt: skip
_DIRECTIONS = ("scaled_sensitivity_average", "semi_elasticity_average")
_REMEDIES = ("gradient_average", "gradient_trimmed_average")


@dataclass(frozen=True)
class Cell:
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
    columns: list[Estimate] = field(default_factory=list)
    rows: list[tuple[str, list[Cell]]] = field(default_factory=list)
    flagged: list[str] = field(default_factory=list)
    undefined: list[str] = field(default_factory=list)
    has_semi_elasticity: bool = False
    noise: str = ""
    verdicts: list[Verdict] = field(default_factory=list)
    pictures: list[tuple[str, bytes]] = field(default_factory=list)


def section(sensitivity: xr.Dataset, observable: str) -> Section:
    """The section of one observable, with its time courses drawn."""
    data = final(sensitivity).sel(observable=observable)
    unit = str(data["observable_unit"].item()) if "observable_unit" in data.coords else "1"
    text = data["observable_description"].item() if "observable_description" in data.coords else ""
    flags = unreliable(data)
    flagged = np.zeros(data.sizes["parameter"], bool) if flags is None else flags.values
    wanted: tuple[str, ...] = (*_COLUMNS, *_REMEDIES) if flagged.any() else _COLUMNS
    cancels = bool(unsuited(sensitivity).sel(observable=observable))
    if cancels:
        wanted = tuple(name for name in wanted if name != "elasticity_average")
        wanted += tuple(name for name in _DIRECTIONS if name in sensitivity)[:1]
    columns = [one for one in present(sensitivity) if one.name in wanted]
    undefined = np.isnan(data["elasticity_average"].values) & (not cancels)
    found = Section(
        words(observable), f"observable-{observable}", "" if unit == "1" else unit, str(text), columns,
        has_semi_elasticity="semi_elasticity_average" in sensitivity,
        verdicts=verdicts(sensitivity, observable),
    )  # fmt: skip
    parameters = [words(str(p)) for p in data["parameter"].values]
    found.flagged = [p for p, bad in zip(parameters, flagged, strict=True) if bad]
    found.undefined = [p for p, bad in zip(parameters, undefined, strict=True) if bad]
    for i in _order(data, cancels):
        one = data.isel(parameter=int(i))
        cells = [_cell(one, column, bool(flagged[i])) for column in columns]
        found.rows.append((parameters[i], cells))
    if "sobol_noise_first" in data and np.isfinite(data["sobol_noise_first"].item()):
        found.rows.append(("noise", [_of_noise(data, column) for column in columns]))
    if "noise_share" in data and np.isfinite(data["noise_share"].item()):
        found.noise = (
            "" if noiseless(data) else f"Noise makes up {percent(data, 'noise_share')} of its variance."
        )
        found.noise = found.noise or "It has no noise: all seeds give the same value."
    found.pictures = _pictures(sensitivity, observable)
    return found


def _order(data: xr.Dataset, cancels: bool) -> np.ndarray:
    """By what the findings rank by, the largest first; where that is not defined, last."""
    measure = size_measure(data) if cancels else known("elasticity_average")
    if measure is None:
        return np.arange(data.sizes["parameter"])
    value = np.abs(data[measure.name].values)
    return np.argsort(-np.nan_to_num(value, nan=-1.0), kind="stable")


def _of_noise(data: xr.Dataset, column: Estimate) -> Cell:
    """The noise as one more input has a first-order index, and nothing else of its own."""
    if column.name != "sobol_first_with_noise":
        return Cell("")
    own = {f"sobol_noise_first{end}": f"{column.name}{end}" for end in ("", "_low", "_high")}
    held = {old: new for old, new in own.items() if old in data}
    return _cell(data[list(held)].rename(held), column, flagged=False)


def _cell(one: xr.Dataset, column: Estimate, flagged: bool) -> Cell:
    value = float(one[column.name])
    mark = flagged and column.gradient
    if not np.isfinite(value):
        return Cell(NOT_DEFINED if np.isnan(value) else "no finite bound", mark)
    if f"{column.name}_low" not in one:
        return Cell(plain(value), mark, _sign(column, value, value))
    low, high = float(one[f"{column.name}_low"]), float(one[f"{column.name}_high"])
    if not np.isfinite(high - low):
        return Cell(f"{plain(value)} (interval unbounded)", mark)
    sign = _sign(column, low, high)
    return Cell(uncertain_between(value, low, high), mark, sign)


def _sign(column: Estimate, low: float, high: float) -> int:
    """Direction of a signed estimate where its interval leaves zero out."""
    if not column.signed:
        return 0
    return int(low > 0) - int(high < 0)


def _pictures(sensitivity: xr.Dataset, observable: str) -> list[tuple[str, bytes]]:
    """Time courses of this observable alone, as SVG."""
    if sensitivity.sizes["time"] < 2:
        return []
    drop = [d for d in ("sample", "seed", "quantile", "n_samples", "n_seeds") if d in sensitivity.dims]
    small = sensitivity.drop_dims(drop).sel(observable=[observable])
    found = []
    for name in ("time_course", "sensitivity_over_time"):
        if nothing_because(name, sensitivity.sel(observable=[observable])) is not None:
            continue
        if name == "time_course" or any(e in sensitivity for e in ("sobol_total", "total_bound")):
            found.append((name, render(draw(name, small)[0], "svg")))
    return found
