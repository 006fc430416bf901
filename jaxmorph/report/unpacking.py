"""From somebody else's page to the files that it carries: read with suspicion, shown, then written.

Nothing of a page is run here. Its files are a configuration, requirements, studies (code) and data;
whoever runs the workflow on them runs that code, with all of his rights.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import stat
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import yaml

from ..errors import JaxmorphError
from ..integrity import Damaged, looks_sealed, unsealed
from . import requirements
from .attached import CLEAN, CONFIGURATION, LINK, MARK, MOST_FILES, REQUIREMENTS, digest, is_clean
from .requirements import shortened

LARGEST_PAGE, LARGEST_FILE = 2**30, 2**26
_LARGEST_CONFIGURATION, _DEEPEST = 2**22, 50
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_TAG = re.compile(rf"<a\s[^<>]*\b{MARK}\b[^<>]*>")


def unpack(report: Path, folder: Path) -> list[Path]:
    """Write the files that a report carries into ``folder``.

    Raises:
        JaxmorphError: See :func:`carried` and :func:`write`.
    """
    return write(carried(report), folder)


def carried(report: Path) -> dict[str, str]:
    """The files of a page by name, checked: the configuration, the requirements, code, data.

    Names are plain, each is there once, and their number and size have a bound. Requirements are plain,
    of libraries of jaxmorph, with hashes (:func:`requirements.checked`). The configuration has one run,
    and names no file that is elsewhere.

    Raises:
        JaxmorphError: The page cannot be read, carries none, or is not like that; one line.
    """
    page = _page(report)
    try:
        files = _files(page)
        if not files:
            raise JaxmorphError("carries no configuration; is it the report.html of a run?")
        if missing := [name for name in (CONFIGURATION, REQUIREMENTS) if name not in files]:
            raise JaxmorphError(f"carries no {missing[0]}; is it the report.html of a run?")
        try:
            files[REQUIREMENTS] = requirements.checked(files[REQUIREMENTS])
        except JaxmorphError as error:
            raise JaxmorphError(f"{REQUIREMENTS}, {error}") from None
        _check_configuration(files[CONFIGURATION])
    except JaxmorphError as error:
        raise JaxmorphError(f"{report}: {error}; nothing was written") from None
    return files


def announcement(report: Path, files: Mapping[str, str]) -> str:
    """What a reader is told before anything is written: whose code it is, and all of it."""
    code = [name for name in files if name.endswith(".py")]
    others = [name for name in files if name not in (*code, REQUIREMENTS)]
    study, _ = _study_and_files(files[CONFIGURATION])
    lines = [
        f"{report} hands over somebody else's code and requirements. Nothing of them is run now. What "
        "you run of them later can do all that you can do: read them first.",
        f"The study is {shortened(study)}.",
    ]
    for name in (*code, REQUIREMENTS):
        text = requirements.in_short(files[name]) if name == REQUIREMENTS else files[name]
        lines += ["", f"---- {name}", *(f"| {_shown(line)}" for line in text.splitlines())]
    return "\n".join([*lines, "----", f"And as text: {', '.join(others)}."])


def write(files: Mapping[str, str], folder: Path) -> list[Path]:
    """Write files into a folder, made if it is absent; nothing is overwritten, no link followed.

    Raises:
        JaxmorphError: The folder is a link or cannot be written, or a file is there already.
    """
    try:
        if folder.is_symlink():
            raise JaxmorphError(f"{folder}: is a symbolic link; name the folder itself")
        folder.mkdir(parents=True, exist_ok=True)
        there = {name.casefold(): name for name in os.listdir(folder)}
        if taken := [name for name in files if name.casefold() in there]:
            name = there[taken[0].casefold()]
            raise JaxmorphError(f"{folder / name}: is there already; name an empty folder")
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            for name, text in files.items():
                how = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
                with open(os.open(name, how, 0o666, dir_fd=place), "wb") as file:
                    file.write(text.encode())
        finally:
            os.close(place)
    except OSError as error:
        raise JaxmorphError(f"{folder}: cannot be written: {error.strerror}") from error
    return [folder / name for name in files]


def hand_over(report: Path, folder: Path) -> None:
    """Say what a page hands over, show it, write it, and name what was written.

    Raises:
        JaxmorphError: See :func:`unpack`.
    """
    files = carried(report)
    print(announcement(report, files), flush=True)
    for path in write(files, folder):
        print(path)


def _page(report: Path) -> str:
    try:
        about = report.stat()
        if not stat.S_ISREG(about.st_mode):
            raise JaxmorphError(f"{report}: is no file; name the report.html of a run")
        if about.st_size > LARGEST_PAGE:
            raise JaxmorphError(
                f"{report}: is too large for a page: {about.st_size / 2**30:.1f} GiB; at most 1"
            )
        if report.suffix.lower() not in (".html", ".htm"):
            raise JaxmorphError(f"{report}: is no page; name the report.html of a run")
        content = report.read_bytes()
        # One that another program has saved has no checksum; each file that it carries has its own.
        return (unsealed(content, ".html") if looks_sealed(content) else content).decode()
    except Damaged as error:
        raise JaxmorphError(f"{report}: is damaged: {error}; ask for the file again") from None
    except UnicodeDecodeError as error:
        raise JaxmorphError(f"{report}: is no page: byte {error.start} is not UTF-8") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise JaxmorphError(f"{report}: cannot be read: {why}") from None


def _files(page: str) -> dict[str, str]:
    files: dict[str, str] = {}
    for name, link, wanted in _links(page):
        if len(files) == MOST_FILES:
            raise JaxmorphError(f"carries more than {MOST_FILES} files")
        _check_name(name)
        if name.casefold() in map(str.casefold, files):
            raise JaxmorphError(f"carries two files of the name {name}")
        files[name] = _text(name, link)
        if digest(files[name]) != wanted:
            raise JaxmorphError(f"{name}: the page is damaged there: the text is not that of its digest")
    return files


def _links(page: str) -> Iterator[tuple[str, str, str]]:
    """Name, target and digest of each marked link, in time that is proportional to the page's length."""
    for match in _TAG.finditer(page):
        tag = _Tag()
        tag.feed(match[0])
        if MARK in tag.found:
            name, target, wanted = (tag.found.get(key) or "" for key in ("download", "href", MARK))
            yield name, target, wanted


