"""Indices by other packages, in a process of whatever Python has them: requests on standard input.

Nothing of jaxmorph is imported: one of them needs another Python. Parameters are uniform on [0, 1].
"""

import os
import pickle
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

Indices = tuple[np.ndarray, np.ndarray]
"""First and total, (parameter) or (output, parameter)."""
_MOST_TERMS = 300
"""Of OpenTURNS' candidates: with more, a fit takes minutes."""
_HIGHEST = 20
_ORDERS = range(3, 14, 2)
"""Of jaxgsa's expansions."""


def _names(n: int) -> list[str]:
    return [f"x{i}" for i in range(n)]


def _of_salib(d: int) -> dict[str, Any]:
    return {"num_vars": d, "names": _names(d), "bounds": [[0, 1]] * d}


def salib_points(d: int, base: int, seed: int) -> np.ndarray:
    """Saltelli's design, without rows for second-order indices: (base x (d + 2), d)."""
    from SALib.sample import sobol

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a base that is no power of two
        points = sobol.sample(_of_salib(d), base, calc_second_order=False, scramble=True, seed=seed)
    return np.asarray(points)


def salib(unit: np.ndarray, value: np.ndarray) -> Indices:
    """Saltelli's estimators, of values (sample) at the rows of such a design."""
    from SALib.analyze import sobol

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of intervals, which are not asked for
        found = sobol.analyze(_of_salib(unit.shape[1]), value, calc_second_order=False, num_resamples=1)
    return np.asarray(found["S1"]), np.asarray(found["ST"])


def openturns(unit: np.ndarray, value: np.ndarray) -> Indices:
    """A sparse expansion by least angle regression; what is fitted is chosen by its leave-one-out error.

    Candidates are those of three enumerations (total degree, and its half; hyperbolic, norm 0.5, which
    is OpenTURNS' own), each of the highest degree that has 300 terms at most. Among the models of a
    regression OpenTURNS chooses by the corrected leave-one-out error, here among the three as well.
    """
    import openturns as ot

    ot.Log.Show(ot.Log.NONE)
    # Three times as fast as its own choice, the singular values, with the same indices.
    ot.ResourceMap.SetAsString("LeastSquaresMetaModelSelection-DecompositionMethod", "QR")
    d = unit.shape[1]
    points, values = ot.Sample(unit), ot.Sample(value[:, None])
    uniform = ot.JointDistribution([ot.Uniform(0, 1)] * d)
    best, chosen = np.inf, None
    of_degree = ot.LinearEnumerateFunction(d)
    hyperbolic = ot.HyperbolicAnisotropicEnumerateFunction(d, 0.5)
    for order, share in ((of_degree, 1.0), (of_degree, 0.5), (hyperbolic, 1.0)):
        sizes = [order.getBasisSizeFromTotalDegree(1)]
        while len(sizes) < _HIGHEST:  # that of a high degree takes minutes to count
            size = order.getBasisSizeFromTotalDegree(len(sizes) + 1)
            if size > _MOST_TERMS:
                break
            sizes.append(size)
        terms = sizes[max(1, round(share * len(sizes))) - 1]
        basis = ot.OrthogonalProductPolynomialFactory([ot.LegendreFactory()] * d, order)
        sparse = ot.LeastSquaresMetaModelSelectionFactory(ot.LARS(), ot.CorrectedLeaveOneOut())
        fit = ot.FunctionalChaosAlgorithm(
            points,
            values,
            uniform,
            ot.FixedStrategy(basis, terms),
            ot.LeastSquaresStrategy(points, values, sparse),
        )
        fit.run()
        error = min(fit.getResult().getErrorHistory())
        if error < best:
            best, chosen = error, fit.getResult()
    indices = ot.FunctionalChaosSobolIndices(chosen)
    first = [indices.getSobolIndex(i) for i in range(d)]
    return np.array(first), np.array([indices.getSobolTotalIndex(i) for i in range(d)])


