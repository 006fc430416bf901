"""A law among the cells of a state."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ... import native, space
from ...state import BaseCellState
from ...tracing import platform
from .fields import array_field
from .forms import LawForms, forms_of
from .law import PairLaw
from .situation import Situation, Work


@dataclasses.dataclass(frozen=True)
class Interaction:
    """A law, and the cells that follow it.

    Attributes:
        law: What two cells do.
        state: The cells.
        choose: Says how pairs are summed in a situation (``choice.choose``).
    """

    law: PairLaw
    state: BaseCellState
    choose: Callable[[Situation], Any]

    @functools.cached_property
    def forms(self) -> LawForms:
        """What kernels are written from."""
        return forms_of(self.law, np.dtype(self.state.position.dtype))

    def situation(self, work: Work, neighbours: float | None) -> Situation:
        """What a choice depends on.

        Args:
            work: What is summed.
            neighbours: Of how many cells a list would have room; None if nobody looks after its size.
        """
        n_cells, n_dim = self.state.position.shape
        on = platform()
        if on == "cpu" and native.refusal():
            on = None
        found = Situation(
            work,
            n_cells,
            n_dim,
            space.kind(self.state.displacement, n_dim),
            has_range=self.law.interaction_range is not None,
            array_field=array_field(self.law),
            platform=on,
            neighbours=neighbours,
        )
        asks = work == "force" and on == "cpu" and not found.array_field
        return found._replace(unwritable=self.forms.unwritable()) if asks else found
