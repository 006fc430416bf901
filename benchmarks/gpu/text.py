"""The rows of the trial as a page to read."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..floor import RATES, floor
from ..task import Task

Row = dict[str, Any]
_KERNELS = 12


def written_out(rows: Mapping[str, Sequence[Row]]) -> str:
    """What there is so far, as Markdown."""
    about = next(iter(rows["about"]), {})
    parts = [
        f"# The engine on {about.get('devices', 'a machine that did not answer')}",
        ", ".join(str(about[key]) for key in ("versions", "driver") if about.get(key)),
        "Made by `scripts/gpu-trial` (docs/benchmarks.md).",
    ]
    if rows.get("answers"):
        parts += ["## Answers beside those of a CPU", _answers(rows["answers"]), _ANSWERS]
    for kind, title in (("throughput", "Throughput"), ("ways", "Ways to sum pairs")):
        if rows.get(kind):
            parts += [f"## {title}", _throughput(rows, kind), _THROUGHPUT]
    for row in rows.get("rates", ()):
        said = ", ".join(f"{key.removesuffix('_per_s')} {value:.3g}" for key, value in row.items())
        parts.append(f"What each device can do in a second: {said}.")
    for row in rows.get("profile", ()):
        parts += [f"## Profile: {row['mode']}", *_profile(row)]
    parts += ["## Parts", table(rows["ended"], ("part", "how", "seconds"))]
    return "\n\n".join(part for part in parts if part) + "\n"


_ANSWERS = (
    "Apart: of chaotic studies the largest difference of means in standard errors, of others the "
    "largest difference relative to the largest number of its kind. Not finite: simulations, or numbers."
)
_THROUGHPUT = (
    "The reference study, its mean distance at the end, 6 parameters, float32; microseconds of a "
    "simulation, the shortest of some calls. The floor is that of the physics (benchmarks/floor.py)."
)


def _answers(rows: Sequence[Row]) -> str:
    columns = "study same value_apart gradient_apart value_not_finite value_not_finite_on_file "
    columns += "gradient_not_finite gradient_not_finite_on_file seconds why"
    return table(
        [row | {"why": row.get("left_out") or row.get("value_shapes", "")} for row in rows],
        columns.split(),
    )


def _throughput(rows: Mapping[str, Sequence[Row]], kind: str) -> str:
    """With the floor beside it, where it is known what the machine can do."""
    made = []
    devices = next(iter(rows["about"]), {}).get("n_devices", 1)
    rates = next(iter(rows.get("rates", ())), None)
    for row in sorted(rows[kind], key=lambda r: (r["mode"], r["simulations"])):
        if "left_out" in row:
            made.append({**row, "why": row["left_out"]})
            continue
        each = row["seconds"] / row["simulations"]
        of_row = {**row, "us": 1e6 * each, "ms_call": 1e3 * row["seconds"]}
        if rates and all(rates.get(name) for name in RATES):
            task = Task(samples=row["samples"], seeds=row["seeds"])
            least = floor(task, row["mode"], rates, devices)
            of_row |= {
                "floor_us": 1e3 * least["floor_ms"],
                "times_floor": 1e3 * each / least["floor_ms"],
            }
        made.append(of_row)
    columns = (
        "mode forces simulations us floor_us times_floor ms_call pieces build_s program_mb peak_mb why"
    )
    return table(made, columns.split())


def _profile(row: Row) -> list[str]:
    if "left_out" in row:
        return [row["left_out"]]
    said = (
        f"{row['simulations']} simulations in {1e3 * row['seconds']:.4g} ms, kernels "
        f"{1e3 * row['kernel_s']:.4g} ms of all streams or threads in {row['launches']} launches of "
        f"{row['different']} different ones."
    )
    return [said, table(row["kernels"][:_KERNELS], ("kernel", "calls", "ms"))]


def table(rows: Sequence[Row], columns: Sequence[str]) -> str:
    """Of the columns, those that some row has a value for, as Markdown."""
    names = [c for c in columns if any(row.get(c) not in (None, "") for row in rows)]
    lines = [names, ["---"] * len(names)]
    lines += [[_shown(row.get(name)) for name in names] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "NO"
    return f"{value:.3g}" if isinstance(value, float) else str(value).replace("|", "/")
