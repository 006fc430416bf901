"""A batch that is cut off goes on where it was; one that does not fit into memory is cut; devices."""

import functools
import itertools
import json
import logging
import math
import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import psutil
import pytest

from jaxmorph import engine, store
from jaxmorph.engine import cost as costs
from jaxmorph.engine import pieces
from jaxmorph.engine.cost import Timing, find_plateau
from jaxmorph.engine.estimators import WantedMode
from jaxmorph.errors import JaxmorphError
from jaxmorph.studies import Problem, load_problem

N_SAMPLES, SEEDS, KEY = 40, np.arange(8), 3


def problem() -> Problem:
    settings = {"n_dim": 2, "n_steps": 20, "record_every": 4}
    return load_problem("ornstein-uhlenbeck", settings, {"k": "default", "kT": "default"})


def samples() -> np.ndarray:
    p = problem()
    u = np.random.default_rng(0).uniform(0.1, 0.9, (N_SAMPLES, len(p.names)))
    return np.stack([d.ppf(x) for d, x in zip(p.distributions, u.T, strict=True)], axis=1)


def evaluate(saved: pieces.Saved | None = None) -> engine.Evaluation:
    return engine.evaluate(problem(), samples(), SEEDS, run_key=KEY, saved=saved)


def same(a: engine.Evaluation, b: engine.Evaluation) -> bool:
    assert a.gradient is not None and b.gradient is not None
    return np.array_equal(a.value, b.value) and np.array_equal(a.gradient, b.gradient)


def assert_close(a: np.ndarray, b: np.ndarray | None) -> None:
    """Equal but for round-off: to 1e-12 of the largest over time."""
    assert b is not None
    largest = np.abs(b).max(axis=2, keepdims=True)
    assert np.all(np.abs(a - b) <= 1e-12 * largest)


@pytest.fixture(autouse=True)
def kept_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each piece is saved as it comes, though it takes no time."""
    monkeypatch.setattr(pieces, "_SAVING_SHARE", math.inf)


class Killed(BaseException):
    """What no handler of errors catches, like a signal."""


class Until(dict):
    """Saved pieces of a process that is killed when it has saved a few of them."""

    def __init__(self, n: int):
        super().__init__()
        self.n = n

    def __setitem__(self, place: tuple[int, int, int, int], leaves: list[np.ndarray]) -> None:
        super().__setitem__(place, leaves)
        if len(self) == self.n:
            raise Killed


def test_a_batch_that_was_cut_off_computes_the_rest_with_the_same_bits(
    caplog: pytest.LogCaptureFixture,
) -> None:
    saved = Until(3)
    with pytest.raises(Killed):
        evaluate(saved)
    before = set(saved)
    n_before = sum(np.prod(engine.Piece(*place).shape) for place in before)
    saved.n = -1
    with caplog.at_level(logging.INFO):
        resumed = evaluate(saved)
    assert same(resumed, evaluate())
    assert f"resuming: {n_before} of {N_SAMPLES * len(SEEDS)} simulations" in caplog.text
    # What was there is taken up, not computed: a mark in it is in the result.
    place = min(before)
    saved[place] = [np.full_like(leaf, 77.0) for leaf in saved[place]]
    assert np.all(evaluate(saved).value[engine.Piece(*place).where] == 77.0)


def test_pieces_are_resumed_in_the_size_in_which_they_were_cut(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Free memory may be other than before; programs of other sizes differ in the last bits."""
    saved = Until(2)
    with pytest.raises(Killed):
        engine.evaluate(problem(), samples(), SEEDS, run_key=KEY, memory_limit=2e4, saved=saved)
    (size,) = {engine.Piece(*place).shape for place in saved}
    saved.n = -1
    with caplog.at_level(logging.INFO):
        evaluate(saved)
    assert {engine.Piece(*place).shape for place in saved} == {size}
    assert f"evaluating pieces of {size[0]} samples x {size[1]} seeds" in caplog.text


def test_pieces_on_disk_come_back_as_they_were(tmp_path: Path) -> None:
    saved = store.SavedPieces(tmp_path / "unfinished", "key")
    assert len(saved) == 0
    arrays = [np.arange(6.0).reshape(2, 3), np.array([np.nan, -0.0])]
    saved[0, 2, 0, 3] = arrays
    again = store.SavedPieces(tmp_path / "unfinished", "key")
    assert list(again) == [(0, 2, 0, 3)]
    for a, b in zip(again[0, 2, 0, 3], arrays, strict=True):
        assert a.tobytes() == b.tobytes() and a.dtype == b.dtype
    # Whatever else decides the numbers is in the key.
    assert not list(store.SavedPieces(tmp_path / "unfinished", "other"))
    saved.remove()
    assert not (tmp_path / "unfinished").exists()


