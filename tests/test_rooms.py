"""An import points only downward (the rooms of docs/house.svg), and a class has its name alone."""

import ast
import graphlib
import itertools
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "jaxmorph"

ROOMS = {
    "foundation": [
        *("errors", "atomic", "integrity", "listing", "distributions", "designs", "quantities"),
        *("configuration",),
    ],
    "tracing": ["tracing"],
    "native": ["native"],
    "physics": ["state", "steps", "simulation", "space", "env"],
    "studies": ["studies", "observables"],
    "engine": ["engine"],
    "optimisation": ["optimisation"],
    "store": ["store"],
    "expansion": ["expansion"],
    "sensitivity": ["sensitivity"],
    "presentation": ["report", "figures", "animations", "visualization"],
    "upkeep": ["upkeep"],
    "terminal": ["terminal"],
    "jobs": ["jobs", "analysis", "command"],
}
ALLOWED = {
    "foundation": set(),
    "tracing": {"foundation"},
    "native": {"foundation"},
    "physics": {"foundation", "tracing", "native"},
    "studies": {"foundation", "tracing", "physics"},
    "engine": {"foundation", "tracing", "native", "studies"},
    "optimisation": {"foundation", "studies", "engine"},
    "store": {"foundation"},
    "expansion": {"foundation"},
    "sensitivity": {"foundation", "expansion"},
    "presentation": {"foundation"},
    "upkeep": {"foundation", "store"},
    "terminal": {"foundation"},
    "jobs": set(ROOMS),
}
WITHOUT_JAX = {"foundation", "store", "expansion", "sensitivity", "presentation", "terminal", "upkeep"}
ROOM_OF = {module: room for room, modules in ROOMS.items() for module in modules}


A_USERS = PACKAGE / "command/start"
"""What `jaxmorph init` writes."""


def modules() -> list[Path]:
    aside = {PACKAGE / "__init__.py", *A_USERS.iterdir()}
    return [path for path in sorted(PACKAGE.rglob("*.py")) if path not in aside]


def imports(path: Path) -> set[str]:
    """Dotted names of everything that a module imports, wherever in the file."""
    inside = ("jaxmorph", *path.relative_to(PACKAGE).parts[:-1])
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            base = ".".join(inside[: len(inside) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            # `from .. import store`: the names are modules.
            found |= (
                {f"{module}.{alias.name}" for alias in node.names} if module == "jaxmorph" else {module}
            )
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_downward(path: Path) -> None:
    room = ROOM_OF[path.relative_to(PACKAGE).parts[0].removesuffix(".py")]
    for name in imports(path):
        package, _, rest = name.partition(".")
        if package == "jaxmorph" and rest != "__version__":
            other = ROOM_OF[rest.split(".")[0]]
            assert other == room or other in ALLOWED[room], f"{room} imports {name} of {other}"
        if room in WITHOUT_JAX:
            assert package not in {"jax", "jaxlib", "equinox", "jax_md"}, f"{room} imports {name}"
        assert not (room == "engine" and package in {"xarray", "snakemake"}), f"engine imports {name}"


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_inside_the_package_are_relative(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        assert "jaxmorph" not in {name.partition(".")[0] for name in names}, names


def test_no_two_classes_have_one_name() -> None:
    places: dict[str, list[str]] = {}
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name.lstrip("_"), []).append(str(path.relative_to(PACKAGE)))
    assert not {name: found for name, found in places.items() if len(found) > 1}


def imported_modules(path: Path) -> set[Path]:
    """The modules of the package that are imported when a module is, besides the packages around it."""
    inside = path.relative_to(PACKAGE).parts[:-1]
    found: set[Path] = set()

    def visit(statements: list[ast.stmt]) -> None:
        for node in statements:
            if isinstance(node, ast.If | ast.Try):
                visit(node.body if "TYPE_CHECKING" not in ast.unparse(node) else node.orelse)
            if not isinstance(node, ast.ImportFrom):
                continue
            named = (node.module or "").split(".") if node.module else []
            base = inside[: len(inside) - node.level + 1] if node.level else ()
            if not node.level and named[:1] != ["jaxmorph"]:
                continue
            parts = [*base, *(named if node.level else named[1:])]
            for alias in node.names:
                places = (PACKAGE.joinpath(*parts, alias.name), PACKAGE.joinpath(*parts))
                files = (f for x in places for f in (x.with_suffix(".py"), x / "__init__.py"))
                found.update(itertools.islice((f for f in files if f.exists()), 1))

    visit(ast.parse(path.read_text()).body)
    return found - {path, PACKAGE / "__init__.py"}


def test_no_module_imports_one_that_imports_it() -> None:
    graph = {path: imported_modules(path) for path in modules()}
    assert graph[PACKAGE / "env" / "interactions" / "choice.py"] >= {
        PACKAGE / "env" / "interactions" / "kernels" / "__init__.py",
        PACKAGE / "env" / "interactions" / "situation.py",
    }
    # It asks its own package for the folders that figures are in, no more.
    graph[PACKAGE / "figures" / "catalogue.py"].remove(PACKAGE / "figures" / "__init__.py")
    tuple(graphlib.TopologicalSorter(graph).static_order())  # a CycleError names the circle
