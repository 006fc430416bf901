"""First-order shares by ranks: how much of a variance a parameter alone explains.

Sort the samples by a parameter. Neighbours then share its value and differ in all others, so half of
their mean squared difference is E[Var(f | theta_p)], and what is left of the variance is Var E[f |
theta_p] (Chatterjee, J. Am. Stat. Assoc. 116 (2021) 2009-2022; Gamboa, Gremaud, Klein and Lagnoux,
Bernoulli 28 (2022) 2345-2374). Four additions make the error small at a few hundred samples:

- All neighbours up to a rank distance m count, not the next alone (Klein and Rochet, arXiv:2306.05842):
  the next alone has twice the variance, and on a Sobol' sequence no limit at all, for its next
  neighbours are far apart in the other parameters on purpose (error 0.35 for a parameter of no effect,
  at any size).
- Distant neighbours differ in theta_p, too. The mean squared difference at rank distance k grows as k^2
  for a smooth dependence, and a straight line through it leads back to distance 0 (Tong and Wang,
  Biometrika 92 (2005) 821-830). The samples are continued by their mirror image at both ends, so that
  every sample has as many neighbours: noise that is larger at the ends would weigh too little.
- A sum over mirrored neighbours is a filter of the cosine spectrum, so each window is one weighted sum
  of it. Beyond ``BAND`` sqrt(n) waves the narrowest window sees no effect of theta_p, and a filter's
  ripples there would weigh what the others do, which on a Sobol' sequence is no white noise but a few
  high peaks. So all that lies beyond counts by its mean.
- m is the largest window whose answer no smaller one refutes by more than ``REFUTED`` standard errors
  (Lepskii, Theory Probab. Appl. 35 (1991) 454-466): wide for what is flat, narrow for a wave.

What the other parameters do alone is taken off before (:mod:`.main_effects`).
"""

import functools
from dataclasses import dataclass

import numpy as np
from scipy import fft

REFUTED = 2.0
"""A smaller window refutes a larger one by so many standard errors of their difference."""
BAND = 2.0
"""Times sqrt(n): the highest number of half waves that counts as an effect of the parameter."""
_FEWEST_NEIGHBOURS = 4


@dataclass(frozen=True)
class Smoothers:
    """Filters of the squared cosine spectrum of n sorted values, one for each window.

    Attributes:
        residual: (window, frequency): to E[Var(f | theta)].
        explained: (window, frequency): to Var E[f | theta], the rest of the variance of the sample.
        smooth: (window, frequency): the response of the mean over neighbours, to E[f | theta].
        octave: (frequency): to what the upper half of the band holds beyond the noise.
        se: (window, window): standard error of the difference of two windows for noise of variance 1.
        own: (window): variance of one window's answer for noise of variance 1.
        freedom: (window): so many numbers a mean over neighbours takes from the samples.
    """

    residual: np.ndarray
    explained: np.ndarray
    smooth: np.ndarray
    octave: np.ndarray
    se: np.ndarray
    own: np.ndarray
    freedom: np.ndarray


def band(n: int) -> int:
    """The first frequency that counts as noise."""
    return int(BAND * np.sqrt(n))


