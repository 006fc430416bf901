"""Declarations that are read from the text of a module, without importing it."""

import ast
from typing import Any


def literal(node: ast.expr, *kinds: type) -> Any:
    """The value of a literal, or of a call of one of ``kinds`` with literals by keyword."""
    if not isinstance(node, ast.Call):
        return ast.literal_eval(node)
    assert isinstance(node.func, ast.Name)
    kind = {one.__name__: one for one in kinds}[node.func.id]
    return kind(**{str(given.arg): literal(given.value, *kinds) for given in node.keywords})
