"""The pure function of (parameter vector, key) that a batch evaluates, and its derivatives."""

import contextlib
import dataclasses
import logging
import re
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr
from jax.interpreters.partial_eval import dce_jaxpr
from jaxtyping import Array, Float, PRNGKeyArray, UInt32
from pydantic import ValidationError

from ..configuration.fields import hint
from ..errors import JaxmorphError
from ..listing import shortened
from ..studies import Problem, Recording, Study, in_one_line, raised_in
from ..studies.load import is_of_the_user
from ..tracing import ChoicesNoticed, batched_on, many_tangents, using, watching
from .chunks import chunk_shape, over_chunks
from .lanes import Laned, Lanes, Sizes, noting_mapped, widened
from .lanes.control import interpret
from .recordings import check_recording, check_times
from .threefry import threefry

logger = logging.getLogger(__name__)

GradientMode = Literal["forward", "reverse"]
Values = Float[Array, "time observable"]
Gradients = Float[Array, "time observable parameter"]
PathScore = Float[Array, "stretch parameter"]


class NoiseTerms(NamedTuple):
    """Of one seed: two factors whose product is a term of d Var_Z f / d parameter, Z being the noise.

    Gradients that are right on average alone do not tell how noise changes: the mean of f g is not that
    of the derivative of f^2 / 2. The factors stay apart because the square of an observable may be no
    number in its precision.

    Attributes:
        difference: A difference between this noise and another.
        slope: The derivative that belongs to it.
    """

    difference: Values
    slope: Gradients


@contextlib.contextmanager
def precision(problem: Problem) -> Iterator[None]:
    """JAX in the study's precision, whatever the global flag says.

    The flag is set besides, and put back: XLA calls back a study's functions (``jax.pure_callback``)
    from threads of its own, where JAX would hand them numbers of the flag's precision.
    """
    wanted, before = problem.study.precision == "float64", jax.config.values["jax_enable_x64"]
    jax.config.update("jax_enable_x64", wanted)
    try:
        with jax.enable_x64(wanted):
            yield
    finally:
        jax.config.update("jax_enable_x64", before)


def dtype(problem: Problem) -> np.dtype:
    """The study's floating-point type."""
    return np.dtype(problem.study.precision)


def seed_keys(run_key: int, seeds: np.ndarray) -> UInt32[np.ndarray, "seed 2"]:
    """The random key of each seed: ``split(PRNGKey(run_key), r + 1)[r]``, for seeds r (seed,).

    It depends on the run's key and the seed's number alone, because JAX's default threefry makes
    ``split(k, n)`` a prefix of ``split(k, m)`` for n < m. All but the run's key is computed by NumPy:
    JAX would compile ten small programs for it in every job.
    """
    if not jax.config.jax_threefry_partitionable:  # type: ignore[attr-defined]
        raise JaxmorphError(
            "jax_threefry_partitionable = False: with JAX's old random layout a seed's numbers depend "
            "on how many seeds there are; leave the flag at its default (True)"
        )
    k0, k1 = np.asarray(jax.jit(jax.random.PRNGKey, static_argnums=0)(run_key))
    counts = seeds.astype(np.uint32)
    words = threefry(k0, k1, np.zeros_like(counts), counts)  # type: ignore[arg-type]  # JAX's or NumPy's
    return np.stack(words, axis=-1)


_APART = ("pilots", "directions", "checks", "optimisation", "twin")


def key_apart(
    key: UInt32[Array, "2"],
    purpose: Literal["pilots", "directions", "checks", "optimisation", "twin"],
) -> UInt32[Array, "2"]:
    """A key that is none of ``split(key, n)``, for numbers that no simulation draws.

    JAX's default threefry makes ``fold_in(key, i)`` equal ``split(key, n)[i]``: so i is larger than any
    number of seeds or steps.
    """
    last = 2**32 - 1
    return jax.random.fold_in(key, last - _APART.index(purpose))


