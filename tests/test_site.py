"""The site of docs/: what `make docs` cannot see (it holds the links within the site)."""

import re
from pathlib import Path
from types import ModuleType

import pytest
from support import ROOT

MARKDOWN = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The extension, without Sphinx, which is beside the environment of the tests."""
    path = ROOT / "docs/_extensions/outside.py"
    text = path.read_text().replace("from sphinx.application import Sphinx\n", "Sphinx = object\n")
    module = ModuleType("outside")
    exec(compile(text, str(path), "exec"), module.__dict__)
    return module


@pytest.mark.parametrize(
    "given, place, page, led",
    [
        ("[a](docs/data.md#files)", "", "docs", "data.md#files"),
        ("[a](../data.md)", "docs/gallery", "docs/gallery", "../data.md"),
        ("[a](../SECURITY.md)", "docs", "docs", "security.md"),
        ("[a](../../README.md#speed)", "docs/gallery", "docs/gallery", "../index.md#speed"),
        ("[a](config/config.yaml)", "", "docs", "../config/config.yaml"),
        ("[a](../config/README.md)", "docs", "docs", "path:../config/README.md"),
        ("[![a](docs/a.png)](docs/a.mp4)", "", "docs", "a.mp4"),
        ("[a](https://docs.jax.dev/a.md)", "", "docs", "https://docs.jax.dev/a.md"),
        ("[a](#here)", "", "docs", "#here"),
    ],
)
def test_links_out_of_the_folder_lead_to_a_page_or_a_file(
    outside: ModuleType, given: str, place: str, page: str, led: str
) -> None:
    assert outside.led(given, place, page).endswith(f"]({led})")


def test_pages_in_the_root_are_on_the_site(outside: ModuleType) -> None:
    assert outside.PAGES.keys() == {path.name for path in ROOT.glob("*.md")}
    for name, page in outside.PAGES.items():
        assert f"```{{include}} ../{name}\n" in (ROOT / "docs" / page).read_text()


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_addresses_elsewhere_are_public_ones(path: Path) -> None:
    """No network is asked whether they answer."""
    found = re.findall(r"https?://[^\s)\"'`<>]*", path.read_text(encoding="utf-8"))
    public = re.compile(r"https://[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}(/[\w./#~%+:-]*)?")
    assert [address for address in found if not public.fullmatch(address.rstrip(".,"))] == []
