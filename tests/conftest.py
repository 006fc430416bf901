import os
from collections.abc import Iterator

import pytest

from jaxmorph.jobs.run import environment

# What tests compute in their own process is compiled as it is in jobs.
os.environ["XLA_FLAGS"] = environment(1)["XLA_FLAGS"]


@pytest.fixture
def x64() -> Iterator[None]:
    """Double precision, for tests that use the physics without the engine."""
    import jax

    with jax.enable_x64(True):
        yield
