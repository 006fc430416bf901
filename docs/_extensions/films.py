"""A picture that leads to its film is a player on the site, with the picture as its poster."""

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.osutil import relative_uri


def play(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put a player around the pictures of ``doctree`` that lead to a film."""
    if app.builder.format != "html":
        return
    for link in list(doctree.findall(addnodes.download_reference)):
        pictures = list(link.findall(nodes.image))
        film = link.get("filename", "")
        if not pictures or not film.endswith(".mp4"):
            continue
        here = app.builder.get_target_uri(docname)
        poster = relative_uri(here, f"_images/{app.env.images[pictures[0]['uri']][1]}")
        source = relative_uri(here, f"_downloads/{film}")
        begin = f'<video controls preload="none" playsinline poster="{poster}" src="{source}">'
        # The picture itself is for browsers that play no films, and has Sphinx copy the poster.
        parts = (
            nodes.raw("", begin, format="html"),
            *pictures,
            nodes.raw("", "</video>", format="html"),
        )
        link.replace_self(list(parts))


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("doctree-resolved", play)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
