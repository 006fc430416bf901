"""Lists of things as a sentence has them, wherever the package writes one."""

from collections.abc import Iterable


def joined(items: Iterable[str], last: str = "and") -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    told = list(items)
    if len(told) < 2:
        return "".join(told)
    return f"{', '.join(told[:-1])} {last} {told[-1]}"


def shortened(text: str, most: int) -> str:
    """A text of so many letters at most; one that is longer ends with three dots."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def first_of(items: Iterable[str], most: int, rest: str = "{} more") -> list[str]:
    """The first ``most`` items and how many are left; one that is left alone is named, too.

    Args:
        items: The most important first.
        most: How many are named.
        rest: How the number of the others is said.
    """
    told = list(items)
    n_left = len(told) - most
    return [*told[:most], rest.format(n_left)] if n_left > 1 else told
