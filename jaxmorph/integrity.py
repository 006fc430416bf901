"""Checksums that files carry, so that damage is noticed before they are opened.

A file of numbers or text ends with a seal: how many bytes there are before it, and their SHA-256. It
is where its format lets readers pass over it: after the end of an HDF5 or ZIP file, in the last key of
a JSON object, in a comment after a page. Figures and films, whose formats do not all have such a place,
are listed with size and SHA-256 in a file beside them.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

from .atomic import written_aside
from .errors import JaxmorphError

LIST = "checksums.json"
"""The file that lists those beside it."""

_SEAL = "jaxmorph-sha256 {:016d} {}"
_PATTERN = re.compile(rb"jaxmorph-sha256 (\d{16}) ([0-9a-f]{64})")
_AROUND = {".json": (b',\n "checksum": "', b'"\n}\n'), ".html": (b"<!-- ", b" -->\n")}
_AROUND_OTHERS = (b"\n", b"\n")
_LENGTH = len(_SEAL.format(0, "0" * 64))
_END_OF_JSON = b"\n}\n"

_NO_SEAL = "it has no checksum at its end: it is cut off, was edited, or is of an earlier version"
_OTHER_BYTES = "its bytes are not those that were written"


class Damaged(ValueError):
    """What is wrong with a file, in words."""


def sealed(content: bytes, suffix: str) -> bytes:
    """The content of a file with its seal.

    Args:
        content: Of a JSON file an object as :func:`json.dumps` indents it, with a line end.
        suffix: That of the file's name.
    """
    if suffix == ".json":
        assert content.endswith(_END_OF_JSON)
        content = content.removesuffix(_END_OF_JSON)
    return content + _seal(len(content), hashlib.sha256(content).hexdigest(), suffix)


def seal(path: Path) -> None:
    """Append its seal to a file that is not JSON."""
    with open(path, "rb+") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = file.seek(0, os.SEEK_END)
        file.write(_seal(size, digest, path.suffix))


def damage(path: str | Path) -> str | None:
    """What is wrong with a sealed file, in words; None if it is as it was written.

    A file that has not changed since this process has looked at it is not read again.
    """
    path = Path(path)
    try:
        about = path.stat()
        return _damage(path, about.st_size, about.st_mtime_ns, about.st_ino)
    except OSError as error:
        return f"it cannot be read ({error.strerror})"


def damage_at_the_end(path: str | Path) -> str | None:
    """The same, of its length and end alone: what is cut off, emptied or edited."""
    try:
        with open(path, "rb") as file:
            found = _read_seal(file, Path(path).suffix)
    except OSError as error:
        return f"it cannot be read ({error.strerror})"
    return found if isinstance(found, str) else None


def write_json(content: Mapping[str, Any], path: str | Path) -> None:
    """Write a JSON object with its seal: aside first, then renamed into place."""
    text = json.dumps(content, indent=1) + "\n"
    with written_aside(Path(path)) as file:
        file.write_bytes(sealed(text.encode(), ".json"))


def read_json(path: str | Path) -> dict[str, Any]:
    """What :func:`write_json` wrote.

    Raises:
        FileNotFoundError: It is not there.
        Damaged: In words.
    """
    found: dict[str, Any] = json.loads(unsealed(Path(path).read_bytes(), ".json"))
    return found


def unsealed(content: bytes, suffix: str) -> bytes:
    """The content of a file without its seal.

    Raises:
        Damaged: In words.
    """
    before, after = _AROUND.get(suffix, _AROUND_OTHERS)
    body = content[: -(len(before) + _LENGTH + len(after))]
    seal = _parsed(content[len(body) :], suffix)
    if not content or seal is None or seal[0] != len(body):
        raise Damaged(_NO_SEAL if content else "it is empty")
    if hashlib.sha256(body).hexdigest() != seal[1]:
        raise Damaged(_OTHER_BYTES)
    return body + _END_OF_JSON if suffix == ".json" else body


def looks_sealed(content: bytes) -> bool:
    """Whether a page ends with a seal, or with what was one."""
    return not content.rstrip().endswith(b">") or content.rstrip().endswith(b"-->")


def list_files(folder: Path, files: Iterable[Path]) -> None:
    """List some files of a folder there, beside those that are listed already."""
    try:
        known = read_json(folder / LIST)
    except (OSError, ValueError):
        known = {}
    for file in files:
        content = file.read_bytes()
        known[file.name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    if known:
        write_json(dict(sorted(known.items())), folder / LIST)


def read_listed(path: Path) -> bytes:
    """The content of a file that :func:`list_files` listed; in a folder without a list, of any.

    Raises:
        JaxmorphError: It is not as it was listed.
    """
    try:
        content = path.read_bytes()
        listed = read_json(path.parent / LIST)
    except FileNotFoundError as error:
        if not path.is_file():
            raise JaxmorphError(f"{path}: cannot be read: {error.strerror}") from error
        return content
    except (OSError, ValueError) as error:
        raise JaxmorphError(f"{path}: cannot be held against {path.parent / LIST}: {error}") from error
    if listed.get(path.name, {}).get("sha256") != hashlib.sha256(content).hexdigest():
        raise JaxmorphError(f"{path}: is damaged: {_OTHER_BYTES}")
    return content


def damaged_of_list(folder: Path, *, thoroughly: bool = False) -> dict[Path, str]:
    """What is wrong with the list of a folder and the files in it, in words; not with absent files.

    Args:
        folder: The folder.
        thoroughly: Whether bytes are compared, too, not sizes alone.
    """
    try:
        listed = read_json(folder / LIST)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        return {folder / LIST: str(error)}
    found = {}
    for name, about in listed.items():
        file = folder / name
        if not file.is_file():
            continue
        if file.stat().st_size != about["bytes"]:
            found[file] = f"it has {file.stat().st_size} bytes, not {about['bytes']}"
        elif thoroughly and hashlib.sha256(file.read_bytes()).hexdigest() != about["sha256"]:
            found[file] = _OTHER_BYTES
    return found


def _seal(size: int, digest: str, suffix: str) -> bytes:
    before, after = _AROUND.get(suffix, _AROUND_OTHERS)
    return before + _SEAL.format(size, digest).encode() + after


def _parsed(end: bytes, suffix: str) -> tuple[int, str] | None:
    """Number of bytes and digest of what a seal is, exactly; None if it is none."""
    before, after = _AROUND.get(suffix, _AROUND_OTHERS)
    if not (end.startswith(before) and end.endswith(after)):
        return None
    match = _PATTERN.fullmatch(end[len(before) : len(end) - len(after)])
    return (int(match[1]), match[2].decode()) if match else None


def _read_seal(file: IO[bytes], suffix: str) -> tuple[int, str] | str:
    """The seal of an open file, or what is wrong with it in words."""
    size = file.seek(0, os.SEEK_END)
    if size == 0:
        return "it is empty"
    before, after = _AROUND.get(suffix, _AROUND_OTHERS)
    n = len(before) + _LENGTH + len(after)
    file.seek(max(0, size - n))
    found = _parsed(file.read(n), suffix)
    return _NO_SEAL if found is None or found[0] != size - n else found


@functools.lru_cache(maxsize=65536)
def _damage(path: Path, size: int, changed: int, inode: int) -> str | None:
    """``size``, ``changed`` and ``inode`` tell whether it is the file that was looked at."""
    with open(path, "rb") as file:
        found = _read_seal(file, path.suffix)
        if isinstance(found, str):
            return found
        file.seek(0)
        digest, left = hashlib.sha256(), found[0]
        while left and (block := file.read(min(left, 1 << 20))):
            digest.update(block)
            left -= len(block)
    return None if digest.hexdigest() == found[1] else _OTHER_BYTES
