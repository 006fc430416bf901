"""What an expansion gives, declared."""

from ..quantities import Interval, Kind, Method, Quantity
from .estimator import PAIR, PLACE
from .groups import OF_GROUP
from .resampling import FEWEST

LEAST_Q2 = 0.8
"""With less, indices are withheld: intervals were measured above, and a fifth could be anybody's."""
LEAST_NOISE_Q2 = 0.5
"""The same of variances between seeds, which few seeds show badly: intervals hold what is missed."""
FEWEST_SAMPLES = 24
MOST_PARAMETERS = 100

MOST_CORRELATED = 10
"""Shapley effects go through all subsets of correlated parameters."""

_DESIGNS = "sobol, latin-hypercube, list, saltelli"
_SAMPLES = f"needs {FEWEST_SAMPLES} or more samples of a Sobol, Latin-hypercube, list or Saltelli design"
_SEEDS = f"{FEWEST} or more seeds if there is noise"
_NEEDS = (
    f"{_SAMPLES}, at most {MOST_PARAMETERS} parameters ({MOST_CORRELATED} if some are correlated, by "
    f"known correlations), and {_SEEDS}"
)
_PREDICTS = f"an expansion that predicts what it has not seen (expansion_q2 of {LEAST_Q2:g})"
_HOLDS = f"{_NEEDS}, and {_PREDICTS}"
_HOLDS_INDEPENDENT = (
    f"{_SAMPLES}, at most {MOST_PARAMETERS} parameters, all independent, {_SEEDS}, and {_PREDICTS}"
)
_HOLDS_CORRELATED = (
    f"{_SAMPLES}, correlations of at most {MOST_CORRELATED} parameters, {_SEEDS}, and {_PREDICTS}"
)
EXPANSION = Method(
    "Polynomial chaos expansion",
    "E_r[f](θ) = Σ_α c_α Ψ_α(θ); Var = Σ_α c_α^2",
    "Orthonormal polynomials of the parameters, fitted to values and gradients; terms and the weight of "
    "gradients by what is missed at samples left out. Squares are products of different seeds, and "
    "terms are chosen on other seeds than those that estimate. Gradients found incomplete are not used. "
    f"Withheld where expansion_q2 is below {LEAST_Q2:g}.",
    "Sudret, Reliab. Eng. Syst. Saf. 93 (2008) 964-979; Luethen et al., arXiv:2107.00394 (2021); Pati, "
    "Rezaiifar and Krishnaprasad, Asilomar Conf. (1993) 40-44; Owen, SIAM/ASA J. Uncertain. Quantif. 2 "
    "(2014) 245-251",
)

CORRELATED = Method(
    "Indices of correlated parameters",
    "S_p = Var E[F | θ_p] / Var F; T_p = E[Var(F | all but θ_p)] / Var F, of F = E_r f",
    "By Hermite polynomials of the independent scores z of a Gaussian copula, s = L z: "
    "what some of s explain is an exact quadratic form of the coefficients. With correlations "
    "neither index is a part of a sum: S counts what a parameter says of the others, T what it adds to "
    "all others, so that S may be above T. Shapley effects add up to 1.",
    "Kucherenko, Tarantola and Annoni, Comput. Phys. Commun. 183 (2012) 937-946; Owen and Prieur, "
    "SIAM/ASA J. Uncertain. Quantif. 5 (2017) 986-1002; Janson, Gaussian Hilbert Spaces (1997), ch. 4",
)


def _share(
    name: str,
    long_name: str,
    kind: Kind,
    formula: str,
    label: str,
    reading: str,
    dims: tuple[str, ...] = PAIR,
    within: float | None = 0.05,
    method: Method = EXPANSION,
    absent: str = _HOLDS,
) -> Quantity:
    return Quantity(
        name,
        long_name,
        "1",
        dims,
        kind,
        method,
        formula=formula,
        label=label,
        reading=reading,
        interval=Interval.SAMPLES_AND_SEEDS,
        within=within,
        designs=_DESIGNS,
        absent=absent,
    )


