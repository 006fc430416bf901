"""What the estimators of gradients say of themselves, for all who name, show or describe them.

Each is a file of ``jaxmorph/engine/estimators`` with a constant ``DECLARATION``. It is read from the
file's syntax tree, because the file itself imports JAX, and stands above this room.
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from ..quantities import Method, literal

_FOLDER = Path(__file__).parents[1] / "engine" / "estimators"


@dataclasses.dataclass(frozen=True)
class GradientDeclaration:
    """What an estimator of gradients says of itself. All texts are literals in its file.

    Attributes:
        name: In the configuration and in files.
        meaning: What stands for a gradient, for the documentation of the configuration.
        modes: The modes of automatic differentiation that a user may ask for.
        along_paths: Whether its gradients are derivatives of each simulation: only these explode.
        sees_choices: Whether they have what a parameter does by changing discrete choices.
        long_name: What the gradient in a file is; may have ``settings`` in braces.
        computed: Completes "Gradients were computed"; may have attributes of the file in braces.
        settings: Keys of a run that it takes besides.
        caution: Sentences at the top of a report; empty if its gradients are what everybody expects.
        bias: A sentence, without its full stop, for all places where its gradients are shown; empty if
            there is no bias.
        method: Its entry in the methods section of a report, if it needs one.
        noise_covaries: Whether twice the covariance of value and gradient is part of the derivative of
            the variance between seeds, as it is all of it along paths.
        order: Its place in lists; the plainest is first.
    """

    name: str
    meaning: str
    modes: tuple[Literal["forward", "reverse"], ...]
    along_paths: bool
    sees_choices: bool
    long_name: str
    computed: str
    settings: tuple[str, ...] = ()
    caution: str = ""
    bias: str = ""
    method: Method | None = None
    noise_covaries: bool = False
    order: int = 100

    @property
    def is_complete(self) -> bool:
        """Whether each gradient is the whole derivative of its simulation, not so on average alone."""
        return self.along_paths and not self.bias

    def allows(self, mode: str) -> bool:
        """Whether a run may ask for this gradient mode."""
        return mode in ("auto", "none", *self.modes)


def _declared() -> Iterator[GradientDeclaration]:
    for path in _FOLDER.glob("*.py"):
        for node in ast.parse(path.read_bytes()).body:
            if is_declaration(node) and isinstance(node, ast.Assign):
                yield literal(node.value, GradientDeclaration, Method)


def is_declaration(node: object) -> bool:
    """Whether a statement is the declaration of an estimator: words, which decide no number."""
    return (
        isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
        and node.value.func.id == GradientDeclaration.__name__
    )


GRADIENT_ESTIMATORS: dict[str, GradientDeclaration] = {
    d.name: d for d in sorted(_declared(), key=lambda d: (d.order, d.name))
}
"""By name."""


def bias_attributes(estimator: str) -> dict[str, str]:
    """What a dataset with gradients of this estimator, or of none, says of their bias."""
    declared = GRADIENT_ESTIMATORS.get(estimator)
    return {"gradient_bias": declared.bias} if declared and declared.bias else {}
