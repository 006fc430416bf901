"""Damage is noticed in all kinds of files before they are opened; other programs read them as before."""

import importlib
import json
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest
import xarray as xr
from support.workflow import copy_of, tiny
from test_store import a_batch

from jaxmorph import integrity, store
from jaxmorph.configuration import Run, read_cost, read_cut
from jaxmorph.configuration.extension import read_record
from jaxmorph.configuration.specify import Specifications
from jaxmorph.errors import JaxmorphError
from jaxmorph.jobs.account import write_provenance
from jaxmorph.jobs.analyse import estimate_sensitivity
from jaxmorph.jobs.page import write_page
from jaxmorph.report.unpacking import unpack

HELD = importlib.import_module("jaxmorph.analysis.result")
SLOWEST_S = 120
REFUSED = r"damaged|held against|\(0, 1, 2, 3\)|no configuration"
NO_SEAL = "it has no checksum at its end: it is cut off, was edited, or is of an earlier version"


def flip(path: Path, draws: random.Random) -> None:
    """Another value of one byte, somewhere in a file."""
    content = bytearray(path.read_bytes())
    place = draws.randrange(len(content))
    content[place] ^= draws.randrange(1, 256)
    path.write_bytes(content)


def kinds(folder: Path) -> dict[str, Callable[[], Any]]:
    """A file of each kind by name, and how it is read."""
    store.write_dataset(a_batch(), folder / "a.nc", "batch")
    integrity.write_json({"a": 1.5, "b": ["text", None]}, folder / "a.json")
    (folder / "a.html").write_bytes(integrity.sealed("<html>µ</html>\n".encode(), ".html"))
    pieces = store.SavedPieces(folder, "k")
    pieces[0, 1, 2, 3] = [np.arange(5.0), np.zeros((2, 2))]
    for name in ("a.svg", "a.csv", "a.mp4"):
        (folder / name).write_bytes(random.Random(name).randbytes(2000))
    listed = [folder / name for name in ("a.svg", "a.csv", "a.mp4")]
    integrity.list_files(folder, listed)
    return {
        "a.nc": lambda: store.read_dataset(folder / "a.nc", "batch"),
        "a.json": lambda: store.read_json(folder / "a.json"),
        "a.html": lambda: unpack(folder / "a.html", folder / "out"),
        "k.0-1-2-3.npz": lambda: pieces[0, 1, 2, 3],
        **{path.name: partial(integrity.read_listed, path) for path in listed},
        integrity.LIST: lambda: integrity.read_listed(folder / "a.csv"),
    }


def test_a_flipped_byte_is_noticed_in_every_kind_of_file(tmp_path: Path) -> None:
    draws = random.Random(24)
    for name, read in kinds(tmp_path).items():
        path = tmp_path / name
        whole = path.read_bytes()
        for _ in range(25):
            flip(path, draws)
            with pytest.raises(
                (JaxmorphError, KeyError), match=r"damaged|held against|\(0, 1, 2, 3\)|no config"
            ):
                read()
        path.write_bytes(whole)


def test_what_is_whole_is_read_and_by_other_programs_as_before(tmp_path: Path) -> None:
    read = kinds(tmp_path)
    xr.testing.assert_identical(read["a.nc"]().drop_attrs(), a_batch().drop_attrs())
    with netCDF4.Dataset(tmp_path / "a.nc") as file, np.load(tmp_path / "k.0-1-2-3.npz") as arrays:
        assert file["value"].shape == (2, 3, 4, 1) and arrays["arr_0"].tolist() == [0, 1, 2, 3, 4]
    assert read["a.json"]() == {"a": 1.5, "b": ["text", None]}
    assert json.loads((tmp_path / "a.json").read_text()).keys() == {"a", "b", "checksum"}
    assert (tmp_path / "a.html").read_text().startswith("<html>µ</html>\n<!-- jaxmorph-sha256 ")
    assert read["k.0-1-2-3.npz"]()[0].tolist() == [0, 1, 2, 3, 4]
    assert read["a.csv"]() == (tmp_path / "a.csv").read_bytes()


