"""``long_name`` and ``units`` of every variable of ``sensitivity.nc``."""

import xarray as xr

_PER_PARAMETER = "observable_unit / parameter_unit"
_INTERVALS = (
    ("_se", "standard error of the "),
    ("_low", "lower end of the 95 % interval of the "),
    ("_high", "upper end of the 95 % interval of the "),
)

DESCRIPTIONS: dict[str, tuple[str, str]] = {
    "sample": ("number of the sample in the design", "1"),
    "seed": ("number of the noise realisation in the run", "1"),
    "quantile": ("probability of the quantile over samples", "1"),
    "parameter": ("name of the parameter", "1"),
    "parameter_2": ("name of the second parameter", "1"),
    "observable": ("name of the observable", "1"),
    "mean": ("mean over seeds of the observable", "see observable_unit"),
    "gradient": ("mean over seeds of d observable / d parameter", _PER_PARAMETER),  # gradient_se
    "gradient_mean": ("mean over seeds of d observable / d parameter", _PER_PARAMETER),
    "elasticity": ("elasticity (parameter / mean) d mean / d parameter", "1"),
    "signal_to_noise": ("absolute mean of the gradient over its standard error", "1"),
    "sign_consistency": ("share of seeds whose gradient has the sign of the mean", "1"),
    "seeds_used": ("number of seeds with finite value and gradients", "1"),
    "value_average": ("mean over samples and seeds of the observable", "see observable_unit"),
    "gradient_average": ("mean over samples and seeds of the gradient", _PER_PARAMETER),
    "elasticity_average": ("mean over samples of the elasticity", "1"),
    "elasticity_spread": ("quantiles over samples of the elasticity", "1"),
    "dgsm": (
        "mean squared derivative, noise removed, on the natural scale of the distribution",
        "observable_unit^2 / (natural unit of the parameter)^2",
    ),
    "total_bound": ("upper bound on the total Sobol index: poincare_constant dgsm / variance", "1"),
    "poincare_constant": (
        "Poincare constant of the distribution on its natural scale",
        "(natural unit of the parameter)^2",
    ),
    "gradient_outer_product": (
        "mean over samples of the product of two gradients, noise removed, each scaled by the standard "
        "deviation of its parameter on the natural scale",
        "observable_unit^2",
    ),
    "noise_share": ("share of the total variance that is noise between seeds", "1"),
    "central_sample": ("sample nearest to the middle of the design", "1"),
    "central_value": ("observable at the central sample, seed by seed", "see observable_unit"),
    "central_gradient": ("gradient at the central sample, seed by seed", _PER_PARAMETER),
    "non_finite_count": ("number of (sample, seed, time) entries that are not finite", "1"),
    "excluded_sample": ("sample of a pair with an entry that is not finite", "1"),
    "excluded_seed": ("seed of a pair with an entry that is not finite", "1"),
    "gradient_growth_rate": (
        "exponential growth rate of the root-mean-square gradient",
        "1 / (unit of time)",
    ),
    "gradient_exploding": (
        "whether the gradient grows exponentially by more than a factor 10, to a large one",
        "1",
    ),
}


def describe(dataset: xr.Dataset) -> xr.Dataset:
    """Set the attributes of all estimates.

    What an estimate was computed from hands its attributes on, so they are replaced; ``time`` and what
    is copied from the design keep their own.
    """
    for name in dataset.variables:
        variable = dataset[name]
        found = _description(str(name))
        if found is None:
            assert {"long_name", "units"} <= set(variable.attrs), f"no description of {name}"
            continue
        variable.attrs = {"long_name": found[0], "units": found[1]}
    return dataset


def _description(name: str) -> tuple[str, str] | None:
    if name in DESCRIPTIONS:
        return DESCRIPTIONS[name]
    for ending, words in _INTERVALS:
        base = name.removesuffix(ending)
        if name.endswith(ending) and base in DESCRIPTIONS:
            long_name, units = DESCRIPTIONS[base]
            return words + long_name, units
    return None
