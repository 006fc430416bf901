"""What was run, as rows of text; an attribute that a dataset lacks is left out."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import numpy as np
import xarray as xr

from ..configuration.given import is_given, shown
from ..designs import DESIGNS
from ..figures.estimates import has_noise
from ..figures.numbers import plain, short
from ..figures.style import names

_MOST_NAMED = 20
_FEW_VALUES = 5


def run_facts(sensitivity: xr.Dataset) -> list[tuple[str, str]]:
    """Label and text of everything that is known about the run."""
    attrs = sensitivity.attrs
    rows = [
        ("study", _study(attrs)),
        ("settings", _mapping(attrs.get("settings"))),
        ("fixed parameters", _mapping(attrs.get("fixed_parameters"))),
        ("design", _design(sensitivity)),
        ("correlations", _correlations(attrs.get("correlations"))),
        ("groups of parameters", _groups(attrs.get("groups"))),
        ("seeds", _seeds(sensitivity)),
        ("recorded times", _times(sensitivity)),
        ("estimator of the gradients", attrs.get("estimator")),
        ("bias of the gradients", attrs.get("gradient_bias")),
        ("gradients", _with_detail(attrs, "gradient_mode", "gradient_mode_reason")),
        ("random key", attrs.get("random_key")),
        ("design hash", attrs.get("design_hash")),
        ("device", _several(attrs.get("batch_device")) or attrs.get("device")),
        ("host", _several(attrs.get("batch_host")) or attrs.get("host")),
        ("jobs of the batches", _several(attrs.get("batch_job_id"))),
        ("batches made", _span(attrs.get("batch_start"), attrs.get("batch_end"))),
        ("time of all batches", _duration(attrs.get("batch_wall_time_s"))),
        ("estimates made", _date(attrs.get("end"))),
        ("code", code_in_words(attrs)),
        ("code of the batches", _other_codes(attrs)),
        ("libraries", _mapping(attrs.get("library_versions"))),
    ]
    return [(label, str(text)) for label, text in rows if text not in (None, "")]


def study_name(attrs: dict[str, Any]) -> str:
    """The study as the run names it; of one that a program gave as an object, its name there."""
    return shown(str(attrs.get("study", "")))


def _study(attrs: dict[str, Any]) -> str:
    given = is_given(str(attrs.get("study", "")))
    return study_name(attrs) + (", an object of the program that ran it" if given else "")


def code_in_words(attrs: dict[str, Any]) -> str | None:
    """Version and commit of the code, in plain words."""
    commit, dirty = attrs.get("git_commit"), attrs.get("git_dirty")
    if not attrs.get("code_version"):
        return None
    if commit in (None, "none"):
        return f"jaxmorph {attrs['code_version']}, not from a git checkout"
    state = {
        "yes": "with changes that were not committed: the commit alone does not give this code",
        "no": "without changes",
    }
    return f"jaxmorph {attrs['code_version']}, commit {commit}, {state.get(str(dirty), dirty)}"


def missing(sensitivity: xr.Dataset) -> dict[str, Any] | None:
    """What of the run was not there when the estimates were made; None if nothing is missing."""
    attrs = sensitivity.attrs
    count = int(attrs.get("missing_batch_count", 0))
    if not count:
        return None
    names = _loaded(attrs.get("missing_batches"), [])[:_MOST_NAMED]
    return {
        "count": count,
        "batches": count + int(attrs["batch_count"]),
        "names": names,
        "more": count - len(names),
        "made": int(attrs["simulations"]),
        "wanted": int(attrs["simulations_wanted"]),
    }


def extent(sensitivity: xr.Dataset) -> str:
    """The size of the run in one line."""
    sizes = sensitivity.sizes
    noise = has_noise(sensitivity)
    seeds = [_count(sizes.get("seed", 1), "seed")] if noise else ["no noise"]
    counted = [("parameter", "parameter"), ("observable", "observable"), ("recorded time", "time")]
    rest = [_count(sizes[dim], what) for what, dim in counted]
    return ", ".join([_design(sensitivity), *seeds, *rest])


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'s' if n != 1 else ''}"


def parameter_rows(sensitivity: xr.Dataset) -> list[dict[str, str]]:
    """Name, unit, description, default and distribution of every varied parameter."""
    kinds = _loaded(sensitivity.attrs.get("distributions"), [])
    described_ = _described(sensitivity, "parameter")
    rows = []
    for i, name in enumerate(names(sensitivity, "parameter")):
        one = described_.isel(parameter=i)
        rows.append(
            {
                "name": name,
                "unit": _unit(one, "parameter_unit"),
                "description": _text(one, "parameter_description"),
                "default": _default(one, kinds[i] if i < len(kinds) else {}),
                "distribution": distribution(kinds[i]) if i < len(kinds) else "",
            }
        )
    return rows


def _default(one: xr.Dataset, kind: dict[str, Any]) -> str:
    if "parameter_default" not in one:
        return ""
    value, levels = float(one["parameter_default"]), kind.get("levels", ())
    if value in range(len(levels)):
        return str(levels[int(value)])
    return short(float(f"{value:.6g}"))


def observable_rows(sensitivity: xr.Dataset) -> list[dict[str, str]]:
    """Name, unit and description of every observable."""
    described_ = _described(sensitivity, "observable")
    each = ((name, described_.sel(observable=name)) for name in names(sensitivity, "observable"))
    return [
        {
            "name": name,
            "unit": _unit(one, "observable_unit"),
            "description": _text(one, "observable_description"),
        }
        for name, one in each
    ]


def _described(sensitivity: xr.Dataset, dim: str) -> xr.Dataset:
    """What describes parameters or observables, without any estimate of them."""
    about = (f"{dim}_{what}" for what in ("unit", "description", "default"))
    return sensitivity[[name for name in (dim, *about) if name in sensitivity.variables]]


def distribution(kind: dict[str, Any]) -> str:
    """A distribution in words: ``log-uniform, low 0.0025, high 0.01``; ``discrete, values 1 2 4``."""
    settings = []
    for key, value in kind.items():
        listed = value if isinstance(value, list) else [value]
        told = [x if isinstance(x, str) else short(x) for x in listed if x is not None]
        if key != "distribution" and told:
            settings.append(f"{key.replace('_', ' ')} {' '.join(told)}")
    return ", ".join([str(kind.get("distribution", "")), *settings]).strip(", ")


def _loaded(text: Any, otherwise: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return otherwise


def _with_detail(attrs: dict[str, Any], name: str, more: str) -> str | None:
    first, second = attrs.get(name), attrs.get(more)
    if first and second and first != second:
        return f"{first} ({second})"
    return first or second


def design_in_words(method: str) -> str:
    """What a file calls the design of its run; a name that no design has stands for itself."""
    return DESIGNS[method].in_words if method in DESIGNS else method


def _design(sensitivity: xr.Dataset) -> str:
    method = str(sensitivity.attrs.get("design_method", ""))
    samples = _count(sensitivity.sizes.get("sample", 0), "sample")
    return f"{samples} of {design_in_words(method)}" if method else samples


def _correlations(text: Any) -> str | None:
    """Correlated pairs of parameters with their coefficients."""
    pairs = _loaded(text, [])
    told = [f"{' and '.join(pair['between'])} {short(pair['coefficient'])}" for pair in pairs]
    return ", ".join(told) or None


def _groups(text: Any) -> str | None:
    """Groups with their parameters."""
    groups = _loaded(text, {})
    return "; ".join(f"{name}: {', '.join(members)}" for name, members in groups.items()) or None


def _seeds(sensitivity: xr.Dataset) -> str | None:
    if "seed" not in sensitivity.sizes:
        return None
    if sensitivity.sizes["seed"] == 1:
        return "1"
    return f"{sensitivity.sizes['seed']}, the same ones at every sample"


def _times(sensitivity: xr.Dataset) -> str:
    time = np.atleast_1d(sensitivity["time"].values)
    if len(time) == 1:
        return f"1, at {short(float(time[0]))}"
    return f"{len(time)}, from {short(float(time[0]))} to {short(float(f'{time[-1]:.6g}'))}"


def _duration(seconds: Any) -> str | None:
    if seconds is None:
        return None
    whole = round(float(seconds))
    if whole < 120:
        return f"{plain(float(seconds), 2)} s"
    hours, minutes = whole // 3600, whole % 3600 // 60
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {whole % 60} s"


def _date(text: Any) -> str | None:
    """An ISO time to the minute; anything else as it is."""
    try:
        return datetime.fromisoformat(str(text)).strftime("%Y-%m-%d %H:%M %Z").strip()
    except ValueError:
        return None if text is None else str(text)


def _span(start: Any, end: Any) -> str | None:
    if not (start and end):
        return None
    first, last = _date(start), _date(end)
    return str(first) if first == last else f"{first} to {last}"


def _several(text: Any) -> str | None:
    """Values that files have, with the number of files where they differ; of many the first ones."""
    found = _loaded(text, {})
    files = found.get("files", {})
    if len(files) <= 1:
        return next(iter(files), None)
    named = list(files.items())[:_FEW_VALUES]
    told = [f"{value} ({n} files)" if n > 1 else value for value, n in named]
    more = int(found["different"]) - len(named)
    return ", ".join([*told, *([f"and {more} more"] if more else [])])


def _other_codes(attrs: dict[str, Any]) -> str | None:
    """Only where batches were made by more than one version of the code."""
    found = _loaded(attrs.get("batch_code"), {})
    return _several(attrs["batch_code"]) if int(found.get("different", 0)) > 1 else None


def _mapping(text: Any) -> str | None:
    """A JSON mapping as ``name value, name value``."""
    loaded = _loaded(text, None)
    if not isinstance(loaded, dict):
        return None
    return ", ".join(f"{name} {value}" for name, value in loaded.items())


def _unit(one: xr.Dataset, name: str) -> str:
    text = _text(one, name)
    return "dimensionless" if text in ("", "1") else text


def _text(one: xr.Dataset, name: str) -> str:
    return str(one[name].item()) if name in one.coords else ""
