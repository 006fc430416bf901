"""A digest of the source code that decides the numbers of a run: a new one has them computed again.

It is in the ``params`` of the jobs that simulate. What is hashed are syntax trees, so that a comment, a
docstring or the formatting changes nothing.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
import site
import sysconfig
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from .given import given
from .gradient_estimators import is_declaration
from .models import BUILT_IN_STUDIES

_PACKAGE = Path(__file__).parents[1]
_DECIDES_NOTHING = {
    *("analysis", "animations", "atomic", "command", "configuration", "errors"),
    *("integrity", "upkeep"),
    *("expansion", "figures", "jobs", "listing", "optimisation", "quantities", "report", "sensitivity"),
    *("store", "terminal", "visualization"),
}
"""Modules of the package that decide no simulation: they describe, collect or show, or ask for some."""

_ESTIMATE = ("expansion", "quantities", "sensitivity")
"""Those that decide what simulations are taken to say."""

_READS = {
    *("fromfile", "genfromtxt", "load", "loadmat", "loadtxt", "memmap", "open", "open_dataset"),
    *("read_bytes", "read_csv", "read_json", "read_parquet", "read_table", "read_text", "safe_load"),
}
"""Functions of Python and of libraries of the field that read files."""
_IMPORTS_BY_NAME = {"import_module", "__import__", "run_path", "spec_from_file_location"}


@functools.cache
def code_digest(target: str, *, optimises: bool = False) -> str:
    """Digest of the simulation's code and of a study, ``module:Class`` or ``file.py:Class``.

    The study's code is its module and what that imports, wherever it lies; not installed libraries:
    their versions are in every dataset.

    Args:
        target: The study.
        optimises: Whether the code of optimisations counts.
    """
    files = dict(_of_the_package())
    if optimises:
        files |= {f"optimisation.{p.stem}": p for p in (_PACKAGE / "optimisation").glob("*.py")}
    files |= _closure(target.rpartition(":")[0], known=files)
    about = target if given(target) is not None else ""  # which has a digest of its source
    return _digest(files, about)


@functools.cache
def estimators_digest() -> str:
    """Digest of the code that makes estimates of simulations: new estimators simulate nothing again."""
    return _digest(dict(_of_estimators()))


def parse_package() -> None:
    """Parse the package once, for all processes that are forks of this one."""
    for _, path in (*_of_the_package(), *_of_estimators()):
        _tree(path)


def _digest(files: Mapping[str, Path], about: str = "") -> str:
    """Of the code of some modules, by their names."""
    digest = hashlib.sha256(about.encode())
    for name, path in sorted(files.items()):
        digest.update(f"{name}\n{_tree(path)}\n".encode())
    return digest.hexdigest()[:16]


def data_digests(places: Iterable[str]) -> dict[str, str]:
    """Digests of the bytes of files that decide numbers, by name; ``absent`` of one that is not."""
    return {place: _digest_of_file(Path(place)) for place in sorted(places)}


def _digest_of_file(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]
    except OSError:
        return "absent"  # the job that reads it says so


def not_followed(target: str, data: Sequence[str] = ()) -> list[str]:
    """Lines that name what a study uses and its digest cannot know, so that a change is not noticed."""
    files = _closure(target.rpartition(":")[0], known=dict(_of_the_package()))
    lines = []
    for path in files.values():
        for node in ast.walk(_parse(path)):
            if not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func)
            last = name.rpartition(".")[2]
            if last in _READS and not data:
                lines.append(f"{path}:{node.lineno}: {name} reads a file; name it under data")
            elif last in _IMPORTS_BY_NAME:
                lines.append(f"{path}:{node.lineno}: what {name} imports is not followed; use import")
    return lines


def _of_the_package() -> Iterator[tuple[str, Path]]:
    """All that takes part in every simulation, by names that do not depend on where it is installed."""
    studies = {target.rpartition(":")[0] for target in BUILT_IN_STUDIES.values()}
    for name, path in _modules(_PACKAGE):
        room = name.partition(".")[2].partition(".")[0]
        if room and room not in _DECIDES_NOTHING and name not in studies:
            yield name, path


def _of_estimators() -> Iterator[tuple[str, Path]]:
    for room in _ESTIMATE:
        yield from _modules(_PACKAGE / room)


def _modules(folder: Path) -> Iterator[tuple[str, Path]]:
    """Those of the package in a folder, by name."""
    for path in folder.rglob("*.py"):
        parts = path.relative_to(_PACKAGE.parent).with_suffix("").parts
        yield ".".join(parts).removesuffix(".__init__"), path


def _closure(place: str, known: Collection[str]) -> dict[str, Path]:
    """The study's file and, one after another, the files that it imports and that are not yet known."""
    own = place.partition(".")[0]
    start = Path(place) if place.endswith(".py") else _find(place, Path(), own)
    if start is None:
        return {}  # the study job says that it cannot be imported
    found: dict[str, Path] = {}
    waiting = [(start.stem if place.endswith(".py") else place, start)]
    while waiting:
        name, path = waiting.pop()
        if name in found or name in known or _is_aside(name):
            continue
        found[name] = path
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        for imported in _imports(_parse(path), package):
            file = _find(imported, start.parent, own)
            if file is not None:
                waiting.append((imported, file))
    return found


