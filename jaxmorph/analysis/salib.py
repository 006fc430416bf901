"""Problems and samples of SALib, there and back."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from ..distributions import (
    Distribution,
    LogNormal,
    LogUniform,
    Normal,
    Triangular,
    TruncatedNormal,
    Uniform,
)
from ..errors import JaxmorphError
from .result import Analysis

_FROM: dict[str, Callable[..., Distribution]] = {
    "unif": lambda low, high: Uniform(low=low, high=high),
    "logunif": lambda low, high: LogUniform(low=low, high=high),
    "norm": lambda mean, sd: Normal(mean=mean, sd=sd),
    "lognorm": lambda mean, sd: LogNormal(median=math.exp(mean), sd_log=sd),
    "truncnorm": lambda low, high, mean, sd: TruncatedNormal(low=low, high=high, mean=mean, sd=sd),
    "triang": lambda low, high, peak: Triangular(low=low, high=high, mode=low + peak * (high - low)),
}
"""By SALib's names, of the numbers that it has as bounds (``SALib.util.scale_samples``)."""
_TO: dict[type, Callable[[Any], tuple[str, list[float]]]] = {
    Uniform: lambda d: ("unif", [d.low, d.high]),
    LogUniform: lambda d: ("logunif", [d.low, d.high]),
    Normal: lambda d: ("norm", [d.mean, d.sd]),
    LogNormal: lambda d: ("lognorm", [math.log(d.median), d.sd_log]),
    TruncatedNormal: lambda d: ("truncnorm", [d.low, d.high, d.mean, d.sd]),
    Triangular: lambda d: ("triang", [d.low, d.high, (d.mode - d.low) / (d.high - d.low)]),
}


def from_salib(problem: Mapping[str, Any]) -> dict[str, Any]:
    """What a problem of SALib says of parameters, as arguments of :func:`jaxmorph.analyse`.

    Args:
        problem: ``names`` and ``bounds``; ``dists`` and ``groups``, if there are.

    Returns:
        ``parameters``, their distributions by name, and ``groups``, names of parameters by group, if
        the problem has groups.

    Raises:
        JaxmorphError: Something is missing or of another length, or a distribution is none of ours.

    Examples:
        >>> from_salib({"num_vars": 1, "names": ["x"], "bounds": [[0.0, 2.0]]})
        {'parameters': {'x': Uniform(low=0.0, high=2.0, distribution='uniform')}}
    """
    names, bounds = (_listed(problem, key) for key in ("names", "bounds"))
    dists = _listed(problem, "dists") if problem.get("dists") is not None else ["unif"] * len(names)
    groups = _listed(problem, "groups") if problem.get("groups") is not None else []
    for key, given in (("bounds", bounds), ("dists", dists), ("groups", groups or names)):
        if len(given) != len(names):
            raise JaxmorphError(
                f"{key} of the problem: has {len(given)} entries for {len(names)} names; give one each"
            )
    found: dict[str, Any] = {
        "parameters": {
            str(name): _distribution(str(name), dist, numbers)
            for name, dist, numbers in zip(names, dists, bounds, strict=True)
        }
    }
    of_groups: dict[str, list[str]] = {}
    for name, group in zip(names, groups, strict=bool(groups)):
        of_groups.setdefault(str(group), []).append(str(name))
    several = {group: members for group, members in of_groups.items() if [group] != members}
    return found | ({"groups": several} if several else {})


def _listed(problem: Mapping[str, Any], key: str) -> Sequence[Any]:
    if not isinstance(problem, Mapping):
        raise JaxmorphError(
            f"problem = {problem!r}: must be a mapping with names and bounds, as SALib has it"
        )
    given = problem.get(key)
    if isinstance(given, str) or not isinstance(given, Sequence | np.ndarray):
        raise JaxmorphError(f"{key} of the problem is {given!r}: must be a list, one entry a parameter")
    return list(given)


def _distribution(name: str, dist: Any, bounds: Any) -> Distribution:
    if dist not in _FROM:
        raise JaxmorphError(
            f"{name} of the problem has the distribution {dist!r}: must be one of {', '.join(_FROM)}"
        )
    try:
        return _FROM[dist](*map(float, bounds))
    except (TypeError, ValueError):
        raise JaxmorphError(
            f"{name} of the problem has the bounds {bounds!r}: must be the numbers that SALib's {dist} "
            "takes"
        ) from None


def to_salib(analysis: Analysis) -> tuple[dict[str, Any], np.ndarray, np.ndarray]:
    """The problem, samples and outputs of a run, for SALib's analyses of given samples.

    Those are ``delta``, ``pawn``, ``rbd_fast`` and ``hdmr``: others ask for the order of SALib's own
    designs, which is not that of a run.

    Args:
        analysis: A finished run.

    Returns:
        The problem (``num_vars``, ``names``, ``bounds``, ``dists``), the samples X (sample, parameter),
        and the means over seeds Y (sample, time, observable).

    Raises:
        JaxmorphError: SALib has not the distribution of a parameter.
    """
    data = analysis.dataset
    names, dists, bounds = [str(name) for name in data["parameter"].values], [], []
    kinds = TypeAdapter(list[Distribution]).validate_json(data.attrs["distributions"])
    for name, given in zip(names, kinds, strict=True):
        if type(given) not in _TO:
            raise JaxmorphError(
                f"{name}: has a {given.distribution} distribution, which SALib has not; "
                "take X and Y of the run without a problem, from analysis.dataset"
            )
        dist, numbers = _TO[type(given)](given)
        dists.append(dist)
        bounds.append(numbers)
    problem = {"num_vars": len(names), "names": names, "bounds": bounds, "dists": dists}
    x = data["parameter_value"].sel(parameter=names).transpose("sample", "parameter").values
    return problem, x, data["mean"].transpose("sample", "time", "observable").values
