"""What one experiment, with the noise of one simulation, could tell about the parameters.

F is the Fisher information of Gaussian records of all observables at all times, whose mean and
covariance both move with the parameters (:mod:`.fisher`). The covariance comes from the seeds by the
regression of each entry on those shortly before it (:mod:`.records`). Parameters are in units of their
standard deviation in the design.

What the seeds do not settle is withheld: the order of the regressions, when the seeds allow no higher
one than the best; what the score of the seeds refutes; what the covariance tells, if gradients are not
those of paths. So is all of it where gradients of records that it uses are found incomplete.
"""

from typing import Any

import xarray as xr

from ..quantities import Interval, Kind, Method, Quantity
from .bounds import smallest_sd, smallest_sd_alone, spectrum
from .completeness import Completeness, refuted_pairs
from .estimator import Estimates, Estimator, Slab
from .experiment import fisher_information
from .resampling import seed_weights
from .samples import kept_in

FISHER = Method(
    "Fisher information",
    "F_{pq} = m_p'^T C^{-1} m_q' + tr(C^{-1} C_p' C^{-1} C_q')/2; smallest variance of θ_p: "
    "(F^{-1})_{pp}",
    "At the central sample, for noise that is Gaussian. m' are gradients of the mean, C' = Cov(f, g) +"
    " Cov(g, f) those of the covariance between times and observables, with g the gradients of each "
    "seed, in units of the parameters' standard deviations; their noise is taken out by products of "
    "different seeds. C^{-1} follows from regressions of each record on the records before it, as "
    "many as predict left-out seeds best. Withheld where that is the largest number that the seeds "
    "allow, where the spread of the score refutes it, or where gradients that it needs are incomplete.",
    "Kay, Fundamentals of Statistical Signal Processing (1993), chapter 3; Pourahmadi, Biometrika 86 "
    "(1999) 677-690; White, Econometrica 50 (1982) 1-25; Gutenkunst et al., PLoS Comput. Biol. 3 "
    "(2007) e189",
)
_IN_SD = "each parameter in units of its standard deviation on the natural scale"
_ABSENT = "needs a study with noise, and enough seeds to settle how the noise of records is correlated"
_ABSENT_OF_COVARIANCE = (
    f"{_ABSENT}; and gradients that are whole derivatives of each simulation (pathwise)"
)


def _quantity(name: str, long_name: str, dims: tuple[str, ...], **more: Any) -> Quantity:
    about: dict[str, Any] = {"kind": Kind.INFORMATION, "method": FISHER, "from_gradients": True}
    return Quantity(name, long_name, "1", dims, **(about | {"designs": "all", "absent": _ABSENT} | more))


QUANTITIES = (
    _quantity(
        "fisher_information",
        "Fisher information of one experiment at the central sample, of what fisher_part says, "
        f"{_IN_SD}",
        ("parameter", "parameter_2"),
        formula="F",
    ),
    _quantity(
        "fisher_information_of_mean",
        "part of the Fisher information of one experiment at the central sample that the mean of the "
        "records "
        f"has, {_IN_SD}",
        ("parameter", "parameter_2"),
        formula="m_p'^T C^{-1} m_q'",
    ),
    _quantity(
        "fisher_information_by_sample",
        "Fisher information of one experiment at the sample (of the mean alone, if gradients are not "
        "whole "
        f"derivatives of each simulation), {_IN_SD}",
        ("sample", "parameter", "parameter_2"),
        formula="F at each sample",
    ),
    _quantity(
        "fisher_eigenvalue",
        "eigenvalue of fisher_information",
        ("component",),
        formula="eigenvalue of F",
        interval=Interval.SEEDS,
    ),
    _quantity(
        "fisher_direction",
        "eigenvector of fisher_information",
        ("component", "parameter"),
        kind=Kind.DIRECTION,
        formula="eigenvector of F",
    ),
    _quantity(
        "cramer_rao_sd",
        "Cramer-Rao bound on the standard deviation of an unbiased estimate from one experiment, in "
        "units of the parameter's standard deviation on the natural scale",
        ("parameter",),
        formula="((F^{-1})_{pp})^{1/2}",
        interval=Interval.SEEDS,
        absent=_ABSENT_OF_COVARIANCE,
    ),
    _quantity(
        "cramer_rao_sd_alone",
        "Cramer-Rao bound on the standard deviation of an unbiased estimate from one experiment when "
        "all other parameters are known, in units of the parameter's standard deviation on the natural"
        " scale",
        ("parameter",),
        formula="(F_{pp})^{-1/2}",
        interval=Interval.SEEDS,
        absent=_ABSENT_OF_COVARIANCE,
    ),
    _quantity(
        "sd_from_mean",
        "smallest standard deviation of an estimate from one experiment that is linear in the records "
        "(best weighted mean), in units of the parameter's standard deviation on the natural scale",
        ("parameter",),
        formula="(((m'^T C^{-1} m')^{-1})_{pp})^{1/2}",
        interval=Interval.SEEDS,
    ),
    _quantity(
        "parameter_correlation",
        "correlation of the estimates at the bound that fisher_information sets",
        ("parameter", "parameter_2"),
        kind=Kind.NUMBER,
        formula="(F^{-1})_{pq} / ((F^{-1})_{pp} (F^{-1})_{qq})^{1/2}",
    ),
    _quantity(
        "fisher_part",
        "what fisher_information is of: mean and covariance of the records, or the mean alone",
        (),
        kind=Kind.LABEL,
        formula="m and C, or m",
    ),
    _quantity(
        "fisher_order",
        "number of records before it on which each record is regressed",
        (),
        kind=Kind.NUMBER,
        formula="least squared error of left-out seeds",
    ),
    _quantity(
        "fisher_entry_used",
        "whether fisher_information uses the observable at this time",
        ("time", "observable"),
        kind=Kind.FLAG,
        formula="noise of its own",
    ),
)

