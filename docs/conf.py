"""The site of this folder, by Sphinx: `make docs`.

The pages are the Markdown that a host of repositories shows, too; `_extensions/` has what a site needs
besides.
"""

import sys
from pathlib import Path

import jaxmorph

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "jaxmorph"
author = "The jaxmorph developers"
release = version = jaxmorph.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "films",
    "outside",
    "signatures",
]
exclude_patterns = ["_extensions"]

# What a reader of the repository sees as a heading's address, as of estimates.md#trust.
myst_heading_anchors = 4

# Tutorials are run by tests.
nb_execution_mode = "off"

autodoc_default_options = {
    "members": True,
    "show-inheritance": True,
    "exclude-members": "model_config",  # of pydantic
}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_attr_annotations = False  # the signature has them
# Docstrings write `names` of configuration keys as Markdown does.
default_role = "code"

html_theme = "furo"
html_title = f"jaxmorph {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False
