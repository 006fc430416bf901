"""What checks annotations while tests run (``conftest.py``)."""

from collections.abc import Callable
from typing import Any

from beartype import BeartypeConf, beartype
from beartype.roar import BeartypeDecorHintException

# As for mypy, an int will do for a float.
_check = beartype(conf=BeartypeConf(is_pep484_tower=True))


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Checked at each call; as it is, where a hint cannot be (``Self``, protocols)."""
    try:
        return _check(function)
    except BeartypeDecorHintException:
        return function