def recording(problem: Problem, theta: Float[Array, " parameter"], key: PRNGKeyArray) -> Recording:
    """Simulate once at the varied parameters ``theta``, all others fixed.

    Observables are NaN, in values and derivatives, at times at which the simulation is beyond use.
    """
    return watched(problem.study, parameters(problem, theta), key)


def watched(study: Study, parameters: Mapping[str, Float[Array, ""]], key: PRNGKeyArray) -> Recording:
    """What the study returns, NaN where a step has marked its state, whatever observables look at."""
    with watching() as watch:
        result = study.simulate(parameters, key)
    if (
        not (isinstance(result, Recording) and isinstance(result.observables, Mapping))
        or not watch.flags
    ):
        return result  # what is no recording is refused where it is checked
    marked = {}
    for name, value in result.observables.items():
        marked[name] = value
        if getattr(value, "ndim", 0) == 1 and jnp.issubdtype(value.dtype, jnp.floating):
            bad = watch.at(len(value))
            marked[name] = value * jnp.where(bad, jnp.nan, 1.0).astype(value.dtype)
    return dataclasses.replace(result, observables=marked)


def parameters(problem: Problem, theta: Float[Array, " parameter"]) -> dict[str, Float[Array, ""]]:
    """All parameters of the study by name: those of ``theta``, all others fixed."""
    fixed = {name: jnp.asarray(v, theta.dtype) for name, v in problem.fixed.items()}
    return {**fixed, **dict(zip(problem.names, theta, strict=True))}


def values(problem: Problem, theta: Float[Array, " parameter"], key: PRNGKeyArray) -> Values:
    """All observables of the run at all recorded times."""
    return select(problem, recording(problem, theta, key))


def select(problem: Problem, recording: Recording) -> Values:
    """The observables that the run asks for, in its order."""
    return jnp.stack([recording.observables[name] for name in problem.observables], axis=-1)


def forward(
    values: Callable[[Array], Values], theta: Float[Array, " parameter"]
) -> tuple[Values, Gradients]:
    """Values and gradients, one tangent a parameter pushed through the simulation."""

    def along(tangent: Array) -> tuple[Values, Values]:
        return jax.jvp(values, (theta,), (tangent,))

    with many_tangents():
        return jax.vmap(along, out_axes=(None, -1))(jnp.eye(theta.size, dtype=theta.dtype))


def reverse(
    values: Callable[[Array], Values], theta: Float[Array, " parameter"]
) -> tuple[Values, Gradients]:
    """Values and gradients, one cotangent an observable and time pulled back through it."""
    value, pullback = eqx.filter_vjp(values, theta)
    basis = jnp.eye(value.size, dtype=value.dtype).reshape(value.size, *value.shape)
    if value.size == 1:  # without an axis of length 1 in all that is pulled back
        (gradient,) = pullback(basis[0])
    else:
        (gradient,) = jax.vmap(pullback)(basis)
    return value, gradient.reshape(*value.shape, theta.size)


def over_batch(function: Callable) -> Callable:
    """Map ``function(theta, key)`` over samples and seeds, to leading axes (sample, seed).

    What depends on the key alone (the noise) is computed once per seed.
    """

    def over(samples: Float[Array, "sample parameter"], keys: UInt32[Array, "seed 2"]) -> Any:
        one = (jax.ShapeDtypeStruct(x.shape[1:], x.dtype) for x in (samples, keys))
        with batched_on(jax.default_backend()):
            closed, result = jax.make_jaxpr(function, return_shape=True)(*one)

        def chunk(samples: Array, keys: Array) -> list[Array]:
            sizes = Sizes(len(samples), len(keys))
            arguments = (
                Laned(jnp.repeat(samples.T, sizes.n_seeds, axis=1), Lanes.SIMULATION),
                Laned(keys.T, Lanes.SEED),
            )
            results = interpret(closed, arguments, sizes)
            leaves = (jnp.moveaxis(widened(x, Lanes.SIMULATION, sizes), -1, 0) for x in results)
            return [x.reshape(*sizes, *x.shape[1:]) for x in leaves]

        with noting_mapped() as mapped:
            leaves = over_chunks(chunk, samples, keys, chunk_shape(closed, len(samples), len(keys)))
        if mapped:
            logger.info("mapped by jax.vmap, which can be slower: %s", _counted(mapped))
        return jax.tree.unflatten(jax.tree.structure(result), leaves)

    return over