@pytest.mark.parametrize("name", ["a.nc", "a.json", "a.html", "k.0-1-2-3.npz"])
def test_what_is_cut_off_or_edited_is_seen_at_the_end_of_a_file(tmp_path: Path, name: str) -> None:
    kinds(tmp_path)
    path = tmp_path / name
    whole = path.read_bytes()
    assert integrity.damage_at_the_end(path) is integrity.damage(path) is None
    for content in (whole[:-1], whole[: len(whole) // 2], whole + b"\n", b" " + whole, whole[:50]):
        path.write_bytes(content)
        assert integrity.damage_at_the_end(path) == integrity.damage(path) == NO_SEAL
    path.write_bytes(b"")
    assert integrity.damage_at_the_end(path) == integrity.damage(path) == "it is empty"
    path.unlink()
    gone = "it cannot be read (No such file or directory)"
    assert integrity.damage_at_the_end(path) == integrity.damage(path) == gone


def test_listed_files_are_held_against_their_list(tmp_path: Path) -> None:
    kinds(tmp_path)
    assert integrity.damaged_of_list(tmp_path, thoroughly=True) == {}
    flip(tmp_path / "a.svg", random.Random(1))
    assert integrity.damaged_of_list(tmp_path) == {}
    assert [*integrity.damaged_of_list(tmp_path, thoroughly=True)] == [tmp_path / "a.svg"]
    (tmp_path / "a.csv").write_bytes(b"")
    (tmp_path / "a.mp4").unlink()  # what is absent is made again anyway
    found = integrity.damaged_of_list(tmp_path)
    assert found == {tmp_path / "a.csv": "it has 0 bytes, not 2000"}
    (tmp_path / integrity.LIST).write_text("{}")
    assert integrity.damaged_of_list(tmp_path) == {tmp_path / integrity.LIST: NO_SEAL}


def test_a_file_that_has_not_changed_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "b.nc"
    store.write_dataset(a_batch(), path, "batch")
    assert integrity.damage(path) is None
    with monkeypatch.context() as closed:
        closed.setattr("builtins.open", None)
        assert integrity.damage(path) is None
    flip(path, random.Random(3))
    assert integrity.damage(path) is not None


class TooSlow(Exception):
    """It did not end."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class OfARun:
    """Reads the files of the finished run ``tiny`` as later jobs, the library and the command do."""

    def __init__(self, folder: Path):
        self._folder = folder / "results/tiny"
        self.files = sorted(p for p in self._folder.rglob("*") if p.is_file())
        self._specs = Specifications(Run.model_validate(tiny()["tiny"]))
        self._at = 0

    def read(self, path: Path) -> Any:
        """The content of a file as whoever reads it has it."""
        specs = self._specs
        if path.parent.name in ("figures", "animations"):
            listed = "tornado.csv" if path.parent.name == "figures" else "corners.mp4"
            return integrity.read_listed(path if path.name != integrity.LIST else path.with_name(listed))
        if path.suffix == ".html":
            self._at += 1
            return [p.read_bytes() for p in unpack(path, self._folder.parent / f"again-{self._at}")]
        if path.suffix == ".nc":
            kind = "batch" if path.parent.name == "batches" else path.stem
            return store.read_dataset(path, kind).to_dict()
        readers: dict[str, Callable[[Path], Any]] = {
            "study.json": lambda p: store.read_record(p, store.StudyRecord, specs.study.identity),
            "design.json": read_record,
            "cost.json": read_cost,
            "cut.json": lambda p: read_cut(p, specs.question),
        }
        return readers.get(path.name, store.read_json)(path)

    def jobs(self) -> None:
        """The jobs that read the whole run."""
        folder, run = self._folder, self._specs.run
        names = ["design.nc", *(f"batches/{b}.nc" for b in run.batches), "checks.nc", "sensitivity.nc"]
        design, *batches, checks, sensitivity = (str(folder / name) for name in names)
        others = [str(folder / "corners.nc")]
        estimate_sensitivity(
            "tiny", self._specs.estimates, design, batches, checks, str(folder / "s.nc")
        )
        write_provenance(
            "tiny", run, [design, *batches, checks, sensitivity, *others], str(folder / "p")
        )
        films = [str(film) for film in (folder / "animations").glob("*.mp4")]
        page = "tiny", run, sensitivity, checks, None, films, str(folder / "page.html")
        write_page(*page, specs=self._specs)
        assert HELD.open(folder).findings


def outcome(do: Callable[[], Any], expected: Any) -> str:
    """How reading a damaged file ends."""
    try:
        with within(SLOWEST_S):
            found = do()
    except JaxmorphError as error:
        return "refused" if "damaged" in str(error) or "held against" in str(error) else "misleading"
    except FileNotFoundError:
        return "absent"
    except TooSlow:
        return "does not end"
    except Exception:
        return "defect"
    return "as it was" if found is None or str(found) == str(expected) else "wrong"


@pytest.mark.verify
def test_of_a_thousand_flipped_bytes_none_is_read_as_if_nothing_had_happened(
    finished: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    """In all files of a run, read as its later jobs, the library and the command read them.

    A record that only serves to settle, measure or announce something (cut.json, cost.json, design.json)
    counts as absent when it is damaged; no number comes from these.
    """
    monkeypatch.chdir(folder := copy_of(finished, tmp_path))
    run, draws, found = OfARun(folder), random.Random(24), Counter[str]()
    run.jobs()
    whole = {path: (path.read_bytes(), run.read(path)) for path in run.files}
    by_suffix: dict[str, list[Path]] = {}
    for path in run.files:
        by_suffix.setdefault(path.suffix, []).append(path)
    start = time.monotonic()
    for i in range(1000):
        path = draws.choice(by_suffix[draws.choice(sorted(by_suffix))])
        content, expected = whole[path]
        flip(path, draws)
        how = outcome(partial(run.read, path), expected)
        if i % 40 == 0 and path.name not in ("cost.json", "cut.json", "design.json", "study.json"):
            # What a job reads of no run it need not refuse.
            found[f"jobs: {outcome(run.jobs, None)}"] += 1
        found[how] += 1
        path.write_bytes(content)
    record_property("outcomes", dict(found))
    record_property("seconds", round(time.monotonic() - start, 1))
    print(found, time.monotonic() - start, Counter(path.suffix for path in run.files))
    assert not {"wrong", "defect", "does not end", "misleading"} & set(found), found
    assert not {f"jobs: {bad}" for bad in ("wrong", "defect", "does not end", "misleading")} & set(found)