@functools.lru_cache(maxsize=16)
def windows(n: int) -> Smoothers:
    """The windows from sqrt(n) / 2 (at least 4) to n / 2 neighbours, each 1.4 times the last."""
    least = max(_FEWEST_NEIGHBOURS, np.sqrt(n) / 2)
    steps = np.arange(np.floor(2 * np.log2(n / 2 / least)) + 1)
    sizes = np.unique(np.round(least * 2 ** (steps / 2)).astype(int))
    lag = np.arange(1, sizes[-1] + 1)
    pairs = n - lag % 2  # of each lag; at an odd one a sample at each end is its own mirror image
    distance = _squared_distance(n, lag)
    line = np.zeros((len(sizes), len(lag)))
    for row, m in enumerate(sizes):
        line[row, :m] = np.linalg.pinv(np.stack([np.ones(m), distance[:m] / distance[m - 1]], 1))[0]
    cosine = np.cos(np.pi / n * np.outer(lag, np.arange(n)))
    # The even continuation of n values has period 2 n, and the squared DCT-II is its spectrum.
    weight = np.where(np.arange(n) == 0, 1.0, 2.0) / (2 * n) ** 2
    beyond = band(n)
    residual = line @ ((1 - cosine) * weight * (n / pairs)[:, None])
    residual[:, beyond:] = residual[:, beyond:].mean(axis=1, keepdims=True)
    variance = weight * n / (n - 1) * (np.arange(n) > 0)
    smooth = line @ cosine
    smooth[:, beyond:] = 0
    octave = np.zeros(n)
    octave[beyond // 2 : beyond] = variance[1]
    octave[beyond:] = -octave.sum() / (n - beyond)
    # A squared amplitude of white noise of variance 1 has mean 2 n and standard deviation sqrt(2) 2 n.
    differences = (residual[:, None] - residual[None])[..., 1:]
    explained = variance - residual
    return Smoothers(
        residual,
        explained,
        smooth,
        octave,
        np.sqrt(8) * n * np.linalg.norm(differences, axis=-1),
        8 * n**2 * (explained[:, 1:] ** 2).sum(axis=-1),
        smooth[:, 1:].sum(axis=1),
    )


def _squared_distance(n: int, lag: np.ndarray) -> np.ndarray:
    """Mean squared rank distance of mirrored neighbours, at lag k: k, at the ends |2 i - k + 1|."""
    ends = lag * (lag**2 - 1) / 3  # sum of (2 i - k + 1)^2 over i = 0 ... k - 1
    distance: np.ndarray = ((n - lag) * lag**2 + ends) / (n - lag % 2)
    return distance


def cosine_amplitudes(ordered: np.ndarray) -> np.ndarray:
    """Cosine amplitudes of every column of values (sample, ...), sorted by a parameter."""
    amplitudes: np.ndarray = fft.dct(ordered, axis=0)
    return amplitudes


def smoothed(amplitudes: np.ndarray, window: int) -> np.ndarray:
    """E[f | theta] at the sorted samples, of every column of amplitudes (frequency, ...)."""
    response = windows(len(amplitudes)).smooth[window]
    means: np.ndarray = fft.idct(amplitudes * response.reshape(-1, *[1] * (amplitudes.ndim - 1)), axis=0)
    return means


def explained(amplitudes: np.ndarray, window: int) -> np.ndarray:
    """Var E[f | theta] of amplitudes (frequency, column): its quadratic form, (column, column)."""
    weights = windows(len(amplitudes)).explained[window]
    form: np.ndarray = amplitudes.T @ (weights[:, None] * amplitudes)
    return form


def choose_window(power: np.ndarray, narrowest: int = 0) -> np.ndarray:
    """The largest window that no smaller one refutes, for every column of squared amplitudes.

    Args:
        power: (frequency, column).
        narrowest: Number of the first window that is asked.
    """
    w = windows(len(power))
    answer = w.residual[narrowest:] @ power
    se = w.se[narrowest:, narrowest:, None]
    chosen = np.zeros(power.shape[1], int)
    for i in range(1, len(answer)):
        stands = answer[i] - answer[:i] <= REFUTED * se[i, :i] * np.abs(answer[:i])
        chosen[stands.all(axis=0)] = i
    return chosen + narrowest


@dataclass(frozen=True)
class SampleError:
    """How far other samples would have moved a share of variance.

    Attributes:
        se: Standard error by the influence of the samples.
        noise: That of what the narrowest window makes of white noise: the others might have been chosen
            by chance.
        one: What the sample of the largest influence has moved it.
        octave: What the upper half of the band holds of the variance: beyond the band lies about as much
            that is not resolved, if the function jumps.
    """

    se: float
    noise: float
    one: float
    octave: float


def sample_error(
    total: np.ndarray, alone: np.ndarray, window: int, share: float, variance: float, freedom: float
) -> SampleError:
    """From the influence of each sample on the share S: (2 y m - m^2 - S f^2) / Var, m = E[y | theta].

    That is the influence function of S (Da Veiga and Gamboa, J. Nonparametr. Stat. 25 (2013) 573-595),
    where y is f without what the others do alone. The noise of m from finitely many neighbours counts
    twice in its square, and once too often: that is taken off.

    Args:
        total: f, (sample), the centred mean over seeds, sorted by the parameter.
        alone: y, (sample).
        window: Chosen.
        share: S.
        variance: Var, without the noise that is left in the mean over seeds; NaN if nothing varies.
        freedom: So many numbers were taken from the samples, and y - m is too small by that.
    """
    n, w, amplitudes = len(total), windows(len(total)), cosine_amplitudes(alone)
    left = n / (n - freedom)
    m = smoothed(amplitudes, window)
    influence = (2 * np.sqrt(left) * (alone - m) * m + m**2 - share * total**2) / variance
    noise = (left * max(float(w.residual[window] @ amplitudes**2), 0.0) / variance) ** 2
    square = np.var(influence) / n - noise * w.own[window]
    return SampleError(
        float(np.sqrt(np.maximum(square, 0))),
        float(np.sqrt(noise * w.own[0])),
        float(np.abs(influence - influence.mean()).max() / n),
        max(float(w.octave @ amplitudes**2), 0.0) / variance,
    )
