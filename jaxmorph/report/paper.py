"""A paragraph on a run for the methods section of a paper."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..configuration import GRADIENT_ESTIMATORS
from . import facts

_HOUR = 3600.0


def methods(record: Mapping[str, Any], attrs: Mapping[str, Any]) -> str:
    """A few sentences with the numbers of the run filled in.

    Args:
        record: What ``provenance.json`` holds besides.
        attrs: Attributes of ``sensitivity.nc``.
    """
    return " ".join([_what(record, attrs), _how(record, attrs), _where(record), _again(record)])


def _what(record: Mapping[str, Any], attrs: Mapping[str, Any]) -> str:
    run, totals = record["configuration"], record["totals"]
    names = ", ".join(run["parameters"])
    design = facts.DESIGNS.get(str(attrs["design_method"]), str(attrs["design_method"]))
    seeds = f" with {run['seeds']} noise seeds each" if int(attrs.get("stochastic", 1)) else ""
    part = ""
    if record["missing_batches"]:
        wanted = totals["simulations_wanted"]
        part = f" (of {wanted} planned; {len(record['missing_batches'])} batches are missing)"
    return (
        f"Sensitivities to {len(run['parameters'])} parameters ({names}) of the study "
        f"{record['study']} were estimated from {totals['simulations']} simulations{part}, at the "
        f"points of {design}{seeds} (random key {record['random_key']})."
    )


def _how(record: Mapping[str, Any], attrs: Mapping[str, Any]) -> str:
    kind = GRADIENT_ESTIMATORS[str(attrs["estimator"])].computed.format_map(attrs)
    code, versions = record["code"], record["libraries"]
    commit = "" if code["git_commit"] == "none" else f" (commit {code['git_commit'][:12]})"
    changed = " with uncommitted changes" if code["git_dirty"] == "yes" else ""
    return (
        f"Gradients were computed {kind} in {attrs['precision']}, with jaxmorph {code['version']}"
        f"{commit}{changed}, JAX {versions.get('jax', '')} and Python {versions.get('python', '')}."
    )


def _where(record: Mapping[str, Any]) -> str:
    totals = record["totals"]
    devices = dict.fromkeys(f["device"] for f in record["files"] if f["kind"] == "batch")
    gpu = f" and {_time(totals['gpu_time_s'])} of GPU time" if totals["gpu_time_s"] else ""
    first, last = totals["start"][:10], totals["end"][:10]
    when = f"on {first}" if first == last else f"from {first} to {last}"
    return (
        f"They ran on {', '.join(devices)} in {totals['jobs']} jobs on {_hosts(totals['hosts'])}, "
        f"{when}, and took {_time(totals['cpu_time_s'])} of CPU time{gpu}."
    )


def _again(record: Mapping[str, Any]) -> str:
    return (
        "The configuration, the versions of all libraries and the hash of the design "
        f"(SHA-256 {record['design_hash'][:12]}...) are recorded with the results."
    )


def _hosts(n: int) -> str:
    return "one host" if n == 1 else f"{n} hosts"


def _time(seconds: float) -> str:
    return f"{seconds / _HOUR:.1f} h" if seconds >= _HOUR else f"{seconds / 60:.1f} min"
