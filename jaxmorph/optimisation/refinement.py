"""The finish of a calibration: damped Gauss-Newton steps on many seeds, the same for all steps.

Steps on fresh seeds end around the minimum, not in it. On seeds that stay the same the loss is a
function, and of data alone J^T Q J is close to half its Hessian: a few steps reach its minimum, which
differs from that of the expected loss by the noise of these seeds alone.
"""

import dataclasses
import logging

import numpy as np
from jaxtyping import Float
from scipy import optimize

from .descent import NOT_FINITE, Saved
from .evaluator import LossEvaluator
from .paths import Paths

logger = logging.getLogger(__name__)

REFINING = 2**31
"""The run's own seeds, on which everything is measured, are below it; those of the descent have a key
of their own."""

# A step that would lower the loss by less than this part of its sum of squares and of its standard
# error is not worth an evaluation: it is a hundredth of what is known of the parameters.
_TOLERANCE = 1e-6
# How long a step may be, on the unconstrained scale (a quarter of an interval), at first and at most:
# what no datum determines, the noise of the seeds does, and it must not run away.
_RADIUS, _LARGEST = 0.5, 1.0

_FIELDS = ("u", "parameter_value", "loss", "loss_se", "gradient_norm")


def refine(
    paths: Paths,
    evaluator: LossEvaluator,
    steps: int,
    *,
    targets: Float[np.ndarray, "start feature"] | None = None,
    saved: Saved | None = None,
) -> Paths:
    """Go on from the ends of all paths: to each its refined end is added, as one more step.

    The loss is that of the descent, without the bias of noise, on the seeds of ``evaluator``. Each step
    minimises its quadratic model with the Hessian 2 J^T Q J within a trust region, and is taken if the
    loss falls; the region shrinks or grows with how good the model was (Levenberg and Marquardt's
    damping). A start whose loss or gradient is not finite on these seeds stops.

    Source: More, The Levenberg-Marquardt algorithm, in Numerical Analysis, Springer LNM 630 (1978);
    Conn, Gould and Toint, Trust-region methods (2000), ch. 7.

    Args:
        paths: Of the descent.
        evaluator: The loss on the seeds of the refinement; its objective is data alone.
        steps: Evaluations of each start, at most, besides that at the end of its path.
        targets: Of each start its own targets, in place of the objective's.
        saved: The starts that were refined before, by ``(start, start + 1, 0, 1)``; written as it goes.

    Returns:
        Paths that are one step longer.
    """
    saved = {} if saved is None else saved
    fields = {name: _longer(getattr(paths, name)) for name in _FIELDS}
    done, stopped = paths.steps_done, paths.stopped.copy()
    with evaluator.compiled() as compiled:
        for i in np.flatnonzero(stopped != NOT_FINITE):
            mine = compiled if targets is None else compiled.against(targets[i])
            place = (int(i), int(i) + 1, 0, 1)
            try:
                found = saved[place]
            except KeyError:
                found = saved[place] = _refined(mine, paths.last[i].astype(float), steps)
            kept = dict(zip(_FIELDS, found, strict=True))
            if not np.isfinite(kept["loss"]):
                stopped[i] = NOT_FINITE
                continue
            for name, value in kept.items():
                fields[name][i, done[i] + 1] = value
    refined = stopped != NOT_FINITE
    return dataclasses.replace(
        paths, **fields, steps_done=done + refined, stopped=stopped, refined=refined
    )


def _longer(array: np.ndarray) -> np.ndarray:
    """With one more step, which is NaN."""
    return np.concatenate([array, np.full_like(array[:, :1], np.nan)], axis=1)


@dataclasses.dataclass(frozen=True)
class _QuadraticModel:
    """The loss at a point with its quadratic model: gradient and Hessian, Gauss and Newton's.

    The Hessian is that of the mean over these seeds, with its noise, so that it bends nowhere downwards.
    """

    loss: float
    se: float
    gradient: np.ndarray
    hessian: np.ndarray
    square: float

    @classmethod
    def of(cls, evaluator: LossEvaluator, u: np.ndarray) -> "_QuadraticModel":
        there, objective = evaluator.slopes(u[None]), evaluator.objective
        if not (np.isfinite(there.loss[0]) and np.isfinite(there.gradient).all()):
            return cls(np.inf, np.nan, np.zeros_like(u), np.eye(u.size), np.nan)
        mean, jacobian = there.features[0].mean(axis=0), there.jacobian[0].mean(axis=0)
        se = evaluator.standard_errors(there.features)[0]
        return cls(
            float(there.loss[0]),
            float(se),
            there.gradient[0],
            2 * jacobian.T @ (objective.curvature[:, None] * jacobian),
            float(objective.curvature @ (mean - objective.target) ** 2),
        )

    @property
    def to_gain(self) -> float:
        """By how much the model says that the loss can still fall."""
        step = np.linalg.lstsq(self.hessian, self.gradient, rcond=None)[0]
        return float(self.gradient @ step) / 2


def _refined(evaluator: LossEvaluator, start: np.ndarray, steps: int) -> list[np.ndarray]:
    """The end of one start: what is kept of it, in the order of ``_FIELDS``."""
    seen: dict[bytes, _QuadraticModel] = {}

    def at(u: np.ndarray) -> _QuadraticModel:
        if u.tobytes() not in seen:
            seen[u.tobytes()] = _QuadraticModel.of(evaluator, u)
        return seen[u.tobytes()]

    def arrived(u: np.ndarray) -> bool:
        return at(u).to_gain <= _TOLERANCE * (at(u).square + at(u).se)

    def stop(intermediate_result: optimize.OptimizeResult) -> None:
        if arrived(intermediate_result.x):
            raise StopIteration

    end = start
    if not np.isfinite(at(start).loss):
        logger.warning("not refined: the loss of %d seeds is not finite", len(evaluator.seeds))
    elif not arrived(start):
        end = optimize.minimize(
            lambda u: at(u).loss,
            start,
            jac=lambda u: at(u).gradient,
            hess=lambda u: at(u).hessian,
            method="trust-exact",
            callback=stop,
            options={
                "maxiter": steps,
                "gtol": 0.0,
                "initial_trust_radius": _RADIUS,
                "max_trust_radius": _LARGEST,
            },
        ).x
    found = at(end)
    fell = at(start).loss, found.loss, "" if arrived(end) else ", and would fall further"
    logger.info(
        "%d evaluations of %d seeds: loss %.6g -> %.6g%s", len(seen), len(evaluator.seeds), *fell
    )
    kept = end, evaluator.parameter(end), found.loss, found.se, np.linalg.norm(found.gradient)
    return [np.asarray(x) for x in kept]
