"""How sure the parameters at an optimum are: curvature, covariance, regions."""

import dataclasses

import numpy as np
from jaxtyping import Float
from scipy import stats

from .evaluator import LossEvaluator, Slopes
from .objective import Objective

# Half a step of central differences on the unconstrained scale, whose unit is a fourth of an interval
# or a standard deviation. Gradients of the same seeds differ smoothly; round-off is what limits it.
_STEP = {"float64": 1e-3, "float32": 1e-2}
# A direction with less curvature than this part of the stiffest is not determined.
_FLAT = 1e-9
# The unconstrained scale beyond which an interval's end is reached: 1 / (1 + exp(-10)) = 0.99995.
_FAR = 10.0

FISHER, SANDWICH = "Fisher", "Hessian with noise (sandwich)"


@dataclasses.dataclass(frozen=True)
class Curvature:
    """The neighbourhood of an optimum, on the unconstrained scale.

    Attributes:
        eigenvalue: Of the Hessian of the loss, stiffest first, (direction,).
        eigenvector: (direction, parameter).
        covariance: Of the parameters' estimates, (parameter, parameter).
        kind: ``FISHER`` or ``SANDWICH``.
        chain: d parameter / du, (parameter,).
    """

    eigenvalue: Float[np.ndarray, " direction"]
    eigenvector: Float[np.ndarray, "direction parameter"]
    covariance: Float[np.ndarray, "parameter parameter"]
    kind: str
    chain: Float[np.ndarray, " parameter"]


def curvature(
    evaluator: LossEvaluator,
    u: Float[np.ndarray, " parameter"],
    *,
    fixed_seeds: int | None,
    last: Float[np.ndarray, "step parameter"],
    refining: LossEvaluator | None = None,
) -> Curvature:
    """Hessian and covariance at ``u``.

    The Hessian H is that of the loss, by central differences of its gradient at the same fresh seeds; of
    data alone 2 J^T Q J (Gauss and Newton's): second derivatives have more noise than first ones.
    Where the objective is data alone, the covariance is that of the weighted least-squares estimate,
    F^-1 J^T Q S Q J F^-1 with F = J^T Q J, J the derivative of the mean features, Q their weights, and S
    the covariance of the data: with weights 1 / error^2 the inverse of the Fisher information. Without
    known errors S is (residual sum of squares) / (data - parameters). Products of J are those of
    different seeds: the noise of single seeds would pass for information.

    Otherwise nothing is known of data, and only noise is left. With fixed seeds R the minimum is that
    of their mean: H^-1 V H^-1 / R, with V the covariance over seeds of the gradient. It is added in both
    cases; so it is for the seeds of a refinement. With fresh seeds the place at which the steps ended
    fluctuates, and may be short of the minimum. Added are the covariance of the last tenth of the path,
    and, without data, H^-1 V H^-1 over all seeds of that tenth. Of a refinement, and of fresh seeds, the
    square of the step is added that Newton's method would still take: on the seeds of the refinement,
    or on the fresh ones.

    Source: Gourieroux and Monfort, Simulation-based econometric methods (1996), ch. 2; van der Vaart,
    Asymptotic statistics (1998), th. 5.23; Polyak and Juditsky, SIAM J. Control Optim. 30 (1992)
    838-855.

    Args:
        evaluator: The loss on fresh seeds.
        u: The optimum.
        fixed_seeds: Number of the seeds, if all steps had the same.
        last: The last tenth of the path that led there.
        refining: The loss on the seeds of the refinement, if it ended there.
    """
    here = evaluator.slopes(u[None])
    measured = evaluator.objective.measured
    hessian = _gauss_newton(evaluator.objective, here) if measured else _hessian(evaluator, u)
    value, vector = np.linalg.eigh(hessian)
    covariance = np.zeros_like(hessian)
    if measured:
        covariance = _of_data(evaluator.objective, here.features[0], here.jacobian[0])
    if evaluator.stochastic:
        if refining is not None:
            there = refining.slopes(u[None])
            bent = _gauss_newton(refining.objective, there)
            noise = _sandwich(refining, there, bent) / len(refining.seeds)
            covariance = covariance + noise + _missed(there, bent)
        elif fixed_seeds is not None:
            covariance = covariance + _sandwich(evaluator, here, hessian) / fixed_seeds
        else:
            covariance = covariance + _end_covariance(last) + _missed(here, hessian)
            if not measured:
                n = max(1, len(last)) * len(evaluator.seeds)
                covariance = covariance + _sandwich(evaluator, here, hessian) / n
    kind = FISHER if measured else SANDWICH
    return Curvature(value[::-1], vector.T[::-1], covariance, kind, here.chain[0])


def _hessian(evaluator: LossEvaluator, u: np.ndarray) -> np.ndarray:
    h = _STEP[evaluator.problem.study.precision]
    steps = h * np.eye(u.size)
    gradient = evaluator.slopes(np.concatenate([u + steps, u - steps])).gradient
    hessian = (gradient[: u.size] - gradient[u.size :]) / (2 * h)
    return (hessian + hessian.T) / 2


def _end_covariance(
    last: Float[np.ndarray, "step parameter"],
) -> Float[np.ndarray, "parameter parameter"]:
    """Covariance of the end of a path, at which the steps of fresh seeds leave it."""
    n = last.shape[1]
    return np.cov(last.T).reshape(n, n) if len(last) > 1 else np.zeros((n, n))


