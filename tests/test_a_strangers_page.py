"""Somebody else's page: what it hands over is shown first, nothing else is written, nor elsewhere."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from support import ROOT
from support.carrying import LINK, attached, link, page_of, right, write_page

from jaxmorph.errors import JaxmorphError
from jaxmorph.report import requirements, unpacking
from jaxmorph.report.attached import is_clean

HASH = f"--hash=sha256:{'0' * 64}"


def refused(folder: Path, texts: dict[str, str]) -> str:
    """What is said of a page; one line, and nothing is written."""
    with pytest.raises(JaxmorphError) as caught:
        unpacking.unpack(write_page(folder, texts), folder / "again")
    said = str(caught.value)
    assert "\n" not in said and said.startswith(str(folder / "report.html"))
    assert not (folder / "again").exists()
    return said


def test_a_page_is_unpacked_into_the_files_that_it_was_made_from(tmp_path: Path) -> None:
    written = unpacking.unpack(write_page(tmp_path, right()), tmp_path / "again")
    assert {path.name: path.read_text() for path in written} == right()
    assert sorted(path.name for path in written) == [
        *("config.yaml", "force.csv", "requirements.txt", "trap.py"),
    ]
    with pytest.raises(
        JaxmorphError, match=r"again/config\.yaml: is there already; name an empty folder"
    ):
        unpacking.unpack(tmp_path / "report.html", tmp_path / "again")


def test_code_and_requirements_are_shown_before_anything_is_written(tmp_path: Path) -> None:
    texts = right() | {"trap.py": right()["trap.py"] + '\nCLEAR = "\x1b[2J\u202e"\n'}
    page = write_page(tmp_path, texts)
    command = [sys.executable, "-m", "jaxmorph.report", str(page), "again"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    first, _, rest = done.stdout.partition("\n")
    assert "somebody else's code and requirements" in first and "Nothing of them is run now" in first
    shown, _, written = rest.partition("\nagain/")
    assert "The study is trap.py:Trap." in shown
    assert all(f"| {line}\n" in shown for line in right()["trap.py"].splitlines())
    assert 'CLEAR = "\\x1b[2J\\u202e"' in shown and "numpy==2.4.6 (" in shown
    assert "config.yaml, force.csv" in shown and len(written.splitlines()) == 4


def test_requirements_have_the_hashes_of_the_lock_file(tmp_path: Path) -> None:
    text = right()["requirements.txt"]
    lock = (ROOT / "requirements.lock").read_text().partition("\nnumpy==2.4.6")[2]
    hashes = re.findall(r"--hash=sha256:\w{64}", lock.partition("# via")[0])
    locked = " \\\n    ".join(["numpy==2.4.6", *hashes]) + "\n"
    assert len(hashes) > 10 and locked in text
    assert "# pandas==0.0.1 (no hash of it is known)" in text, "of another version"
    numpy = f"numpy==2.4.6 {HASH}\n"
    assert requirements.checked(numpy) == locked, "a page does not overrule it"
    other = f"numpy==2.4.7 {HASH}\n"
    assert requirements.checked(other) == f"numpy==2.4.7 \\\n    {HASH}\n"
    assert requirements.checked("numpy==2.4.7\n") == "# numpy==2.4.7 (no hash of it is known)\n"
    assert requirements.checked(text) == text


@pytest.mark.parametrize(
    "line",
    [
        f"evil==1.0 {HASH}",
        "evil==1.0",
        "numpy @ https://example.org/numpy.whl",
        f"numpy @ file:///tmp/numpy.whl {HASH}",
        "git+https://example.org/numpy",
        "-e .",
        "--index-url https://example.org",
        f"numpy==2.4.6 {HASH} --index-url https://example.org",
        "--extra-index-url=https://example.org",
        "-r other.txt",
        "./numpy.whl",
        "numpy>=2.4.6",
        "numpy",
        "numpy==2.*",
        f"numpy[all]==2.4.6 {HASH}",
        f"numpy==2.4.6 ; python_version > '3' {HASH}",
        "numpy==2.4.6 --hash=md5:0123",
        f"numpy==2.4.6 \\\n  --find-links /tmp {HASH}",
        "${HOME}/x",
        f"numpy==2.4.6 {HASH} pandas==1",
    ],
)
def test_requirements_are_plain_named_and_hashed(tmp_path: Path, line: str) -> None:
    said = refused(tmp_path, right() | {"requirements.txt": f"# fine\n{line}\n"})
    assert "requirements.txt, line 2: " in said and "write name==version --hash=sha256:" in said
    unhashed = refused(tmp_path, right() | {"requirements.txt": f"pandas==1 \\\n    {HASH}\n\n{line}"})
    assert "requirements.txt, line 4: " in unhashed


@pytest.mark.parametrize(
    "name",
    [
        *(
            "../evil.py",
            "/etc/passwd",
            "a/b.py",
            "a\\b.py",
            "",
            ".",
            "..",
            ".bashrc",
            "-rf",
            "a\nb",
            "a\x1b",
        ),
        *(
            "C:evil.py",
            "nul",
            "con.txt",
            "x.",
            " x",
            "x" * 101,
            "\u202eyp.live",
            "a&amp;b",
            "~",
            "%2e%2e",
        ),
    ],
)
def test_names_are_plain_and_short(tmp_path: Path, name: str) -> None:
    said = refused(tmp_path, {**right(), name: "1"})
    assert 'a file of the name "' in said and said.isprintable() and len(said) < 400


def test_two_files_of_one_name_are_an_error_in_either_case(tmp_path: Path) -> None:
    twice = page_of(right()) + link("trap.py", "1")
    for extra in ("trap.py", "TRAP.py", "Config.yaml"):
        (tmp_path / "report.html").write_text(page_of(right()) + link(extra, "1"))
        with pytest.raises(JaxmorphError, match=f"carries two files of the name {extra}"):
            unpacking.carried(tmp_path / "report.html")
    assert twice.count("trap.py") == 2


def test_the_number_and_the_size_of_files_have_a_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = {f"{i}.csv": "1" for i in range(100)}
    assert "carries more than 100 files" in refused(tmp_path, right() | many)
    monkeypatch.setattr(unpacking, "LARGEST_FILE", 2**12)
    assert "a.csv: is too large" in refused(tmp_path, {"a.csv": "1" * 5000} | right())
    monkeypatch.setattr(unpacking, "LARGEST_PAGE", 2**12)
    assert "is too large for a page" in refused(tmp_path, right())


def test_no_symbolic_link_is_followed(tmp_path: Path) -> None:
    page = write_page(tmp_path, right())
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(JaxmorphError, match="link: is a symbolic link; name the folder itself"):
        unpacking.unpack(page, tmp_path / "link")
    (tmp_path / "again").mkdir()
    (tmp_path / "again/trap.py").symlink_to(tmp_path / "elsewhere/stolen.py")
    with pytest.raises(JaxmorphError, match=r"again/trap\.py: is there already"):
        unpacking.unpack(page, tmp_path / "again")
    assert os.listdir(tmp_path / "elsewhere") == [] and os.listdir(tmp_path / "again") == ["trap.py"]


@pytest.mark.parametrize(
    ("where", "what"),
    [
        ("data", ["../../.ssh/id_ed25519"]),
        ("data", ["/etc/passwd"]),
        ("data", ["~"]),
        ("data", [".."]),
        ("data", [3]),
        ("study", "/home/you/study.py:Study"),
        ("study", "../study.py:Study"),
        ("optimise", {"objective": [{"goal": "time-course", "observable": "x", "data": "/etc/hosts"}]}),
    ],
)
def test_a_configuration_names_no_file_that_is_elsewhere(
    tmp_path: Path, where: str, what: object
) -> None:
    """Else the next report would hand on what is the reader's own."""
    content = yaml.safe_load(right()["config.yaml"])
    content["runs"]["own"][where] = what
    said = refused(tmp_path, right() | {"config.yaml": yaml.safe_dump(content)})
    assert "names a file that is not of the page" in said and f"config.yaml, {where}" in said


