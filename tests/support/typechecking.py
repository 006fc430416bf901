"""What checks annotations while tests run (``conftest.py``)."""

import functools
from collections.abc import Callable
from typing import Any

from beartype import BeartypeConf, beartype
from beartype.roar import BeartypeCallHintViolation, BeartypeDecorHintException

# As for mypy, an int will do for a float.
_check = beartype(conf=BeartypeConf(is_pep484_tower=True))
# Classes of others that stand for arrays, and that no annotation can name because they are private.
_STAND_FOR_ARRAYS = {
    # What `eqx.tree_at` puts in the place of leaves while it asks a function where to change a tree:
    # properties of our classes hand it back, and nothing computes with it.
    "equinox._tree._LeafWrapper",
    # A number that a program of JAX has as a literal: it has the shape, type and operations of an array.
    "jax._src.literals.TypedNdArray",
}


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Checked at each call; as it is, where a hint cannot be (``Self``, protocols)."""
    try:
        checking = _check(function)
    except BeartypeDecorHintException:
        return function

    @functools.wraps(function)
    def tolerant(*arguments: Any, **named: Any) -> Any:
        try:
            return checking(*arguments, **named)
        except BeartypeCallHintViolation as violation:
            kinds = (type(one) for one in violation.culprits)
            if _STAND_FOR_ARRAYS & {f"{kind.__module__}.{kind.__qualname__}" for kind in kinds}:
                return function(*arguments, **named)
            raise

    return tolerant