def _is_aside(name: str) -> bool:
    """Whether it is the package itself, which imports lazily, or a module that decides nothing."""
    parts = name.split(".")
    return parts[0] == "jaxmorph" and (len(parts) == 1 or parts[1] in _DECIDES_NOTHING)


def _imports(tree: ast.Module, package: str) -> Iterator[str]:
    """Dotted names of what may be a module; ``from a import b`` may be of a package or of a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _with_parents(alias.name)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from _with_parents(base)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _with_parents(name: str) -> Iterator[str]:
    parts = name.split(".")
    yield from (".".join(parts[: i + 1]) for i in range(len(parts)))


def _find(name: str, beside: Path, own: str) -> Path | None:
    """The source of a module of the user's or of this package; None for one of an installed library.

    Args:
        name: Dotted name.
        beside: The folder of the study.
        own: The study's own package, which may be installed.
    """
    parts = name.split(".")
    roots = [_PACKAGE.parent]
    if parts[0] != "jaxmorph":
        roots = [beside, Path(), *_where(parts[0], installed=parts[0] == own)]
    for root in roots:
        for path in (
            root.joinpath(*parts, "__init__.py"),
            root.joinpath(*parts[:-1], f"{parts[-1]}.py"),
        ):
            if path.is_file():
                return path
    return None


@functools.cache
def _where(package: str, installed: bool) -> tuple[Path, ...]:
    """The folder where Python finds a package that is not installed; with ``installed``, of any."""
    try:
        spec = importlib.util.find_spec(package)  # imports nothing: it is no submodule
    except (ImportError, ValueError):  # of __main__, say
        return ()
    if spec is None:
        return ()
    places = [*(spec.submodule_search_locations or ()), *([spec.origin] if spec.has_location else [])]
    roots = {Path(place).parent for place in places[:1]}
    return tuple(r for r in roots if installed or not any(r.is_relative_to(i) for i in _installed()))


@functools.cache
def _installed() -> tuple[Path, ...]:
    """Where Python's own modules and installed packages are."""
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    folders = [*map(sysconfig.get_path, names), *site.getsitepackages(), site.getusersitepackages()]
    return tuple({Path(folder) for folder in folders})


@functools.cache
def _parse(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return ast.Module([], [])  # the study job says what is wrong with it


@functools.cache
def _tree(path: Path) -> str:
    parts: list[str] = []
    _write(_parse(path), parts)
    return " ".join(parts)


def _write(node: object, parts: list[str]) -> None:
    """Writes what is there of a tree; what is empty differs between versions of Python."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return  # a docstring, or an ellipsis
    if is_declaration(node):
        return  # words
    if isinstance(node, ast.AST):
        parts.append(type(node).__name__)
        for name in node._fields:
            value = getattr(node, name, None)
            if value is not None and value != []:
                parts.append(name)
                _write(value, parts)
    elif isinstance(node, list):
        parts.append("[")
        for item in node:
            _write(item, parts)
        parts.append("]")
    else:
        parts.append(repr(node))