def test_a_page_that_is_made_to_be_slow_is_read_in_no_time(tmp_path: Path) -> None:
    bombs = [
        "<a" * 2_000_000,
        "<a " + "x " * 2_000_000,
        "<a data-reproduce " * 200_000,
        "<!--" * 1_000_000,
        f'<a download="x" data-reproduce href="{LINK}{"A" * 5_000_000}',
    ]
    begin = time.monotonic()
    for bomb in bombs:
        (tmp_path / "report.html").write_text(bomb)
        with pytest.raises(JaxmorphError, match="carries no configuration"):
            unpacking.carried(tmp_path / "report.html")
    laughs = "a: &a [x]\n" + "".join(
        f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert "has an alias" in refused(tmp_path, right() | {"config.yaml": laughs})
    assert "nested deeper" in refused(tmp_path, right() | {"config.yaml": "[" * 100_000})
    assert time.monotonic() - begin < 5


def test_no_file_but_a_regular_one_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        with pytest.raises(JaxmorphError, match="is no file; name the report"):
            unpacking.carried(place)
    with pytest.raises(JaxmorphError, match="cannot be read: No such file"):
        unpacking.carried(tmp_path / "absent.html")


def test_what_a_report_carries_has_names_that_can_be_unpacked(tmp_path: Path) -> None:
    """Files of one name, of hidden names, of none that can be written; each keeps its text."""
    paths = [
        "a/x.csv",
        "b/x.csv",
        "c/X.csv",
        ".hidden",
        "d/config.yaml",
        f"{'y' * 200}.csv",
        "e/a:b?.csv",
    ]
    settings = {"study": "trap.py:Trap", "data": paths}
    texts = {path: f"of {path}\n" for path in paths}
    found = attached(configuration=settings, study_data=texts)
    page = write_page(tmp_path, {name: one.text for name, one in found.items()})
    files = unpacking.carried(page)
    names = yaml.safe_load(files["config.yaml"])["runs"]["own"]["data"]
    assert [files[name] for name in names] == list(texts.values())
    assert names[:3] == ["x.csv", "x-2.csv", "X-3.csv"] and all(map(is_clean, names))