class _Tag(HTMLParser):
    """The attributes of one tag."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str | None] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found = dict(attrs)


def _check_name(name: str) -> None:
    if not is_clean(name):
        raise JaxmorphError(f'carries a file of the name "{shortened(name)}"; a name has {CLEAN}')


def _text(name: str, link: str) -> str:
    if not link.startswith(LINK):
        raise JaxmorphError(f"{name}: the link is none to a text inside the page")
    if len(link) > LARGEST_FILE:
        raise JaxmorphError(f"{name}: is too large; at most {LARGEST_FILE // 2**20} MiB")
    try:
        text = base64.b64decode(link.removeprefix(LINK), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        raise JaxmorphError(f"{name}: the page is damaged there: no text in base64 and UTF-8") from None
    if "\0" in text:
        raise JaxmorphError(f"{name}: is no text: it has a zero byte")
    return text


def _check_configuration(text: str) -> None:
    _, files = _study_and_files(text)
    for key, file in files:
        if not isinstance(file, str) or file in ("", ".", "..") or set(file) & {"/", "\\", "~", "\0"}:
            raise JaxmorphError(
                f"{CONFIGURATION}, {key} = {shortened(str(file))}: names a file that is not of the page"
            )


def _study_and_files(text: str) -> tuple[str, list[tuple[str, object]]]:
    """The study that a configuration names, and the files, with their keys.

    Raises:
        JaxmorphError: It is no configuration of one run.
    """
    try:
        _check_form(text)
        content: Any = yaml.load(text, _Loader)
        ((_, run),) = content["runs"].items()
        study = run["study"]
        terms = (run.get("optimise") or {}).get("objective", ())
        found = [(f"data[{i}]", file) for i, file in enumerate(run.get("data", ()))]
        found += [
            (f"optimise.objective[{i}].data", term["data"])
            for i, term in enumerate(terms)
            if "data" in term
        ]
        place = study.rpartition(":")[0]
    except JaxmorphError:
        raise
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise JaxmorphError(f"{CONFIGURATION}{where}: is no YAML") from None
    except (TypeError, ValueError, KeyError, AttributeError, LookupError):
        raise JaxmorphError(f"{CONFIGURATION}: is no configuration of one run with a study") from None
    if place.endswith(".py"):
        found.append(("study", place))
    return study, found


def _check_form(text: str) -> None:
    """Before anything is made of a text: that it is small, without aliases, and not deep."""
    if len(text) > _LARGEST_CONFIGURATION:
        raise JaxmorphError(
            f"{CONFIGURATION}: is too large; at most {_LARGEST_CONFIGURATION // 2**20} MiB"
        )
    depth = 0
    for event in yaml.parse(text, _Loader):
        if isinstance(event, yaml.AliasEvent):
            raise JaxmorphError(f"{CONFIGURATION}: has an alias (*name), which no report writes")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(
            event, yaml.CollectionEndEvent
        )
        if depth > _DEEPEST:
            raise JaxmorphError(f"{CONFIGURATION}: is nested deeper than {_DEEPEST} levels")


def _shown(line: str) -> str:
    """A line without what a terminal would take as a command, or a reader would not see."""
    return "".join(c if c.isprintable() or c == "\t" else ascii(c)[1:-1] for c in line)
