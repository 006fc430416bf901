"""docs/api lists every public name of the package, and each says what it takes and gives."""

import ast
import importlib
import inspect
import re
import textwrap
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from support import ROOT

import jaxmorph

PAGES = sorted((ROOT / "docs/api").glob("*.md"))
DIRECTIVE = re.compile(r"^\.\. (currentmodule|auto\w+|py:data):: (\S+)", re.MULTILINE)
ARRAYS = re.compile(r"\b(Array|ArrayLike|DataArray|Dataset|ndarray|Slab)\b")
# A shape in an annotation of jaxtyping, or in words: (sample, seed), shape (cell,), along ``time``.
SHAPES = re.compile(
    r"Float\[|Bool\[|Int\[|[Ss]hape|\((\w+)(, \w+)+\)|\(\w+,\)|\((sample|time|cell|seed|parameter)\)"
    r"|``(sample|seed|time)``"
)


def listed() -> Iterator[tuple[str, str]]:
    """Module and name of each entry of the reference."""
    for page in PAGES:
        module = ""
        for directive, name in DIRECTIVE.findall(page.read_text(encoding="utf-8")):
            if directive == "currentmodule":
                module = name
            else:
                yield module, name


def public(module: ModuleType) -> Iterator[tuple[str, str]]:
    """The names that a module has for users, those of its public modules among them."""
    own = (name for name, value in vars(module).items() if _is_of(module, value))
    for name in getattr(module, "__all__", [name for name in own if name[0] != "_"]):
        value = getattr(module, name)
        if isinstance(value, ModuleType):
            yield from public(value)
        elif not name.startswith("__"):
            yield module.__name__, name


def _is_of(module: ModuleType, value: Any) -> bool:
    return getattr(value, "__module__", "").startswith(module.__name__)


def value_of(entry: tuple[str, str]) -> Any:
    return getattr(importlib.import_module(entry[0]), entry[1])


LISTED = list(listed())


def test_every_public_name_is_listed_once() -> None:
    assert len(set(LISTED)) == len(LISTED)
    there = [value_of(entry) for entry in LISTED]
    missing = [e for e in public(jaxmorph) if not any(value_of(e) is one for one in there)]
    assert not missing, f"add to docs/api: {missing}"


def test_every_page_is_in_the_menu() -> None:
    menu = (ROOT / "docs/api/index.md").read_text().rpartition("```{toctree}")[2].split()
    assert {page.stem for page in PAGES} - {"index"} <= set(menu)


FUNCTIONS = [entry for entry in LISTED if inspect.isfunction(value_of(entry))]


@pytest.mark.parametrize("entry", LISTED, ids=".".join)
def test_a_name_says_what_it_is(entry: tuple[str, str]) -> None:
    value = value_of(entry)
    if inspect.isclass(value) or inspect.isfunction(value):
        assert value.__doc__ and value.__doc__.strip()[0].isprintable()


@pytest.mark.parametrize("entry", FUNCTIONS, ids=".".join)
def test_a_function_of_arrays_gives_their_shapes(entry: tuple[str, str]) -> None:
    function = inspect.unwrap(value_of(entry))
    annotations = " ".join(map(str, inspect.signature(function).parameters.values()))
    said = f"{inspect.getdoc(function)} {inspect.signature(function)}"
    if ARRAYS.search(annotations):
        assert SHAPES.search(said)


@pytest.mark.parametrize("entry", FUNCTIONS, ids=".".join)
def test_a_function_names_the_errors_that_it_raises(entry: tuple[str, str]) -> None:
    function = inspect.unwrap(value_of(entry))
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    raised = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Raise)]
    if any("JaxmorphError" in one for one in raised):
        assert "Raises:" in (inspect.getdoc(function) or "")


@pytest.mark.parametrize("entry", [e for e in FUNCTIONS if e[0] == "jaxmorph.observables"], ids=".".join)
def test_an_observable_gives_its_unit(entry: tuple[str, str]) -> None:
    first = (inspect.getdoc(value_of(entry)) or "").partition("\n\n")[0]
    units = r"\((dimensionless|energy|length|.*length\^|.*length.*)\)|[Nn]umber of|1 for"
    assert re.search(units, inspect.getdoc(value_of(entry)) or ""), first
