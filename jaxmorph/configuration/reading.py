"""From a YAML file to plain values, and what is wrong with its text: all files are read here first.

YAML 1.1, which Snakemake and PyYAML speak, reads ``010`` as 8, ``1:30`` as 90 and the key ``on`` as
true. A configuration never means that, so it is a mistake here. So are aliases that expand without end.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import re
import stat
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from ..errors import JaxmorphError
from .limits import MAX_DEPTH, MAX_EXPANDED, MAX_FILE_BYTES, amount
from .mistakes import KeyPath, Mistake

_QUOTES = "\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb"
_UNSEEN = re.compile(rf"^[{_QUOTES}]|[\u00a0\u00ad\u2000-\u200f\u2028-\u202f\u2060\u3000\ufeff]")
"""Letters of word processors: what looks like a quotation mark or a blank, and is none to YAML."""
_TAG = "tag:yaml.org,2002:"
_UTF_16_OR_32 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
# What PyYAML says, and what to do about it.
_FLOW = "before this place a bracket or brace is not closed, or a comma is missing or too many"
_REMEDIES = {
    "expected ',' or '}'": _FLOW,
    "expected ',' or ']'": _FLOW,
    "expected <block end>, but found '}'": "has a } too many",
    "expected <block end>, but found ']'": "has a ] too many",
    "expected the node content, but found": _FLOW,
    "expected '<document start>'": "goes on after its end; is it YAML, with a colon behind each key?",
    "found character '\\t'": "has a tab; indent with spaces",
    "but found another document": "has a second document (a line of ---); keep one",
    "mapping values are not allowed here": "has a colon where none can be; mind the indentation, and "
    "quote a text that has one",
    "could not find expected ':'": "has no colon, followed by a space, behind a key",
    "but found '<block mapping start>'": "is indented unlike the lines above; begin all keys of a "
    "mapping in one column",
    "found unknown escape character": "has a backslash in double quotes; take single quotes",
    "found unexpected end of stream": "has a quote that is not closed",
    "could not determine a constructor": "has a tag (!...), which configurations do not know; "
    "leave it out",
}


class Document(NamedTuple):
    """What a file says.

    Attributes:
        content: In plain dicts, lists and scalars; None of an empty file.
        repeated: What to say of each key that is given twice.
    """

    content: Any
    repeated: list[Mistake]


def display_name(path: str | os.PathLike[str]) -> str:
    """``path`` relative to the working directory, if it lies inside."""
    absolute = Path(path).absolute()
    return str(absolute.relative_to(Path.cwd()) if absolute.is_relative_to(Path.cwd()) else path)


def read_yaml(path: str | os.PathLike[str]) -> Document:
    """The content of a YAML (or JSON) file.

    Raises:
        JaxmorphError: If it cannot be read, is not YAML, or has what YAML reads as something else than
            what was meant; names file, line and column.
    """
    name = display_name(path)
    text = _decoded(path, name)
    try:
        node = _composed(text)
        if node is None:
            return Document(None, [])
        if traps := [f"{name}, {place}: {mistake}" for place, mistake in _Walk(node, name).traps]:
            raise JaxmorphError("\n".join(traps))
        repeated = list(_repeated(node, ()))  # before what << merges is put into the nodes
        return Document(_Loader("").construct_document(node), repeated)
    except RecursionError:
        raise _too_deep(name) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if "could not find expected ':'" in str(error.problem):  # found where the next key is
            mark = error.context_mark or mark
        where = f", {_place(mark)}" if mark else ""
        raise JaxmorphError(f"{name}{where}: {_remedy(str(error.problem))}") from None
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise JaxmorphError(f"{name}: is not valid YAML: {reason}") from None


def scalar(text: str) -> Any:
    """What YAML makes of ``text`` that stands alone, but for what it reads as something else."""
    try:
        node = yaml.SafeLoader(text).get_single_node()
        if not isinstance(node, yaml.ScalarNode) or _trap(node):
            return text
        return _Loader("").construct_document(node)
    except (yaml.YAMLError, RecursionError):
        return text


def _composed(text: str) -> yaml.Node | None:
    """The document; by libyaml, ten times faster than PyYAML's own, which says better what is wrong."""
    if hasattr(yaml, "CSafeLoader"):
        with contextlib.suppress(yaml.YAMLError, ValueError):
            return yaml.CSafeLoader(text).get_single_node()
    return yaml.SafeLoader(text).get_single_node()


