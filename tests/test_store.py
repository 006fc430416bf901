"""Files are whole or absent, describe themselves, and are refused when they are not ours."""

import errno
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from jaxmorph import store
from jaxmorph.configuration import read_configuration
from jaxmorph.distributions import Uniform
from jaxmorph.errors import JaxmorphError
from jaxmorph.integrity import seal
from jaxmorph.store.files import KINDS
from jaxmorph.studies import Observable, Parameter, StateVariable

ATTRIBUTES = store.provenance("a", {"study": "b", "parameters": {"z": 1, "a": 2}})


def a_batch(**changes: Any) -> xr.Dataset:
    value = np.arange(2 * 3 * 4 * 1, dtype=float).reshape(2, 3, 4, 1)
    given: dict[str, Any] = {
        "samples": np.arange(4, 6),
        "seeds": np.arange(7, 10),
        "time": np.arange(4.0),
        "time_unit": "h",
        "parameter_value": np.ones((2, 1)),
        "parameters": [Parameter("k", "N/m", "stiffness", 1.0, Uniform(low=0, high=1))],
        "observables": [Observable("x", "m", "position")],
        "value": value,
        "gradient": value[..., None],
        "attributes": ATTRIBUTES,
    }
    return store.batch_dataset(**(given | changes))


def test_what_hardly_compresses_is_stored_as_it_is_and_the_rest_compressed(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(size=(2, 3, 40_000, 1))
    path = tmp_path / "b.nc"
    sizes = {}
    for name, value in {
        "noise": noise,
        "steps": np.round(noise),
        "no": np.full_like(noise, np.nan),
    }.items():
        dataset = a_batch(time=np.arange(40_000.0), value=value, gradient=None)
        store.write_dataset(dataset, path, "batch")
        assert store.read_dataset(path, "batch")["value"].identical(dataset["value"])
        rows = store.read_samples(path, ["value"], slice(1, 2))["value"]
        np.testing.assert_array_equal(rows, value[1:])
        sizes[name] = path.stat().st_size / noise.nbytes
    assert 1 < sizes["noise"] < 1.1 and sizes["steps"] < 0.3 and sizes["no"] < 0.1


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "down" / "000-000.nc"
    dataset = a_batch()
    dataset["value"][0, 0, 0, 0] = np.nan
    dataset["gradient"][1, 2, 3, 0, 0] = np.inf
    store.write_dataset(dataset, path, "batch")
    xr.testing.assert_equal(store.read_dataset(path, "batch"), dataset)
    assert [p.name for p in path.parent.iterdir()] == ["000-000.nc"]


def test_a_file_describes_itself(tmp_path: Path) -> None:
    path = tmp_path / "b.nc"
    store.write_dataset(a_batch(), path, "batch")
    with xr.open_dataset(path) as dataset:
        for name, variable in dataset.variables.items():
            assert variable.attrs["long_name"], name
            assert variable.attrs["units"], name
        assert dataset["value"].dims == ("sample", "seed", "time", "observable")
        assert dataset["gradient"].dims == ("sample", "seed", "time", "observable", "parameter")
        assert dataset["time"].attrs["units"] == "h"
        assert dataset["parameter_unit"].values.tolist() == ["N/m"]
        assert dataset["observable_description"].values.tolist() == ["position"]
        assert dataset["value"].encoding["zlib"]
        assert set(ATTRIBUTES) <= set(dataset.attrs)
        # The order of parameters decides the columns of a design: it survives.
        assert list(json.loads(dataset.attrs["configuration"])["parameters"]) == ["z", "a"]
        assert json.loads(dataset.attrs["library_versions"])["numpy"] == np.__version__


def test_a_variable_without_a_description_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="variable stray of a batch file has no"):
        store.write_dataset(a_batch().assign(stray=1.0), tmp_path / "b.nc", "batch")
    assert not list(tmp_path.iterdir())


def test_trajectories_lie_on_sample_and_seed() -> None:
    states = {"position": np.arange(1 * 2 * 4 * 3 * 2, dtype=float).reshape(1, 2, 4, 3, 2)}
    variable = StateVariable("position", ("cell", "space"), "m", "where the cell is")
    dataset = store.with_trajectories(a_batch(), [5], [7, 9], states, [variable])
    position = dataset["position"]
    assert position.dims == ("sample", "seed", "time", "cell", "space")
    np.testing.assert_array_equal(position.sel(sample=5, seed=9), states["position"][0, 1])
    assert position.sel(sample=4).isnull().all() and position.sel(seed=8).isnull().all()
    assert dataset["trajectory_stored"].values.tolist() == [[False] * 3, [True, False, True]]
    assert position.attrs == {"long_name": "where the cell is", "units": "m"}


@pytest.mark.parametrize("keep", [0, 10, 1000, -200])
def test_a_truncated_file_is_named_with_the_command_that_makes_it_again(
    tmp_path: Path, keep: int
) -> None:
    path = tmp_path / "000-000.nc"
    store.write_dataset(a_batch(), path, "batch")
    path.write_bytes(path.read_bytes()[:keep])
    what = "it has no checksum at its end: it is cut off, was edited, or is of an earlier version"
    what = what if keep else "it is empty"
    with pytest.raises(JaxmorphError) as error:
        store.read_dataset(path, "batch")
    assert str(error.value) == (
        f"{path}: is damaged: {what}; make it again with: snakemake --force {path} "
        "(and your --configfile, if any)"
    )


