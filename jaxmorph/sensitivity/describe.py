"""``long_name`` and ``units`` of every variable of ``sensitivity.nc``."""

import xarray as xr

_PER_PARAMETER = "observable_unit / parameter_unit"
_ENDINGS = (
    ("_se", "standard error over seeds of the {}"),
    ("_low", "lower end of the 95 % interval of the {}"),
    ("_high", "upper end of the 95 % interval of the {}"),
    ("_se_samples", "part of the standard error that comes from the choice of samples, of the {}"),
    ("_se_seeds", "part of the standard error that comes from the noise of the seeds, of the {}"),
    ("_by_samples", "{}; from the first n_samples samples"),
    ("_by_seeds", "{}; from the first n_seeds seeds"),
)
_SQUARE = "observable_unit^2"
_PER_PROBABILITY = "observable_unit / (unit of probability)"

DESCRIPTIONS: dict[str, tuple[str, str]] = {
    "sample": ("number of the sample in the design", "1"),
    "seed": ("number of the noise realisation in the run", "1"),
    "quantile": ("probability of the quantile over samples", "1"),
    "n_samples": ("number of samples of a nested subset", "1"),
    "n_seeds": ("number of seeds of a nested subset", "1"),
    "component": ("number of the eigenvector, the largest eigenvalue first", "1"),
    "parameter": ("name of the parameter", "1"),
    "parameter_2": ("name of the second parameter", "1"),
    "observable": ("name of the observable", "1"),
    # Per sample
    "mean": ("mean over seeds of the observable", "see observable_unit"),
    "gradient": ("mean over seeds of d observable / d parameter", _PER_PARAMETER),  # gradient_se
    "gradient_mean": ("mean over seeds of d observable / d parameter", _PER_PARAMETER),
    "gradient_trimmed_mean": (
        "trimmed mean over seeds of d observable / d parameter",
        _PER_PARAMETER,
    ),
    "elasticity": ("elasticity (parameter / mean) d mean / d parameter", "1"),
    "semi_elasticity": ("semi-elasticity parameter d mean / d parameter", "observable_unit"),
    "scaled_sensitivity": (
        "d mean / d parameter times the standard deviation of the parameter's distribution over that "
        "of the seed-averaged observable over the design",
        "1",
    ),
    "signal_to_noise": ("absolute mean of the gradient over its standard error", "1"),
    "seeds_needed": ("number of seeds for the wanted signal to noise", "1"),
    "sign_consistency": ("share of seeds whose gradient has the sign of the mean", "1"),
    "seeds_used": ("number of seeds with finite value and gradients", "1"),
    "seeds_there": ("number of seeds whose batches are there", "1"),
    # Averages over the samples
    "value_average": ("mean over samples and seeds of the observable", "see observable_unit"),
    "gradient_average": ("mean over samples and seeds of the gradient", _PER_PARAMETER),
    "gradient_trimmed_average": (
        "trimmed mean over seeds of the mean over samples of the gradient",
        _PER_PARAMETER,
    ),
    "elasticity_average": ("mean over samples of the elasticity", "1"),
    "elasticity_defined_share": ("share of the samples at which the elasticity is defined", "1"),
    "semi_elasticity_average": ("mean over samples of the semi-elasticity", "observable_unit"),
    "scaled_sensitivity_average": ("mean over samples of the scaled sensitivity", "1"),
    "elasticity_spread": ("quantiles over samples of the elasticity", "1"),
    # Over the design
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
        _SQUARE,
    ),
    "variance": ("variance over the design of the seed-averaged observable, noise removed", _SQUARE),
    "noise_variance": ("mean over the design of the variance between seeds", _SQUARE),
    "noise_share": ("share of the total variance that is noise between seeds", "1"),
    "sobol_first": ("first-order Sobol index of the seed-averaged observable, noise removed", "1"),
    "sobol_total": ("total Sobol index of the seed-averaged observable, noise removed", "1"),
    "sobol_first_with_noise": ("first-order Sobol index, the noise being one more input", "1"),
    "sobol_total_with_noise": ("total Sobol index, the noise being one more input", "1"),
    "sobol_noise_first": ("first-order Sobol index of the noise as an input", "1"),
    "sobol_first_given_data": (
        "first-order Sobol index of the seed-averaged observable, from any sample (RBD-FAST)",
        "1",
    ),
    "pawn": ("PAWN index: median Kolmogorov-Smirnov distance to conditional distributions", "1"),
    "morris_mu": ("mean elementary effect", _PER_PROBABILITY),
    "morris_mu_star": ("mean absolute elementary effect", _PER_PROBABILITY),
    "morris_sigma": ("standard deviation of the elementary effects", _PER_PROBABILITY),
    # Active subspace
    "eigenvalue": ("eigenvalue of gradient_outer_product", _SQUARE),
    "active_direction": ("eigenvector of gradient_outer_product", "1"),
    "eigenvalue_gap": ("eigenvalue over the next one", "1"),
    "subspace_distance": (
        "mean distance between the space of the first eigenvectors and that of resamples",
        "1",
    ),
    "active_dimension": ("number of eigenvalues before a wide gap, else of all", "1"),
    "activity_score": ("activity score: squares of eigenvectors times their eigenvalues", _SQUARE),
    "active_variable": ("scaled inputs along the first active direction", "1"),
    # Identifiability
    "fisher_information": (
        "Fisher information of one experiment at the central sample, each parameter in units of its "
        "standard deviation on the natural scale",
        "1",
    ),
    "fisher_information_by_sample": (
        "Fisher information of one experiment at the sample, each parameter in units of its standard "
        "deviation on the natural scale",
        "1",
    ),
    "fisher_eigenvalue": ("eigenvalue of fisher_information", "1"),
    "fisher_direction": ("eigenvector of fisher_information", "1"),
    "cramer_rao_sd": (
        "Cramer-Rao bound on the standard deviation of an unbiased estimate from one experiment, in "
        "units of the parameter's standard deviation on the natural scale",
        "1",
    ),
    "parameter_correlation": ("correlation of the estimates at the Cramer-Rao bound", "1"),
    "fisher_entry_used": ("whether fisher_information uses the observable at this time", "1"),
    "fisher_covariance": ("which covariance between observables fisher_information uses", "1"),
    # One sample, seed by seed
    "central_sample": ("sample nearest to the middle of the design", "1"),
    "central_value": ("observable at the central sample, seed by seed", "see observable_unit"),
    "central_gradient": ("gradient at the central sample, seed by seed", _PER_PARAMETER),
    # Trust
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
    "gradient_variance": (
        "mean over samples of the variance of the gradient between seeds",
        "(observable_unit / parameter_unit)^2",
    ),
    "gradient_tail_index": ("Hill's tail index of the single-seed gradients", "1"),
    "gradient_heavy_tailed": ("whether the tail index says that the variance is infinite", "1"),
    "gradient_unreliable": ("whether the gradient explodes or has heavy tails", "1"),
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
            # Of the input: what came without a description keeps its name and no unit.
            variable.attrs = {"long_name": str(name), "units": "1"} | variable.attrs
            continue
        variable.attrs = {"long_name": found[0], "units": found[1]}
    return dataset


def _description(name: str) -> tuple[str, str] | None:
    if name in DESCRIPTIONS:
        return DESCRIPTIONS[name]
    # The longest ending first: `_se_seeds` before `_seeds`.
    for ending, words in sorted(_ENDINGS, key=lambda e: -len(e[0])):
        base = name.removesuffix(ending)
        if name.endswith(ending) and base in DESCRIPTIONS:
            long_name, units = DESCRIPTIONS[base]
            return words.format(long_name), units
    return None
