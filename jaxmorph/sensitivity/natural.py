"""Parameters on the natural scale of their distributions: the logarithm of logarithmic ones."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from ..distributions import Distribution


def natural_scale(distributions: Sequence[Distribution], parameter_value: xr.DataArray) -> xr.DataArray:
    """The derivative d parameter / d u (sample, parameter); u = ln(parameter) if it is logarithmic."""
    logarithmic = xr.DataArray([d.is_logarithmic for d in distributions], dims="parameter")
    return parameter_value.where(logarithmic, 1.0)


def scaled_inputs(distributions: Sequence[Distribution], parameter_value: xr.DataArray) -> xr.DataArray:
    """Parameters on their natural scale, centred, in units of their sd (sample, parameter)."""
    logarithmic = xr.DataArray([d.is_logarithmic for d in distributions], dims="parameter")
    # Where there is no logarithm to take, that of 1 is taken and not used.
    logarithm = xr.apply_ufunc(np.log, parameter_value.where(logarithmic, 1.0))
    natural = logarithm.where(logarithmic, parameter_value)
    sd = xr.DataArray([d.natural_sd for d in distributions], dims="parameter")
    return (natural - natural.mean("sample")) / sd


def natural_units(distributions: Sequence[Distribution], units: Sequence[str]) -> list[str]:
    """Units of the parameters on that scale; a logarithm has none."""
    return ["1" if d.is_logarithmic else unit for d, unit in zip(distributions, units, strict=True)]
