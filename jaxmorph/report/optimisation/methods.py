"""How an optimisation is computed: formula, assumption, reference. Only what the page shows."""

from __future__ import annotations

import xarray as xr

from ...figures.optimisation.starts import block
from ..methods import Paragraph

_Z, _L = "<i>z</i>", "<i>L</i>"
_THETA = "<i>θ</i>"

_ADAM = Paragraph(
    "Adam",
    "<i>m</i> ← <i>&beta;</i><sub>1</sub><i>m</i> + (1 - <i>&beta;</i><sub>1</sub>)<i>g</i>, &nbsp; "
    "<i>v</i> ← <i>&beta;</i><sub>2</sub><i>v</i> + (1 - "
    "<i>&beta;</i><sub>2</sub>)<i>g</i><sup>2</sup>, &nbsp; <i>z</i> ← <i>z</i> - <i>&eta;</i> "
    "<i>m&#770;</i> / (√<i>v&#770;</i> + <i>&epsilon;</i>)",
    "As Optax has it, with the settings above; g is the gradient of the loss averaged over the seeds of "
    "the step.",
    "Kingma and Ba, ICLR 2015, arXiv:1412.6980; Optax: DeepMind et al., The DeepMind JAX Ecosystem "
    "(2020).",
    ("gradient_norm",),
)
_LBFGS = Paragraph(
    "L-BFGS",
    "<i>z</i> ← <i>z</i> - <i>&eta;</i> <i>B</i> <i>g</i>, with <i>B</i> from the last steps and "
    "gradients",
    "As Optax has it, with a line search; for a loss without noise, or with the same seeds at each "
    "step.",
    "Liu and Nocedal, Math. Program. 45 (1989) 503-528; Optax: DeepMind et al., The DeepMind JAX "
    "Ecosystem (2020).",
    ("gradient_norm",),
)


def _another(name: str) -> Paragraph:
    return Paragraph(
        f"Optimiser: {name}",
        "<i>z</i> ← <i>z</i> + update(<i>g</i>)",
        "As Optax has it, with the settings above; g is the gradient of the loss averaged over the "
        "seeds of the step.",
        "Optax: DeepMind et al., The DeepMind JAX Ecosystem (2020).",
        ("gradient_norm",),
    )


_METHODS: tuple[Paragraph, ...] = (
    Paragraph(
        "Loss",
        f"{_L} = Σ<sub>i</sub> <i>w<sub>i</sub> l<sub>i</sub></i>, &nbsp; <i>l</i> = "
        "((E<sub>r</sub>[<i>f</i>] - value) / error)<sup>2</sup> (for a time course its mean over "
        "times), E<sub>r</sub>[<i>f</i>] to minimise, -E<sub>r</sub>[<i>f</i>] to maximise",
        "f is an observable at the end, or its average over the recorded times; E is the mean over "
        "seeds. With fresh seeds the noise that is left in the mean is taken out of its square, which "
        "is then a sum over pairs of different seeds, and can be negative.",
        "Products of independent seeds: Hoeffding, Ann. Math. Stat. 19 (1948) 293-325.",
        ("loss",),
    ),
    Paragraph(
        "Bounds by transformation",
        f"{_THETA} = <i>a</i> + (<i>b</i> - <i>a</i>) / (1 + e<sup>-{_Z}</sup>), &nbsp; "
        f"∂{_L}/∂{_Z} = (∂{_L}/∂{_THETA}) (d{_THETA}/d{_Z})",
        "The optimiser moves z, which has no bounds; the parameter stays between a and b of its "
        "distribution. For log-uniform parameters the same holds of the logarithm. A normal "
        "parameter, or the logarithm of a log-normal one, has no bounds and is scaled only.",
        "Carpenter et al., J. Stat. Softw. 76 (2017) 1-32.",
        ("parameter_value",),
    ),
    Paragraph(
        "Improvement on fresh seeds",
        f"mean over seeds r of {_L}<sub>r</sub>(before) - {_L}<sub>r</sub>(after)",
        "Both from the same seeds, none of which was optimised on, so that noise common to both "
        "cancels and a lucky fit to the noise of the steps counts for nothing; Student's 95 % "
        "interval over seeds. The best of several starts is picked on as many other seeds, so that its "
        "own number is not the luckiest one.",
        "Law, Simulation Modeling and Analysis (McGraw-Hill, 2015), chapters 10 and 11.",
        ("improvement",),
    ),
    Paragraph(
        "Stiff and sloppy directions",
        f"<i>H</i> = ∂²{_L}/∂{_Z}² = Σ <i>λ<sub>n</sub> v<sub>n</sub> v<sub>n</sub></i><sup>T</sup>; "
        f"profile: {_L}({_Z}* + <i>s v<sub>n</sub></i>)",
        "At each distinct optimum, on the unconstrained scale. The profile is a straight cut through "
        "the loss: the other directions are not optimised again along it.",
        "Gutenkunst et al., PLoS Comput. Biol. 3 (2007) e189; Transtrum et al., J. Chem. Phys. 143 "
        "(2015) 010901.",
        ("hessian_eigenvalue", "profile_loss"),
    ),
    Paragraph(
        "Distinct optima",
        f"max<sub>s</sub> {_L}({_Z}<sub>1</sub> + <i>s</i> ({_Z}<sub>2</sub> - {_Z}<sub>1</sub>)) &gt; "
        f"max({_L}({_Z}<sub>1</sub>), {_L}({_Z}<sub>2</sub>))",
        "Two starts count as one optimum if no barrier that is higher than noise separates their "
        "ends: on the straight line between them, on the unconstrained scale, the loss on fresh seeds "
        "is nowhere higher than at the worse end. A flat valley is one optimum.",
        "Garipov et al., NeurIPS 31 (2018), arXiv:1802.10026, on barriers of a loss.",
        ("optimum_of_start",),
    ),
)

