"""Whether starts agree: which of them ended in the same basin of the loss."""

import numpy as np
from jaxtyping import Float, Int

from .evaluator import LossEvaluator

# Between two ends of paths.
_BETWEEN = np.array([0.25, 0.5, 0.75])
# Standard errors by which a barrier must be higher than noise; there are three chances for each pair.
_SURE = 3.0
# Of the loss's range over starts and ends: what counts as equal without noise.
_EQUAL = 1e-6


def basins(
    evaluator: LossEvaluator,
    u: Float[np.ndarray, "start parameter"],
    losses: Float[np.ndarray, "start seed"],
    spread: float,
) -> Int[np.ndarray, " start"]:
    """The basin of each end of a path, numbered from that of the smallest loss on.

    Two ends are in the same basin if no barrier separates them: nowhere on the line between them (on
    the unconstrained scale; at a quarter, a half and three quarters) is the loss higher than at the
    worse end, by more than noise. Beginning with the smallest loss, an end joins the first basin whose
    best end it can reach like that, or begins a new one. An end that has not arrived counts to the basin
    it is in, and the ends of a flat valley are one optimum.

    Args:
        evaluator: The loss on fresh seeds.
        u: The ends.
        losses: The loss there, by seed.
        spread: Largest minus smallest loss at starts and ends.
    """
    mean = losses.mean(axis=1)
    found = np.full(len(u), -1)
    best: list[int] = []
    for i in np.argsort(mean):
        if not np.isfinite(mean[i]):
            continue
        free = _reachable(evaluator, u[i], u[best], losses[i], spread) if best else np.zeros(0, bool)
        if free.any():
            found[i] = int(np.argmax(free))
        else:
            found[i] = len(best)
            best.append(int(i))
    return found


def _reachable(
    evaluator: LossEvaluator, end: np.ndarray, others: np.ndarray, loss: np.ndarray, spread: float
) -> np.ndarray:
    """Which of ``others``, all with a smaller loss, no barrier separates from ``end``."""
    points = end + _BETWEEN[:, None, None] * (others - end)
    between = evaluator.losses(points.reshape(-1, end.size))
    excess = between.reshape(len(_BETWEEN), len(others), -1) - loss
    n = excess.shape[-1]
    noise = _SURE * excess.std(axis=-1, ddof=1) / n**0.5 if n > 1 else 0.0
    # A point that is not finite is a barrier.
    return (excess.mean(axis=-1) <= noise + _EQUAL * spread).all(axis=0)