def _counted(mapped: Counter[str]) -> str:
    return ", ".join(f"{n} {name}" for name, n in mapped.most_common())


@dataclasses.dataclass(frozen=True, eq=False)
class Traced:
    """A study, traced.

    Attributes:
        shape: Numbers of recorded times and of observables.
        makes_choices: Whether it makes discrete choices through ``jaxmorph.simulation``.
        draws: Whether an observable depends on the key.
        times: The function of (theta, key) that gives the recorded times, (time,), and nothing else.
        program: One simulation: of (theta, key), all arrays that the study returns.
        measured: Places of the run's observables among these, of those that are computed.
    """

    shape: tuple[int, int]
    makes_choices: bool
    draws: bool
    times: Callable[[np.ndarray, np.ndarray], Float[Array, " time"]]
    program: ClosedJaxpr
    measured: tuple[int, ...]


def trace(problem: Problem) -> Traced:
    """Trace the study without computing anything.

    Raises:
        JaxmorphError: If tracing fails, or what the study returns is not what it declares.
    """
    with precision(problem):
        try:
            with using(choices := ChoicesNoticed()):
                closed, arrays, rest = eqx.filter_make_jaxpr(recording)(problem, *arguments(problem))
        except JaxmorphError:
            raise
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # sys.exit(), too
            raise JaxmorphError(_raised(problem, error)) from error
    result = eqx.combine(arrays, rest)
    check_recording(problem, result)
    shape = result.time.shape[0], len(problem.observables)
    leaves, found = jax.tree.leaves(arrays), [result.observables[o] for o in problem.observables]
    of_key = dce_jaxpr(closed.jaxpr, [any(leaf is x for x in found) for leaf in leaves])[1][-1]
    measured = tuple(i for x in found for i, leaf in enumerate(leaves) if leaf is x)
    wanted = [leaf is result.time for leaf in leaves]
    if not any(wanted):  # a NumPy array
        return Traced(shape, choices.any, of_key, lambda theta, key: result.time, closed, measured)
    jaxpr, used = dce_jaxpr(closed.jaxpr, wanted)

    def times(theta: Array, key: Array) -> Array:
        given = [x for x, is_used in zip((theta, key), used, strict=True) if is_used]
        return jax.core.eval_jaxpr(jaxpr, closed.consts, *given)[0]

    return Traced(shape, choices.any, of_key, jax.jit(times), closed, measured)


def is_noisy(problem: Problem, traced: Traced) -> bool:
    """Whether seeds differ: a study that draws nothing has no noise, whatever it declares."""
    return problem.study.is_stochastic and traced.draws


def check_trace(problem: Problem, traced: Traced) -> None:
    """Look at the recorded times at several parameters and seeds: they must increase, and be the same.

    Raises:
        JaxmorphError: If they are not.
    """
    ends = np.array([d.ppf(np.array([0.5, 0.25, 0.75])) for d in problem.distributions])
    points = ends.reshape(len(problem.names), 3).T.astype(dtype(problem))
    with precision(problem):
        keys = seed_keys(0, np.arange(2))
        times = [np.asarray(traced.times(theta, key)) for theta in points for key in keys]
    check_times(problem, times[0], "at the medians of the parameters")
    for other in times[1:]:
        differs_at = np.flatnonzero(times[0] != other)
        if differs_at.size:
            i = differs_at[-1]
            raise JaxmorphError(
                f"study {type(problem.study).__name__}: the recorded times depend on a parameter or the "
                f"key ({times[0][i]:g} and {other[i]:g}); record at times that nothing changes"
            )


