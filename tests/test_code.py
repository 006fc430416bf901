"""What is computed again when source code changes: what decides the numbers, and nothing else."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import ROOT

from jaxmorph.configuration import code
from jaxmorph.configuration.code import data_digests, not_followed

REFERENCE = "jaxmorph.studies.reference:ReferenceStudy"
MINE = "studies/mine.py:Mine"

SOURCE = '''"""Mine."""

import numpy
import helper
from deeper.inside import RATE


class Mine:
    """A study."""

    rate = 2.0 * RATE  # twice
'''


def write_project(tmp_path: Path) -> Path:
    """A copy of the package, and a user's study with helpers beside it."""
    shutil.copytree(
        ROOT / "jaxmorph", tmp_path / "jaxmorph", ignore=shutil.ignore_patterns("__pycache__")
    )
    (tmp_path / "studies/deeper").mkdir(parents=True)
    (tmp_path / "studies/mine.py").write_text(SOURCE)
    (tmp_path / "studies/helper.py").write_text("from other import X\n")
    (tmp_path / "studies/deeper/__init__.py").write_text("")
    (tmp_path / "studies/deeper/inside.py").write_text("from .next import RATE\n")
    (tmp_path / "studies/deeper/next.py").write_text("RATE = 0.1\n")
    (tmp_path / "studies/unused.py").write_text("X = 1\n")
    (tmp_path / "other.py").write_text("X = 1\n")
    return tmp_path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path)


Digests = Callable[[], list[str]]

# A line in, a line out: the digests and that of estimators in a process that has computed none before.
# It has parsed the package already, but for the files that are named to it, as they change.
SERVER = """
import os, sys
from pathlib import Path
from jaxmorph.configuration import code
from jaxmorph.configuration.code import code_digest, estimators_digest
for path in Path(code.__file__).parents[1].rglob("*.py"):
    if not {*sys.argv[1:]} & {str(path.relative_to(Path.cwd()))}:
        code._tree(path)
for line in sys.stdin:
    if not (child := os.fork()):
        print(*map(code_digest, line.split()), estimators_digest(), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Digests, list[str]]]:
    """A project, its digests at any time, and those of it as it is: who changes it mends it."""
    folder = write_project(tmp_path_factory.mktemp("shared"))
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, *{change[0] for change in CHANGES}],
        cwd=folder,
        env={"PYTHONPATH": str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        asked, said = server.stdin, server.stdout
        assert asked is not None and said is not None

        def ask() -> list[str]:
            print(REFERENCE, MINE, file=asked, flush=True)
            return said.readline().split()

        yield folder, ask, digests(folder, REFERENCE, MINE)
        asked.close()


def digests(project: Path, *targets: str) -> list[str]:
    """And that of estimators, in a new process, as each parse of the workflow is one."""
    program = (
        "import sys\nfrom jaxmorph.configuration.code import code_digest, estimators_digest\n"
        "for target in sys.argv[1:]: print(code_digest(target))\n"
        "print(estimators_digest())\n"
        "assert not {'jax', 'numpy'} & sys.modules.keys()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *targets],
        cwd=project,
        env={"PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def replace(old: str, new: str) -> Callable[[Path], object]:
    def change(path: Path) -> object:
        text = path.read_text()
        assert old in text
        return path.write_text(text.replace(old, new, 1))

    return change


def add(text: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(path.read_text() + text)


CHANGES: list[tuple[str, Callable[[Path], object], bool, bool, bool]] = [
    ("jaxmorph/env/growth.py", add("\nX = 1\n"), True, True, False),
    ("jaxmorph/engine/program.py", add("\nX = 1\n"), True, True, False),
    ("jaxmorph/tracing/draws.py", add("\nX = 1\n"), True, True, False),
    ("jaxmorph/engine/estimators/score.py", add("\nX = 1\n"), True, True, False),
    # How an estimator describes itself decides no number.
    ("jaxmorph/engine/estimators/score.py", replace("order=2", "order=9"), False, False, False),
    ("jaxmorph/designs/points.py", replace("+ 1", "+ 2"), True, True, False),
    ("jaxmorph/distributions/uniform.py", add("\nX = 1\n"), True, True, False),
    ("jaxmorph/studies/base.py", add("\nX = 1\n"), True, True, False),
    ("jaxmorph/studies/reference.py", add("\nX = 1\n"), True, False, False),
    ("jaxmorph/studies/linear.py", add("\nX = 1\n"), False, False, False),
    ("jaxmorph/figures/style.py", add("\nX = 1\n"), False, False, False),
    ("jaxmorph/studies/functions.py", add("\nX = 1\n"), True, True, False),
    ("jaxmorph/store/__init__.py", add("\nX = 1\n"), False, False, False),
    ("jaxmorph/terminal/listen.py", add("\nX = 1\n"), False, False, False),
    ("jaxmorph/analysis/one_run.py", add("\nX = 1\n"), False, False, False),
    ("jaxmorph/command/start/cells.py", add("\nX = 1\n"), False, False, False),
    ("jaxmorph/configuration/models.py", add("\nX = 1\n"), False, False, False),
    ("jaxmorph/env/growth.py", add("\n# a comment\n"), False, False, False),
    ("jaxmorph/env/growth.py", replace('"""', '"""Much: '), False, False, False),
    ("studies/mine.py", replace("2.0", "3.0"), False, True, False),
    ("studies/mine.py", replace("# twice", "# two times"), False, False, False),
    ("studies/mine.py", replace("A study.", "My study."), False, False, False),
    ("studies/mine.py", replace("2.0 * RATE", "(2.0\n        * RATE)"), False, False, False),
    ("studies/mine.py", replace("class Mine:", "class Mine"), False, True, False),
    ("studies/helper.py", add("Y = 1\n"), False, True, False),
    ("studies/deeper/__init__.py", add("Y = 1\n"), False, True, False),
    ("studies/deeper/next.py", replace("0.1", "0.2"), False, True, False),
    ("other.py", replace("1", "2"), False, True, False),
    ("studies/unused.py", replace("1", "2"), False, False, False),
    ("jaxmorph/sensitivity/fisher.py", add("\nX = 1\n"), False, False, True),
    ("jaxmorph/sensitivity/fisher.py", add("\n# a comment\n"), False, False, False),
    ("jaxmorph/expansion/bases.py", add("\nX = 1\n"), False, False, True),
]


@pytest.mark.parametrize(("file", "change", "reference", "mine", "estimators"), CHANGES)
def test_what_changes_the_digest(
    shared: tuple[Path, Digests, list[str]],
    file: str,
    change: Callable[[Path], object],
    reference: bool,
    mine: bool,
    estimators: bool,
) -> None:
    folder, ask, unchanged = shared
    path = folder / file
    text = path.read_text()
    try:
        change(path)
        after = ask()
    finally:
        path.write_text(text)
    assert [a != b for a, b in zip(unchanged, after, strict=True)] == [reference, mine, estimators]


def test_studies_in_modules(project: Path) -> None:
    """Of a package of the user's that is found like any other, and one that is nowhere."""
    targets = ["studies.mine:Mine", "studies.mine:Other", "nowhere.to_be:Found"]
    before = digests(project, *targets)
    assert before[0] == before[1] != before[2]
    (project / "studies/mine.py").write_text("from studies import unused\n")
    changed = digests(project, *targets)
    assert changed[0] != before[0] and changed[2] == before[2]
    (project / "studies/unused.py").write_text("X = 3\n")
    assert digests(project, targets[0])[0] != changed[0]


