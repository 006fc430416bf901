"""What it takes to evaluate an expansion elsewhere, declared."""

from ..quantities import Interval, Kind, Quantity
from .chaos_quantities import EXPANSION, QUANTITIES
from .estimator import PLACE

_MEAN = next(quantity for quantity in QUANTITIES if quantity.name == "expansion_mean")
"""There where this is, and absent for the same reasons."""
_RECURRENCE = "b_k ψ_k = (t - a_k) ψ_(k-1) - b_(k-1) ψ_(k-2), ψ_0 = 1"


def _needed(
    name: str,
    long_name: str,
    unit: str,
    dims: tuple[str, ...],
    formula: str,
    kind: Kind = Kind.NUMBER,
    interval: Interval = Interval.NONE,
) -> Quantity:
    return Quantity(
        name,
        long_name,
        unit,
        dims,
        kind,
        EXPANSION,
        formula=formula,
        interval=interval,
        designs=_MEAN.designs,
        absent=_MEAN.absent,
    )


_EACH, _DEGREES = ("parameter",), ("parameter", "degree")
PREDICTION = (
    _needed(
        "expansion_coefficient",
        "coefficient of a term of the expansion",
        "observable",
        (*PLACE, "term"),
        "c_α of Σ_α c_α Ψ_α, E[Ψ_α^2] = 1",
        Kind.VALUE,
        Interval.SEEDS,
    ),
    _needed(
        "expansion_missed",
        "root mean square of what the expansion misses at left-out samples, noise apart",
        "observable",
        PLACE,
        "√E[what two different seeds miss, multiplied]",
        Kind.VALUE,
    ),
    _needed(
        "expansion_degree",
        "degree of the polynomial of a parameter in a term of the expansion",
        "1",
        ("term", "parameter"),
        "α_p of Ψ_α = Π_p ψ_α_p(t_p)",
    ),
    _needed(
        "polynomial_logarithmic",
        "1 where the polynomials are of the logarithm of the parameter",
        "1",
        _EACH,
        "u = ln θ_p",
        Kind.FLAG,
    ),
    _needed(
        "polynomial_centre",
        "origin of the polynomials on the natural scale of the parameter",
        "natural",
        _EACH,
        "m of t_p = (u - m) / s",
    ),
    _needed(
        "polynomial_scale",
        "length of the polynomials on the natural scale of the parameter",
        "natural",
        _EACH,
        "s of t_p = (u - m) / s",
    ),
    _needed(
        "polynomial_shift",
        "first number of the recurrence of the polynomials",
        "1",
        _DEGREES,
        f"a_k of {_RECURRENCE}",
    ),
    _needed(
        "polynomial_norm",
        "second number of the recurrence of the polynomials",
        "1",
        _DEGREES,
        f"b_k of {_RECURRENCE}",
    ),
)
