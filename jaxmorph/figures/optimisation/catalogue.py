"""Which figures and which film an optimisation has: part of ``jaxmorph.figures.catalogue``."""

from __future__ import annotations

from jaxmorph.figures.entry import Entry

_SOURCE, _PART = "optimisation.nc", "optimisation"

_BAND = " The band is the 95 % interval over the seeds of that step."
_REFINED = " The last step is the refinement, on more seeds of its own."
_STOPPED = (
    " A red cross ends a start that was stopped, because its loss or gradient was no longer finite."
)

OPTIMISATION: dict[str, Entry] = {
    "optimisation_improvement": Entry(
        "What was gained, on fresh seeds",
        "One row a start, the smallest loss on top. Left: the loss at the starting point (open circle) "
        "and at the end (filled), each the mean over seeds that were never optimised on. Right: the "
        "mean of the differences, seed by seed, with its 95 % interval; to the right of zero is better, "
        "grey cannot be told from zero. Rows of one colour ended in the same optimum.",
        (
            "evaluation_loss_before",
            "evaluation_loss_after",
            "improvement",
            "improvement_low",
            "improvement_high",
            "optimum_of_start",
        ),
        _SOURCE,
        _PART,
    ),
    "optimisation_loss": Entry(
        "The loss on its way down",
        "Top: the loss that the optimiser saw at each step, one line a start, the best start thick "
        "and in front. Bottom: the norm of its gradient on the unconstrained scale. Lines of one "
        "colour ended in "
        "the same optimum." + _REFINED + _BAND + _STOPPED,
        ("loss", "loss_se", "gradient_norm", "steps_done", "stop_reason", "optimum_of_start"),
        _SOURCE,
        _PART,
        only_with=(("loss_se", _BAND), ("refined", _REFINED)),
    ),
    "optimisation_paths": Entry(
        "The paths of the starts",
        "Each line leads from a starting point (open circle) to the end (dot), the best start thick. A "
        "diamond is an optimum, the ellipse its 95 % region. Where exactly two "
        "parameters are free, colour is the loss, and lines join equal losses. Where more are free, the "
        "panels show pairs of the three that the loss depends on most, between their bounds." + _STOPPED,
        (
            "parameter_value",
            "map_loss",
            "map_value_0",
            "map_value_1",
            "optimum_parameter_value",
            "covariance",
        ),
        _SOURCE,
        _PART,
        only_with=(
            ("covariance", ", the ellipse its 95 % region"),
            (
                "map_loss",
                " Where exactly two parameters are free, colour is the loss, and lines join equal "
                "losses.",
            ),
        ),
    ),
    "optimisation_courses": Entry(
        "Target against achieved",
        "The observables of the objective over time, from fresh seeds, for the best start: orange "
        "(dashed) with the parameters before, blue after. A line is the mean over seeds, the narrow "
        "band its 95 % interval, the wide pale band holds the middle 80 % of the seeds. Black dots "
        "are the target, their whiskers plus and minus its stated error.",
        ("course_before", "course_after", "target_value", "target_error"),
        _SOURCE,
        _PART,
        only_with=(
            (
                "target_value",
                " Black dots are the target, their whiskers plus and minus its stated error.",
            ),
        ),
    ),
    "optimisation_parameters": Entry(
        "Do the starts agree?",
        "One panel a free parameter, as wide as its bounds; one row a start, the smallest loss on top. "
        "Open circle: where it began; filled: where it ended. The bar behind the rows of one optimum is "
        "the 95 % interval of the parameter there: narrow bars say that the objective determines the "
        "parameter, "
        "bars across the panel that it does not." + _STOPPED,
        (
            "parameter_value",
            "parameter_low",
            "parameter_high",
            "lower_bound",
            "upper_bound",
            "optimum_of_start",
        ),
        _SOURCE,
        _PART,
        only_with=(
            (
                "parameter_low",
                " The bar behind the rows of one optimum is the 95 % interval of the parameter there: "
                "narrow bars say that the objective determines the parameter, bars across the panel "
                "that it does not.",
            ),
        ),
    ),
    "optimisation_profiles": Entry(
        "Stiff and sloppy directions",
        "Top: the loss along a straight line through an optimum, in the stiffest direction (left) and "
        "in the sloppiest (right), parameters on their unconstrained scale; both panels have the same "
        "height, so that flat means sloppy. Dots are evaluations on fresh seeds with 95 % intervals, "
        "the dashed line is the parabola of the Hessian. Bottom left: the eigenvalues of the Hessian "
        "at the best optimum; a hollow triangle is not above zero. Bottom right: the directions, one "
        "row each, blue and red for opposite signs.",
        (
            "profile_position",
            "profile_loss",
            "profile_loss_se",
            "hessian_eigenvalue",
            "hessian_eigenvector",
        ),
        _SOURCE,
        _PART,
        needs=("profile_loss",),
        otherwise="needs a start that ended in an optimum",
    ),
}
"""The figures, in the order of the report."""

FILM: dict[str, Entry] = {
    "optimisation": Entry(
        "Before and after",
        "The best start, with the parameters that it began with and those that it ended with: the same "
        "seed, axes and times. Titles give the parameters' values. A study without cells shows its "
        "observables, one line each.",
        ("position", "radius", "celltype", "value", "parameter_value"),
        "optimisation_cells.nc",
        _PART,
    ),
}
