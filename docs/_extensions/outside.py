"""Links between the pages and the repository around them.

Files in the root that are pages (the README and others) are included by a page of the site, and their
links are relative to the root; links of pages lead to files outside of this folder. Both lead somewhere
on the site, too: to a page, or to the file itself.
"""

import posixpath
import re
from pathlib import Path

from sphinx.application import Sphinx

# Files of the root, and the pages of the site that show them.
PAGES = {
    "README.md": "index.md",
    "SECURITY.md": "security.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "CODE_OF_CONDUCT.md": "conduct.md",
}
HERE = "docs"
_LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)#\s]+)(#[^)\s]*)?(?=\))")


def led(text: str, place: str, page: str) -> str:
    """The Markdown of a file in the folder ``place``, with the links of a page in the folder ``page``.

    Both folders are relative to the root.
    """

    def address(link: re.Match[str]) -> str:
        file = posixpath.normpath(posixpath.join(place, link[1]))
        heading = link[2] or ""
        if file in PAGES:
            return posixpath.relpath(f"{HERE}/{PAGES[file]}", page) + heading
        relative = posixpath.relpath(file, page)
        # Markdown of other folders is no page, but a file to load down.
        is_file = file.endswith(".md") and not file.startswith(f"{HERE}/")
        return f"path:{relative}" if is_file else relative + heading

    return _LINK.sub(address, text)


def _read(app: Sphinx, docname: str, source: list[str]) -> None:
    if app.env.doc2path(docname).suffix == ".md":
        folder = posixpath.dirname(f"{HERE}/{docname}")
        source[0] = led(source[0], folder, folder)


def _included(app: Sphinx, path: Path, parent: str, source: list[str]) -> None:
    if path.suffix == ".md":
        source[0] = led(source[0], posixpath.normpath(f"{HERE}/{path.parent.as_posix()}"), HERE)


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("source-read", _read)
    app.connect("include-read", _included)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
