"""What the files that a page carries are called, for who writes them into it and who takes them out."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Mapping
from pathlib import PurePath

CONFIGURATION, REQUIREMENTS = "config.yaml", "requirements.txt"
MARK = "data-reproduce"
"""The attribute of a link to such a file: the SHA-256 of its text."""
LINK = "data:text/plain;charset=utf-8;base64,"
"""What its target begins with."""
MOST_FILES = 100
CLEAN = (
    "letters, digits, blanks and . _ - + alone, does not begin with . or -, and has 100 bytes at most"
)
"""Which names there are."""

_MOST_BYTES = 100
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def digest(text: str) -> str:
    """SHA-256 of a text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def is_clean(name: str) -> bool:
    """Whether a file of this name can be written into a folder of any system, and is seen there."""
    allowed = all(c.isalnum() or c in " ._-+" for c in name) and len(name.encode()) <= _MOST_BYTES
    return (
        bool(name)
        and allowed
        and name[0] not in ".- "
        and name[-1] not in ". "
        and not _RESERVED.fullmatch(name)
    )


def clean_names(paths: Mapping[str, str]) -> dict[str, str]:
    """A clean name for each path, under its key: the file's own, where that is one and still free."""
    taken = {CONFIGURATION, REQUIREMENTS}
    names = {}
    for key, path in paths.items():
        pure = PurePath(path)
        stem, ending = _cleaned(pure.stem) or "file", _cleaned(pure.suffix.removeprefix("."))[:20]
        ending = f".{ending}" if ending else ""
        candidates = itertools.chain([stem], (f"{stem}-{i}" for i in itertools.count(2)))
        names[key] = next(
            f"{one}{ending}" for one in candidates if f"{one}{ending}".casefold() not in taken
        )
        taken.add(names[key].casefold())
    return names


def _cleaned(text: str) -> str:
    kept = "".join(c if c.isalnum() or c in "._-+ " else "_" for c in text).strip(".- ")
    kept = f"{kept}_" if _RESERVED.fullmatch(kept) else kept
    return kept.encode()[:70].decode(errors="ignore")
