"""A study whose batch jobs can be held half-way, so that a test can do to them what a cluster does.

``trap.py`` lies beside it.
"""

import itertools
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np
from trap import Trap  # type: ignore[import-not-found]

# In the working directory: the file `closed` holds all jobs, which leave a note each; `PID` holds one.
GATE = Path("gate")
_calls = itertools.count(1)


def _wait(x: Any) -> np.ndarray:
    """Hold a batch job in its second piece, so with one piece done, while the gate is closed."""
    if next(_calls) == 2 and sys.argv[0].endswith("batch.py") and (GATE / "closed").exists():
        names = ("SLURM_JOB_ID", "SLURMD_NODENAME", "CUDA_VISIBLE_DEVICES")
        note = {"pid": os.getpid()} | {name: os.environ.get(name) for name in names}
        aside = GATE / f".{os.getpid()}"
        aside.write_text(json.dumps(note))
        aside.rename(GATE / f"{os.getpid()}.json")
        while (GATE / "closed").exists() or (GATE / str(os.getpid())).exists():
            time.sleep(0.05)
    return np.asarray(x)


@jax.custom_jvp
def pass_the_gate(x: jax.Array) -> jax.Array:
    """``x``, when the gate is open."""
    return jax.pure_callback(
        _wait, jax.ShapeDtypeStruct(x.shape, x.dtype), x, vmap_method="broadcast_all"
    )


@pass_the_gate.defjvp
def _(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    return pass_the_gate(*primals), tangents[0]


class Held(Trap):  # type: ignore[misc]
    """A noisy particle that falls into a trap, when the gate is open."""

    def simulate(self, parameters, key):  # type: ignore[no-untyped-def]
        """The trap's, from behind the gate."""
        return super().simulate({**parameters, "x0": pass_the_gate(parameters["x0"])}, key)
