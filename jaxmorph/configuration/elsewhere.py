"""Names in place of absolute paths: what files and pages say of where their author's files are."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import PurePath, PurePosixPath, PureWindowsPath

from pydantic import JsonValue


def placeless(content: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Plain values, with names for absolute paths: such a path often has its user's name.

    ``/home/you/cells.py:Cells`` is ``elsewhere-3fa9c1/cells.py:Cells``; the digits differ where folders
    do. Other paths stay as they are.
    """
    return {without_place(name): _placeless(value) for name, value in content.items()}


def _placeless(value: JsonValue) -> JsonValue:
    match value:
        case dict():
            return placeless(value)
        case list():
            return [_placeless(item) for item in value]
        case str():
            return without_place(value)
    return value


def without_place(text: str) -> str:
    """The same of one text, which may be a path."""
    path: PurePath = PurePosixPath(text)
    if not path.is_absolute() and not text.startswith("~"):
        path = PureWindowsPath(text)
        if not path.is_absolute():
            return text
    if "\n" in text or not path.name:
        return text
    digest = hashlib.sha256(str(path.parent).encode(errors="replace")).hexdigest()[:6]
    return f"elsewhere-{digest}/{path.name}"