_FISHER = Paragraph(
    "Uncertainty of the parameters",
    "Cov = <i>F</i><sup>-1</sup> <i>J</i><sup>T</sup> <i>Q S Q J F</i><sup>-1</sup>, &nbsp; <i>F</i> = "
    "<i>J</i><sup>T</sup> <i>Q J</i>",
    "That of weighted least squares: J is the derivative of the mean observables, Q their weights in "
    "the loss, S the covariance of the data. With weights 1 / error² it is the inverse of the Fisher "
    "information, the smallest covariance that an unbiased estimate can have; where no errors are "
    "stated, they are estimated from the residuals. Products of J are of different seeds, so that noise "
    "does not pass for information. The noise of the seeds is added. Intervals are "
    "symmetric on the unconstrained scale, so they stay inside the bounds.",
    "Gourieroux and Monfort, Simulation-Based Econometric Methods (Oxford, 1996), chapter 2.",
    ("covariance",),
)
_SANDWICH = Paragraph(
    "Uncertainty of the parameters",
    "Cov = <i>H</i><sup>-1</sup> <i>V H</i><sup>-1</sup> / R, &nbsp; <i>V</i> = covariance of the "
    "gradient over seeds",
    "How far the optimum would move with other seeds: the noise of the gradient, through the "
    "curvature of the loss. It says nothing of data, for this objective has no errors of data. "
    "Intervals are symmetric on the unconstrained scale, so they stay inside the bounds.",
    "Huber, Proc. Fifth Berkeley Symp. 1 (1967) 221-233; White, Econometrica 50 (1982) 1-25; van der "
    "Vaart, Asymptotic Statistics (Cambridge, 1998), theorem 5.23.",
    ("covariance",),
)


_REFINEMENT = Paragraph(
    "Refinement",
    "<i>z</i> ← <i>z</i> + argmin<sub>|<i>s</i>| ≤ <i>&Delta;</i></sub> (<i>g<sup>T</sup>s</i> + "
    "<i>s<sup>T</sup> J<sup>T</sup>Q J s</i>)",
    "After the last step of the optimiser, on seeds that stay the same and are neither those of its "
    "steps nor those of the evaluation. A step is taken if the loss falls; how far it may go follows "
    "from how good the quadratic model was. The end is the minimum for these seeds.",
    "Mor&eacute;, in Numerical Analysis, Springer LNM 630 (1978); Conn, Gould and Toint, Trust-Region "
    "Methods (SIAM, 2000).",
    ("refined",),
)


def shown(data: xr.Dataset) -> list[Paragraph]:
    """The methods behind what this dataset has."""
    name = str(block(data).get("optimiser", {}).get("name", "")).lower()
    known = {"adam": _ADAM, "lbfgs": _LBFGS}
    optimiser = [known[name] if name in known else _another(name)] if name else []
    fisher = str(data.attrs.get("covariance_kind", "")).startswith("Fisher")
    found = [*_METHODS[:2], *optimiser, _REFINEMENT, *_METHODS[2:], _FISHER if fisher else _SANDWICH]
    return [method for method in found if any(variable in data for variable in method.variables)]
