"""What came of all starts, on fresh seeds: the variables of ``optimisation.nc``."""

import dataclasses
import logging
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import stats

from .at_bound import one_sided
from .evaluator import LossEvaluator
from .optima import basins
from .sections import Sections, loss_map, sections
from .uncertainty import Curvature, curvature, region

logger = logging.getLogger(__name__)

# The part of a path over which its end fluctuates.
_LAST = 0.1
# Of more optima, those with the smallest losses are looked at.
_MOST_OPTIMA = 8

Variables = dict[str, tuple[Any, np.ndarray]]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of all starts.

    Attributes:
        variables: Name -> (dims, array).
        covariance_kind: What the covariances are.
        best: The start that is shown: the best of the first optimum; the first if there is no optimum.
    """

    variables: Variables
    covariance_kind: str
    best: int


def outcome(
    evaluator: LossEvaluator,
    u: Float[np.ndarray, "start step parameter"],
    steps_done: Int[np.ndarray, " start"],
    finite: Bool[np.ndarray, " start"],
    *,
    fixed_seeds: int | None,
    refining: LossEvaluator | None = None,
) -> Outcome:
    """Measure the ends of all paths on seeds that were not optimised on.

    Args:
        evaluator: The loss on fresh seeds.
        u: The paths, on the unconstrained scale.
        steps_done: Updates of each start.
        finite: Which starts did not turn non-finite.
        fixed_seeds: Number of the seeds, if all steps had the same.
        refining: The loss on the seeds of the refinement, if the last step of each path is one.
    """
    first, last = u[:, 0], u[np.arange(len(u)), steps_done]
    before, after = np.split(evaluator.values(np.concatenate([first, last])), 2)
    losses = [evaluator.losses_of(evaluator.objective.features(v)) for v in (before, after)]
    means = np.stack([loss.mean(axis=1) for loss in losses])
    spread = float(np.ptp(means[np.isfinite(means)])) if np.isfinite(means).any() else 0.0
    # The smallest of several noisy losses is too small on average: it is found on other seeds than
    # those that measure it.
    chooses = evaluator.on_others() if evaluator.stochastic and len(u) > 1 else evaluator
    there = losses[1] if chooses is evaluator else chooses.losses(last)
    arrived = np.where((finite & np.isfinite(means[1]))[:, None], there, np.nan)
    basin = basins(chooses, last, arrived, spread)
    seeds = ("start", "evaluation_seed")
    courses = ("start", "evaluation_seed", "time", "observable")
    variables: Variables = {
        "evaluation_loss_before": (seeds, losses[0]),
        "evaluation_loss_after": (seeds, losses[1]),
        **_improvement(losses[0] - losses[1]),
        "course_before": (courses, before),
        "course_after": (courses, after),
        "optimum_of_start": ("start", basin),
    }
    kind, shown = "none", 0
    n_optima = min(basin.max() + 1, _MOST_OPTIMA) if basin.size else 0
    if n_optima:
        chosen = arrived.mean(axis=1)
        best = [int(np.argmin(np.where(basin == k, chosen, np.inf))) for k in range(n_optima)]
        counts = np.array([(basin == k).sum() for k in range(n_optima)])
        about = []
        for k, i in enumerate(best):
            logger.info("optimum %d: start %d, loss %.6g, %d starts", k, i, means[1, i], counts[k])
            done = steps_done[i]
            path = u[i, done + 1 - max(2, int(_LAST * done)) : done + 1] if done else u[i, :1]
            around = curvature(evaluator, last[i], fixed_seeds=fixed_seeds, last=path, refining=refining)
            gained = means[0, i] - means[1, i]
            about.append((around, sections(evaluator, last[i], around, gained)))
        kind, shown = about[0][0].kind, best[0]
        found_with = len(refining.seeds) if refining is not None else fixed_seeds
        n_seeds = found_with or len(evaluator.seeds)
        variables |= _optima(evaluator, last[best], about, n_seeds)
        features = evaluator.objective.features(after[best])
        variables |= {
            "optimum_start": ("optimum", np.array(best)),
            "optimum_n_starts": ("optimum", counts),
            "optimum_loss": ("optimum", means[1, best]),
            "optimum_loss_se": ("optimum", evaluator.standard_errors(features)),
        }
    if u.shape[2] == 2 and n_optima:
        one, two, over = loss_map(evaluator, u[finite])
        variables |= {
            "map_value_0": ("map_0", one),
            "map_value_1": ("map_1", two),
            "map_loss": (("map_0", "map_1"), over),
        }
    return Outcome(variables, kind, shown)


def _improvement(differences: Float[np.ndarray, "start seed"]) -> Variables:
    """Mean and 95 % interval of paired differences."""
    n = differences.shape[1]
    mean = differences.mean(axis=1)
    width = np.zeros_like(mean)
    if n > 1:
        width = stats.t.ppf(0.975, n - 1) * differences.std(axis=1, ddof=1) / n**0.5
    return {
        "improvement": ("start", mean),
        "improvement_low": ("start", mean - width),
        "improvement_high": ("start", mean + width),
    }


def _optima(
    evaluator: LossEvaluator, u: np.ndarray, about: list[tuple[Curvature, Sections]], n_seeds: int
) -> Variables:
    """Values, intervals, curvature and sections of each optimum, found with ``n_seeds`` seeds."""
    around = [there for there, _ in about]
    lines = [line for _, line in about]
    ends = [
        one_sided(evaluator, x, region(evaluator, x, c.covariance), n_seeds)
        for x, c in zip(u, around, strict=True)
    ]
    covariance = [np.outer(c.chain, c.chain) * c.covariance for c in around]
    one, line = ("optimum", "parameter"), ("optimum", "direction", "point")
    return {
        "optimum_parameter_value": (one, evaluator.parameter(u)),
        "parameter_low": (one, np.stack([low for low, _ in ends])),
        "parameter_high": (one, np.stack([high for _, high in ends])),
        "covariance": ((*one, "parameter_2"), np.stack(covariance)),
        "hessian_eigenvalue": (line[:2], np.stack([c.eigenvalue for c in around])),
        "hessian_eigenvector": ((*line[:2], "parameter"), np.stack([c.eigenvector for c in around])),
        "profile_position": (line, np.stack([s.position for s in lines])),
        "profile_parameter_value": (
            (*line, "parameter"),
            np.stack([s.parameter_value for s in lines]),
        ),
        "profile_loss": (line, np.stack([s.loss for s in lines])),
        "profile_loss_se": (line, np.stack([s.loss_se for s in lines])),
    }
