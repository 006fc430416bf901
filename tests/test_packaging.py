"""The lock file, the package's metadata and the conda environment say the same thing."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import jaxmorph

ROOT = Path(__file__).parent.parent
PYTHONS = ["3.11", "3.12", "3.13"]
WRONG_JAX = ["0.10.2", "0.11.0", "0.11.1"]


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def locked_entries(name: str = "requirements.lock") -> list[str]:
    """The lock file's requirements, each with its hashes on one line."""
    text = (ROOT / name).read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]


def locked(python: str, name: str = "requirements.lock") -> dict[str, str]:
    """Version of each package that the lock file gives to a Python on 64-bit Linux."""
    environment = {
        "python_version": python,
        "python_full_version": f"{python}.1",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": "x86_64",
        "os_name": "posix",
    }
    versions: dict[str, str] = {}
    for entry in locked_entries(name):
        requirement = Requirement(entry.split("--hash")[0])
        if requirement.marker is None or requirement.marker.evaluate(environment):
            (pin,) = requirement.specifier
            assert pin.operator == "=="
            assert requirement.name not in versions, f"{requirement.name} has two versions"
            versions[requirement.name] = pin.version
    return versions


@pytest.mark.parametrize("python", PYTHONS)
def test_lock_meets_every_range(python: str, project: dict[str, Any]) -> None:
    versions = locked(python)
    wanted = project["project"]["dependencies"] + project["project"]["optional-dependencies"]["dev"]
    for requirement in map(Requirement, wanted):
        assert versions[canonicalize_name(requirement.name)] in requirement.specifier, requirement


@pytest.mark.parametrize("python", PYTHONS)
def test_lock_has_no_jax_with_wrong_numbers(python: str) -> None:
    versions = locked(python)
    assert versions["jax"] == versions["jaxlib"]
    assert versions["jax"] not in WRONG_JAX


def test_every_range_of_jax_excludes_wrong_numbers(project: dict[str, Any]) -> None:
    extras = project["project"]["optional-dependencies"]
    ranges = [
        requirement
        for requirement in map(
            Requirement, project["project"]["dependencies"] + extras["cuda12"] + extras["cuda13"]
        )
        if requirement.name == "jax"
    ]
    assert len(ranges) == 3
    for requirement in ranges:
        assert "0.10.1" in requirement.specifier
        assert not [version for version in WRONG_JAX if version in requirement.specifier]


@pytest.mark.parametrize(
    "name", ["requirements.lock", "benchmarks/requirements.lock", "docs/requirements.lock"]
)
def test_every_locked_package_has_hashes(name: str) -> None:
    hashed = re.compile(r"==\S+ .*--hash=sha256:[0-9a-f]{64}")
    assert [entry for entry in locked_entries(name) if not hashed.search(entry)] == []


def test_the_benchmark_locks_what_it_compares_with(project: dict[str, Any]) -> None:
    pins = {entry.split()[0] for entry in locked_entries("benchmarks/requirements.lock")}
    assert pins == {wanted.split()[0] for wanted in project["dependency-groups"]["bench"]}
    names = {pin.partition("==")[0] for pin in pins}
    assert not names & {entry.partition("==")[0] for entry in locked_entries()}  # .venv stays as it is


@pytest.mark.parametrize("python", PYTHONS)
def test_what_builds_the_site_is_locked_beside_the_rest(python: str, project: dict[str, Any]) -> None:
    site, rest = locked(python, "docs/requirements.lock"), locked(python)
    for requirement in map(Requirement, project["dependency-groups"]["docs"]):
        assert site[canonicalize_name(requirement.name)] in requirement.specifier
    assert not site.keys() & rest.keys()  # .venv stays as it is
    assert rest["jinja2"] and rest["pygments"]  # of which the site has no other


@pytest.mark.parametrize(
    "name",
    [
        "requirements.lock",
        "benchmarks/requirements.lock",
        "docs/requirements.lock",
        "pyproject.toml",
        "envs/jaxmorph.yaml",
        "envs/cuda12.lock",
        "Makefile",
    ],
)
def test_no_address_and_no_place_of_one_machine(name: str) -> None:
    text = (ROOT / name).read_text()
    assert not re.findall(r"https?://\S+|file:\S+|(?:/home|/root|/work|/tmp|/opt|/Users)/\S*", text)


def test_the_conda_environment_is_made_of_the_lock() -> None:
    """Snakemake knows an environment by this file: another lock file must make it another one."""
    text = (ROOT / "envs/jaxmorph.yaml").read_text()
    digest = hashlib.sha256((ROOT / "requirements.lock").read_bytes()).hexdigest()
    assert f"\n# requirements.lock sha256:{digest}\n" in text, "make lock"
    assert [one.partition("=")[0] for one in yaml.safe_load(text)["dependencies"]] == ["python", "pip"]


def test_jax_for_gpus_is_that_of_the_lock() -> None:
    pins = locked("3.12")
    there = locked("3.12", "envs/cuda12.lock")
    assert all(version == pins[name] for name, version in there.items() if name in pins)
    assert there["jax-cuda12-plugin"] == there["jax-cuda12-pjrt"] == pins["jax"]
    assert "nvidia-cudnn-cu12" in there


