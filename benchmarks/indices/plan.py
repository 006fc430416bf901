"""What is compared: cases, designs, repetitions."""

import dataclasses

KINDS = ("ishigami", "g", "morris", "ode", "reference")
TITLES = {
    "ishigami": "Ishigami, 3 parameters",
    "g": "Sobol' G, 8",
    "morris": "Morris, 20",
    "ode": "predator and prey (ODE), 4",
    "reference": "reference study, {d}",
}
METHODS = {
    "gradients": "jaxmorph, expansion with gradients",
    "values": "jaxmorph, expansion of values alone",
    "salib": "SALib, Saltelli",
    "openturns": "OpenTURNS, sparse expansion",
    "jaxgsa": "jaxgsa, expansion",
}
PACKAGES = ("salib", "openturns", "jaxgsa")


def title(case: str, d: int) -> str:
    """What is above its panel and in tables."""
    kind, noise = case.removesuffix("-noise"), case.endswith("-noise")
    name = TITLES[kind].format(d=d)
    if kind == "reference":
        return name if noise else f"{name}, kT = 0"
    return f"{name}, with noise" if noise else name


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is computed.

    Attributes:
        cases: Names (``simulated.case``).
        repetitions: Scrambles of the sequences, each with seeds of its own.
        seeds: Of each sample, where there is noise.
        samples: Of the expansions: the first so many points of one sequence.
        rows: Of the largest Saltelli design.
        rows_of_reference: Of that of the reference study.
        priced: Simulations at which the price of a gradient is measured.
        priced_of_reference: The same, of the reference study.
        times, observables: Outputs of which estimates are timed.
        base, parameters: Of the Saltelli design from which.
    """

    cases: tuple[str, ...] = tuple(kind + noise for noise in ("", "-noise") for kind in KINDS)
    repetitions: int = 20
    seeds: int = 8
    samples: tuple[int, ...] = (32, 64, 128, 256)
    rows: int = 16_384
    rows_of_reference: int = 2048
    priced: int = 16_384
    priced_of_reference: int = 1024
    times: int = 50
    observables: int = 6
    base: int = 1024
    parameters: int = 5
    rounds: int = 5

    def base_samples(self, case: str, d: int) -> list[int]:
        """Of Saltelli designs, powers of two: d + 2 rows each."""
        most = self.rows_of_reference if case.startswith("reference") else self.rows
        every = [2**i for i in range(2, 20)]
        return [n for n in every if n * (d + 2) <= most]

    def simulations_priced(self, case: str) -> int:
        """How many are timed, with and without gradients."""
        return self.priced_of_reference if case.startswith("reference") else self.priced