def arguments(problem: Problem) -> tuple[Any, Any]:
    """Shapes and types of (theta, key)."""
    theta = jax.ShapeDtypeStruct((len(problem.names),), dtype(problem))
    return theta, jax.eval_shape(lambda: jax.random.PRNGKey(0))


# What JAX says of numbers that it traces fills pages; what to write instead is short.
_INSTEAD: dict[type[Exception], str] = {
    jax.errors.TracerBoolConversionError: "Python's if, while, and, or, not need a number, and JAX "
    "traces one that is not known yet; use jnp.where (or jax.lax.cond)",
    jax.errors.TracerArrayConversionError: "NumPy needs numbers, and JAX traces some that are not known "
    "yet; use jax.numpy",
    jax.errors.TracerIntegerConversionError: "an index or a length of Python's needs a number, and JAX "
    "traces one that is not known yet; use jnp.take or jax.lax.fori_loop",
    jax.errors.NonConcreteBooleanIndexError: "x[mask] has a length that is not known when traced; use "
    "jnp.where(mask, x, 0)",
    jax.errors.ConcretizationTypeError: "float(), int() or a shape needs a number, and JAX traces one "
    "that is not known yet; keep it an array",
}


_LONGEST_SAID = 400
_SAID_INSTEAD = {
    "truth value of an array": "Python's if, while, and, or, not, max, min need one number; use "
    "jnp.where, jnp.maximum, &, |",
    "Only integer scalar arrays can be converted": "range() or an index of a list needs a whole number, "
    "and JAX traces one that is not known yet; use jax.lax.fori_loop or jnp.take, or make it a setting",
    r"Shapes must be 1D sequences.*Tracer": "a shape must be known when traced; make it a setting of "
    "the study",
    "setting an array element with a sequence": "NumPy's arrays cannot hold what JAX traces; make it "
    "with jax.numpy",
    r"Tracer\.__format__": "a text cannot have a number that JAX traces; use jax.debug.print",
    "does not support string indexing": "an array is taken for the parameters; simulate is of (self, "
    "parameters, key)",
    r"simulate\(\) (takes|missing)": "simulate is of (self, parameters, key)",
    "unhashable type: 'DynamicJaxprTracer'": "a number that JAX traces cannot be the key of a dict; use "
    "jnp.select or jnp.take",
}
"""By what JAX, NumPy or Python say of the commonest mistakes."""


def _raised(problem: Problem, error: BaseException) -> str:
    told = next((text for kind, text in _INSTEAD.items() if isinstance(error, kind)), "")
    said = str(error)
    told = told or next((text for how, text in _SAID_INSTEAD.items() if re.search(how, said)), "")
    if not told:
        told = _first_line(error)
    if isinstance(error, KeyError) and error.args and _is_from_the_study(error):
        told += (
            f", which is not the name of a parameter: {hint(error.args[0], problem.study.defaults())}"
        )
    study = type(problem.study).__name__
    begin = f"study {study}: simulate raised {type(error).__name__} when traced by JAX"
    return f"{begin}: {told}{raised_in(error)}"


def _first_line(error: BaseException) -> str:
    """What an error says first; of a line that ends with a colon, with what follows."""
    if isinstance(error, ValidationError):
        return in_one_line(error)
    first, *others = [line.strip() for line in str(error).splitlines() if line.strip()] or ["no message"]
    said = f"{first} {others[0]}" if first.endswith(":") and others else first
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in shortened(said, _LONGEST_SAID))


def _is_from_the_study(error: BaseException) -> bool:
    """Whether a line of a study raised it, and not what that called, such as ``os.environ``."""
    *_, last = traceback.extract_tb(error.__traceback__)
    file = last.filename
    return is_of_the_user(file) or not (file.startswith("<frozen") or Path(file).exists())