def test_files_of_others_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "000-000.nc"
    with pytest.raises(JaxmorphError, match="no such file; make it again with: snakemake --force"):
        store.read_dataset(path, "batch")
    xr.Dataset({"value": 1.0}).to_netcdf(path)
    with pytest.raises(JaxmorphError, match="is damaged: it has no checksum at its end"):
        store.read_dataset(path, "batch")
    seal(path)
    with pytest.raises(JaxmorphError, match=r"not a batch file of jaxmorph .jaxmorph_file = None."):
        store.read_dataset(path, "batch")
    store.write_dataset(a_batch(), path, "batch")
    with pytest.raises(JaxmorphError, match=r"not a design file of jaxmorph .jaxmorph_file = 'batch'."):
        store.read_dataset(path, "design")


def failing(error: Exception) -> Callable[..., None]:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    return fail


@pytest.mark.parametrize("at", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    path = tmp_path / "b.nc"
    store.write_dataset(a_batch(), path, "batch")
    before = path.read_bytes()
    monkeypatch.setattr(os, at, failing(OSError(errno.ENOSPC, "No space left on device")))
    with pytest.raises(JaxmorphError, match=r"b.nc: cannot be written: .*No space left on device"):
        store.write_dataset(a_batch(value=np.zeros((2, 3, 4, 1))), path, "batch")
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["b.nc"]


def test_a_killed_writer_leaves_no_file_under_its_name(tmp_path: Path) -> None:
    """Kill -9 between writing and renaming: the name stays absent."""
    path = tmp_path / "b.nc"
    code = (
        "import os, signal, test_store as t\n"
        "from jaxmorph import store\n"
        "os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"store.write_dataset(t.a_batch(), {str(path)!r}, 'batch')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parent, check=False)
    assert done.returncode == -9
    assert not path.exists()
    assert len(list(tmp_path.iterdir())) == 1  # what was written aside


def told(dataset: xr.Dataset, **about: tuple[str, str]) -> xr.Dataset:
    """With ``long_name`` and ``units`` of some variables."""
    for name, (long_name, units) in about.items():
        if name in dataset.variables:
            dataset[name].attrs |= {"long_name": long_name, "units": units}
    return dataset


def test_a_kind_is_one_of_ours() -> None:
    kinds = {"design", "batch", "corners", "checks", "sensitivity"}
    kinds |= {"starts", "optimisation", "optimisation_cells", "comparison"}
    assert set(KINDS) == kinds


def test_the_configuration_of_a_file_can_be_read_back(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(
        "runs: {a: {study: ishigami, parameters: {x2: default, x1: default}, design: {method: sobol}}}"
    )
    run = read_configuration(path).runs["a"]
    attributes = store.provenance("a", run.model_dump(mode="json"))
    assert type(run).model_validate(json.loads(str(attributes["configuration"]))) == run


def a_slab(first: int, n: int) -> xr.Dataset:
    """What a stream takes: variables of consecutive samples, described."""
    mean = xr.DataArray(
        np.arange(first, first + n)[:, None] + np.array([0.5, np.nan]), dims=("sample", "observable")
    )
    slab = xr.Dataset({"mean": mean, "seeds_used": (mean > 0).astype(np.int64)})
    return told(slab, mean=("mean", "m"), seeds_used=("seeds", "1"))


def the_rest() -> xr.Dataset:
    rest = xr.Dataset(
        {"noise_share": ("observable", [0.1, 0.2]), "flag": ("observable", [True, False])},
        coords={"observable": ["a", "b"], "sample": np.arange(5)},
        attrs=ATTRIBUTES,
    )
    return told(rest, **{str(name): (str(name), "1") for name in rest.variables})


def doubled(slab: xr.Dataset) -> xr.Dataset:
    return told(xr.Dataset({"double": 2 * slab["mean"]}), double=("twice the mean", "m"))


def write_stream(path: Path) -> None:
    with store.streamed(path, "sensitivity", 5) as stream:
        stream.append(a_slab(0, 3))
        stream.append(a_slab(3, 2))
        stream.derive(["mean"], doubled)
        stream.finish(the_rest())


def test_a_stream_writes_what_one_dataset_would_hold(tmp_path: Path) -> None:
    write_stream(tmp_path / "deep" / "s.nc")
    whole = xr.merge([a_slab(0, 5), the_rest(), doubled(a_slab(0, 5))])
    read = store.read_dataset(tmp_path / "deep" / "s.nc", "sensitivity")
    xr.testing.assert_equal(read, whole)
    for name, variable in read.variables.items():
        assert variable.attrs["units"] == whole[name].attrs["units"], name
    with store.open_dataset(tmp_path / "deep" / "s.nc", "sensitivity") as file:
        assert file["mean"].encoding["zlib"] and file["mean"][3].values[0] == 3.5


def test_a_stream_that_breaks_off_or_reads_back_differently_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s.nc"
    with pytest.raises(KeyError), store.streamed(path, "sensitivity", 5) as stream:
        stream.append(a_slab(0, 3))
        raise KeyError("killed")
    assert not list(tmp_path.iterdir())
    count = itertools.count()
    monkeypatch.setattr("zlib.crc32", lambda data: next(count))
    with pytest.raises(JaxmorphError, match=r"s\.nc: what was written reads back differently"):
        write_stream(path)
    assert not list(tmp_path.iterdir())


def test_a_stream_refuses_what_is_not_described(tmp_path: Path) -> None:
    slab = a_slab(0, 5)
    del slab["mean"].attrs["units"]
    with (
        pytest.raises(ValueError, match="variable mean of a sensitivity file has no units"),
        store.streamed(tmp_path / "s.nc", "sensitivity", 5) as stream,
    ):
        stream.append(slab)
