"""A paragraph on a run for the methods section of a paper."""

from __future__ import annotations

from ..configuration import GRADIENT_ESTIMATORS
from ..quantities import Attributes
from . import facts
from .account import RunAccount, Totals

_HOUR = 3600.0


def methods(account: RunAccount, attrs: Attributes) -> str:
    """A few sentences with the numbers of the run filled in.

    Args:
        account: What ``provenance.json`` holds besides.
        attrs: Attributes of ``sensitivity.nc``.
    """
    return " ".join([_what(account, attrs), _how(account, attrs), _where(account), _again(account)])


def _what(account: RunAccount, attrs: Attributes) -> str:
    run, totals = account.configuration, account.totals
    names = ", ".join(run.parameters)
    design = facts.design_in_words(str(attrs["design_method"]))
    seeds = f" with {run.seeds} noise seeds each" if int(attrs.get("stochastic", 1)) else ""
    part = ""
    if account.missing_batches:
        wanted = totals.simulations_wanted
        part = f" (of {wanted} planned; {len(account.missing_batches)} batches are missing)"
    return (
        f"Sensitivities to {len(run.parameters)} parameters ({names}) of the study "
        f"{account.study} were estimated from {totals.simulations} simulations{part}, at the "
        f"points of {design}{seeds} (random key {account.random_key})."
    )


def _how(account: RunAccount, attrs: Attributes) -> str:
    kind = GRADIENT_ESTIMATORS[str(attrs["estimator"])].computed.format_map(attrs)
    code, versions = account.code, account.libraries
    commit = "" if code.git_commit == "none" else f" (commit {code.git_commit[:12]})"
    changed = " with uncommitted changes" if code.git_dirty == "yes" else ""
    return (
        f"Gradients were computed {kind} in {attrs['precision']}, with jaxmorph {code.version}"
        f"{commit}{changed}, JAX {versions.get('jax', '')} and Python {versions.get('python', '')}."
    )


def _where(account: RunAccount) -> str:
    totals = account.totals
    devices = dict.fromkeys(file.device or "" for file in account.files if file.kind == "batch")
    return (
        f"They ran on {', '.join(devices)} in {totals.jobs} jobs on {_hosts(totals.hosts)}, "
        f"{_when(totals)}, and took {_time(totals.cpu_time_s)} of CPU time{_on_gpus(totals)}."
    )


def _when(totals: Totals) -> str:
    first, last = totals.start[:10], totals.end[:10]
    return f"on {first}" if first == last else f"from {first} to {last}"


def _on_gpus(totals: Totals) -> str:
    return f" and {_time(totals.gpu_time_s)} of GPU time" if totals.gpu_time_s else ""


def _again(account: RunAccount) -> str:
    return (
        "The configuration, the versions of all libraries and the hash of the design "
        f"(SHA-256 {account.design_hash[:12]}...) are recorded with the results."
    )


def _hosts(n: int) -> str:
    return "one host" if n == 1 else f"{n} hosts"


def _time(seconds: float) -> str:
    return f"{seconds / _HOUR:.1f} h" if seconds >= _HOUR else f"{seconds / 60:.1f} min"
