"""Numbers that another package gives, stored so that tests need not load it (jax-md takes ten seconds).

The files in ``stored/`` are made again by ``JAXMORPH_STORE=1 pytest -m slow -k computed``.
"""

import os
import re
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from . import SUPPORT


def numbers(test: str, compute: Callable[[], Any], *, again: bool) -> Any:
    """What ``compute`` gives, as stored for a test, or computed again and held against that.

    Args:
        test: Name of the test, with its parameters.
        compute: Returns an array or a tuple of arrays.
        again: Whether to compute.

    Returns:
        As ``compute`` returns it.
    """
    path = SUPPORT / "stored" / (re.sub(r"\W+", "-", test).strip("-") + ".npz")
    if not again:
        stored = np.load(path)
        arrays = tuple(stored[name] for name in stored)
        return arrays if len(arrays) > 1 else arrays[0]
    computed = compute()
    arrays = tuple(np.asarray(array) for array in jax.tree.leaves(computed))
    if os.environ.get("JAXMORPH_STORE"):
        path.parent.mkdir(exist_ok=True)
        np.savez_compressed(path, *arrays)
    stored = np.load(path)
    assert len(stored) == len(arrays)
    for one, other in zip(arrays, stored.values(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12 * np.abs(other).max())
    return computed
