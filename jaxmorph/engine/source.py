"""Where in a user's own code an operation of a traced program stands."""

import linecache
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from ..studies.load import is_of_the_user

PACKAGE = Path(__file__).parents[1]
_LONGEST = 64


def place_of(equations: Iterable[Any], without: tuple[str, ...] = ()) -> tuple[str, str] | None:
    """The innermost line of a study, ``studies.py:31``, and the expression there; None: there is none.

    Args:
        equations: That of the operation, and those that it is called from, the innermost first.
        without: Where a line is in a file whose path begins so, there is none.
    """
    for equation in equations:
        for code, instruction in frames(equation):
            if code.co_filename.startswith(without):
                return None
            if _is_users(code.co_filename):
                return _text(code, instruction)
    return None


def frames(equation: Any) -> Iterator[tuple[Any, int]]:
    """Code objects and instructions, the innermost first."""
    traceback = equation.source_info.traceback
    if traceback is not None:
        yield from zip(*traceback.raw_frames(), strict=True)


@cache
def _is_users(file: str) -> bool:
    """Whether code is of a study, the user's or one that ships."""
    return Path(file).is_relative_to(PACKAGE / "studies") or is_of_the_user(file)


def _text(code: Any, instruction: int) -> tuple[str, str]:
    """``studies.py:31`` and the expression there."""
    line, last, begin, end = list(code.co_positions())[instruction // 2]
    line = code.co_firstlineno if line is None else line
    raw = linecache.getline(code.co_filename, line).encode()
    if None in (begin, end) or last is None:
        text = raw
    else:
        text = raw[begin:end] if last == line else raw[begin:].rstrip() + b" ..."
    words = " ".join(text.decode(errors="replace").split())
    if len(words) > _LONGEST:  # how it ends may tell more than how it begins
        words = f"{words[: _LONGEST // 2]}...{words[-_LONGEST // 2 :]}"
    return f"{Path(code.co_filename).name}:{line}", words
