"""What checks annotations while tests run (``conftest.py``)."""

import functools
from collections.abc import Callable
from typing import Any

from beartype import BeartypeConf, beartype
from beartype.roar import BeartypeCallHintViolation, BeartypeDecorHintException

# As for mypy, an int will do for a float.
_check = beartype(conf=BeartypeConf(is_pep484_tower=True))
# What `eqx.tree_at` puts in the place of leaves while it asks a function where to change a tree.
_PLACEHOLDER = "equinox._tree._LeafWrapper"


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Checked at each call; as it is, where a hint cannot be (``Self``, protocols).

    Placeholders of ``eqx.tree_at`` pass: it hands them to properties of our classes, and gets them back,
    and nothing computes with them, so that no annotation should name them.
    """
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
            if any(f"{kind.__module__}.{kind.__qualname__}" == _PLACEHOLDER for kind in kinds):
                return function(*arguments, **named)
            raise

    return tolerant
