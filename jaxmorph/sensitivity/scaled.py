"""Gradients in standard deviations: of the observable over the design, per one of the parameter."""

import numpy as np
import xarray as xr

from ..quantities import Interval, Kind, Needs, Quantity
from .average import Averages
from .estimator import Estimates, Estimator
from .local import NEAR_ZERO, Local
from .samples import NEEDS_MOMENTS
from .whole_design import WholeDesign

QUANTITIES = (
    Quantity(
        "scaled_sensitivity",
        "d mean / d parameter times the standard deviation of the parameter's distribution over that "
        "of the seed-averaged observable over the design",
        "1",
        ("sample", "time", "observable", "parameter"),
        Kind.SCALED,
        NEAR_ZERO,
        formula="(σ_p / σ_f) E_r[∂f/∂θ_p]",
        from_gradients=True,
        absent=NEEDS_MOMENTS,
    ),
    Quantity(
        "scaled_sensitivity_average",
        "average over samples of the scaled sensitivity",
        "1",
        ("time", "observable", "parameter"),
        Kind.SCALED,
        NEAR_ZERO,
        formula="(σ_p / σ_f) E_θ E_r[∂f/∂θ_p]",
        label="scaled sensitivity",
        reading="standard deviations of the observable per standard deviation of the parameter",
        interval=Interval.SAMPLES_AND_SEEDS,
        from_gradients=True,
        needs_complete=Needs.OWN,
        absent=NEEDS_MOMENTS,
    ),
)


class ScaledSensitivity(Estimator):
    """(sigma_theta / sigma_f) df/dtheta, at each sample and on average."""

    quantities = QUANTITIES
    after = (Local, Averages, WholeDesign)
    derives_from = ("gradient_mean", "gradient_se")
    _factor: xr.DataArray | None = None

    def finish(self, found: Estimates) -> Estimates:
        if "variance" not in found:
            return {}
        variance = found["variance"]
        sd = xr.DataArray(
            np.array([d.frozen().std() for d in self.samples.question.distributions]),
            dims="parameter",
            coords={"parameter": self.samples.points["parameter"]},
        )
        self._factor = sd / (variance.where(variance > 0) ** 0.5)
        gradient, name = found["gradient_average"], "scaled_sensitivity_average"
        value = self._factor * gradient
        if "variance_low" not in found or "gradient_average_low" not in found:
            return {name: value}
        # Squares of the deviations of both factors add: Zou and Donner, Stat. Med. 27 (2008) 1693-1702.
        down, up = (
            abs(value) * abs((variance / found[f"variance_{end}"].clip(min=0)) ** 0.5 - 1)
            for end in ("high", "low")
        )
        down, up = xr.where(value < 0, up, down), xr.where(value < 0, down, up)
        below, above = (
            self._factor * (gradient - found[f"gradient_average_{e}"]) for e in ("low", "high")
        )
        return {
            name: value,
            f"{name}_low": value - np.hypot(below, down),
            f"{name}_high": value + np.hypot(above, up.where(value != 0, 0.0)),
        }

    def derive(self, local: xr.Dataset) -> Estimates:
        if self._factor is None:
            return {}
        parts = {"scaled_sensitivity": "gradient_mean", "scaled_sensitivity_se": "gradient_se"}
        return {new: self._factor * local[old] for new, old in parts.items() if old in local}
