"""Signatures as one reads them: a random key is a ``PRNGKeyArray``, whatever JAX takes for one."""

import re
from typing import Any

from sphinx.application import Sphinx

KEY = "Key[Array, ''] | UInt32[Array, '2'] | UInt32[Array, '4']"


def shorten(
    app: Sphinx,
    what: str,
    name: str,
    value: Any,
    options: Any,
    signature: str | None,
    returned: str | None,
) -> tuple[str | None, str | None]:
    """The signature with the names that annotations of the source have."""

    def short(text: str | None) -> str | None:
        return text and re.sub(r"(jax\.)?jaxlib\._jax\.Array", "Array", text).replace(
            KEY, "PRNGKeyArray"
        )

    return short(signature), short(returned)


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("autodoc-process-signature", shorten)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
