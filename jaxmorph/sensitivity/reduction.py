"""How many times fewer samples an expansion needs for a mean or a variance over the design.

An expansion is a control variate whose own mean is known: what it leaves is all that the choice of
samples can move. Its mean and variance (``expansion_mean``, ``expansion_variance``) are compared with
the plain ones by the squares of the lengths of their intervals.
"""

import xarray as xr

from ..quantities import Kind, Method, Quantity
from .average import Averages
from .chaos import Chaos
from .estimator import PLACE, Estimates, Estimator
from .whole_design import WholeDesign

REDUCTION = Method(
    "Variance reduction",
    "(length of the interval of the plain estimate / length of that of the expansion)^2",
    "The polynomial chaos expansion as a control variate. Where the noise of the seeds is what is "
    "left, the reduction is small, and only more seeds would help. Of a Sobol sequence without "
    "replicates the plain interval is that of random samples.",
    "Owen, Monte Carlo Theory, Methods and Examples (2013), section 8.9",
)
_PAIRS = {
    "variance_reduction": ("value_average", "expansion_mean"),
    "variance_reduction_of_variance": ("variance", "expansion_variance"),
}
_ABSENT = "needs an expansion that holds, and intervals of both estimates"


def _quantity(name: str, of: str) -> Quantity:
    plain, better = _PAIRS[name]
    return Quantity(
        name,
        f"how many times more samples the plain {of} over the design would need for the interval of the "
        "expansion",
        "1",
        PLACE,
        Kind.NUMBER,
        REDUCTION,
        formula=f"(length of {plain} / length of {better})^2",
        designs="sobol, latin-hypercube, saltelli, list; independent parameters",
        absent=_ABSENT,
    )


class VarianceReduction(Estimator):
    """What the expansion saves in samples."""

    quantities = (
        _quantity("variance_reduction", "mean"),
        _quantity("variance_reduction_of_variance", "variance"),
    )
    after = (Averages, WholeDesign, Chaos)

    def finish(self, found: Estimates) -> Estimates:
        result = {}
        for name, (plain, better) in _PAIRS.items():
            if f"{plain}_high" in found and f"{better}_high" in found:
                length = _length(found, better)
                result[name] = (_length(found, plain) / length.where(length > 0)) ** 2
        return result


def _length(found: Estimates, name: str) -> xr.DataArray:
    return found[f"{name}_high"] - found[f"{name}_low"]