class _Loader(yaml.SafeLoader):
    """Whose errors say where they are: of ``2024-13-45``, of a number of 5,000 digits."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # type: ignore[no-untyped-def,unused-ignore]
        try:
            return super().construct_object(node, deep)
        except (ValueError, OverflowError):
            raise yaml.constructor.ConstructorError(
                None, None, "this cannot be read as a value; quote it if it is a text", node.start_mark
            ) from None


def _decoded(path: str | os.PathLike[str], name: str) -> str:
    try:
        kind = os.stat(path)
        if stat.S_ISDIR(kind.st_mode):
            raise JaxmorphError(f"{name}: is a folder; name a file")
        if not stat.S_ISREG(kind.st_mode):
            raise JaxmorphError(f"{name}: is no regular file; name a file in YAML")
        if kind.st_size > MAX_FILE_BYTES:
            raise JaxmorphError(
                f"{name}: has {kind.st_size:,} bytes; a configuration may have {MAX_FILE_BYTES:,}"
            )
        data = Path(path).read_bytes()
    except OSError as error:
        raise JaxmorphError(f"{name}: cannot be read: {error.strerror}") from None
    except ValueError:  # a zero byte in the name
        raise JaxmorphError(f"{name!r}: cannot be the name of a file") from None
    if data.startswith(_UTF_16_OR_32) or b"\0" in data[:1000]:
        raise JaxmorphError(
            f"{name}: is not a text in UTF-8 but in UTF-16, or no text; save it as UTF-8"
        )
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        wrong = data[error.start : error.start + 1].hex()
        raise JaxmorphError(
            f"{name}, line {line}: is not a text in UTF-8 (byte {wrong}); save it as UTF-8"
        ) from None


def _remedy(problem: str) -> str:
    for start, remedy in _REMEDIES.items():
        if start in problem:
            return f"is not valid YAML: {remedy}"
    return f"is not valid YAML: {problem}"


def _place(mark: yaml.Mark) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}"


def _too_deep(name: str) -> JaxmorphError:
    return JaxmorphError(f"{name}: is nested more than {MAX_DEPTH} deep; no key of a configuration is")


class _Walk:
    """Once over all nodes of a document, each counted as often as aliases repeat it.

    Args:
        node: The whole document.
        name: Of the file.

    Raises:
        JaxmorphError: Where aliases have no end, or nothing could be constructed.
    """

    def __init__(self, node: yaml.Node, name: str):
        self.traps: list[tuple[str, Mistake]] = []
        self._name = name
        self._sizes: dict[int, int] = {}
        self._open: set[int] = set()
        size = self._size(node, ())
        if (repeated := size - len(self._sizes)) > MAX_EXPANDED:
            raise JaxmorphError(
                f"{name}: its aliases (*) repeat {amount(repeated)} values; the most is "
                f"{MAX_EXPANDED:,}; write out what is meant"
            )

    def _size(self, node: yaml.Node, path: KeyPath) -> int:
        key = id(node)
        if key in self._open:
            raise JaxmorphError(
                f"{self._name}, {_place(node.start_mark)}: an alias (*) repeats what it is in; write "
                "it out"
            )
        if len(self._open) >= MAX_DEPTH:
            raise _too_deep(self._name)
        if key not in self._sizes:
            self._open.add(key)
            self._sizes[key] = 1 + sum(self._inside(node, path))
            self._open.remove(key)
        return self._sizes[key]

    def _inside(self, node: yaml.Node, path: KeyPath) -> Iterator[int]:
        if isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                self._look(item, (*path, index), in_list=True)
                yield self._size(item, (*path, index))
        elif isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if not isinstance(key, yaml.ScalarNode):
                    where = f"{self._name}, {_place(key.start_mark)}"
                    raise JaxmorphError(f"{where}: a key must be a text, not a list or a mapping")
                here = (*path, str(key.value))
                yield 1
                self._look_at_key(key, value, path, flow=bool(node.flow_style))
                self._look(value, here)
                yield self._size(value, here)

    def _look(self, node: yaml.Node, path: KeyPath, in_list: bool = False) -> None:
        if not isinstance(node, yaml.ScalarNode) or id(node) in self._sizes:
            return
        word = in_list and _is_word_for_truth(node)
        read = "true or false" if word else ""
        text = f'is read as {read}; write "{node.value}"' if word else _trap(node)
        if text:
            self._note(node, Mistake(path, node.value, text))

    def _look_at_key(self, key: yaml.ScalarNode, value: yaml.Node, path: KeyPath, flow: bool) -> None:
        if _is_word_for_truth(key):
            self._note(
                key,
                Mistake(
                    path, None, f'the key {key.value} is read as true or false; write "{key.value}"'
                ),
            )
        elif flow and key.tag == _TAG + "int" and _is_empty(value):
            said = f"{key.value} has no value; a number has a point (0.{key.value}), not a comma"
            self._note(key, Mistake(path, None, said))
        elif flow and not key.style and "=" in key.value and _is_empty(value):
            name, _, given = (part.strip() for part in key.value.partition("="))
            said = f"{key.value} has no colon; write {name}: {given}"
            self._note(key, Mistake(path, None, said))
        elif flow and not key.style and ":" in key.value and _is_empty(value):
            said = f"{key.value} has no value; write a space behind the colon"
            self._note(key, Mistake(path, None, said))
        elif not key.style and (text := _trap(key)):
            self._note(key, Mistake(path, None, f"the key {key.value} {text}"))

    def _note(self, node: yaml.Node, mistake: Mistake) -> None:
        self.traps.append((_place(node.start_mark), mistake))


def _is_empty(node: yaml.Node) -> bool:
    """Whether nothing is written there."""
    return isinstance(node, yaml.ScalarNode) and not node.style and not node.value


def _is_word_for_truth(node: yaml.ScalarNode) -> bool:
    return not node.style and node.tag == _TAG + "bool" and node.value.lower() not in ("true", "false")


def _trap(node: yaml.ScalarNode) -> str:
    """What YAML 1.1 makes of a scalar that cannot have been meant; empty if it is as it looks."""
    if node.style:
        return ""
    text: str = node.value
    if found := _UNSEEN.search(text):
        name = unicodedata.name(found[0], "").lower()
        return f"has a {name} in it, which is no quotation mark or space to YAML; type it anew"
    if node.tag == _TAG + "timestamp":
        return f'is read as a date; write "{text}" if it is a text'
    if node.tag in (_TAG + "int", _TAG + "float") and ":" in text:
        return f'is read in sixties; write it in one unit, or "{text}" if it is a text'
    if node.tag == _TAG + "int" and re.fullmatch(r"[-+]?0[0-7_]*[1-7][0-7_]*", text):
        sign, digits = re.fullmatch(r"([-+]?)0*(.*)", text.replace("_", "")).groups()  # type: ignore[union-attr]
        return f"is read as {sign}{int(digits, 8)}, to base 8; write {sign}{digits}"
    return ""


def _repeated(node: yaml.Node, path: KeyPath, seen: set[int] | None = None) -> Iterator[Mistake]:
    seen = set() if seen is None else seen
    if id(node) in seen:  # of an alias
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _repeated(item, (*path, index), seen)
    if isinstance(node, yaml.MappingNode):
        first_line: dict[str, int] = {}
        for key, value in node.value:
            here = (*path, str(key.value))
            line = key.start_mark.line + 1
            if key.value in first_line:
                text = f"is given twice, in lines {first_line[key.value]} and {line}"
                yield Mistake(here, None, text)
            first_line.setdefault(key.value, line)
            yield from _repeated(value, here, seen)
