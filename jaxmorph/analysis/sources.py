"""What decides the numbers of a study that a program gives as an object, as text."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import jax
import numpy as np

from ..studies import Study


def text_of(kind: type[Study]) -> str:
    """The study's declarations, the code around it, and what its function takes from outside.

    Of a function in a notebook that is the text of the function and of those that it calls there.
    """
    function = getattr(kind, "_function", None)
    parts = [kind.__qualname__, repr(kind.parameters), repr(kind.observables), str(kind.time_unit)]
    parts.append(_code(kind if function is None else function))
    parts += _outside(kind.simulate if function is None else function, set())
    parts += _outside(kind.simulate, set()) if function is not None else []
    return "\n".join(parts)


def _code(of: Any) -> str:
    """The text of its file, or in a notebook its own."""
    try:
        file = inspect.getsourcefile(of)
        if file and Path(file).is_file():
            return Path(file).read_text(encoding="utf-8")
        return inspect.getsource(of)
    except (OSError, TypeError):
        return ""


def _outside(function: Any, seen: set[int]) -> Iterator[str]:
    """Values and functions that a function has from outside of it, one a line."""
    if not isinstance(function, FunctionType) or id(function) in seen:
        return
    seen.add(id(function))
    code = function.__code__
    names = sorted({name for one in _codes(code) for name in one.co_names})
    cells = zip(code.co_freevars, function.__closure__ or (), strict=True)
    values = {name: function.__globals__[name] for name in names if name in function.__globals__}
    for name, cell in cells:
        values[name] = cell.cell_contents
    for name, value in [*values.items(), ("defaults", function.__defaults__)]:
        if isinstance(value, FunctionType) and value.__module__ == function.__module__:
            yield f"{name} {_code(value)}"
            yield from _outside(value, seen)
        elif text := _plain(value):
            yield f"{name} = {text}"


def _plain(value: Any) -> str:
    """Numbers, texts and arrays, alone or together, as text; nothing of any other object."""
    if isinstance(value, bool | int | float | complex | str):
        return repr(value)
    if isinstance(value, np.ndarray | jax.Array):
        array = np.ascontiguousarray(value)
        return f"{array.dtype}{array.shape} {hashlib.sha256(array.tobytes()).hexdigest()}"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_plain, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_plain(key)}: {_plain(item)}' for key, item in value.items())}}}"
    return ""


def _codes(code: CodeType) -> Iterator[CodeType]:
    """A function's code, and that of the functions in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)
