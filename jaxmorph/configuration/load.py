"""From YAML files and Snakemake's configuration to a checked :class:`Configuration`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from ..errors import JaxmorphError
from .callers import part_at
from .look import Figures
from .mistakes import KeyPath, dotted, is_consequence, show, to_mistake
from .models import Configuration
from .terms import FILES_MUST_EXIST

COMMAND_LINE = "--config"
"""How a message names the command line as the place of a value."""

_Source = tuple[str, Mapping[str, Any]]
_Duplicate = tuple[KeyPath, str]


def load_configuration(
    config: Any,
    files: Sequence[str | os.PathLike[str]] = (),
    overrides: Mapping[str, Any] | None = None,
    below: KeyPath = (),
    place: str = "configuration",
) -> Configuration:
    """The checked configuration that Snakemake merged from ``files`` and ``overrides``.

    Args:
        config: What Snakemake merged, or a caller gave: a mapping, if it is right.
        files: In the order in which they were merged: a later one overrides an earlier one. They serve
            to say where a wrong value is.
        overrides: What the command line gave with ``--config``, which overrides them all.
        below: The keys of ``files`` and ``overrides`` under which ``config`` is.
        place: The name of where it is, if it is in no file.

    Raises:
        JaxmorphError: With a line for each problem: ``file: dotted key = value: what is wrong``.
    """
    sources: list[_Source] = []
    lines: list[str] = []
    for file in files:
        name = _display_name(file)
        content, duplicates = _parse(file, name)
        lines += _lines(name, duplicates, below)
        part = part_at(content, below)
        sources.append((name, part if isinstance(part, Mapping) else {}))
    typed_overrides = _typed(part_at(overrides or {}, below))
    sources.append((COMMAND_LINE, typed_overrides))
    if not isinstance(config, Mapping):
        place = next((name for name, _ in reversed(sources[:-1])), place)
        start = f"{dotted(below)}: " if below else ""
        raise JaxmorphError(f"{place}: {start}must be a mapping with the key runs, not {show(config)}")
    return _validate(_merged(_plain(config), typed_overrides), sources, lines, below, place)


def changed_figures(figures: Figures, how: Mapping[str, Any]) -> Figures:
    """How figures look with other values for some keys, given as arguments of a call.

    Raises:
        JaxmorphError: With a line for each problem: ``key = value: what is wrong``.
    """
    try:
        return Figures.model_validate(figures.plain() | dict(how))
    except ValidationError as error:
        below = ("runs", "", "figures")
        mistakes = [to_mistake({**e, "loc": (*below, *e["loc"])}) for e in error.errors()]
        lines = [str(replace(mistake, path=mistake.path[len(below) :])) for mistake in mistakes]
        raise JaxmorphError("\n".join(lines)) from None


def check_syntax(path: str | os.PathLike[str]) -> None:
    """Raises JaxmorphError with file, line and column if ``path`` cannot be read or is not YAML."""
    _parse(path, _display_name(path))


def read_configuration(path: str | os.PathLike[str]) -> Configuration:
    """The checked configuration in the YAML file ``path``.

    Raises JaxmorphError if the file cannot be read, is not YAML, or is wrong (one line a problem).
    """
    name = _display_name(path)
    content, duplicates = _parse(path, name)
    if content is None:
        raise JaxmorphError(f"{name}: the file is empty; it needs the key runs")
    if not isinstance(content, Mapping):
        raise JaxmorphError(f"{name}: must be a mapping with the key runs, not {show(content)}")
    return _validate(content, [(name, content)], _lines(name, duplicates))


def _validate(
    config: Mapping[str, Any],
    sources: Sequence[_Source],
    lines: Sequence[str],
    below: KeyPath = (),
    place: str = "configuration",
) -> Configuration:
    lines = list(lines)
    try:
        configuration = Configuration.model_validate(config, context=FILES_MUST_EXIST)
    except ValidationError as error:
        mistakes = [to_mistake(e) for e in error.errors() if not is_consequence(e)]
        for mistake in mistakes:
            whole = replace(mistake, path=(*below, *mistake.path))
            lines.append(f"{_where(mistake.path, sources, place)}: {whole}")
    if lines:
        raise JaxmorphError("\n".join(lines))
    return configuration


def _where(path: KeyPath, sources: Sequence[_Source], place: str) -> str:
    """The name of the last source that has the key at ``path``, or its longest parent."""
    for length in range(len(path), 0, -1):
        for name, content in reversed(sources):
            if _has(content, path[:length]):
                return name
    files = [name for name, _ in sources if name != COMMAND_LINE]
    return files[-1] if files else place


def _has(content: Any, path: KeyPath) -> bool:
    for key in path:
        try:
            content = content[key]
        except (LookupError, TypeError):
            return False
    return True


def _display_name(path: str | os.PathLike[str]) -> str:
    """``path`` relative to the working directory, if it lies inside."""
    absolute = Path(path).absolute()
    return str(absolute.relative_to(Path.cwd()) if absolute.is_relative_to(Path.cwd()) else path)


def _parse(path: str | os.PathLike[str], name: str) -> tuple[Any, list[_Duplicate]]:
    """The content of a YAML (or JSON) file, and what to say of each key that is given twice."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise JaxmorphError(f"{name}: is not a text in UTF-8") from None
    except OSError as error:
        raise JaxmorphError(f"{name}: cannot be read: {error.strerror}") from None
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return None, []
        duplicates = list(_duplicates(node, ()))
        return loader.construct_document(node), duplicates
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise JaxmorphError(f"{name}{where}: is not valid YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise JaxmorphError(f"{name}: is not valid YAML: {reason}") from None


def _lines(name: str, duplicates: Sequence[_Duplicate], below: KeyPath = ()) -> list[str]:
    """A line for each of them whose key is at ``below``, of the file ``name``."""
    return [
        f"{name}: {dotted(path)}: {text}" for path, text in duplicates if path[: len(below)] == below
    ]


def _duplicates(node: yaml.Node, path: KeyPath) -> Iterator[_Duplicate]:
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _duplicates(item, (*path, index))
    if isinstance(node, yaml.MappingNode):
        first_line: dict[str, int] = {}
        for key, value in node.value:
            here = (*path, str(key.value))
            line = key.start_mark.line + 1
            if key.value in first_line:
                yield here, f"is given twice, in lines {first_line[key.value]} and {line}"
            first_line.setdefault(key.value, line)
            yield from _duplicates(value, here)


def _plain(config: Any) -> Any:
    """A copy in plain dicts and lists, whatever kinds of mapping Snakemake uses."""
    if isinstance(config, Mapping):
        return {key: _plain(value) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return [_plain(value) for value in config]
    return config


def _typed(value: Any) -> Any:
    """``value`` with numbers and booleans in place of texts.

    Snakemake leaves every scalar inside a mapping that ``--config`` gives as text.
    """
    if isinstance(value, Mapping):
        return {key: _typed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_typed(item) for item in value]
    if not isinstance(value, str):
        return value
    try:
        scalar = yaml.safe_load(value)
    except yaml.YAMLError:
        return value
    return scalar if scalar is None or isinstance(scalar, bool | int | float) else value


def _merged(config: Any, overrides: Mapping[str, Any]) -> Any:
    """``config`` with the values of ``overrides``, key by key, as Snakemake merges."""
    merged = dict(config)
    for key, value in overrides.items():
        current = merged.get(key)
        nested = isinstance(value, Mapping) and isinstance(current, Mapping)
        merged[key] = _merged(current, value) if nested else value
    return merged
