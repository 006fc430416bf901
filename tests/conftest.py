from collections.abc import Iterator

import pytest


@pytest.fixture
def x64() -> Iterator[None]:
    """Double precision, for tests that use the physics without the engine."""
    import jax

    with jax.enable_x64(True):
        yield