def test_saving_takes_a_small_share_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """One piece is always saved; no other, as that one took a hundred times what all have taken."""
    monkeypatch.undo()
    clock = itertools.count()

    class Slow(dict):
        def __setitem__(self, *item: object) -> None:
            super().__setitem__(*item)
            for _ in range(10_000):
                next(clock)

    monkeypatch.setattr("jaxmorph.engine.pieces.time.monotonic", lambda: float(next(clock)))
    saved = Slow()
    evaluate(saved)
    assert len(saved) == 1


def test_a_damaged_piece_is_computed_again(tmp_path: Path) -> None:
    saved = store.SavedPieces(tmp_path, "key")
    whole = evaluate(saved)
    n = len(saved)
    assert n > 2
    victim = sorted(tmp_path.iterdir())[1]
    victim.write_bytes(victim.read_bytes()[:100])
    assert same(evaluate(store.SavedPieces(tmp_path, "key")), whole)
    assert len(store.SavedPieces(tmp_path, "key")) == n


# --- memory --------------------------------------------------------------------------------------


def no_room_for(monkeypatch: pytest.MonkeyPatch, n_simulations: int) -> None:
    """A device that has no memory for so many simulations, though the compiler did not foresee it."""
    compile_piece = pieces.compile_piece

    def compiled(*arguments: object) -> pieces.Program:
        program = compile_piece(*arguments)  # type: ignore[arg-type]
        if np.prod(program.size) < n_simulations:
            return program

        def run(*_: object) -> None:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 1 bytes.")

        return program._replace(compiled=run)

    monkeypatch.setattr(pieces, "compile_piece", compiled)