@pytest.mark.parametrize(
    "name",
    [
        *("requirements.lock", "benchmarks/requirements.lock", "docs/requirements.lock"),
        "envs/cuda12.lock",
    ],
)
def test_everything_that_is_locked_has_a_hash(name: str) -> None:
    for entry in locked_entries(name):
        assert re.search(r"==\S+.* --hash=sha256:[0-9a-f]{64}", entry), entry


def test_what_is_installed_into_environments_is_held_to_hashes() -> None:
    for name in ("envs/jaxmorph.def", "envs/jaxmorph.post-deploy.sh", "Makefile"):
        text = (ROOT / name).read_text().replace("\\\n", " ")
        installing = [
            line for line in text.splitlines() if re.search(r"(\bpip\b|PIP\)).* install ", line)
        ]
        held = [line for line in installing if "--require-hashes" in line or "--no-index" in line]
        # A definition may begin with the name of the command.
        rest = [line for line in installing if line not in held and "pip=" not in line]
        assert installing and not rest, (name, rest)


def test_everything_has_the_version(project: dict[str, Any]) -> None:
    version = project["project"]["version"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert str(citation["version"]) == version == jaxmorph.__version__
    assert f'\nRELEASE = "{version}"\n' in (ROOT / "workflow/rules/package.smk").read_text()
    assert citation["license"] == project["project"]["license"]


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """``make`` on a copy of the Makefile in ``folder``, with no way to reach a registry."""
    shutil.copy(ROOT / "Makefile", folder)
    (folder / "pyproject.toml").touch()
    outer = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", *arguments],
        cwd=folder,
        env=outer | {"PIP_NO_INDEX": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (None, "old-python was not found"),
        ("case $1 in --version) echo Python 3.9.2;; *) exit 1;; esac", "Python 3.9.2 is too old"),
        ('case "$2" in *ensurepip*) exit 1;; esac', "cannot make environments"),
    ],
)
def test_unfit_python_is_named_in_one_line(tmp_path: Path, script: str | None, message: str) -> None:
    (tmp_path / "requirements.lock").touch()
    python = tmp_path / "old-python"
    if script is not None:
        python.write_text(f"#!/bin/sh\n{script}\n")
        python.chmod(0o755)
    result = make(tmp_path, "test", f"PYTHON={python}")
    error, make_line = result.stderr.splitlines()
    assert result.returncode != 0
    assert message in error
    assert make_line.startswith("make:")
    assert not (tmp_path / ".venv").exists()


@pytest.mark.slow
def test_interrupted_installation_is_not_taken_for_a_finished_one(tmp_path: Path) -> None:
    (tmp_path / "requirements.lock").write_text("no-such-package==1 --hash=sha256:" + 64 * "0")
    result = make(tmp_path, "test", f"PYTHON={sys.executable}")
    assert result.returncode != 0
    assert "no-such-package" in result.stderr
    assert (tmp_path / ".venv/bin/python").exists()
    assert not (tmp_path / ".venv/.installed").exists()


@pytest.mark.parametrize(
    ("version", "said"),
    [("3.11.9", "3.11"), ("3.12.4", "3.12"), ("nothing", "has JAX")],
)
def test_the_other_python_is_one_with_another_jax(tmp_path: Path, version: str, said: str) -> None:
    """The lock file has one JAX for Python 3.11 and one for later versions."""
    python = tmp_path / "other"
    python.write_text(f"#!/bin/sh\necho {version}\n" if version != "nothing" else "#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/other-python", python],
        capture_output=True,
        text=True,
        check=False,
    )
    here = locked(f"{sys.version_info[0]}.{sys.version_info[1]}")["jax"]
    is_other = version != "nothing" and locked(said)["jax"] != here
    assert done.returncode == (0 if is_other else 1)
    if is_other:
        assert done.stdout.strip() == str(python)
    else:
        (line,) = done.stderr.splitlines()
        assert f"{python} has JAX {here}" in line and "make other OTHER_PYTHON=" in line


@pytest.mark.parametrize(
    ("variable", "folder"),
    [("PYENV_ROOT", "versions/3.{}.1"), ("UV_PYTHON_INSTALL_DIR", "cpython-3.{}.1-linux")],
)
def test_the_other_python_is_found_where_pyenv_and_uv_keep_theirs(
    tmp_path: Path, variable: str, folder: str
) -> None:
    minor = 12 if sys.version_info < (3, 12) else 11
    python = tmp_path / folder.format(minor) / "bin/python3"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\necho 3.{minor}.1\n")
    python.chmod(0o755)
    nowhere = dict.fromkeys(("PATH", "PYENV_ROOT", "UV_PYTHON_INSTALL_DIR"), str(tmp_path / "nowhere"))
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/other-python"],
        env=nowhere | {variable: str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str(python)


@pytest.mark.parametrize("required", ["", "1"])
def test_a_missing_other_python_is_a_line_and_an_error_only_where_it_is_required(
    tmp_path: Path, required: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "requirements.lock").touch()
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts/other-python").write_text("import sys\nsys.exit('there is none')\n")
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/python").symlink_to(sys.executable)
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / ".venv/.installed").touch()
    monkeypatch.setenv("JAXMORPH_REQUIRE_OTHER", required)
    result = make(tmp_path, "-o", ".venv/.installed", "test-next")
    assert "Left out, the other JAX: there is none" in result.stderr
    assert (result.returncode == 0) == (required == "")
