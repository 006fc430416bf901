"""The libraries that a run was made with, as a requirements file that pip holds to its hashes.

Hashes are those of ``requirements.lock``, which comes with the package. A library of another version has
none that anybody here has seen, and is a comment.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..errors import JaxmorphError

_PACKAGE = Path(__file__).parents[1]
_PLACES = (_PACKAGE / "_workflow", _PACKAGE.parent)
"""Where the lock file is: inside the package that a wheel installs, beside it in a checkout."""

_PIN = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]{0,99})==(?P<version>[0-9A-Za-z.]{1,50})"
    r"(?P<hashes>(?:\s+--hash=sha256:[0-9a-f]{64})*)"
)
_LOCKED = re.compile(
    r"^([A-Za-z0-9._-]+)==([0-9A-Za-z.]+)[^\n\\]*((?:\\\n\s+--hash=sha256:[0-9a-f]{64}\s*)+)", re.M
)
# Of the library versions these are no packages.
_NOT_PACKAGES = ("python", "platform")
_NO_HASH = "no hash of it is known"
_WANTED = "write name==version --hash=sha256:..., a library of jaxmorph"
_LONGEST = 60


def of_versions(versions: Mapping[str, str], about: str) -> str:
    """A requirements file of the versions of a run, under a comment of what they are."""
    pins = [(name, version) for name, version in versions.items() if name not in _NOT_PACKAGES]
    locked = _locked()
    lines = [f"# {about}"]
    for name, version in pins:
        lines += _written(name, version, locked.get((_normal(name), version), ()))
    return "\n".join(lines) + "\n"


def checked(text: str) -> str:
    """What of somebody else's requirements file may be handed to pip: plain names with hashes.

    Of a version that the lock file here has, the hashes are those of this file. A library without any
    becomes a comment, so that pip never takes what nobody can check.

    Raises:
        JaxmorphError: A line is none of a library of jaxmorph: an option, an address, another package.
    """
    locked = _locked()
    names = {name for name, _ in locked}
    lines = []
    for number, line in _joined(text):
        if not line or line.startswith("#"):
            if line.isprintable():
                lines.append(line)
            continue
        found = _PIN.fullmatch(line)
        if found is None:
            raise JaxmorphError(f"line {number}: {shortened(line)}: is no plain requirement; {_WANTED}")
        if _normal(found["name"]) not in names:
            raise JaxmorphError(
                f"line {number}: {shortened(line)}: jaxmorph needs no such library; {_WANTED}"
            )
        # The lock file here counts more than the page.
        known = locked.get((_normal(found["name"]), found["version"]))
        lines += _written(found["name"], found["version"], known or found["hashes"].split())
    return "\n".join(lines) + "\n"


def in_short(text: str) -> str:
    """The same for a reader: how many hashes a library has, in place of them."""
    lines = []
    for _, line in _joined(text):
        found = _PIN.fullmatch(line)
        hashes = len(found["hashes"].split()) if found else 0
        lines.append(f"{line.partition(' ')[0]} ({hashes} hashes)" if hashes else line)
    return "\n".join(lines)


def shortened(text: str) -> str:
    """The beginning of a text, on one line that a terminal can show."""
    text = ascii(text)[1:-1]
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _written(name: str, version: str, hashes: Sequence[str]) -> list[str]:
    if not hashes:
        return [f"# {name}=={version} ({_NO_HASH})"]
    return [" \\\n".join([f"{name}=={version}", *(f"    {one}" for one in hashes)])]


def _joined(text: str) -> Iterator[tuple[int, str]]:
    """Lines with the number of the first, those that a backslash continues in one; as pip joins them."""
    begun, number = "", 0
    for i, line in enumerate(text.splitlines(), start=1):
        number = number if begun else i
        if line.endswith("\\") and not line.lstrip().startswith("#"):
            begun += line[:-1] + " "
            continue
        yield number, (begun + line).strip()
        begun = ""
    if begun:
        yield number, begun.strip()


@functools.cache
def _locked() -> dict[tuple[str, str], tuple[str, ...]]:
    """The hashes of each library and version of the lock file; none where there is no such file."""
    for place in _PLACES:
        if (file := place / "requirements.lock").is_file():
            found = _LOCKED.findall(file.read_text(encoding="utf-8"))
            return {(_normal(n), v): tuple(hashes.replace("\\", " ").split()) for n, v, hashes in found}
    return {}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
