"""Which figures there are, what each shows, how to read it, and which variables it comes from.

Importing this does not import matplotlib: the workflow reads it when it is parsed.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """One figure: its heading, how to read it, and the NetCDF variables behind it."""

    title: str
    reading: str
    variables: tuple[str, ...]
    source: str = "sensitivity.nc"


def _estimate(name: str) -> tuple[str, str, str]:
    return name, f"{name}_low", f"{name}_high"


CATALOGUE: dict[str, Entry] = {
    "tornado": Entry(
        "Which parameter matters, ranked",
        "One panel an observable; the parameter with the largest effect is on top. A bar is the "
        "elasticity at the last time, averaged over the samples of the design and over the seeds: "
        "an elasticity of 0.5 means that the observable grows by 0.5 % when the parameter grows "
        "by 1 % (a negative observable becomes more negative). The black whisker is its 95 % "
        "interval over seeds; where it contains zero the bar is pale, for its sign is not "
        "established. The grey line spans the middle 80 % of the samples: it is not an "
        "uncertainty but says how much the elasticity varies over parameter space.",
        (*_estimate("elasticity_average"), "elasticity_spread"),
    ),
    "heat_map": Entry(
        "The same numbers as a table",
        "Elasticity at the last time with half the width of its 95 % interval. Blue makes the "
        "observable larger in size, red smaller, grey cells cannot be told from zero. Colours may "
        "saturate (then the colour bar ends in arrows); the numbers do not. With many cells, "
        "about one in twenty intervals misses the truth by chance.",
        _estimate("elasticity_average"),
    ),
    "time_course": Entry(
        "When each parameter matters",
        "Elasticity against model time, one line a parameter; bands are 95 % intervals over "
        "seeds. A band that contains zero says that the effect is not established at that time. "
        "The CSV also holds the gradients themselves.",
        (*_estimate("elasticity_average"), *_estimate("gradient_average")),
    ),
    "seed_spread": Entry(
        "What a single seed would have said",
        "Gradients at the last time for one sample near the middle of the design: one dot is one "
        "noise seed (a histogram where there are many). Orange dots have the opposite sign of the "
        "mean over seeds, and the fraction in the corner counts them: whoever had run that seed "
        "alone would have reported the wrong sign. The diamond is the mean with its standard "
        "error, the dashed line is zero.",
        ("central_gradient",),
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
    ),
    "numerical_checks": Entry(
        "Automatic gradients against finite differences",
        "Both are taken under the same seeds. Left: magnitudes at the last time, one point a "
        "(sample, seed, observable, parameter), on the line if they agree. Right: the largest "
        "disagreement over time as a share of the largest gradient over time, in the colour of "
        "the left panel; open circles are the estimated error of the finite difference itself on "
        "the same scale. Exact agreement (two zeros, for instance) is drawn left of the dotted "
        "line; what has no finite number, or no gradient but a finite difference, cannot be "
        "compared and is counted above.",
        ("gradient", "finite_difference", "finite_difference_error", "relative_difference"),
        source="checks.nc",
    ),
}

ANIMATIONS: dict[str, Entry] = {
    "cells": Entry(
        "One simulation over time",
        "Circles are cells to scale, coloured by type, with a line through where "
        "each was lately. Between recorded times positions and radii are interpolated. A study "
        "without cells shows its observables instead, one line a seed.",
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
}
"""The films of a run, in the order of the report."""


def figure_names(design_method: str, n_parameters: int, checks: bool = True) -> list[str]:
    """The figures that a run can have, in the order of the report.

    Args:
        design_method: ``grid`` with two parameters has the map with its gradient field.
        n_parameters: number of varied parameters.
        checks: whether the run compares its gradients with finite differences.
    """
    without = set()
    if design_method != "grid" or n_parameters != 2:
        without.add("gradient_field")
    if not checks:
        without.add("numerical_checks")
    return [name for name in CATALOGUE if name not in without]
