"""What the repository says of itself: metadata from one source, and a CI that is the one of .ci/run."""

import importlib.util
import json
import re
import tomllib
from importlib.machinery import SourceFileLoader

import yaml
from support import ROOT


def test_codemeta_and_zenodo_are_made_of_the_citation() -> None:
    loader = SourceFileLoader("citation", str(ROOT / "scripts/citation"))
    spec = importlib.util.spec_from_loader("citation", loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    for name, content in module.made(ROOT).items():
        assert json.loads((ROOT / name).read_text()) == content, "run scripts/citation"


def test_the_citation_is_complete() -> None:
    cff = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {"cff-version", "message", "title", "type", "abstract", "version", "license", "authors"}
    assert needed | {"keywords", "references"} <= cff.keys()
    assert cff["version"] == project["version"] and cff["license"] == project["license"]


def test_the_hosts_ci_has_the_parts_of_ours() -> None:
    ours = re.findall(r"^step .*? make ([a-z-]+(?: [a-z-]+)*)$", (ROOT / ".ci/run").read_text(), re.M)
    ours = [one.split()[-1] for one in ours] + ["test-slurm"]  # which runs beside the others
    host = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    assert set(ours) == set(host["jobs"]["part"]["strategy"]["matrix"]["target"])


def test_templates_are_forms_that_the_host_reads() -> None:
    for path in (ROOT / ".github/ISSUE_TEMPLATE").glob("[!c]*.yml"):
        form = yaml.safe_load(path.read_text())
        assert form["name"] and form["description"]
        kinds = {part["type"] for part in form["body"]}
        assert kinds <= {"textarea", "input"} and all(p["attributes"]["label"] for p in form["body"])


def test_the_changelog_has_the_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert headings[0] == "Unreleased" or headings[0] == version
    assert version in headings