def test_out_of_memory_cuts_the_batch_and_gives_the_same_answer(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    whole = evaluate()
    no_room_for(monkeypatch, 12)
    cut = evaluate()
    assert "4 samples x 8 seeds do not fit into the memory of the device: cutting them" in caplog.text
    assert cut.gradient is not None
    assert_close(cut.value, whole.value)
    assert_close(cut.gradient, whole.gradient)


def test_a_simulation_for_which_there_is_no_memory_is_one_readable_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    no_room_for(monkeypatch, 1)
    with pytest.raises(JaxmorphError, match="not enough memory for one simulation"):
        evaluate()


@pytest.mark.parametrize(
    ("gigabytes", "share", "compilations"), [(139, 1, 1), (8, 4, 2)], ids=["large", "small"]
)
def test_pieces_are_as_large_as_the_memory_of_a_gpu(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    gigabytes: int,
    share: int,
    compilations: int,
) -> None:
    """JAX takes three quarters of a GPU's memory; 2 GB of results need 15 GB to compute them."""
    samples, keys = np.zeros((2**16, 2), np.float32), np.zeros((128, 2), np.uint32)
    monkeypatch.setattr(pieces, "_of_gpu", lambda: {"bytes_limit": int(0.75e9 * gigabytes)})
    analysis = pieces.memory_of
    monkeypatch.setattr(pieces, "memory_of", lambda compiled: 0.4e9 + 7 * analysis(compiled))

    def function(samples: jax.Array, keys: jax.Array) -> jax.Array:
        pairs = samples[:, None, 0] + keys[None, :, 0].astype(np.float32)
        return jax.numpy.broadcast_to(pairs[..., None], (*pairs.shape, 64))

    with caplog.at_level(logging.INFO, "jaxmorph"):
        limit = pieces.free_for_a_program()
        program = pieces.compile_piece(function, samples, keys, (2**16, 128), limit)
    assert program.size == (2**16 // share, 128)
    assert 0.25 * limit < program.memory <= limit or share == 1
    assert caplog.text.count("compiled in") == compilations


# --- devices -------------------------------------------------------------------------------------

# Numbers of samples: fewer than 8 devices, no multiple of 8, and a multiple.
ON_DEVICES: list[tuple[WantedMode, int]] = [
    ("forward", 3),
    ("forward", 21),
    ("reverse", 21),
    ("forward", 40),
]


@functools.cache
def some(mode: WantedMode, n_samples: int) -> engine.Evaluation:
    return engine.evaluate(problem(), samples()[:n_samples], SEEDS, run_key=KEY, gradient=mode)


PROCESS = """
import json, sys
import jax, numpy as np
sys.path[:0] = json.loads(sys.argv[1])
import test_resuming as t
from jaxmorph import engine
n = len(jax.local_devices())
found = {"n": n}
for mode, n_samples in t.ON_DEVICES:
    one = t.some(mode, n_samples)
    found |= {f"value {mode} {n_samples}": one.value, f"gradient {mode} {n_samples}": one.gradient}
np.savez(sys.argv[2], **found)
print(engine.describe_devices())
"""


@pytest.mark.slow
@pytest.mark.parametrize("n", [3, 8])
def test_a_batch_is_spread_over_all_devices_with_the_same_answer(n: int, tmp_path: Path) -> None:
    """Also where the samples are fewer than the devices, or not a multiple of them."""
    here = Path(__file__).parent
    folders = json.dumps([str(here.parent), str(here)])
    done = subprocess.run(
        [sys.executable, "-c", PROCESS, folders, tmp_path / "r.npz"],
        env=os.environ | {"JAX_NUM_CPU_DEVICES": str(n)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["cpu", "x", str(n)]
    found = np.load(tmp_path / "r.npz")
    assert found["n"] == n
    for mode, n_samples in ON_DEVICES:
        one = some(mode, n_samples)
        assert_close(found[f"value {mode} {n_samples}"], one.value)
        assert one.gradient is not None
        assert_close(found[f"gradient {mode} {n_samples}"], one.gradient)


def test_a_gpu_that_was_asked_for_and_is_not_there_is_one_readable_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert jax.local_devices()[0].platform == "cpu", "this test is for a machine without a GPU"
    engine.require_gpus(0)
    with pytest.raises(JaxmorphError, match=r"1 GPU was asked for .* computes on CPUs only; install"):
        engine.require_gpus(1)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name == "jax_cuda12_plugin" or None)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    with pytest.raises(JaxmorphError, match=r"2 GPUs were .* sees 0 \(CUDA_VISIBLE_DEVICES = 3,"):
        engine.require_gpus(2)


@pytest.mark.parametrize("n_seeds", [1, 2, 3, 8, 12, 16, 24, 40, 100])
def test_what_is_timed_is_the_program_of_the_small_batches_of_the_run(
    n_seeds: int, caplog: pytest.LogCaptureFixture
) -> None:
    timed = pieces.small_piece(n_seeds)
    assert 32 <= math.prod(timed) <= 32 + timed[1]
    n_samples = 64 if n_seeds < 32 else 16
    assert pieces._first_size(n_samples, n_seeds) == timed
    assert pieces._first_size(2**16, n_seeds)[1] == n_seeds  # a program of its own pays there
    # Of fewer samples it is taken where it is there already; else they have one of their own.
    assert pieces._first_size(2, n_seeds, [timed]) == timed
    assert pieces._first_size(2, n_seeds) == (min(2, timed[0]), timed[1])


def test_the_cost_of_a_simulation_is_that_of_its_arrays() -> None:
    cost = engine.measure_cost(problem(), run_key=0, n_seeds=8)
    one = evaluate()
    assert one.gradient is not None
    n = N_SAMPLES * len(SEEDS)
    assert cost.result_bytes_per_simulation * n == one.value.nbytes + one.gradient.nbytes
    assert cost.device == "cpu" and cost.simulations == 32
    assert 0 < cost.seconds_per_simulation < 10 and cost.program_bytes > 0
    assert cost.at_once == max(1, (os.cpu_count() or 1) // cost.threads)
    assert cost.memory_bytes * cost.at_once == pytest.approx(psutil.virtual_memory().total)


@pytest.mark.parametrize(
    ("start_s", "a_second", "most", "timed"),
    [
        (0.02, 1e6, 2**30, 131072),  # a GPU: at 20,000 at once it is half as fast as it can be
        (1.0, 100.0, 2**30, 512),
        (1e-4, 1e4, 2**30, 128),  # a CPU: one try more shows that a few are as fast
        (0.02, 1e6, 1000, 512),  # a run of 1,000
    ],
)
def test_simulations_are_timed_at_the_plateau_of_a_device(
    start_s: float, a_second: float, most: int, timed: int
) -> None:
    def of(n: int) -> Timing:
        return Timing(n, start_s + n / a_second, 100 * n, 0)

    def next_after(last: Timing) -> Timing | None:
        n = 4 * last.simulations
        return of(n) if n <= most else None

    found = find_plateau(of(32), next_after)
    assert found.simulations == timed
    assert found.rate > 0.8 * a_second or 4 * found.simulations > most


def test_a_device_that_gains_by_more_at_once_is_timed_with_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(costs, "_gains_by_more", lambda: True)
    monkeypatch.setattr(costs, "find_plateau", lambda first, next_after: next_after(first) or first)
    more, few = (engine.measure_cost(problem(), run_key=0, n_seeds=8, most=n) for n in (128, 127))
    assert (more.simulations, few.simulations) == (128, 32)
    assert more.result_bytes_per_simulation == few.result_bytes_per_simulation
    assert more.program_bytes > few.program_bytes
