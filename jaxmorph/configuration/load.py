"""From YAML files and Snakemake's configuration to a checked :class:`Configuration`."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from ..designs import MAX_LISTED
from ..errors import JaxmorphError
from .callers import part_at
from .from_pydantic import is_consequence, to_mistake
from .limits import MAX_DEPTH, MAX_ITEMS, MAX_TEXT
from .look import Figures
from .mistakes import KeyPath, Mistake, dotted, show
from .models import Configuration
from .reading import display_name, read_yaml, scalar
from .terms import FILES_MUST_EXIST

COMMAND_LINE = "--config"
"""How a message names the command line as the place of a value."""

_SURELY_A_RUN = 2
_MOST_LINES = 30
"""Mistakes that are shown at once."""

_Source = tuple[str, Mapping[str, Any]]


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
        name = display_name(file)
        content, repeated = read_yaml(file)
        lines += _lines(name, repeated, below)
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
    """Raises JaxmorphError with file, line and column if ``path`` is no mapping in YAML."""
    _read_mapping(path)


def read_configuration(path: str | os.PathLike[str]) -> Configuration:
    """The checked configuration in the YAML file ``path``.

    Raises JaxmorphError if the file cannot be read, is not YAML, or is wrong (one line a problem).
    """
    name = display_name(path)
    content, repeated = _read_mapping(path)
    return _validate(content, [(name, content)], _lines(name, repeated, ()))


def _read_mapping(path: str | os.PathLike[str]) -> tuple[Mapping[str, Any], Sequence[Mistake]]:
    name = display_name(path)
    content, repeated = read_yaml(path)
    if content is None:
        raise JaxmorphError(f"{name}: the file is empty; it needs the key runs")
    if not isinstance(content, Mapping):
        raise JaxmorphError(f"{name}: must be a mapping with the key runs, not {show(content)}")
    return content, repeated


def _validate(
    config: Mapping[str, Any],
    sources: Sequence[_Source],
    lines: Sequence[str],
    below: KeyPath = (),
    place: str = "configuration",
) -> Configuration:
    lines = list(lines)
    if not lines and (large := next(_large(config, ()), None)):
        lines.append(
            f"{_where(large.path, sources, place)}: {replace(large, path=(*below, *large.path))}"
        )
        raise JaxmorphError("\n".join(lines))
    if not lines and (text := _no_name(config.get("runs"))):
        misplaced = Mistake((*below, "runs"), None, text)
        raise JaxmorphError(f"{_where(('runs',), sources, place)}: {misplaced}")
    try:
        configuration = Configuration.model_validate(config, context=FILES_MUST_EXIST)
    except ValidationError as error:
        found = error.errors(include_url=False)
        mistakes = (to_mistake(e) for e in found if not is_consequence(e))
        for mistake in itertools.islice(mistakes, _MOST_LINES):
            whole = replace(mistake, path=(*below, *mistake.path))
            lines.append(f"{_where(mistake.path, sources, place)}: {whole}")
        if len(found) > _MOST_LINES:
            name = lines[-1].partition(": ")[0]
            lines.append(f"{name}: {len(found) - _MOST_LINES:,} more mistakes are not shown")
    if lines:
        raise JaxmorphError("\n".join(lines))
    return configuration


def _no_name(runs: Any) -> str:
    """What to say if the keys of a run stand where names of runs should; empty if they do not."""
    if not isinstance(runs, Mapping):
        return ""
    keys = [key for key in runs if key in ("study", "parameters", "design", "seeds")]
    if len(keys) < _SURELY_A_RUN:
        return ""
    empty = next((f", {name}," for name, run in runs.items() if run is None and name not in keys), "")
    return (
        f"has {', '.join(keys)}, which are keys of a run; indent them below the name of the run{empty} "
        "as in {my-run: {study: ..., parameters: ...}}"
    )


def _large(content: Any, path: KeyPath) -> Iterator[Mistake]:
    """Whatever has more items or letters than any key may have."""
    if isinstance(content, str | bytes) and len(content) > MAX_TEXT:
        yield Mistake(path, show(content), f"has {len(content):,} letters; the most is {MAX_TEXT:,}")
    if not isinstance(content, Mapping | list | tuple):
        return
    most = MAX_LISTED if path[-1:] == ("points",) else MAX_ITEMS
    if len(content) > most:
        yield Mistake(path, None, f"has {len(content):,} items; the most is {most:,}")
    elif len(path) > MAX_DEPTH:
        yield Mistake(path, None, f"is nested more than {MAX_DEPTH} deep; no key of a configuration is")
    elif isinstance(content, Mapping):
        for key, item in content.items():
            yield from _large(key, path)
            yield from _large(item, (*path, key if isinstance(key, int) else str(key)))
    else:
        for index, item in enumerate(content):
            yield from _large(item, (*path, index))


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


def _lines(name: str, repeated: Sequence[Mistake], below: KeyPath) -> list[str]:
    """A line for each of them whose key is at ``below``, of the file ``name``."""
    return [f"{name}: {one}" for one in repeated if one.path[: len(below)] == below]


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
    read = scalar(value)
    return read if read is None or isinstance(read, bool | int | float) else value


def _merged(config: Any, overrides: Mapping[str, Any]) -> Any:
    """``config`` with the values of ``overrides``, key by key, as Snakemake merges."""
    merged = dict(config)
    for key, value in overrides.items():
        current = merged.get(key)
        nested = isinstance(value, Mapping) and isinstance(current, Mapping)
        merged[key] = _merged(current, value) if nested else value
    return merged
