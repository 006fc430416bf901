"""What the catalogue says of one figure or film."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

_OF_GRADIENTS = (
    "gradient",
    "central_gradient",
    "elasticity",
    "total_bound",
    "activity_score",
    "eigenvalue",
    "active_",
    "fisher_",
    "cramer_rao",
    "parameter_correlation",
    "covariance",
    "hessian_",
    "parameter_low",
)


@dataclass(frozen=True)
class Entry:
    """One figure: its heading, how to read it, and the NetCDF variables behind it.

    ``part`` is the part of the report that it belongs to. A run that has none of the variables in
    ``needs`` has nothing to draw; ``otherwise`` says why that can be.
    """

    title: str
    reading: str
    variables: tuple[str, ...]
    source: str = "sensitivity.nc"
    part: str = "overview"
    needs: tuple[str, ...] = ()
    otherwise: str = ""
    only_with: tuple[tuple[str, str], ...] = ()

    @property
    def of_gradients(self) -> tuple[str, ...]:
        """Those of its variables that are made from the gradients that the run's estimator gives."""
        if self.source == "checks.nc":  # pathwise, whatever the run's estimator
            return ()
        return tuple(name for name in self.variables if name.startswith(_OF_GRADIENTS))

    def told(self, has: Container[str]) -> str:
        """How to read the figure of a run that ``has`` these variables.

        A passage of ``only_with`` is left out where its variable is missing.
        """
        text = self.reading
        for variable, passage in self.only_with:
            if variable not in has:
                text = text.replace(passage, "")
        return text
