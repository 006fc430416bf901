"""Estimates of groups of parameters as wholes.

The closed index of a group is what its parameters explain alone and with each other, its total index
what they explain with all others, too. Of a single parameter they are its first-order and total index.
"""

from collections.abc import Mapping

import xarray as xr

from ..quantities import Interval, Kind, Method, Quantity, part_of
from .estimator import PLACE, Estimates

OF_GROUP = (*PLACE, "group")
"""Dimensions of an estimate of a group's effect on an observable."""
GROUPS = Method(
    "Groups of parameters",
    "S_u = Var E[f | θ_u] / Var f; T_u = E[Var(f | all but θ_u)] / Var f",
    "Of the groups that the configuration names, and of every parameter that is in none: of a Saltelli "
    "design that moves groups by its rows, of any other random design by a polynomial chaos expansion, "
    "withheld where that predicts too little (expansion_q2). The total index of a group is at most the "
    "sum of those of its parameters, and so of their bounds. For independent parameters.",
    "Sobol', Math. Comput. Simul. 55 (2001) 271-280; Campolongo, Cariboni and Saltelli, Environ. Model. "
    "Softw. 22 (2007) 1509-1518; Lamboni et al., Math. Comput. Simul. 87 (2013) 45-54",
)
_ABSENT = (
    "needs groups in the configuration, independent parameters, and a Saltelli design or an expansion "
    "that holds (expansion_q2)"
)
_DESIGNS = "saltelli; sobol, latin-hypercube, list by an expansion; with groups"
CLOSED = Quantity(
    "sobol_closed",
    "closed Sobol index of a group of parameters: what they explain without others, noise removed",
    "1",
    OF_GROUP,
    Kind.CLOSED,
    GROUPS,
    formula="Var E[F | θ_u] / Var F, of F = E_r f",
    label="closed Sobol index of the group",
    short="closed index",
    reading="share of the noise-free variance, by the group alone",
    interval=Interval.SAMPLES_AND_SEEDS,
    nested=True,
    within=0.05,
    designs=_DESIGNS,
    absent=_ABSENT,
)
TOTAL_OF_GROUP = Quantity(
    "sobol_total_of_group",
    "total Sobol index of a group of parameters, noise removed",
    "1",
    OF_GROUP,
    Kind.TOTAL,
    GROUPS,
    formula="E[Var(F | all but θ_u)] / Var F, of F = E_r f",
    label="total Sobol index of the group",
    short="total index",
    reading="share of the noise-free variance, by the group alone and with others",
    interval=Interval.SAMPLES_AND_SEEDS,
    nested=True,
    within=0.05,
    designs=_DESIGNS,
    absent=_ABSENT,
)


def of_groups(found: Estimates, names: Mapping[str, str]) -> Estimates:
    """Estimates of parts as those of groups, under their ``names``; other ones of parts are left out."""
    result: Estimates = {}
    for name, array in found.items():
        stem, ending, _ = part_of(name) or (name, "", "")
        if stem in names:
            result[names[stem] + ending] = array.rename(parameter="group")
        elif "parameter" not in array.dims:
            result[name] = array
    return result


def sums_of_groups(x: xr.DataArray, parts: Mapping[str, tuple[str, ...]]) -> xr.DataArray:
    """What is added up over the parameters of each group, (..., group) from (..., parameter)."""
    sums = [x.sel(parameter=list(part)).sum("parameter", skipna=False) for part in parts.values()]
    return xr.concat(sums, xr.DataArray(list(parts), dims="group", name="group")).transpose(..., "group")


def of_any(flags: xr.DataArray, group_of: xr.DataArray, groups: xr.DataArray) -> xr.DataArray:
    """Whether something is so of any parameter of each group, (..., group) from (..., parameter).

    Args:
        flags: Of the parameters.
        group_of: Name of the group of each (parameter).
        groups: Names, with the coordinate ``group``.
    """
    is_in = xr.DataArray(
        group_of.values[:, None] == groups.values, {"group": groups.values}, ("parameter", "group")
    )
    found: xr.DataArray = (flags.astype(bool) & is_in).any("parameter")
    return found
