"""What the checks of a run have of the lines through its central sample."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from ..quantities import Attributes, Kind, Method, Quantity, describe

_PAIR = ("time", "observable", "parameter")
_POINT = (*_PAIR, "point")

LINES_METHOD = Method(
    "Gradients along lines",
    "E f(b) - E f(a) = ∫_a^b E[∂f/∂θ_p] dθ_p",
    "Through the central sample, one line a parameter from the 2 to the 98 % quantile, the same "
    "seeds at all points. Where more than 2 % of the range of the curves is missing, intervals are"
    " halved up to ten times: a jump stays missing. Gradients that are right on average alone are "
    "tested against their spread over seeds (0.1 % for all lines together).",
    "Davis, Rabinowitz, Methods of Numerical Integration (Academic Press, 1984), chapters 2 and 6",
)


def _of_lines(
    name: str,
    long_name: str,
    unit: str,
    dims: tuple[str, ...],
    kind: Kind = Kind.NUMBER,
    from_gradients: bool = False,
) -> Quantity:
    return Quantity(name, long_name, unit, dims, kind, LINES_METHOD, from_gradients=from_gradients)


LINES = (
    _of_lines(
        "line_parameter", "value of the parameter on its line", "parameter", ("parameter", "point")
    ),
    _of_lines(
        "line_mean",
        "mean over seeds on the line of the parameter, all others at the central sample",
        "observable",
        _POINT,
        Kind.VALUE,
    ),
    _of_lines(
        "line_gradient",
        "mean over seeds of d observable / d parameter there, by the run's estimator",
        "observable parameter^-1",
        _POINT,
        Kind.DERIVATIVE,
        from_gradients=True,
    ),
    _of_lines(
        "line_missing",
        "change of the mean from one end of the line to the other that the gradient leaves out",
        "observable",
        _PAIR,
    ),
    _of_lines(
        "line_missing_error",
        "error of line_missing: of quadrature, and of seeds where gradients are right on average alone",
        "observable",
        _PAIR,
    ),
    _of_lines(
        "line_incomplete", "whether it leaves out what halving does not explain", "1", _PAIR, Kind.FLAG
    ),
    _of_lines(
        "line_unresolved",
        "whether much is missing where gradients vary too much to say why: steep slopes, chaos",
        "1",
        ("observable", "parameter"),
        Kind.FLAG,
    ),
    _of_lines("jump_size", "change of the mean at a jump on the line", "observable", _PAIR),
    _of_lines(
        "jump_from", "where on the line it lies: above this", "parameter", ("observable", "parameter")
    ),
    _of_lines("jump_to", "and below this", "parameter", ("observable", "parameter")),
)


def with_lines(
    checks: xr.Dataset, arrays: Mapping[str, np.ndarray], attributes: Attributes, gradient_bias: str
) -> xr.Dataset:
    """``checks`` with the arrays of ``LINES`` by name, and ``line_mean_se``, ``line_gradient_se``.

    Args:
        checks: The dataset of the numerical checks.
        arrays: Of the shapes that are declared.
        attributes: Of the file.
        gradient_bias: What must be said wherever these gradients are shown; empty if nothing.
    """
    dims = {q.name: q.dims for q in LINES}
    named = {name: (dims[name.removesuffix("_se")], array) for name, array in arrays.items()}
    dataset = describe(checks.assign(named), LINES).assign_attrs(attributes)
    if gradient_bias:
        dataset["line_gradient"].attrs["gradient_bias"] = gradient_bias
    return dataset
