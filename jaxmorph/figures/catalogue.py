"""Which figures there are, what each shows, how to read it, and which variables it comes from.

Importing this does not import matplotlib: the workflow reads it when it is parsed.
"""

from __future__ import annotations

from jaxmorph.figures.entry import Entry
from jaxmorph.figures.optimisation.catalogue import FILM, OPTIMISATION


def _estimate(name: str) -> tuple[str, str, str]:
    return name, f"{name}_low", f"{name}_high"


_NEEDS_A_SAMPLE = (
    "needs a design that represents the distributions (for Sobol indices and their bounds not a grid, "
    "for all not Morris, not one at a time), with several samples, and with two or more seeds if there "
    "is noise"
)

_NESTED = tuple(
    f"{name}_by_{part}"
    for name in ("elasticity_average", "sobol_total", "total_bound", "morris_mu_star", "noise_share")
    for part in ("samples", "seeds")
)

CATALOGUE: dict[str, Entry] = {
    "tornado": Entry(
        "Which parameter matters, ranked",
        "One panel an observable; the parameter with the largest effect is on top. A bar is the "
        "elasticity at the last time, averaged over the samples of the design and over the seeds: "
        "an elasticity of 0.5 means that the observable grows by 0.5 % when the parameter grows "
        "by 1 % (a negative observable becomes more negative). The black whisker is its 95 % "
        "interval over seeds; where it contains zero the bar is pale, for its sign is not "
        "established. A red name with a cross says that this gradient cannot be trusted. The grey "
        "line spans the middle 80 % of the samples: it is not an "
        "uncertainty but says how much the elasticity varies over parameter space.",
        (*_estimate("elasticity_average"), "elasticity_spread"),
        only_with=(
            (
                "elasticity_average_low",
                "The black whisker is its 95 % interval over seeds; where it contains zero the bar is "
                "pale, for its sign is not established. ",
            ),
        ),
    ),
    "heat_map": Entry(
        "The same numbers as a table",
        "Elasticity at the last time with half the width of its 95 % interval. Blue makes the "
        "observable larger in size, red smaller, grey cells cannot be told from zero. Colour "
        "grows as the square root; it may saturate (then its bar ends in arrows), the numbers do "
        "not. With many cells, about one in twenty intervals misses the truth by chance.",
        _estimate("elasticity_average"),
        only_with=(
            ("elasticity_average_low", " with half the width of its 95 % interval"),
            ("elasticity_average_low", ", grey cells cannot be told from zero"),
            (
                "elasticity_average_low",
                " With many cells, about one in twenty intervals misses the truth by chance.",
            ),
        ),
    ),
    "global_sensitivity": Entry(
        "What explains the variance",
        "One panel an observable, at the last time. The grey bar is the share of the whole variance "
        "that is noise between seeds: no parameter explains it. The other rows divide what is left, "
        "the variance over the design of the observable averaged over noise. A full bar is the total "
        "Sobol index (alone and with others). The dot is the first-order index (alone). The pale bar is "
        "an upper bound on the total index, from the gradients: a small one proves that the "
        "parameter hardly matters, one beyond 1 (cut, with an arrow) says nothing. Whiskers are 95 % "
        "intervals over samples and seeds.",
        (
            *_estimate("noise_share"),
            *_estimate("sobol_total"),
            *_estimate("sobol_first"),
            *_estimate("sobol_first_given_data"),
            *_estimate("total_bound"),
        ),
        needs=("total_bound", "sobol_total", "sobol_first", "sobol_first_given_data"),
        otherwise=_NEEDS_A_SAMPLE,
        only_with=(
            (
                "noise_share",
                " The grey bar is the share of the whole variance that is noise between seeds: no "
                "parameter explains it. The other rows divide what is left, the variance over the "
                "design of the observable averaged over noise.",
            ),
            ("sobol_total", " A full bar is the total Sobol index (alone and with others)."),
            (
                "total_bound",
                " The pale bar is an upper bound on the total index, from the gradients: a small one "
                "proves that the parameter hardly matters, one beyond 1 (cut, with an arrow) says "
                "nothing.",
            ),
        ),
    ),
    "screening": Entry(
        "Morris screening: how large, how linear",
        "A dot is one parameter at the last time. To the right: it matters (the mean size of its "
        "elementary effects). Upwards: its effect depends on the point of parameter space, so it is "
        "curved or works together with other parameters. Below the lower line (a tenth) an effect is "
        "nearly the same everywhere, above the upper one (equality) it often changes sign or size. "
        "Whiskers are 95 % intervals over trajectories and seeds.",
        (*_estimate("morris_mu_star"), *_estimate("morris_sigma"), "morris_mu"),
        needs=("morris_mu_star",),
        otherwise="needs a Morris design of two or more trajectories",
    ),
    "noise": Entry(
        "How much of the variance is noise",
        "The grey area is the share of the variance that lies between seeds at the same parameters, "
        "at each time; what is above it comes from the parameters. The band is its 95 % interval. "
        "Where nearly all is noise, a single simulation says little about parameters, although "
        "averages over seeds may.",
        _estimate("noise_share"),
        needs=("noise_share",),
        otherwise="needs a study that has noise, two or more seeds, and a design that represents the "
        "distributions",
    ),
    "time_course": Entry(
        "When each parameter matters",
        "Elasticity against model time, one line a parameter; bands are 95 % intervals over "
        "seeds. A band that contains zero says that the effect is not established at that time. "
        "The CSV also holds the gradients themselves.",
        (*_estimate("elasticity_average"), *_estimate("gradient_average")),
        part="depth",
        only_with=(
            (
                "elasticity_average_low",
                "; bands are 95 % intervals over seeds. A band that contains zero says that the effect "
                "is not established at that time",
            ),
        ),
    ),
    "sensitivity_over_time": Entry(
        "When each parameter explains variance",
        "The most informative global measure that the design allows, against time, one line a "
        "parameter, with bands of 95 % intervals: the total Sobol index if there is one, else its "
        "upper bound from the gradients (above 1, outside the panel, it says nothing), else the "
        "activity score. A line is broken where the variance cannot be told from zero.",
        (
            *_estimate("sobol_total"),
            *_estimate("total_bound"),
            *_estimate("activity_score"),
        ),
        part="depth",
        needs=("sobol_total", "total_bound", "activity_score"),
        otherwise=_NEEDS_A_SAMPLE,
    ),
    "response": Entry(
        "Observables over parameter space, with tangents",
        "A dot is one sample of the design: an observable at the last time, averaged over seeds, "
        "against one parameter's value. The short line through it has the slope of the gradient "
        "there, so it says which way the observable would go if this parameter alone changed; all "
        "lines are equally long on the page. In a grid, lines join samples that differ in this "
        "parameter alone; for two parameters their colour is the other parameter's value (dark is "
        "low).",
        ("parameter_value", "mean", "gradient_mean"),
        part="depth",
    ),
    "gradient_field": Entry(
        "Map of parameter space with the gradient as arrows",
        "Colour is the observable at the last time, averaged over seeds. An arrow points to where "
        "the observable rises fastest. Its components are the gradient times the range of each "
        "parameter, so a step of the same share of either range counts alike. Its length grows as "
        "the square root of the gradient's size (so that weak gradients keep a visible "
        "direction); the longest of a panel is about one mesh of the grid. Arrows should cross "
        "the contours at right angles: they are computed independently of the colours.",
        ("parameter_value", "mean", "gradient_mean"),
        part="depth",
    ),
    "active_subspace": Entry(
        "Which combination of parameters matters",
        "At the last time. Left: eigenvalues of the mean outer product of the gradient, parameters "
        "in units of their standard deviation, with 95 % intervals; a wide gap after the first says "
        "that one combination of parameters carries the effect. Noise is taken out without bias, so "
        "that an eigenvalue near zero can come out negative; it is drawn at the foot, as below noise. "
        "Middle: the weights of the parameters in the first direction (blue and orange have opposite "
        "signs). Right: each sample's observable, averaged over seeds, against that combination: the "
        "narrower the cloud, the more this one number tells.",
        (*_estimate("eigenvalue"), "active_direction", "active_variable", "mean"),
        part="depth",
        needs=("eigenvalue",),
        otherwise=_NEEDS_A_SAMPLE,
    ),
    "identifiability": Entry(
        "What one experiment could tell",
        "At the central sample, from all recorded times and observables: what a measurement with the "
        "noise of one simulation would tell about the parameters. Top left: the spectrum of the "
        "Fisher information, largest (stiff) first; directions many decades below the first are "
        "sloppy. Top right: the directions, one row each, blue and red for opposite signs. Bottom "
        "left: the smallest standard deviation with which each parameter could be known, in units of "
        "its standard deviation in the design; beyond the dashed line the experiment would tell less "
        "than is assumed already. Bottom right: correlations of the estimates; two parameters near 1 "
        "or -1 cannot be told apart.",
        (
            "fisher_eigenvalue",
            "fisher_eigenvalue_low",
            "fisher_eigenvalue_high",
            "fisher_direction",
            *_estimate("cramer_rao_sd"),
            "parameter_correlation",
        ),
        part="depth",
        needs=("fisher_eigenvalue",),
        otherwise="needs a study with noise, and enough seeds to know the size of it",
    ),
    "numerical_checks": Entry(
        "Automatic gradients against finite differences",
        "Both are taken under the same seeds. Left: magnitudes at the last time, one point a "
        "(sample, seed, observable, parameter), on the line if they agree. Right: the largest "
        "disagreement over time as a share of the largest gradient over time, in the colour of "
        "the left panel; open circles are the estimated error of the finite difference itself on "
        "the same scale. Exact agreement (two zeros, for instance) is drawn left of the dotted "
        "line; what has no finite number, or no gradient but a finite difference, cannot be "
        "compared and is counted above. Diamonds compare the two directions of automatic "
        "differentiation, forward and reverse, for a random combination of all outputs.",
        (
            "gradient",
            "finite_difference",
            "finite_difference_error",
            "relative_difference",
            "mode_difference",
        ),
        source="checks.nc",
        part="checks",
    ),
    "gradient_trust": Entry(
        "Can the gradients be trusted?",
        "Top: the variance of the gradient between seeds against time, on a logarithmic scale; a red "
        "cross marks a gradient that is flagged, because it grows exponentially or has heavy tails. "
        "Straight lines that climb many decades are the mark of chaos: the mean over "
        "seeds then says little. Bottom left: the tail index of each pair; below 2 the variance "
        "itself is infinite. Bottom right: the finite-time Lyapunov exponent of the checked "
        "simulations, median and range; positive means that neighbouring states part exponentially.",
        (
            "gradient_variance",
            "gradient_tail_index",
            "gradient_unreliable",
            "gradient_growth_rate",
            "lyapunov_exponent",
        ),
        source="sensitivity.nc, checks.nc",
        part="checks",
        needs=("gradient_variance", "gradient_tail_index"),
        otherwise="needs two or more seeds: one has no spread to look at",
    ),
    "seed_spread": Entry(
        "What a single seed would have said",
        "Gradients at the last time for one sample near the middle of the design: one dot is one "
        "noise seed (a histogram where there are many). Orange dots have the opposite sign of the "
        "mean over seeds, and the fraction in the corner counts them: whoever had run that seed "
        "alone would have reported the wrong sign. The diamond is the mean with its standard "
        "error, the dashed line is zero.",
        ("central_gradient",),
        part="checks",
    ),
    "convergence": Entry(
        "Would more samples or seeds change the picture?",
        "Estimates at the last time, from nested halves of the samples (upper row of each estimate) "
        "and of the seeds (lower row). The last point is the estimate of this page, the whisker its "
        "95 % interval, drawn on as a band. Lines that have come to rest inside their band have "
        "converged. The four largest parameters are in colour, the others grey.",
        _NESTED,
        part="checks",
        needs=_NESTED,
        otherwise="needs eight or more samples or seeds, to compare with half of them",
    ),
    **OPTIMISATION,
}

