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
    "_LeafWrapper",
    # Numbers that a program of JAX has as literals, with the shape, type and operations of an array.
    *("TypedNdArray", "TypedInt", "TypedFloat", "TypedComplex"),
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
            if _STAND_FOR_ARRAYS & set(map(_kind, violation.culprits)):
                return function(*arguments, **named)
            raise

    return tolerant


def _kind(culprit: object) -> str:
    """The name of its class; of what has no weak references, beartype keeps what it looks like."""
    return culprit.partition("(")[0] if isinstance(culprit, str) else type(culprit).__name__
