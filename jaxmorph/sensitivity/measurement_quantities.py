"""Which records to measure, declared."""

from ..quantities import Interval, Kind, Method, Quantity
from .record_noise import FOLDS

FEWEST_SEEDS = 2 * FOLDS
FEWEST_SAMPLES = 4
_ABSENT = (
    f"needs noise, {FEWEST_SEEDS} or more seeds, gradients, {FEWEST_SAMPLES} or more samples of a "
    "design that represents the distributions, and two or more records with noise"
)
RECORDS = Method(
    "Best records to measure",
    "F_S = E_θ[J_S^T C_SS^{-1} J_S]; D: largest ln det(P_0 + F_S), A: smallest tr (P_0 + F_S)^{-1}",
    "Each record is the one that adds most. J are gradients of the mean in standard deviations of "
    "the parameters, C is the covariance between seeds averaged over the design, P_0 what the "
    "design says already. C is the candidate under which seeds that were left out are likeliest; "
    "the information is divided by record_overdispersion. What parameters do to the noise is not "
    "used. At most 12 records, of 600 (times evenly thinned), from 64 samples.",
    "Chaloner and Verdinelli, Stat. Sci. 10 (1995) 273-304; Box and Lucas, Biometrika 46 (1959) 77-90; "
    "Nemhauser, Wolsey and Fisher, Math. Program. 14 (1978) 265-294; Wedderburn, Biometrika 61 (1974) "
    "439-447",
)


def _quantity(
    name: str,
    long_name: str,
    unit: str = "1",
    kind: Kind = Kind.NUMBER,
    formula: str = "",
    dims: tuple[str, ...] = ("record",),
    interval: Interval = Interval.NONE,
) -> Quantity:
    return Quantity(
        name, long_name, unit, dims, kind, RECORDS, formula, interval=interval, from_gradients=True,
        absent=_ABSENT,
    )  # fmt: skip


_D = "(ln det(P_0 + F_S) - ln det P_0) / (the same of all records)"
_A = "(tr P_0^{-1} - tr (P_0 + F_S)^{-1}) / (the same of all records)"
_TOLD = {
    "d_optimal": ("D-optimal record", "the logarithm of the volume in which parameters may be", _D),
    "a_optimal": ("A-optimal record", "the summed variance of the parameters", _A),
    "d_optimal_moment": (
        "D-optimal time, all observables measured at it,",
        "the logarithm of the volume in which parameters may be",
        _D,
    ),
}


def _of_choice(name: str) -> tuple[Quantity, ...]:
    what, of, formula = _TOLD[name]
    observable = (
        ()
        if name.endswith("moment")
        else (
            _quantity(
                f"{name}_observable",
                f"observable of the {what}, the best first",
                kind=Kind.LABEL,
                formula="argmax over records",
            ),
        )
    )
    return (
        _quantity(f"{name}_time", f"time of the {what} the best first", "time", formula="argmax"),
        *observable,
        _quantity(
            f"{name}_share",
            f"share of what all records would take off {of}, that the records up to this one take off",
            formula=formula,
            interval=Interval.SAMPLES_AND_SEEDS,
        ),
        _quantity(
            f"{name}_share_left_out",
            f"share of what all records would take off {of}, by records chosen on one half of the "
            "samples and judged on the other",
            formula=f"{formula}, at other samples than chose S",
        ),
    )


QUANTITIES = (
    *_of_choice("d_optimal"),
    *_of_choice("a_optimal"),
    *_of_choice("d_optimal_moment"),
    _quantity(
        "record_count",
        "number of records (observable at a time) to choose from",
        dims=(),
        formula="those with noise",
    ),
    _quantity(
        "record_shrinkage",
        "share by which the correlations of the noise of records are taken to be smaller than between "
        "the seeds",
        dims=(),
        formula="likeliest at left-out seeds",
    ),
    _quantity(
        "record_overdispersion",
        "how many times the score of the records varies more at left-out seeds than their covariance "
        "says",
        dims=("parameter",),
        formula="E[s_p^2] / F_pp at left-out seeds, 1 at least",
    ),
)