ANIMATIONS: dict[str, Entry] = {
    "cells": Entry(
        "One simulation over time",
        "Circles are cells to scale, coloured by type or as the run's configuration says, with a line "
        "through where each was lately; in three dimensions they are lit spheres. Between recorded "
        "times positions, radii and colours are interpolated; what a colour means is the same at all "
        "times. A study without cells shows its observables instead, one line a seed.",
        ("position", "radius", "celltype", "value"),
        source="batches/",
    ),
    "corners": Entry(
        "The corners of parameter space",
        "The same seed at the corners of parameter space, on the same axes and at the same times: "
        "what differs between the panels is due to the parameters alone. Titles give the "
        "parameters' values. A study without cells shows its observables, one line a corner.",
        ("position", "radius", "celltype", "value", "parameter_value"),
        source="corners.nc",
    ),
    **FILM,
}
"""The films of a run, in the order of the report."""


def figure_names(
    design_method: str, n_parameters: int, checks: bool = True, optimise: bool = False
) -> list[str]:
    """The figures that a run can have, in the order of the report.

    This is known from the configuration alone. What only the data can tell (no noise, too few seeds)
    leaves a figure that says why it is empty.

    Args:
        design_method: ``grid`` with two parameters has the map with its gradient field, ``morris`` has
            the screening.
        n_parameters: number of varied parameters.
        checks: whether the run compares its gradients with finite differences.
        optimise: whether the run optimises its parameters.
    """
    without = set() if optimise else set(OPTIMISATION)
    if design_method != "grid" or n_parameters != 2:
        without.add("gradient_field")
    if design_method != "morris":
        without.add("screening")
    if not checks:
        without.add("numerical_checks")
    return [name for name in CATALOGUE if name not in without]
