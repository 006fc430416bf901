from collections.abc import Iterator

import pytest
from jaxtyping import install_import_hook

# Annotated shapes and types are checked while tests run, in the rooms that compute with arrays.
_CHECKED = "observables optimisation sensitivity space studies tracing"
install_import_hook([f"jaxmorph.{room}" for room in _CHECKED.split()], "typechecking.checked")


@pytest.fixture
def x64() -> Iterator[None]:
    """Double precision, for tests that use the physics without the engine."""
    import jax

    with jax.enable_x64(True):
        yield
