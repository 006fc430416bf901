"""Saying at which sample and seed a study raised."""

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from ..errors import JaxmorphError
from ..studies import Problem

# The last line of a traceback: "package.SomeError: what happened".
_RAISED = re.compile(r"(?:\w+\.)*_?(?P<kind>\w*(?:Error|Exception)): (?P<message>.+)")


@contextlib.contextmanager
def blaming(
    problem: Problem, function: Callable, samples: np.ndarray, keys: np.ndarray, seeds: np.ndarray
) -> Iterator[None]:
    """Say of an error that is raised inside at which sample and seed it was."""
    try:
        yield
    except JaxmorphError:
        raise
    except Exception as error:
        raise _blame(problem, function, samples, keys, seeds, error) from error


def _blame(
    problem: Problem,
    function: Callable,
    samples: np.ndarray,
    keys: np.ndarray,
    seeds: np.ndarray,
    error: Exception,
) -> JaxmorphError:
    """Find the (sample, seed) pair at which the study raises, by evaluating them one by one."""
    one = jax.jit(function)
    for i, theta in enumerate(samples):
        for j, seed in enumerate(seeds):
            try:
                jax.block_until_ready(one(jnp.asarray(theta[None]), keys[j : j + 1]))
            except Exception as raised:
                return StudyError(type(problem.study).__name__, i, int(seed), problem, theta, raised)
    return JaxmorphError(
        f"study {type(problem.study).__name__}: evaluating {len(samples)} samples x {len(seeds)} seeds "
        f"failed, though each of them works alone: {first_line(error)}"
    )


class StudyError(JaxmorphError):
    """A study raised: which sample of the batch (``index``), which seed, at which parameters."""

    def __init__(
        self,
        study: str,
        index: int,
        seed: int,
        problem: Problem,
        theta: np.ndarray,
        error: Exception,
    ):
        at = ", ".join(f"{n} = {v:.17g}" for n, v in zip(problem.names, theta, strict=True))
        self.index = index
        self._before = f"study {study} raised {first_line(error)}; "
        self._after = f"seed {seed}, {at}"
        super().__init__(f"{self._before}sample {index} of the batch, {self._after}")

    def renumbered(self, samples: Sequence[int]) -> JaxmorphError:
        """The same with the run-wide sample number; ``samples`` are those of the batch."""
        return JaxmorphError(f"{self._before}sample {samples[self.index]}, {self._after}")


def first_line(error: Exception) -> str:
    """What went wrong in one line, also when JAX reports a whole traceback as the message."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    raised = [match for line in lines if (match := _RAISED.match(line))]
    if raised:
        return f"{raised[-1]['kind']}: {raised[-1]['message']}"
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"
