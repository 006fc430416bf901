"""The estimates over the design of ``synthetic.sensitivity``: plausible, with consistent intervals.

They follow the formulas where these are one line (dgsm, bounds, shares of variance, Fisher information)
and are shares of the same numbers where they are not (Sobol indices, Morris); an error falls with the
root of the number of samples and of seeds. What the real estimators would leave out is left out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_S, _T, _O, _P = "sample", "time", "observable", "parameter"
_TOP, _TO, _OP = (_T, _O, _P), (_T, _O), (_O, _P)
FEWEST = 4
GLOBAL = ("dgsm", "total_bound", "activity_score")
SOBOL = ("sobol_first", "sobol_total", "sobol_first_with_noise", "sobol_total_with_noise")
NESTED = (
    "elasticity_average", "dgsm", "total_bound", "activity_score", "eigenvalue", "noise_share",
    "sobol_first", "sobol_total", "morris_mu_star",
)  # fmt: skip


class Estimates:
    """Variables of one ensemble (``synthetic._Ensemble``), by name."""

    def __init__(self, ensemble: Any, stochastic: bool, given: dict[str, Any]) -> None:
        self.e, self.stochastic = ensemble, stochastic
        self.n_samples, self.n_seeds = len(ensemble.theta), len(ensemble.seed)
        self.rng = np.random.default_rng(5)
        self.variables: dict[str, Any] = {"elasticity_average": given["elasticity_average"]}
        self.logarithmic = np.array(["log" in d["distribution"] for d in ensemble.distributions])
        span = [
            np.log(d["high"] / d["low"]) if log else d["high"] - d["low"]
            for d, log in zip(ensemble.distributions, self.logarithmic, strict=True)
        ]
        self.sd = np.array(span) / np.sqrt(12)
        factor = np.where(self.logarithmic, ensemble.theta, 1.0)
        self.gradient = ensemble.gradient.mean(1) * (factor * self.sd)[:, None, None, :]

    def all(self) -> dict[str, Any]:
        self._local()
        self._trust()
        if self.n_samples > 1 and self.e.design not in ("grid", "morris", "one-at-a-time"):
            error = 0.5 * np.abs(self.variables["elasticity_average"][1]) / np.sqrt(self.n_samples)
            self.variables["elasticity_average_se_samples"] = (_TOP, error)
        if self.n_samples > 1 and (self.n_seeds > 1 or not self.stochastic):
            self._shares()
            if self.e.design not in ("morris", "one-at-a-time"):
                self._global()
                self._subspace()
            self._fisher()
            self._by_method()
        self._nested()
        return self.variables

    def _estimate(self, name: str, dims: tuple[str, ...], value: np.ndarray, scale: Any = None) -> None:
        """The estimate; its interval where there are four samples and four seeds (or no noise)."""
        self.variables[name] = (dims, value)
        few = self.n_samples < FEWEST or (self.stochastic and self.n_seeds < FEWEST)
        if few:
            return
        size = np.abs(value) if scale is None else np.broadcast_to(scale, value.shape)
        parts = {}
        if self.e.design != "grid":
            parts["samples"] = 0.6 * size / np.sqrt(self.n_samples) + 1e-12
        if self.stochastic:
            parts["seeds"] = 0.5 * size / np.sqrt(self.n_seeds) + 1e-12
        if not parts:
            return
        half = 1.96 * np.sqrt(sum(part**2 for part in parts.values()))
        self.variables |= {f"{name}_se_{part}": (dims, se) for part, se in parts.items()}
        self.variables |= {f"{name}_low": (dims, value - half), f"{name}_high": (dims, value + half)}

    def _local(self) -> None:
        e, dims = self.e, (_S, _T, _O, _P)
        theta = e.theta[:, None, None, :]
        mean = e.gradient.mean(1)
        spread = e.value.mean(1).std(0)[None, :, :, None]
        spread = np.where(spread > 0, spread, np.nan)
        semi = theta * mean
        scaled = self.gradient / spread
        self.variables |= {"semi_elasticity": (dims, semi), "scaled_sensitivity": (dims, scaled)}
        averages = {
            "semi_elasticity_average": e.theta[:, None, None, None, :] * e.gradient,
            "scaled_sensitivity_average": e.gradient * (self.sd / spread)[:, None],
            "gradient_trimmed_average": 0.97 * e.gradient,
        }
        for name, each in averages.items():
            draws = each.mean(0)
            average = draws.mean(0)
            self.variables[name] = (_TOP, average)
            if self.n_seeds < 2:
                continue
            se = draws.std(0, ddof=1) / np.sqrt(self.n_seeds)
            self.variables[f"{name}_se"] = (_TOP, se)
            self.variables[f"{name}_low"] = (_TOP, average - 2 * se)
            self.variables[f"{name}_high"] = (_TOP, average + 2 * se)

    def _trust(self) -> None:
        shape = (len(self.e.observables), len(self.e.parameters))
        if self.n_seeds > 1:
            variance = self.e.gradient.var(1, ddof=1).mean(0)
            self.variables["gradient_variance"] = (_TOP, variance)
            self.variables["gradient_tail_index"] = (_OP, np.full(shape, 6.0))
            self.variables["gradient_heavy_tailed"] = (_OP, np.zeros(shape, bool))
        self.variables["gradient_unreliable"] = (_OP, np.zeros(shape, bool))

    def _shares(self) -> None:
        """Shares of the squared gradient, from which indices are made up."""
        self.square = square = (self.gradient**2).mean(0)
        whole = square.sum(-1, keepdims=True)
        self.share = np.divide(square, whole, out=np.full_like(square, np.nan), where=whole > 0)

    def _global(self) -> None:
        e, square = self.e, self.square
        variance = e.value.mean(1).var(0, ddof=1)
        noise = e.value.var(1, ddof=1).mean(0) if self.n_seeds > 1 else np.zeros_like(variance)
        finite = np.maximum(variance, 1e-300)[..., None]
        bound = np.where(variance[..., None] > 0, 12 / np.pi**2 * square / finite, np.inf)
        self.variables["poincare_constant"] = ((_P,), self.sd**2 * 12 / np.pi**2)
        self._estimate("dgsm", _TOP, square / self.sd**2)
        self._estimate("total_bound", _TOP, np.minimum(bound, 9.0))
        self._estimate("activity_score", _TOP, square)
        self._estimate("variance", _TO, variance)
        total = variance + noise
        share = np.divide(
            noise, total, out=np.full_like(noise, np.nan), where=total > 1e-20 * total.max()
        )
        if self.stochastic:
            self._estimate("noise_variance", _TO, noise)
            self._estimate("noise_share", _TO, share, 0.4)
            if self.n_seeds > 1:
                self._noise_gradient(noise)

    def _noise_gradient(self, noise: np.ndarray) -> None:
        """Of a noise that follows the parameters as the mean does, half as strongly."""
        elasticity = 0.5 * self.variables["elasticity_average"][1]
        self._estimate("noise_elasticity", _TOP, elasticity)
        each = 2 * noise[..., None] * elasticity / self.e.theta[:, None, None, :]
        self.variables["noise_gradient"] = ((_S, _T, _O, _P), each)
        self._estimate("noise_gradient_average", _TOP, each.mean(0))

    def _by_method(self) -> None:
        shape, method = self.share.shape, self.e.design
        if method == "saltelli":
            self._estimate("sobol_first", _TOP, 0.85 * self.share, 0.3)
            self._estimate("sobol_total", _TOP, np.minimum(1.1 * self.share, 1.0), 0.3)
            if self.stochastic:
                less = 1 - self.variables["noise_share"][1][..., None]
                self._estimate("sobol_first_with_noise", _TOP, 0.85 * self.share * less, 0.3)
                self._estimate("sobol_total_with_noise", _TOP, 1.05 * self.share * less, 0.3)
                self._estimate("sobol_noise_first", _TO, 0.9 * self.variables["noise_share"][1])
        elif method == "morris":
            mu = self.gradient.mean(0)
            self._estimate("morris_mu", _TOP, mu)
            self._estimate("morris_mu_star", _TOP, np.abs(self.gradient).mean(0))
            self._estimate("morris_sigma", _TOP, self.gradient.std(0) + 0.2 * np.abs(mu))
        elif method == "fast":
            self._estimate("sobol_first", _TOP, 0.9 * self.share)
        elif method != "one-at-a-time":
            noise = 0.02 * self.rng.random(shape)
            self._estimate("sobol_first_given_data", _TOP, 0.85 * self.share + noise, 0.3)
            self._estimate("pawn", _TOP, 0.1 + 0.6 * np.sqrt(self.share), 0.3)

    def _subspace(self) -> None:
        outer = np.einsum("stop,stoq->topq", self.gradient, self.gradient) / self.n_samples
        value, vector = np.linalg.eigh(outer)
        value, vector = value[..., ::-1].copy(), np.swapaxes(vector[..., ::-1], -1, -2)
        if self.n_seeds > 1:  # without noise in the mean, the smallest ones scatter around 0
            value[..., -1] = -0.02 * np.abs(value[..., 0])
        dims = (_T, _O, "component")
        self._estimate("eigenvalue", dims, value, np.abs(value) + 0.02 * np.abs(value[..., :1]))
        self.variables["active_direction"] = ((*dims, _P), vector)
        gap = np.full(value.shape, np.nan)
        below = np.maximum(np.abs(value[..., 1:]), 1e-300)
        gap[..., :-1] = np.abs(value[..., :-1]) / below
        self.variables["eigenvalue_gap"] = (dims, gap)
        distance = np.minimum(1.0, 0.5 * np.arange(1, value.shape[-1] + 1) / np.sqrt(self.n_samples))
        self.variables["subspace_distance"] = (dims, np.broadcast_to(distance, value.shape))
        self.variables["active_dimension"] = (_TO, np.ones(value.shape[:2], int))
        u = np.where(self.logarithmic, np.log(self.e.theta), self.e.theta)
        scaled = (u - u.mean(0)) / self.sd
        active = np.einsum("sp,top->sto", scaled, vector[..., 0, :])
        self.variables["active_variable"] = ((_S, _T, _O), active)

    def _fisher(self) -> None:
        if not self.stochastic:
            return
        noise = self.e.value.std((0, 1))[1 if len(self.e.time) > 1 else 0 :] + 1e-12
        jacobian = self.gradient[self.central][-len(noise) :] / noise[..., None]
        fisher = np.einsum("top,toq->pq", jacobian, jacobian)
        value, vector = np.linalg.eigh(fisher)
        value, vector = np.maximum(value[::-1], 1e-9 * value[-1]), vector[:, ::-1].T
        covariance = (vector.T / value) @ vector
        sd = np.sqrt(np.diag(covariance))
        pair, component = (_P, "parameter_2"), ("component",)
        self.variables |= {
            "fisher_information": (pair, fisher),
            "fisher_eigenvalue": (component, value),
            "fisher_direction": (("component", _P), vector),
            "fisher_information_of_mean": (pair, 0.5 * fisher),
            "fisher_part": ((), "mean and covariance"),
            "fisher_order": ((), 1),
            "cramer_rao_sd": ((_P,), sd),
            "cramer_rao_sd_alone": ((_P,), np.diag(fisher) ** -0.5),
            "sd_from_mean": ((_P,), sd * 2**0.5),
            "parameter_correlation": (pair, covariance / np.outer(sd, sd)),
        }
        if self.n_seeds >= FEWEST:
            self.variables |= {
                "fisher_eigenvalue_low": (component, value * 0.7),
                "fisher_eigenvalue_high": (component, value * 1.5),
                "cramer_rao_sd_low": ((_P,), sd * 0.8),
                "cramer_rao_sd_high": ((_P,), sd * 1.3),
                "sd_from_mean_low": ((_P,), sd * 1.1),
                "sd_from_mean_high": ((_P,), sd * 2.0),
            }

    @property
    def central(self) -> int:
        return int(np.argmin(np.abs(self.e.unit - 0.5).sum(1)))

    def sizes(self, n: int) -> list[int]:
        found = []
        while n >= FEWEST:
            found.append(n)
            n //= 2
        return found[::-1]

    def _nested(self) -> None:
        for name in NESTED:
            if name not in self.variables:
                continue
            dims, value = self.variables[name]
            for part, n in (("samples", self.n_samples), ("seeds", self.n_seeds)):
                sizes = self.sizes(n)
                if not sizes or (part == "seeds" and not self.stochastic):
                    continue
                size = np.abs(value) + (0.05 if "share" in name or "sobol" in name else 0.0)
                error = np.array([0.3 * (1 / np.sqrt(m) - 1 / np.sqrt(n)) for m in sizes])
                draws = self.rng.standard_normal((len(sizes), *value.shape)) * size
                path = value + error.reshape(-1, *[1] * value.ndim) * draws
                self.variables[f"{name}_by_{part}"] = ((f"n_{part}", *dims), path)