def jaxgsa(unit: np.ndarray, value: np.ndarray) -> Indices:
    """An expansion of all terms to an order, that with the least leave-one-out error.

    Its documentation says to raise the order, 3 if it is not said, while that error falls; jaxgsa lowers
    it until there are two samples a term. It has no indices (NaN) where order 1 has too many.
    """
    import jaxgsa

    n, d = unit.shape
    if n < 2 * (d + 1):
        return np.full(d, np.nan), np.full(d, np.nan)
    problem = jaxgsa.Problem(_names(d), [(0.0, 1.0)] * d)
    chosen: Any = None
    for order in _ORDERS:
        found = jaxgsa.pce.analyze(problem, unit, value, order=order, verbose=False)
        if chosen is None or float(found.cv_rmse) < float(chosen.cv_rmse):
            chosen = found
        if found.order < order:
            break
    return np.asarray(chosen.S1), np.asarray(chosen.ST)


def seconds(call: Callable[[], Any], rounds: int, cold: bool = True) -> float:
    """The shortest of some calls, after one that may compile if it is ``cold``."""
    if cold:
        call()
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return min(taken)


def salib_seconds(design: tuple[int, int], value: np.ndarray, resamples: int, rounds: int) -> float:
    """Of Saltelli indices of outputs (sample, time, observable), one by one."""
    from SALib.analyze import sobol

    problem = _of_salib(design[0])
    outputs = value.reshape(len(value), -1).T

    def call() -> None:
        for output in outputs:
            sobol.analyze(problem, output, calc_second_order=False, num_resamples=max(1, resamples))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return seconds(call, rounds, cold=False)


def jaxgsa_seconds(
    design: tuple[int, int], value: np.ndarray, resamples: int, rounds: int
) -> tuple[float, np.ndarray]:
    """Of Saltelli indices of all outputs together, and the total indices."""
    import jaxgsa

    d, base = design
    problem = jaxgsa.Problem(_names(d), [(0.0, 1.0)] * d)
    sampled = jaxgsa.sobol.sample(
        problem, base_n=base, calc_second_order=False, scramble=True, seed=1, verbose=False
    )

    def call() -> Any:
        found = jaxgsa.sobol.analyze(
            sampled, value, n_bootstrap=resamples, key=0 if resamples else None, verbose=False
        )
        return np.asarray(found.S1), np.asarray(found.ST)

    return seconds(call, rounds), call()[1]


def jaxgsa_points(d: int, base: int) -> np.ndarray:
    """The design of :func:`jaxgsa_seconds`, of which it keeps each point once."""
    import jaxgsa

    problem = jaxgsa.Problem(_names(d), [(0.0, 1.0)] * d)
    sampled = jaxgsa.sobol.sample(
        problem, base_n=base, calc_second_order=False, scramble=True, seed=1, verbose=False
    )
    return np.asarray(sampled.samples)


def jaxgsa_chaos_seconds(
    unit: np.ndarray, value: np.ndarray, order: int, resamples: int, rounds: int
) -> float:
    """Of expansions of all outputs (sample, time, observable), of one order."""
    import jaxgsa

    d = unit.shape[1]
    problem = jaxgsa.Problem(_names(d), [(0.0, 1.0)] * d)

    def call() -> Any:
        key = 0 if resamples else None
        found = jaxgsa.pce.analyze(
            problem, unit, value, order=order, n_bootstrap=resamples, key=key, verbose=False
        )
        return np.asarray(found.S1), np.asarray(found.ST)

    return seconds(call, rounds)


def version(name: str) -> str:
    """Of a package; raises ImportError if it is not there."""
    import importlib
    from importlib.metadata import version as found

    importlib.import_module("SALib" if name == "salib" else name)
    return found(name)


def main() -> None:
    """Answer (function, arguments) until standard input ends."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while sys.stdin.buffer.peek(1):  # type: ignore[union-attr]
        name, arguments = pickle.load(sys.stdin.buffer)
        try:
            reply = globals()[name](*arguments)
        except Exception as error:
            reply = RuntimeError(f"{name}: {type(error).__name__}: {str(error).splitlines()[:1]}")
        pickle.dump(reply, replies, protocol=4)
        replies.flush()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