EXPANSION_TOTAL = _share(
    "expansion_total",
    "total Sobol index by an expansion, beside that of the design",
    Kind.TOTAL,
    "Σ_{α ∋ p} c_α^2 / Var",
    "total Sobol index by an expansion",
    "share of the noise-free variance, alone and with others",
)
EXPANSION_FIRST = _share(
    "expansion_first",
    "first-order Sobol index by an expansion, beside that of the design",
    Kind.FIRST,
    "Σ_{α of p alone} c_α^2 / Var",
    "first-order Sobol index by an expansion",
    "share of the noise-free variance, alone",
)
EXPANSION_SECOND = _share(
    "expansion_second",
    "second-order Sobol index of two parameters by an expansion, beside that of the design",
    Kind.INTERACTION,
    "Σ_{α of p and q alone} c_α^2 / Var",
    "",
    "",
    (*PAIR, "parameter_2"),
    within=None,
)
EXPANSION_CLOSED = _share(
    "expansion_closed",
    "closed Sobol index of a group by an expansion, beside that of the design",
    Kind.CLOSED,
    "Σ_{α of u alone} c_α^2 / Var",
    "closed Sobol index of the group by an expansion",
    "share of the noise-free variance, by the group alone",
    OF_GROUP,
)
EXPANSION_TOTAL_OF_GROUP = _share(
    "expansion_total_of_group",
    "total Sobol index of a group by an expansion, beside that of the design",
    Kind.TOTAL,
    "Σ_{α of any in u} c_α^2 / Var",
    "total Sobol index of the group by an expansion",
    "share of the noise-free variance, by the group alone and with others",
    OF_GROUP,
)
_OWN = (
    EXPANSION_TOTAL,
    EXPANSION_FIRST,
    EXPANSION_SECOND,
    EXPANSION_CLOSED,
    EXPANSION_TOTAL_OF_GROUP,
)
"""Where the design has indices of its own; else they have the names of these."""
KUCHERENKO_TOTAL = _share(
    "kucherenko_total",
    "total index of a correlated parameter: what it adds to all others",
    Kind.TOTAL,
    "E[Var(F | all but θ_p)] / Var F, of F = E_r f",
    "total index with correlations",
    "share of the noise-free variance that is left if all others are known",
    method=CORRELATED,
    absent=_HOLDS_CORRELATED,
)
KUCHERENKO_FIRST = _share(
    "kucherenko_first",
    "first-order index of a correlated parameter, with what it says of the others",
    Kind.FIRST,
    "Var E[F | θ_p] / Var F, of F = E_r f",
    "first-order index with correlations",
    "share of the noise-free variance that knowing the parameter takes away",
    method=CORRELATED,
    absent=_HOLDS_CORRELATED,
)
_PLACES = (
    Quantity(
        "expansion_q2",
        "share of the variance over the design that the expansion predicts at left-out samples",
        "1",
        PLACE,
        Kind.NUMBER,
        EXPANSION,
        formula="1 - E[(E_r[f] - prediction without the sample)^2] / Var",
        designs=_DESIGNS,
        absent=_NEEDS,
    ),
    Quantity(
        "expansion_q2_values",
        "the same share by the best expansion from values alone: what gradients add is the difference",
        "1",
        PLACE,
        Kind.NUMBER,
        EXPANSION,
        formula="1 - E[(E_r[f] - prediction from values of other samples)^2] / Var",
        designs=_DESIGNS,
        absent=_NEEDS,
    ),
    Quantity(
        "expansion_mean",
        "average over the design of the seed-averaged observable, by the expansion",
        "observable",
        PLACE,
        Kind.VALUE,
        EXPANSION,
        formula="c_0",
        interval=Interval.SAMPLES_AND_SEEDS,
        designs=_DESIGNS,
        absent=_HOLDS,
    ),
    Quantity(
        "expansion_variance",
        "variance over the design of the seed-averaged observable, noise removed, by the expansion",
        "observable^2",
        PLACE,
        Kind.VARIANCE,
        EXPANSION,
        formula="Σ_α c_α^2",
        interval=Interval.SAMPLES_AND_SEEDS,
        designs=_DESIGNS,
        absent=_HOLDS,
    ),
    Quantity(
        "main_effect",
        "average of the observable where a parameter is held at a quantile, less that over the design",
        "observable",
        (*PAIR, "probability"),
        Kind.VALUE,
        EXPANSION,
        formula="E[f | θ_p] - E[f] = Σ_{α of p alone} c_α Ψ_α(θ_p)",
        interval=Interval.SAMPLES_AND_SEEDS,
        designs=_DESIGNS,
        absent=_HOLDS,
    ),
    Quantity(
        "expansion_with_gradients",
        "1 where the expansion is from values and gradients, 0 where values alone predict better or "
        "gradients miss something",
        "1",
        PLACE,
        Kind.FLAG,
        EXPANSION,
        formula="gradients count",
        designs=_DESIGNS,
        absent=_NEEDS,
    ),
)
QUANTITIES = (
    *_OWN,
    KUCHERENKO_TOTAL,
    KUCHERENKO_FIRST,
    _share(
        "shapley",
        "Shapley effect of the seed-averaged observable, noise removed",
        Kind.SHAPLEY,
        "Σ_{α ∋ p} c_α^2 / (parameters in α) / Var",
        "Shapley effect",
        "share of the noise-free variance, interactions divided equally",
    ),
    *_PLACES,
)