_OF_MEAN, _OF_BOTH = "mean", "mean and covariance"


class Identifiability(Estimator):
    """What one experiment could tell, at the central sample; and the information at every sample."""

    quantities = QUANTITIES
    of_records = True
    after = (Completeness,)
    _by_sample: xr.DataArray | None = None
    _central: tuple[xr.DataArray, xr.DataArray] | None = None

    def add(self, slab: Slab) -> Estimates:
        question = self.samples.question
        if question.stochastic:
            information = fisher_information(slab.value, slab.scaled)
            if information:
                numbers = self.samples.points["sample"].values
                name = "fisher_information" if question.complete else "fisher_information_of_mean"
                self._by_sample = kept_in(self._by_sample, information[name], numbers)
        if self.samples.central in slab.value["sample"]:
            central = {"sample": self.samples.central}
            self._central = (
                slab.value.sel(central).drop_vars("sample"),
                slab.scaled.sel(central).drop_vars("sample"),
            )
        return {}

    def finish(self, found: Estimates) -> Estimates:
        if self._by_sample is None:
            return {}
        assert self._central is not None, "no slab holds the central sample"
        n_seeds = self.samples.n_seeds
        made = fisher_information(*self._central, seed_weights(n_seeds))
        used = made.get("fisher_entry_used")
        if why := refuted_pairs(found, used if used is not None and used.any() else None):
            self.absent = {quantity.name: why for quantity in QUANTITIES}
            return {}
        result = {}
        if self._by_sample.notnull().any():
            result["fisher_information_by_sample"] = self._by_sample
        if not made:
            return result
        none, mean_alone = (str(made.pop(name).item()) for name in ("why_none", "why_mean_alone"))
        if none:
            self.absent = {quantity.name: none for quantity in QUANTITIES}
            return result
        of_mean, of_both = made.pop("fisher_information_of_mean"), made.pop("fisher_information")
        complete = self.samples.question.complete and not mean_alone
        draws = of_both if complete else of_mean
        result |= made | spectrum(draws, n_seeds) | smallest_sd("sd_from_mean", of_mean, n_seeds)
        if complete:
            result |= smallest_sd("cramer_rao_sd", of_both, n_seeds)
            result |= smallest_sd_alone("cramer_rao_sd_alone", of_both, n_seeds)
        elif mean_alone:
            self.absent = dict.fromkeys(("cramer_rao_sd", "cramer_rao_sd_alone"), mean_alone)
        return result | {
            "fisher_information": draws.isel(draw=0, drop=True),
            "fisher_information_of_mean": of_mean.isel(draw=0, drop=True),
            "fisher_part": xr.DataArray(_OF_BOTH if complete else _OF_MEAN),
        }
