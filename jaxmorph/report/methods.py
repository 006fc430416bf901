"""How each number of the page is computed: formula, assumption, reference. Only what the page shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import xarray as xr

from jaxmorph.configuration import GRADIENT_ESTIMATORS
from jaxmorph.figures.catalogue import CATALOGUE


@dataclass(frozen=True)
class Method:
    """One method; ``formula`` is HTML, and the page tells of it if it has any of ``variables``."""

    title: str
    formula: str
    text: str
    reference: str
    variables: tuple[str, ...]


_F = "<i>f</i>"
_THETA = "<i>θ<sub>p</sub></i>"
_DF = "∂<i>f</i>/∂<i>θ<sub>p</sub></i>"

METHODS: tuple[Method, ...] = (
    Method(
        "Elasticity",
        f"({_THETA} / E<sub>r</sub>[{_F}]) E<sub>r</sub>[{_DF}], averaged over samples",
        "The gradient is averaged over seeds r at each sample, and the average over samples has the "
        "error of the noise alone: its interval (Student's, over seeds of the design average) is for "
        "the samples at hand. The same seeds are used at every sample.",
        "Kacser and Burns, Symp. Soc. Exp. Biol. 27 (1973) 65-104; common random numbers: Glasserman "
        "and Yao, Manag. Sci. 38 (1992) 884-908.",
        ("elasticity_average",),
    ),
    Method(
        "Semi-elasticity and scaled sensitivity",
        f"{_THETA} {_DF} &nbsp;and&nbsp; (<i>&sigma;<sub>p</sub></i> / "
        f"<i>&sigma;<sub>f</sub></i>) {_DF}",
        "For observables near zero, where an elasticity says nothing. The standard deviations are those "
        "over the design.",
        "Saltelli et al., Global Sensitivity Analysis: The Primer (Wiley, 2008), chapter 1.",
        ("semi_elasticity_average", "scaled_sensitivity_average"),
    ),
    Method(
        "Trimmed mean of the gradient",
        "mean over seeds without the largest and the smallest ones",
        "Robust against single seeds with huge gradients, but not without bias where the distribution "
        "is skewed: it stands beside the mean, not in its place.",
        "Tukey and McLaughlin, Sankhya A 25 (1963) 331-352.",
        ("gradient_trimmed_average",),
    ),
    Method(
        "Share of noise",
        f"E<sub>θ</sub>[Var<sub>r</sub> {_F}] / (Var<sub>θ</sub> E<sub>r</sub>[{_F}] + "
        f"E<sub>θ</sub>[Var<sub>r</sub> {_F}])",
        "The variance over the design is that of the observable averaged over noise; the noise left in "
        "the average over a finite number of seeds is taken out by multiplying different seeds.",
        "Zhu and Sudret, Reliab. Eng. Syst. Saf. 214 (2021) 107815.",
        ("noise_share",),
    ),
    Method(
        "Mean squared derivative",
        f"<i>&nu;<sub>p</sub></i> = E[({_DF})<sup>2</sup>], as the mean over pairs of different seeds "
        "of ∂<i>f<sub>r</sub></i> ∂<i>f<sub>r&prime;</sub></i>",
        "On the natural scale of the distribution (the logarithm for log-uniform and log-normal ones). "
        "The square of a noisy mean would be too large; the product of two independent seeds is not.",
        "Sobol' and Kucherenko, Math. Comput. Simul. 79 (2009) 3009-3017.",
        ("dgsm", "total_bound"),
    ),
    Method(
        "Upper bound on the total Sobol index",
        f"<i>C<sub>p</sub></i> <i>&nu;<sub>p</sub></i> / Var<sub>θ</sub> E<sub>r</sub>[{_F}]",
        "C is the Poincaré constant of the parameter's distribution: (b - a)² / π² for a uniform one, "
        "the variance for a normal one. It holds for independent parameters. Above 1 it says nothing.",
        "Lamboni et al., Math. Comput. Simul. 87 (2013) 45-54; Roustant, Barthe and Iooss, Electron. J. "
        "Stat. 11 (2017) 3081-3119.",
        ("total_bound",),
    ),
    Method(
        "Sobol indices",
        f"<i>S<sub>p</sub></i> = Var E[{_F} | {_THETA}] / Var {_F}, &nbsp; <i>T<sub>p</sub></i> = "
        f"E[Var({_F} | all but {_THETA})] / Var {_F}",
        "In two readings: of the observable averaged over noise, with the noise left in the average "
        "removed; and with the noise as one more input. For independent parameters.",
        "Sobol', Math. Comput. Simul. 55 (2001) 271-280; Saltelli et al., Comput. Phys. Commun. 181 "
        "(2010) 259-270; Zhu and Sudret (2021); designs: SALib, Iwanaga, Usher and Herman, "
        "Socio-Environ. Syst. Model. 4 (2022) 18155.",
        ("sobol_first", "sobol_total", "sobol_first_with_noise", "sobol_total_with_noise"),
    ),
    Method(
        "First-order index from given data",
        f"Var E[{_F} | {_THETA}] / Var {_F}, from the samples as they lie",
        "RBD-FAST: in the order of the parameter, a smooth dependence lies in the lowest frequencies. "
        "Needs no special design, and is rougher than one made for it.",
        "Tarantola, Gatelli and Mara, Reliab. Eng. Syst. Saf. 91 (2006) 717-727; Plischke, ibid. 95 "
        "(2010) 354-360.",
        ("sobol_first_given_data",),
    ),
    Method(
        "PAWN index",
        f"median over values of {_THETA} of the Kolmogorov-Smirnov distance between the distributions "
        f"of {_F} with and without {_THETA} fixed",
        "Looks at the whole distribution, not at its variance alone.",
        "Pianosi and Wagener, Environ. Model. Softw. 67 (2015) 1-11.",
        ("pawn",),
    ),
    Method(
        "Morris screening",
        "<i>μ</i>* = mean of |elementary effects|, <i>&sigma;</i> = their standard deviation",
        "An elementary effect is that of a finite step in one parameter along a trajectory, per unit of "
        "probability.",
        "Morris, Technometrics 33 (1991) 161-174; Campolongo, Cariboni and Saltelli, Environ. Model. "
        "Softw. 22 (2007) 1509-1518.",
        ("morris_mu_star",),
    ),
    Method(
        "Active subspace and activity scores",
        f"<i>C</i> = E[∇{_F} ∇{_F}<sup>T</sup>] = Σ <i>λ<sub>n</sub> w<sub>n</sub> "
        "w<sub>n</sub></i><sup>T</sup>; score <i>&alpha;<sub>p</sub></i> = Σ<sub>n</sub> "
        "<i>λ<sub>n</sub> w<sub>np</sub></i><sup>2</sup>",
        "Parameters in units of their standard deviation on the natural scale; products of different "
        "seeds, so that noise adds nothing on average. The score sums over the directions before the "
        "largest gap of the spectrum.",
        "Constantine, Dow and Wang, SIAM J. Sci. Comput. 36 (2014) A1500-A1524; Constantine and Diaz, "
        "Reliab. Eng. Syst. Saf. 162 (2017) 1-13.",
        ("eigenvalue", "activity_score"),
    ),
    Method(
        "Fisher information",
        "<i>F</i> = Σ<sub>t</sub> <i>J</i><sup>T</sup> <i>Σ</i><sup>-1</sup> <i>J</i>, &nbsp; smallest "
        "variance of <i>θ<sub>p</sub></i>: (<i>F</i><sup>-1</sup>)<sub>pp</sub>",
        "At the central sample. J are gradients of the mean, in units of the parameters' standard "
        "deviations, their noise taken out by products of different seeds; Σ is the covariance of the "
        "observables between seeds. Different times count as independent, so the information may be "
        "too large, by up to about the number of times.",
        "Gutenkunst et al., PLoS Comput. Biol. 3 (2007) e189; Transtrum et al., J. Chem. Phys. 143 "
        "(2015) 010901.",
        ("fisher_eigenvalue",),
    ),
    Method(
        "Intervals",
        "95 %, bootstrap over samples and over seeds, each by itself; the deviations add",
        "All samples share their seeds, so the two errors do not average out together. Samples count "
        "as independent draws, which makes intervals of a Sobol' sequence too wide, not too narrow.",
        "Owen, Ann. Appl. Stat. 1 (2007) 386-411; Hesterberg, Am. Stat. 69 (2015) 371-386.",
        ("dgsm_low", "total_bound_low", "sobol_first_low", "morris_mu_star_low"),
    ),
    Method(
        "Convergence",
        "half-width ≤ 0.05 (shares of variance) or ≤ 10 % of the largest value; needed: "
        "<i>n</i> <i>h</i><sup>2</sup> / (target<sup>2</sup> - <i>h&prime;</i><sup>2</sup>)",
        "At the last time, for the widest interval over parameters. The half-width has a part h for the "
        "source of error that dominates (samples or seeds) and h' for the other; where that alone "
        "is too large, both numbers have to grow. Besides, half of the samples must give a value inside "
        "the interval of all.",
        "The 1/√n law of independent draws.",
        ("elasticity_average_low", "total_bound_low"),
    ),
    Method(
        "Growth and tails of gradients",
        f"ln rms({_DF}) = <i>a</i> + rate <i>t</i> + power ln <i>t</i>; Hill's tail index",
        "A gradient is flagged if the exponential part alone multiplies it by more than 10 and it has "
        "become large, or if its tail over seeds is heavy. Averages of such gradients converge "
        "slowly or not at all.",
        "Metz, Freeman, Schoenholz and Kachman, arXiv:2111.05803 (2021); Hill, Ann. Stat. 3 (1975) "
        "1163-1174.",
        ("gradient_growth_rate", "gradient_tail_index"),
    ),
)  # fmt: skip


def shown(sensitivity: xr.Dataset) -> list[Method]:
    """The methods behind what this dataset has."""
    declared = GRADIENT_ESTIMATORS.get(str(sensitivity.attrs.get("estimator")))
    found = [m for m in METHODS if any(variable in sensitivity for variable in m.variables)]
    if declared is None or declared.method is None:
        return found
    own = declared.method
    return [Method(own.title, own.formula, own.text, own.source, ("gradient_mean",)), *found]


def caution(attrs: Mapping[str, Any]) -> str:
    """What to know of the estimator of the gradients before reading on; empty if nothing."""
    declared = GRADIENT_ESTIMATORS.get(str(attrs.get("estimator")))
    return declared.caution if declared else ""


def other_estimators() -> list[str]:
    """Those to turn to where derivatives along paths explode."""
    return [name for name, declared in GRADIENT_ESTIMATORS.items() if not declared.along_paths]


def lyapunov(checks: xr.Dataset | None) -> Method | None:
    """The method behind the Lyapunov exponents of the checks, if they were computed."""
    if checks is None or "lyapunov_exponent" not in checks:
        return None
    return Method(
        "Finite-time Lyapunov exponent",
        "ln(|tangent of the state at <i>t</i>| / |tangent at 0|) / <i>t</i>",
        "From a random tangent that is scaled back to length 1 as it goes.",
        "Benettin et al., Meccanica 15 (1980) 9-20.",
        tuple(CATALOGUE["gradient_trust"].variables[-1:]),
    )