def _gauss_newton(objective: Objective, here: Slopes) -> Float[np.ndarray, "parameter parameter"]:
    """2 J^T Q J: the Hessian of a loss of data alone where the model meets them."""
    return 2 * _of_pairs(_weighted(objective, here.jacobian[0]))


def estimate_of_data(
    evaluator: LossEvaluator, here: Slopes, n_seeds: int
) -> tuple[Float[np.ndarray, "parameter parameter"], Float[np.ndarray, " parameter"]]:
    """Covariance of the estimate from data alone, with the noise of seeds, and Newton's step.

    Args:
        evaluator: The loss on fresh seeds.
        here: Slopes at one point, in whatever units of the parameters.
        n_seeds: Number of seeds that the estimate was found with.
    """
    hessian = _gauss_newton(evaluator.objective, here)
    covariance = _of_data(evaluator.objective, here.features[0], here.jacobian[0])
    if evaluator.stochastic:
        covariance = covariance + _sandwich(evaluator, here, hessian) / n_seeds
    return covariance, -_inverse(hessian) @ here.gradient[0]


def _missed(here: Slopes, hessian: np.ndarray) -> Float[np.ndarray, "parameter parameter"]:
    """How far an end is from the minimum: d d^T, with d the step of Newton's method."""
    step = _inverse(hessian) @ here.gradient[0]
    return np.outer(step, step)


def _of_data(
    objective: Objective,
    features: Float[np.ndarray, "seed feature"],
    jacobian: Float[np.ndarray, "seed feature parameter"],
) -> Float[np.ndarray, "parameter parameter"]:
    """Covariance of the weighted least-squares estimate: what errors of the data do to it.

    Args:
        objective: Data alone.
        features: At the optimum.
        jacobian: Their derivatives there, on the unconstrained scale.
    """
    noise = objective.noise
    if not objective.known:
        residual = features.mean(axis=0) - objective.target
        freedom = max(1, residual.size - jacobian.shape[-1])
        noise = np.eye(residual.size) * (residual @ residual / freedom) ** 0.5
    information = _of_pairs(_weighted(objective, jacobian))
    pulled = (objective.curvature[:, None] * noise).T @ jacobian
    # A direction that no datum sees is as wide as the scale.
    return _on_both_sides(_inverse(information), _of_pairs(pulled)) + _undetermined(information)


def _weighted(objective: Objective, jacobian: np.ndarray) -> np.ndarray:
    """Q^1/2 J of each seed."""
    return objective.curvature[:, None] ** 0.5 * jacobian


def _of_pairs(
    pulled: Float[np.ndarray, "seed row parameter"],
) -> Float[np.ndarray, "parameter parameter"]:
    """A^T A, with A the mean over seeds, by products of different seeds.

    Those of the same seed would add the covariance of the mean: noise would pass for information.
    """
    n, mean = len(pulled), pulled.mean(axis=0)
    product = mean.T @ mean
    if n == 1:
        return product
    centred = (pulled - mean).reshape(-1, pulled.shape[-1])
    return product - centred.T @ centred / (n * (n - 1))


def _on_both_sides(inverse: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """``inverse middle inverse``, of which noise can make no variance negative."""
    value, vector = np.linalg.eigh(middle)
    half = inverse @ (vector * np.maximum(value, 0) ** 0.5)
    return half @ half.T


def _sandwich(evaluator: LossEvaluator, here: Slopes, hessian: np.ndarray) -> np.ndarray:
    """H^-1 V H^-1 of one seed."""
    features, jacobian = here.features[0], here.jacobian[0]
    weights = evaluator.weights
    mean, slope = features.mean(axis=0), jacobian.mean(axis=0)
    pull = 2 * weights.curvature * (mean - weights.target) + weights.slope
    of_seed = (jacobian - slope).transpose(0, 2, 1) @ pull
    of_seed = of_seed + ((features - mean) * 2 * weights.curvature) @ slope
    inverse = _inverse(hessian)
    return inverse @ np.atleast_2d(np.cov(of_seed.T)) @ inverse + _undetermined(hessian)


def _inverse(matrix: np.ndarray) -> np.ndarray:
    """Of the directions that are determined."""
    value, vector = np.linalg.eigh(matrix)
    kept = value > _FLAT * max(value.max(), 0)
    return (vector[:, kept] / value[kept]) @ vector[:, kept].T


def _undetermined(matrix: np.ndarray) -> np.ndarray:
    """A covariance as wide as the scale, of the directions without curvature."""
    value, vector = np.linalg.eigh(matrix)
    flat = vector[:, ~(value > _FLAT * max(value.max(), 0))]
    return _FAR**2 * flat @ flat.T


def region(
    evaluator: LossEvaluator, u: np.ndarray, covariance: np.ndarray, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the intervals of single parameters: of their unconstrained scale, so within the bounds."""
    width = stats.norm.ppf((1 + level) / 2) * np.sqrt(np.diag(covariance))
    return evaluator.parameter(u - width), evaluator.parameter(u + width)


def covers(difference: np.ndarray, covariance: np.ndarray, level: float = 0.95) -> bool:
    """Whether the joint region holds a point ``difference`` from its centre, both unconstrained."""
    distance = difference @ np.linalg.solve(covariance, difference)
    return bool(distance <= stats.chi2.ppf(level, difference.size))
