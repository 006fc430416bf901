"""How the numbers of an optimisation are computed: formula, assumptions, source."""

from ..quantities import Method

_OPTAX = "Optax: DeepMind et al., The DeepMind JAX Ecosystem (2020)"

LOSS = Method(
    "Loss",
    "L = Σ_i w_i l_i, with l = ((E_r[f] - value) / error)^2 (of time courses the mean over times), "
    "E_r[f] to minimise, -E_r[f] to maximise",
    "f is an observable at the end, or its average over the recorded times; E is the mean over seeds. "
    "With fresh seeds the noise that is left in the mean is taken out of its square, which is then a "
    "sum over pairs of different seeds, and can be negative.",
    "Products of independent seeds: Hoeffding, Ann. Math. Stat. 19 (1948) 293-325",
)
BOUNDS = Method(
    "Bounds by transformation",
    "θ = a + (b - a) / (1 + e^{-z}), ∂L/∂z = (∂L/∂θ) (dθ/dz)",
    "The optimiser moves z, which has no bounds; the parameter stays between a and b of its "
    "distribution. For log-uniform and log-triangular parameters the same holds of the logarithm. A "
    "normal parameter, or the logarithm of a log-normal or gamma one, has no bounds and is scaled only.",
    "Carpenter et al., J. Stat. Softw. 76 (2017) 1-32",
)
IMPROVEMENT = Method(
    "Improvement on fresh seeds",
    "mean over seeds r of L_r(before) - L_r(after)",
    "Both from the same seeds, none of which was optimised on, so that noise common to both cancels and "
    "a lucky fit to the noise of the steps counts for nothing. Student's 95 % interval over seeds. The "
    "best of several starts is picked on as many other seeds, so that its number is not the luckiest.",
    "Law, Simulation Modeling and Analysis (McGraw-Hill, 2015), chapters 10 and 11",
)
REFINEMENT = Method(
    "Refinement",
    "z ← z + argmin_{|s| ≤ Δ} (g^T s + s^T J^T Q J s)",
    "After the last step of the optimiser, on seeds that stay the same and are neither those of its "
    "steps nor those of the evaluation. A step is taken if the loss falls; how far it may go follows "
    "from how good the quadratic model was. The end is the minimum for these seeds.",
    "Moré, in Numerical Analysis, Springer LNM 630 (1978); Conn, Gould and Toint, Trust-Region Methods "
    "(SIAM, 2000)",
)
DISTINCT_OPTIMA = Method(
    "Distinct optima",
    "max_s L(z_1 + s (z_2 - z_1)) > max(L(z_1), L(z_2))",
    "Two starts count as one optimum if no barrier that is higher than noise separates their ends: on "
    "the straight line between them, on the unconstrained scale, the loss on fresh seeds is nowhere "
    "higher than at the worse end. A flat valley is one optimum.",
    "Garipov et al., NeurIPS 31 (2018), arXiv:1802.10026, on barriers of a loss",
)
DIRECTIONS = Method(
    "Stiff and sloppy directions",
    "H = ∂^2 L/∂z^2 = Σ λ_n v_n v_n^T; profile: L(z* + s v_n)",
    "At each distinct optimum, on the unconstrained scale. The profile is a straight cut through the "
    "loss: the other directions are not optimised again along it.",
    "Gutenkunst et al., PLoS Comput. Biol. 3 (2007) e189; Transtrum et al., J. Chem. Phys. 143 (2015) "
    "010901",
)
_UNCERTAINTY = "Uncertainty of the parameters"
_FISHER = Method(
    _UNCERTAINTY,
    "Cov = F^{-1} J^T Q S Q J F^{-1}, F = J^T Q J",
    "That of weighted least squares: J is the derivative of the mean observables, Q their weights in "
    "the loss, S the covariance of the data. With weights 1 / error² it is the inverse of the Fisher "
    "information, the smallest covariance that an unbiased estimate can have; where no errors are "
    "stated, they are estimated from the residuals. Products of J are of different seeds, so that noise "
    "does not pass for information. The noise of the seeds is added. Intervals are symmetric on the "
    "unconstrained scale, so they stay inside the bounds.",
    "Gourieroux and Monfort, Simulation-Based Econometric Methods (Oxford, 1996), chapter 2",
)
_SANDWICH = Method(
    _UNCERTAINTY,
    "Cov = H^{-1} V H^{-1} / R, V = covariance of the gradient over seeds",
    "How far the optimum would move with other seeds: the noise of the gradient, through the curvature "
    "of the loss. It says nothing of data, for this objective has no errors of data. Intervals are "
    "symmetric on the unconstrained scale, so they stay inside the bounds.",
    "Huber, Proc. Fifth Berkeley Symp. 1 (1967) 221-233; White, Econometrica 50 (1982) 1-25; van der "
    "Vaart, Asymptotic Statistics (Cambridge, 1998), theorem 5.23",
)
_OF_OPTIMISER = {
    "adam": Method(
        "Adam",
        "m ← β_1 m + (1 - β_1) g, v ← β_2 v + (1 - β_2) g^2, z ← z - η m̂ / (√v̂ + ε)",
        "As Optax has it, with the settings above; g is the gradient of the loss averaged over the "
        "seeds of the step.",
        f"Kingma and Ba, ICLR 2015, arXiv:1412.6980; {_OPTAX}",
    ),
    "lbfgs": Method(
        "L-BFGS",
        "z ← z - η B g, with B from the last steps and gradients",
        "As Optax has it, with a line search; for a loss without noise, or with the same seeds at each "
        "step.",
        f"Liu and Nocedal, Math. Program. 45 (1989) 503-528; {_OPTAX}",
    ),
}


def of_optimiser(name: str) -> Method:
    """How this optimiser of Optax moves."""
    return _OF_OPTIMISER.get(name.lower()) or Method(
        f"Optimiser: {name}",
        "z ← z + update(g)",
        "As Optax has it, with the settings above; g is the gradient of the loss averaged over the "
        "seeds of the step.",
        _OPTAX,
    )


def of_covariance(kind: str) -> Method:
    """How the covariance of the parameters was made; ``kind``: the attribute ``covariance_kind``."""
    return _FISHER if kind.startswith("Fisher") else _SANDWICH
