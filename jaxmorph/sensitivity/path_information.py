"""What one path would tell of the parameters if every Gaussian step of it were seen.

The score s = d ln p / d theta of all steps has mean 0 and the variance F, the Fisher information. What
it gains in a stretch of the path has mean 0 whatever was before, so the gains of stretches are
uncorrelated (a martingale), and F is the mean over seeds of the sum of their squares, which varies far
less between seeds than the square of their sum.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy import stats

from ..quantities import Interval, Kind, Method, Quantity
from .completeness import Completeness, refuted_pairs
from .eigen import eigen
from .estimator import Estimates, Estimator, Slab
from .natural import natural_scale

PATH = Method(
    "Fisher information of the whole path",
    "F_{pq} = E[Σ_t Δs_p Δs_q], s = ∂ ln p(steps) / ∂θ; smallest variance of θ_p: (F^{-1})_{pp}",
    "At the central sample, of a study whose noise is Gaussian steps, each of which is seen: no record "
    "of the path tells more, however often it is taken. Δs is what the score gains in a stretch t of "
    "the path, which has mean 0 whatever was before. No noise is assumed of the records, and no seed is "
    "correlated with another. Intervals are of the jackknife over seeds, of the logarithm. A parameter "
    "that an observable depends on besides the steps (a start that is recorded) has none, and counts as "
    "known for the others.",
    "Kay, Fundamentals of Statistical Signal Processing (1993), chapter 3; Hall and Heyde, Martingale "
    "Limit Theory and its Application (1980), section 6.2; Glynn, Commun. ACM 33 (1990) 75-84",
)
_ABSENT = (
    "needs estimator: score, and a study whose noise is Gaussian steps that it draws by "
    "jaxmorph.simulation.gaussian, without discrete choices"
)
_IN_SD = "in units of the parameter's standard deviation on the natural scale"


def _sd(name: str, which: str, formula: str) -> Quantity:
    return Quantity(
        name,
        "Cramer-Rao bound on the standard deviation of an unbiased estimate from all steps of one path"
        f"{which}, {_IN_SD}",
        "1",
        ("parameter",),
        kind=Kind.INFORMATION,
        method=PATH,
        formula=formula,
        interval=Interval.SEEDS,
        from_gradients=True,
        designs="all",
        absent=_ABSENT,
    )


QUANTITIES = (
    Quantity(
        "path_information",
        "Fisher information of all Gaussian steps of one path at the central sample, each parameter "
        "in units of its standard deviation on the natural scale",
        "1",
        ("parameter", "parameter_2"),
        kind=Kind.INFORMATION,
        method=PATH,
        formula="E[Σ_t Δs_p Δs_q]",
        from_gradients=True,
        designs="all",
        absent=_ABSENT,
    ),
    _sd("cramer_rao_sd_path", "", "((F^{-1})_{pp})^{1/2}"),
    _sd("cramer_rao_sd_path_alone", " when all other parameters are known", "(F_{pp})^{-1/2}"),
)

_FEWEST_SEEDS = 16
_FEWEST_GAINS = 62
"""So many gains of the score, of all seeds together, must be left for their variance: 16 seeds of a path
of 4 stretches, 64 of one that is a single stretch. With fewer, intervals cover too seldom."""
_MOST_GROUPS = 256
_FARTHEST = 5.0
"""The sum of all gains, which is 0 on average, over the root of the sum of their squares: it is farther
from 0 in less than 0.04 % of runs, of few skewed gains (64 of chi^2 with one degree of freedom)."""


class PathInformation(Estimator):
    """What one path would tell if every Gaussian step of it were seen, at the central sample."""

    quantities = QUANTITIES
    of_records = True
    after = (Completeness,)
    _score: xr.DataArray | None = None
    _round_off = 0.0

    def add(self, slab: Slab) -> Estimates:
        score = slab.given.get("path_score")
        if score is not None and self.samples.central in score["sample"]:
            scale = natural_scale(self.samples.question.distributions, slab.parameter_value)
            scaled = (score * scale * self.samples.sd).sel(sample=self.samples.central, drop=True)
            self._score = scaled.transpose("seed", "stretch", "parameter")
            self._round_off = float(np.finfo(score.dtype).eps)
        return {}

    def finish(self, found: Estimates) -> Estimates:
        if self._score is None:
            return {}
        why = refuted_pairs(found)
        made = None if why else _of_paths(self._score.values)
        if made is not None:
            why = made.refuted(self.samples.parameters)
        if why or made is None:
            self.absent = dict.fromkeys((q.name for q in QUANTITIES), why)
            return {}
        one = self._score.isel(seed=0, stretch=0, drop=True)
        matrix = one.expand_dims(parameter_2=one["parameter"].values).transpose("parameter", ...)
        result = {"path_information": matrix.copy(data=made.information())}
        for name, jackknife in zip(
            ("cramer_rao_sd_path", "cramer_rao_sd_path_alone"),
            (made.together(self._round_off), made.alone()),
            strict=True,
        ):
            for end, sd in zip(("", "_low", "_high"), _sd_of(*jackknife), strict=True):
                result[f"{name}{end}"] = one.copy(data=made.spread(sd))
        return result


@dataclass(frozen=True)
class _Gains:
    """Squares of gains of the score of groups of seeds, of those parameters that the steps tell of.

    Attributes:
        told: (parameter), which these are: others are seen besides the steps.
        squares: Sums over seeds and gains of outer products (group, p, p).
        sizes: Number of seeds of each group.
        n_gains: Number of gains of a seed.
        total: The sum of all gains (p).
    """

    told: np.ndarray
    squares: np.ndarray
    sizes: np.ndarray
    n_gains: int
    total: np.ndarray

    def refuted(self, parameters: list[str]) -> str:
        """Why there is no number; empty if there is."""
        names = [name for name, told in zip(parameters, self.told, strict=True) if told]
        n, wanted = int(self.sizes.sum()), _FEWEST_GAINS + len(names)
        if not names:
            return "needs observables that depend on a parameter by way of the Gaussian steps alone"
        if n < _FEWEST_SEEDS or n * self.n_gains < wanted:
            enough = max(_FEWEST_SEEDS, -(-wanted // max(self.n_gains, 1)))
            return f"needs {enough} seeds or more: {n} do not tell the variance of the score"
        size = np.sqrt(np.diagonal(self.squares.sum(axis=0)))
        off = np.divide(np.abs(self.total), size, out=np.zeros(len(names)), where=size > 0)
        worst = int(off.argmax())
        if off[worst] > _FARTHEST:
            return (
                "needs standard normal noise in jaxmorph.simulation.gaussian: the score of "
                f"{names[worst]} has a mean that is {off[worst]:.2g} standard errors from 0"
            )
        return ""

    def spread(self, numbers: np.ndarray) -> np.ndarray:
        """(parameter) of (p); NaN for the others."""
        whole = np.full(len(self.told), np.nan)
        whole[self.told] = numbers
        return whole

    def information(self) -> np.ndarray:
        """(parameter, parameter), NaN for parameters that the steps do not tell of."""
        whole = np.full((len(self.told), len(self.told)), np.nan)
        whole[np.ix_(self.told, self.told)] = self.squares.sum(axis=0) / self.sizes.sum()
        return whole

    def _left_out(self) -> np.ndarray:
        """F of all seeds, then of all but one group each (1 + group, p, p)."""
        total, n = self.squares.sum(axis=0), self.sizes.sum()
        rest = (total - self.squares) / (n - self.sizes)[:, None, None]
        return np.concatenate([total[None] / n, rest])

    def alone(self) -> tuple[np.ndarray, np.ndarray]:
        """The logarithm of F_pp (p), and the same without each group (group, p)."""
        with np.errstate(divide="ignore"):
            log = np.log(np.diagonal(self._left_out(), axis1=1, axis2=2))
        return log[0], log[1:]

    def together(self, round_off: float) -> tuple[np.ndarray, np.ndarray]:
        """The same of 1 / (F^-1)_pp; -inf where F is singular."""
        f = self._left_out()
        scale = np.sqrt(np.diagonal(f[0]))
        informed = scale > 0
        scale = np.where(informed, scale, 1.0)
        value, direction = eigen(f[0] / np.outer(scale, scale))
        # Parameters that only act together have a direction without any information but round-off.
        none = value <= max(1e-10, (1e3 * round_off) ** 2)
        known = informed & ~(direction[none] ** 2 > 1e-10).any(axis=0)
        basis = direction[~none] / scale
        within = direction[~none] @ (f / np.outer(scale, scale)) @ direction[~none].T
        variance = np.einsum("kp,gkl,lp->gp", basis, np.linalg.inv(within), basis)
        log = np.full(variance.shape, -np.inf)
        log[:, known] = -np.log(variance[:, known])
        return log[0], log[1:]


def _of_paths(score: np.ndarray) -> _Gains:
    """From the score of stretches of each path, (seed, stretch, parameter)."""
    finite = np.isfinite(score).all(axis=1)
    there = finite.any(axis=1)
    told = finite[there].all(axis=0) & there.any()
    gains = score[there][..., told]
    moved = (gains != 0).any(axis=(0, 2))
    gains = gains[:, moved]
    n = len(gains)
    size = max(1, -(-n // _MOST_GROUPS))
    groups = [gains[start : start + size].reshape(-1, gains.shape[2]) for start in range(0, n, size)]
    return _Gains(
        told=told,
        squares=np.array([g.T @ g for g in groups]),
        sizes=np.minimum(size, n - size * np.arange(len(groups))),
        n_gains=int(moved.sum()),
        total=gains.sum(axis=(0, 1)),
    )


def _sd_of(log: np.ndarray, without: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """exp(-log / 2) without the bias that the jackknife finds, and the ends of its 95 % interval.

    The degrees of freedom are those of a variance of so many pseudo-values with their kurtosis.
    """
    n = len(without)
    known = np.isfinite(log)
    log, without = np.where(known, log, 0.0), np.where(known, without, 0.0)
    pseudo = n * log - (n - 1) * without
    centre = pseudo.mean(axis=0)
    variance = pseudo.var(axis=0)
    fourth = ((pseudo - centre) ** 4).mean(axis=0)
    kurtosis = np.divide(fourth, variance**2, out=np.full(len(log), 3.0), where=variance > 0)
    degrees = np.maximum((n - 1) * 2 / np.maximum(kurtosis - 1, 2.0), 1.0)
    half = stats.t.ppf(0.975, degrees) * np.sqrt(variance / (n - 1))
    sd, low, high = (
        np.where(known, np.exp(-x / 2), np.inf) for x in (centre, centre + half, centre - half)
    )
    return sd, low, high
