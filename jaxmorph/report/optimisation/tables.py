"""The tables of an optimisation as rows of text; each number is one of ``optimisation.nc``."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from ...figures.numbers import NOT_DEFINED, plain, short, uncertain, uncertain_between
from ...figures.optimisation import starts as of_starts
from ...figures.optimisation.parameters import last_values
from ...figures.style import names, unit_of, with_unit, words
from ...figures.tables import ends_of

_MOST_ROWS = 16


def facts(data: xr.Dataset) -> list[tuple[str, str]]:
    """Label and text of how it was optimised, from the configuration."""
    block = of_starts.block(data)
    optimiser = block.get("optimiser", {})
    n = block.get("seeds_per_step")
    which = {True: "fresh ones at every step", False: "the same at every step"}.get(
        block.get("fresh", ""), ""
    )
    rows = [
        ("optimiser", ", ".join(_told(optimiser))),
        ("steps", _told_steps(data, block)),
        ("seeds per step", ", ".join(text for text in (str(n or ""), which) if text)),
        ("fresh seeds to evaluate on", str(data.sizes["evaluation_seed"])),
        ("starts", str(data.sizes["start"])),
        ("stopping rules", ", ".join(_rules(block.get("stop") or {}))),
        ("refinement", _told_refinement(block.get("refine") or {})),
        ("one optimum", str(data.attrs.get("optimum_criterion", ""))),
        ("uncertainty from", str(data.attrs.get("covariance_kind", ""))),
    ]
    return [(label, text) for label, text in rows if text]


def _rules(stop: dict[str, Any]) -> list[str]:
    """The stopping rules that apply; ``patience`` belongs to ``tolerance``."""
    return _told({k: v for k, v in stop.items() if k != "patience" or stop.get("tolerance")})


def _told_steps(data: xr.Dataset, block: dict[str, Any]) -> str:
    wanted, most = block.get("steps"), int(of_starts.steps_done(data).max())
    return f"{most} of {wanted}" if wanted and most < wanted else str(wanted or most)


def _told_refinement(refine: dict[str, Any]) -> str:
    if not refine:
        return ""
    return f"at most {refine['steps']} Gauss-Newton steps on {refine['seeds']} seeds of their own"


def _told(values: dict[str, Any]) -> list[str]:
    """A mapping as ``key value``; the name of something without its key."""
    told = []
    for key, value in values.items():
        if value in (None, {}, []):
            continue
        inner = f"({', '.join(_told(value))})" if isinstance(value, dict) else str(value)
        told.append(inner if key == "name" else f"{words(key)} {inner}")
    return told


def terms(data: xr.Dataset) -> list[dict[str, str]]:
    """The terms of the objective: what, goal, when, weight."""
    rows = []
    for term in of_starts.block(data).get("objective", []):
        goal = str(term.get("goal", ""))
        aim = {"target": short(float(term["value"])) if term.get("value") is not None else "",
               "time-course": str(term.get("data", ""))}.get(goal, "")  # fmt: skip
        rows.append(
            {
                "observable": words(str(term.get("observable", ""))),
                "goal": f"{goal} {aim}".strip(),
                "error": short(float(term["error"])) if term.get("error") is not None else "",
                "when": "" if goal == "time-course" else str(term.get("when", "end")),
                "weight": short(float(term.get("weight", 1.0))),
            }
        )
    return rows


def parameters(data: xr.Dataset) -> list[str]:
    """The free parameters with their units, as headings."""
    return [with_unit(words(p), unit_of(data, "parameter", p)) for p in names(data, "parameter")]


def optima(data: xr.Dataset) -> list[dict[str, Any]]:
    """One row an optimum, the best first: starts, loss, parameters with their intervals."""
    rows = []
    for k in of_starts.optima(data):
        one = data.isel(optimum=k)
        se = float(one["optimum_loss_se"]) if "optimum_loss_se" in one else np.nan
        half = float(of_starts.half_width(np.array(se), data.sizes["evaluation_seed"]))
        rows.append(
            {
                "name": str(one["optimum"].item()),
                "starts": str(int(one["optimum_n_starts"])),
                "best": str(one["optimum_start"].item()),
                "loss": uncertain(float(one["optimum_loss"]), half),
                "values": [_interval(one.sel(parameter=p)) for p in names(data, "parameter")],
            }
        )
    return rows


def _interval(one: xr.Dataset) -> str:
    value = plain(float(one["optimum_parameter_value"]))
    if (ends := ends_of(one, "parameter")) is None:
        return value
    low, high = ends
    if not np.isfinite(high - low):
        return f"{value} (interval unbounded)"
    return f"{value} ({plain(low)} to {plain(high)})"


def starts(data: xr.Dataset) -> dict[str, Any]:
    """One row a start, the smallest loss first; how many of them are left out of the page."""
    order = of_starts.ranked(data)
    last, first = last_values(data), data["parameter_value"].isel(step=0)
    done, rows = of_starts.steps_done(data), []
    for start in order[:_MOST_ROWS]:
        one = data.isel(start=start)
        low, high = float(one["improvement_low"]), float(one["improvement_high"])
        gain = float(one["improvement"])
        optimum = int(one["optimum_of_start"])
        rows.append(
            {
                "name": str(one["start"].item()),
                "values": [
                    f"{plain(float(first.isel(start=start, parameter=i)))} → "
                    f"{plain(float(last.isel(start=start, parameter=i)))}"
                    for i in range(data.sizes["parameter"])
                ],
                "before": _mean(one["evaluation_loss_before"]),
                "after": _mean(one["evaluation_loss_after"]),
                "improvement": uncertain_between(gain, low, high) if np.isfinite(gain) else NOT_DEFINED,
                "sign": int(low > 0) - int(high < 0),
                "optimum": str(optimum) if optimum >= 0 else "none",
                "steps": str(int(done[start])),
                "reason": str(one["stop_reason"].item()),
                "stopped": bool(of_starts.stopped(data)[start]),
            }
        )
    return {"rows": rows, "more": max(len(order) - _MOST_ROWS, 0)}


def _mean(values: xr.DataArray) -> str:
    return plain(float(values.mean(skipna=False)))