def test_a_module_is_followed_wherever_it_lies_but_installed_libraries_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere/forces").mkdir(parents=True)
    (tmp_path / "elsewhere/forces/__init__.py").write_text("from .spring import K\n")
    (tmp_path / "elsewhere/forces/spring.py").write_text("K = 1\n")
    (tmp_path / "mine.py").write_text("import forces, yaml, json\n\nclass Mine: pass\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path / "elsewhere")
    assert set(code._closure("mine.py", known=())) == {"mine", "forces", "forces.spring"}


def test_data_that_a_study_reads_decide_its_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("force.csv").write_text("1,2\n")
    Path("reads.py").write_text("import numpy as np\n\nclass Mine:\n    f = np.loadtxt('force.csv')\n")
    target = "reads.py:Mine"
    before = data_digests(("force.csv",))
    Path("force.csv").write_text("1,3\n")
    assert data_digests(("force.csv",)).keys() == before.keys() == {"force.csv"}
    assert data_digests(("force.csv",)) != before
    assert data_digests(("gone.csv",)) == {"gone.csv": "absent"}, "the job that reads it says so"
    (line,) = not_followed(target)
    assert line == "reads.py:4: np.loadtxt reads a file; name it under data"
    assert not_followed(target, ("force.csv",)) == not_followed(REFERENCE) == []


def test_a_study_that_extends_a_built_in_one_follows_it(project: Path) -> None:
    (project / "studies/mine.py").write_text("from jaxmorph.studies.linear import LinearStudy\n")
    before = digests(project, MINE)
    add("\nX = 1\n")(project / "jaxmorph/studies/linear.py")
    assert digests(project, MINE) != before


def test_the_digest_does_not_depend_on_where_things_are(project: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for name in ("jaxmorph", "studies", "other.py"):
        shutil.move(project / name, moved / name)
    there = digests(moved, MINE, REFERENCE, str(moved / MINE))
    for name in ("jaxmorph", "studies", "other.py"):
        shutil.move(moved / name, project / name)
    assert there == digests(project, MINE, REFERENCE, str(project / MINE))
