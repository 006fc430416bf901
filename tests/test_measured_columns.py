"""Measured data as people write them: units are converted, and each mistake is told with its place."""

from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest

from jaxmorph.configuration.courses import MeasuredCourse, in_units, read_course


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "time,x,x_err\n0,1,1\n",
            'the column "x_err" would not be read: if it is the error of x, call it x_error',
        ),
        ("time,x,x error\n0,1,1\n", 'the column "x error" would not be read'),
        ("time,x,X_Error\n0,1,1\n", 'the column "X_Error" would not be read'),
        ("time,x,x_sd\n0,1,1\n", 'the column "x_sd" would not be read'),
        ("time,x,error\n0,1,1\n", 'the column "error" would not be read'),
        ("time,x,x_eror [um]\n0,1,1\n", 'the column "x_eror" would not be read'),
        ("time,x,x\n0,1,1\n", 'has two columns of the name "x"; leave one out'),
        ("time [s],x,time [h]\n0,1,1\n", 'has two columns of the name "time"; leave one out'),
        ("time,x,y,y\n0,1,1,1\n", 'has two columns of the name "y"'),
        (
            "time,x\n0,1\n1,2,3\n",
            'line 3: the cell "3" is in no column, the header has 2; a number has a point',
        ),
        ("time,x\n0,5,1,5\n", 'line 2: the cell "1" is in no column'),
        ("time,x\n0\n", "line 2, column x: the cell is empty; leave the row out, or give a number"),
        ("time,x\n0,\n", "line 2, column x: the cell is empty"),
        ("time,x\n\n\n0,1\n\n1,n/a\n", 'line 6, column x: "n/a" is not a number'),
        (
            'time,x\n0,"0,5"\n',
            'line 2, column x: "0,5" is not a number; a number has a point, and no comma',
        ),
        ("time,x\n0,1_000\n", 'line 2, column x: "1_000" is not a number'),
        ("time,x\n0,\uff11\uff12\n", 'line 2, column x: "\uff11\uff12" is not a number'),
        ("time,x\n0,inf\n", 'line 2, column x: "inf" is no finite number'),
        ("time,x\n0,NaN\n", 'line 2, column x: "NaN" is no finite number'),
        ("time,x\n0,1e999\n", 'line 2, column x: "1e999" is no finite number'),
        ("time,x\n12.03.2024,1\n", 'line 2, column time: "12.03.2024" is not a number'),
        (
            'time,x\n0,"1\n1,2\n',
            'line 3, column x: "1\\n1,2" is not a number; a quotation mark is not closed',
        ),
        (
            "time;x\n0;1\n",
            "its columns are separated by semicolons; separate them by commas; a number has a",
        ),
        ("time\tx\n0\t1\n", "its columns are separated by tabulators; separate them by commas"),
        ("time,x\n1,1\n0,2\n", "line 3: its times must increase, and 0 follows 1"),
        ("time,x,x_error\n0,1,-2\n", "line 2, column x_error: an error must be positive, not -2"),
        ("0,1\n1,2\n", "has no column time and no column x; it has 0, 1, and must have time, x and"),
        ("time,x\n0," + "9" * 200 + "z\n", 'line 2, column x: "9999999'),
    ],
)
def test_a_mistake_in_a_csv_file_is_told_with_its_place_and_text(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "course.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError) as caught:
        read_course(str(path), "x")
    assert str(caught.value).startswith(said) and "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("content", ["time,x\n0,1\n".encode("utf-16"), b"time,x\n0,1\xb5\n"])
def test_bytes_that_are_not_utf_8_are_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "course.csv").write_bytes(content)
    with pytest.raises(ValueError, match=r"cannot be read as CSV: byte \d+ is not UTF-8; save it so"):
        read_course(str(tmp_path / "course.csv"), "x")


@pytest.mark.parametrize(
    "text",
    [
        "time,x\n0,1\n1,2\n",
        "\ufefftime , x ,\n0, 1 ,\n\n1,2,\n",
        '"time","x","note"\r\n0,1,"a, b"\r\n1,2,\r\n',
        "x,time,y,y_error,sigma\n1,0,3,4,a\n2,1,3,4,b\n",
        "time,x,xy,xy_error\n0,1,9,9\n1,2,9,9\n",
        "time,x\n0,1,\n1e0,+2.\n",
    ],
)
def test_what_is_no_mistake_is_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "course.csv").write_text(text, encoding="utf-8", newline="")
    assert read_course(str(tmp_path / "course.csv"), "x") == MeasuredCourse((0, 1), (1, 2), None, {})


def test_units_are_converted_to_those_of_the_study() -> None:
    said = {"time": "min", "x": "um", "x_error": "nm"}
    found = in_units(MeasuredCourse((1, 2), (3, 4), (5, 6), said), "x", "s", "µm")
    assert (found.time, found.value) == ((60, 120), (3, 4))
    assert found.error == pytest.approx((0.005, 0.006), rel=1e-14)
    assert found.units == {"time": "s", "x": "µm", "x_error": "µm"}
    warm = MeasuredCourse((0,), (20,), (1,), {"x": "degC", "x_error": "degC"})
    found = in_units(warm, "x", "h", "K")
    assert found.value == pytest.approx((293.15,)) and found.error == (1,), "a difference has no zero"


@pytest.mark.parametrize(
    ("unit", "wanted"), [("s", "m"), ("cells", "1"), ("", "m"), ("lg(re 1 mW)", "W"), ("m", "cells")]
)
def test_what_is_no_multiple_of_the_unit_stays_as_it_is(unit: str, wanted: str) -> None:
    course = MeasuredCourse((1,), (2,), None, {"x": unit})
    assert in_units(course, "x", "s", wanted) == course


def test_variables_of_netcdf_files_have_the_same_mistakes(tmp_path: Path) -> None:
    path = str(tmp_path / "course.nc")

    def written(**variables: Any) -> None:
        with netCDF4.Dataset(path, "w") as file:
            file.createDimension("time", 2)
            for name, values in variables.items():
                kind = str if isinstance(values, np.ndarray) else "i4"
                file.createVariable(name, kind, ("time",), fill_value=None if kind is str else -1)[:] = (
                    values
                )

    written(time=[0, 1], x=[1, 2], x_err=[1, 1])
    with pytest.raises(ValueError, match='the column "x_err" would not be read'):
        read_course(path, "x")
    written(time=[0, 1], x=[1, -1])  # the second is missing
    with pytest.raises(ValueError, match="entry 2, column x: must be a finite number, not nan"):
        read_course(path, "x")
    written(time=[0, 1], x=np.array(["a", "b"], object))
    with pytest.raises(ValueError, match="variable x must be numbers along one dimension"):
        read_course(path, "x")
    Path(path).write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    with pytest.raises(ValueError, match="cannot be read as NetCDF"):
        read_course(path, "x")
