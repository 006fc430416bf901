"""The least time that a simulation of the reference system can take, counted from its physics.

Counted are the sums and products, the divisions and the roots of the formulas below, and the bytes of
what has to be kept; not what a compiler makes of them. d is the number of dimensions; in brackets is how
many sums and products a part takes. What runs once a step of growth, or once a simulation, is about 1 %
of the rest and counts nothing.
"""

from typing import Any

import numpy as np

from .task import Task

SUM, DIVISION, ROOT = np.eye(3)
"""A count is how many sums and products, divisions and roots there are: (3,)."""
RATES = ("sums_per_s", "divisions_per_s", "roots_per_s")

EXPONENTIAL = 25 * SUM
"""e^x = 2^n p(x - n ln 2): 4 to stay in range, 3 for n, 4 for what is left, 12 for a polynomial of
degree 6 (single precision), 2 for 2^n. A logarithm takes as much."""

NORMAL = (119 / 2 + 5 + 35) * SUM + EXPONENTIAL + ROOT
"""A standard normal number. Threefry-2x32 makes two words by a third key [2], 20 rounds (a sum, two
shifts and an or, an exclusive or: 5), and keys added before [2] and 5 times between [3]. A word becomes
uniform by 5 operations, and normal by Giles' inverse of the error function: a logarithm, a root, 9
coefficients chosen, 8 products and 8 sums, 10 others."""


def morse_force(d: int) -> np.ndarray:
    """The force of a pair of cells on both of them, times a scale that is the same for all pairs.

    r = x_j - x_i [d]; rho = sqrt(r r) [2 d - 1, a root]; sigma = R_i + R_j [1];
    e = exp(alpha (sigma - rho)) [2, an exponential]; g = (2 epsilon alpha scale) e (e - 1) / rho
    [3, a division]; g r [d], taken from one cell and given to the other [2 d].
    """
    return (6 * d + 5) * SUM + ROOT + DIVISION + EXPONENTIAL


MORSE_DERIVATIVES = 10 * SUM
"""Derivatives of g, for all directions together: u = (2 epsilon alpha scale) / rho, whose division was
g's, and A = u e (2 e - 1), where e - 1 is there [4]; by sigma, g_sigma = alpha A [1]; by rho, over rho,
q = -(g_sigma + g / rho) / rho [3]; by relative changes of alpha, g + (sigma - rho) g_sigma [2], of
epsilon and of the scale, g."""


def morse_tangents(d: int, n: int, radii: int, fields: int) -> np.ndarray:
    """What n tangents add to a pair; so many of them change radii, and epsilon, alpha or the scale.

    Each: r' [d]; r r' [2 d - 1]; g' = q (r r') [1]; g' r + g r' [3 d], to both cells [2 d]. If radii
    change: sigma' [1], and g_sigma sigma' to g' [2]; if epsilon, alpha or the scale do: a sum [1].
    """
    return MORSE_DERIVATIVES + (8 * d * n + 3 * radii + fields) * SUM


def morse_pullback(d: int, radii: bool, fields: int) -> np.ndarray:
    """What a pair gives back of the cotangents of the forces on its cells.

    The pair again but for its force [3 d + 5, a root, a division, an exponential]; its derivatives;
    c = c_j - c_i [d]; c r [2 d - 1]; g c + q (c r) r [3 d + 1], to both cells [2 d]; g_sigma (c r), to
    both radii, if they matter [3]; for alpha, and for epsilon and the scale, a product and a sum [2].
    """
    again = morse_force(d) - 3 * d * SUM
    return again + MORSE_DERIVATIVES + (8 * d + 3 * radii + 2 * fields) * SUM


NOISE = 2 * SUM
"""Of a coordinate: s xi to x, to which pairs give their forces; or the change of s for a tangent that
has one, to x'; or to the cotangent of s that of x times xi."""


def operations(task: Task, mode: str) -> np.ndarray:
    """All of a simulation, (3,): each Brownian step of each pair and each coordinate."""
    d, varied = int(task.settings.get("n_dim", 2)), set(task.parameters)
    pairs, coordinates = task.cells * (task.cells - 1) / 2, task.cells * d
    n_radii, n_noise = len(varied & {"max_radius", "growth_rate"}), len(varied & {"kT", "gamma"})
    scale, alpha = varied & {"epsilon", "gamma"}, varied & {"alpha"}
    # Samples share the noise of a seed.
    of_pair, of_coordinate = morse_force(d), NOISE + NORMAL / task.samples
    if mode == "forward":
        of_pair = of_pair + morse_tangents(d, len(varied), n_radii, len(scale) + len(alpha))
        of_coordinate = of_coordinate + n_noise * NOISE
    elif mode == "reverse":
        of_pair = of_pair + morse_pullback(d, bool(n_radii), bool(scale) + bool(alpha))
        of_coordinate = of_coordinate + bool(n_noise) * NOISE
    return task.brownian_steps * (pairs * of_pair + coordinates * of_coordinate)


def kept_bytes(task: Task, mode: str) -> float:
    """Written and read again by a simulation: in reverse mode, the positions of each Brownian step.

    And its noise, which samples share. In other modes, all stays where it is computed.
    """
    d = int(task.settings.get("n_dim", 2))
    state = task.cells * d * np.dtype(task.precision).itemsize
    return 2 * task.brownian_steps * state * (1 + 1 / task.samples) if mode == "reverse" else 0.0


def floor(task: Task, mode: str, rates: dict[str, float], devices: int) -> dict[str, Any]:
    """Milliseconds of a simulation at least, on so many devices of these rates, and what sets it.

    Operations of different classes follow one another; bytes move meanwhile.
    """
    terms: dict[str, float] = {
        "arithmetic": float(operations(task, mode) @ [1 / rates[name] for name in RATES]),
        "bytes": kept_bytes(task, mode) / rates["most_bytes_per_s"],
    }
    bound = max(terms, key=lambda name: terms[name])
    each = {f"{name}_ms": 1e3 * seconds / devices for name, seconds in terms.items()}
    return {"floor_ms": each[f"{bound}_ms"], "bound": bound, **each}
