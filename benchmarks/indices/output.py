"""Tables of the comparison, from its rows."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from . import figure
from .plan import METHODS, Plan, title
from .truth import known

_AIM = 10
"""So many times fewer simulations than Saltelli's scheme needs for the same error."""


def reached(part: pd.DataFrame, error: float) -> tuple[float, str]:
    """The cost at which the median error of a method is as small, and how that is known.

    Between two designs by a line in logarithms; ``<`` and the least cost if the smallest design is as
    good, ``>`` and the largest if none is.
    """
    by_size = part.groupby("samples").agg({"cost": "mean", "error": "median"}).sort_index()
    cost, errors = by_size["cost"].values, by_size["error"].values
    good = np.flatnonzero(errors <= error)
    if not len(good):
        return float(cost[-1]), ">"
    i = int(good[0])
    if i == 0 or np.isinf(errors[i - 1]):
        return float(cost[i]), "<"
    share = np.log(errors[i - 1] / error) / np.log(errors[i - 1] / errors[i])
    return float(np.exp(np.log(cost[i - 1]) + share * np.log(cost[i] / cost[i - 1]))), ""


def summary(errors: pd.DataFrame, samples: int = figure.MARKED) -> pd.DataFrame:
    """For each case, what others must simulate for the error that gradients at so many samples have."""
    rows = []
    for name, part in errors.groupby("case", sort=False):
        ours = part[(part["method"] == "gradients") & (part["samples"] == samples)]
        if ours.empty:
            continue
        error, cost, one = float(ours["error"].median()), float(ours["cost"].mean()), ours.iloc[0]
        row = {
            "case": title(str(name), int(one["parameters"])),
            "price": f"{one['price']:.2f}",
            "cost": f"{cost:,.0f}",
            "error": f"{error:.2g}",
            "withheld": f"{(ours['q2'] < 0.8).mean():.0%}",
        }
        for method in METHODS:
            other = part[part["method"] == method]
            if method == "gradients" or other.empty:
                continue
            needs, sign = reached(other, error)
            row[METHODS[method]] = f"{sign}{needs:,.0f} ({sign}{needs / cost:.2g})"
            if method == "salib":
                holds = needs >= _AIM * cost and sign != "<"
                row["a tenth?"] = "yes" if holds else "not known" if sign == ">" else "no"
        rows.append(row)
    return pd.DataFrame(rows)


def at_equal_samples(errors: pd.DataFrame) -> pd.DataFrame:
    """Median errors, the half of the repetitions around, and costs: each case, method and design."""
    keys = ["case", "method", "samples"]
    grouped = errors.groupby(keys, sort=False)
    table = grouped.agg(cost=("cost", "mean"), error=("error", "median")).reset_index()
    for name, q in (("from", 0.25), ("to", 0.75)):
        table[name] = grouped["error"].quantile(q, interpolation="higher").values
    return table


def write(
    folder: Path, machine: dict[str, Any], errors: pd.DataFrame | None, times: pd.DataFrame | None
) -> None:
    """What was measured, beside what was there of the other part: CSV, tables, figure, machine."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in (("errors", errors), ("times", times)):
        if table is not None and not table.empty:
            _with_what_was_there(table, folder / f"{name}.csv").to_csv(
                folder / f"{name}.csv", index=False, float_format="%.5g"
            )
            (folder / f"{name}.json").write_text(json.dumps(machine, indent=2) + "\n", encoding="utf-8")
    parts = [
        "# Indices at equal cost",
        "What is compared: [docs/benchmarks.md](../../../docs/benchmarks.md).",
    ]
    if (folder / "errors.csv").exists():
        parts += _of_errors(folder)
    if (folder / "times.csv").exists():
        parts += _of_times(folder)
    (folder / "README.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def _with_what_was_there(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """With the rows of cases that were not measured again, in the order of the plan."""
    if "case" not in table or not path.exists():
        return table
    there = pd.read_csv(path)
    every = pd.concat([there[~there["case"].isin(table["case"])], table])
    return every.sort_values("case", key=lambda c: c.map(list(Plan.cases).index), kind="stable")


def _of_errors(folder: Path) -> list[str]:
    errors = pd.read_csv(folder / "errors.csv")
    figure.draw(errors, folder / "errors.svg")
    names = dict.fromkeys(errors["case"])
    truths = {name: known(str(name)) for name in names}
    of = errors.groupby("case")["parameters"].first()
    shown = pd.DataFrame(
        [
            {"case": title(str(n), int(of[n])), "truth": t.how, "its error": f"{t.error:.1g}"}
            for n, t in truths.items()
        ]
    )
    every = at_equal_samples(errors)
    return [
        "![Error against cost](errors.svg)",
        _said(folder / "errors.json"),
        f"## What {figure.MARKED} samples with gradients save",
        summary(errors).to_markdown(index=False, disable_numparse=True),
        "Cost is in simulations without gradient: samples x seeds x price. Error: root mean square over "
        "first and total indices of all parameters, median of the repetitions. Withheld: repetitions in "
        "which a run would give no index (expansion_q2 below 0.8); their errors count. Of the others: "
        "the cost at which their median error is as small (in brackets: that over ours), > or < where "
        "the largest or the smallest design does not tell.",
        "## Truths",
        shown.to_markdown(index=False, disable_numparse=True),
        "## All errors",
        every.to_markdown(index=False, floatfmt=",.3g"),
    ]


def _of_times(folder: Path) -> list[str]:
    times = pd.read_csv(folder / "times.csv")
    return [
        "## Time of the estimates",
        _said(folder / "times.json"),
        times.to_markdown(index=False, floatfmt=",.3g"),
        "Compiling is not counted.",
    ]


def _said(path: Path) -> str:
    machine = json.loads(path.read_text(encoding="utf-8"))
    versions = ", ".join(f"{k} {v}" for k, v in machine["versions"].items())
    where = "{date}, commit {commit}, {cpus} CPUs ({cpu} {vectors})".format_map(machine)
    return f"{where}; the last run took {machine['seconds']} s. {versions}."
