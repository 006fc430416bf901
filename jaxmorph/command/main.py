"""The subcommands: what each is given, and what it does."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

from ..configuration import check_syntax, read_configuration
from ..configuration.budget import budget
from ..configuration.specify import Specifications
from ..errors import JaxmorphError
from ..upkeep import SnakemakeRecords, damaged_files, is_no_run

CONFIGURATION = "jaxmorph.yaml"
_CONFIGURATIONS = (CONFIGURATION, "config/config.yaml")
_OTHER_ENDINGS = (".csv", ".html", ".ini", ".ipynb", ".json", ".nc", ".py", ".toml", ".txt")
_PACKAGE = Path(__file__).parents[1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; one readable line for a mistake."""
    words = [*(sys.argv[1:] if arguments is None else arguments)]
    try:
        if words[:1] == ["run"] and not {"-h", "--help"} & set(words):
            _run(words[1:])  # all but a file is Snakemake's, in any order
        known = _parser().parse_args(words)
        known.do(known)
    except JaxmorphError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="jaxmorph", description=__doc__)
    parser.add_argument("--version", action="version", version=f"jaxmorph {version('jaxmorph')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, do: Callable[..., None], about: str) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=about, description=f"{about[0].upper()}{about[1:]}.")
        one.set_defaults(do=do)
        return one

    one = command("init", _init, "write a configuration and a study of cells to start from")
    one.add_argument("folder", nargs="?", type=Path, default=Path(), help="where to; default: here")
    one = command("run", _run, "make the reports of a configuration; all options are Snakemake's")
    one.add_argument("file", nargs="?", help=f"a .yaml file; default: {' or '.join(_CONFIGURATIONS)}")
    one = command(
        "check", _check, "hold a configuration against its studies, as the first job of each run does"
    )
    one.add_argument("file", nargs="?", help=f"a .yaml file; default: {' or '.join(_CONFIGURATIONS)}")
    one = command(
        "verify", _verify, "hold every byte of finished runs against its checksum; names what is damaged"
    )
    one.add_argument("run", nargs="*", type=Path, help="folders; default: all of results/")
    one = command("report", _report, "write the report of a finished run again")
    one.add_argument("run", type=Path, help="its folder: results/NAME")
    one.add_argument("page", nargs="?", type=Path, help="the HTML file; default: NAME.html")
    one = command("export", _export, "write a finished run as an RO-Crate, a research object")
    one.add_argument("run", type=Path, help="its folder: results/NAME")
    one.add_argument("crate", nargs="?", type=Path, help="the .zip; default: NAME.zip")
    one = command("reproduce", _reproduce, "unpack what a report carries: configuration, study, data")
    one.add_argument("report", type=Path, metavar="REPORT.html")
    one.add_argument("folder", type=Path, help="where to; made if absent")
    return parser


def _init(arguments: argparse.Namespace) -> None:
    folder: Path = arguments.folder.expanduser()
    start = files(__package__) / "start"
    texts = {name: (start / name).read_text(encoding="utf-8") for name in (CONFIGURATION, "cells.py")}
    try:
        if there := [name for name in texts if (folder / name).exists()]:
            raise JaxmorphError(f"{folder / there[0]}: is there already; name another folder")
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
            print(folder / name)
    except (OSError, ValueError) as error:  # a zero byte in the name
        why = getattr(error, "strerror", None) or error
        raise JaxmorphError(f"{str(folder)!r}: cannot be a folder to start in: {why}") from None
    print("Next: jaxmorph run" if folder == Path() else f"Next: cd {folder} && jaxmorph run")


def _run(words: list[str]) -> NoReturn:
    """Become Snakemake, so that Ctrl-C and the exit status are its own."""
    named = words[0] if words and words[0].endswith((".yaml", ".yml")) else None
    rest = _with_profile(words[1:] if named else words)
    file = _configuration(named)
    for one in (file, *_words_of(rest, "--configfile", "--configfiles")):
        check_syntax(one)
    for entry in _words_of(rest, "--config", "-C"):
        _check_entry(entry)
    if words and not named and not words[0].startswith("-") and Path(words[0]).suffix in _OTHER_ENDINGS:
        raise JaxmorphError(f"{words[0]}: a configuration is YAML; name it .yaml")
    configuration = ["--configfile", file, "--replace-workflow-config"]
    logger = ["--logger=rich"] if sys.stderr.isatty() and "--logger" not in " ".join(rest) else []
    command = ["-m", "snakemake", "--snakefile", str(snakefile()), *rest, *logger, *configuration]
    os.execv(sys.executable, [sys.executable, *command])


def _words_of(words: Sequence[str], *options: str) -> list[str]:
    """All that is given to some of Snakemake's options, which take several words."""
    found, inside = [], False
    for word in words:
        option, equals, value = word.partition("=")
        if option in options:
            inside = True
            found += [value] if equals else []
        elif word.startswith("-"):
            inside = False
        elif inside:
            found.append(word)
    return found


def _check_entry(entry: str) -> None:
    """Whether ``entry`` can be a part of a configuration; Snakemake would not say why not."""
    key, equals, _ = entry.partition("=")
    example = "such as runs='{a: {seeds: 8}}'"
    if "." in key:
        raise JaxmorphError(f"--config {entry}: has a dot; write mappings, {example}")
    if not equals or not key.isidentifier():
        raise JaxmorphError(f"--config {entry}: must be KEY=VALUE, {example}")


def snakefile() -> Path:
    """The workflow: inside the package that a wheel installs, beside it in a checkout."""
    places = (_PACKAGE / "_workflow", _PACKAGE.parent)
    return next(place / "Snakefile" for place in places if (place / "Snakefile").is_file())


def _with_profile(rest: list[str]) -> list[str]:
    """``--profile slurm`` means the workflow's own, unless there is one in this folder."""
    given = list(rest)
    for i, word in enumerate(given[:-1]):
        own = snakefile().parent / "profiles" / given[i + 1]
        if word == "--profile" and own.is_dir() and not Path(given[i + 1]).exists():
            given[i + 1] = str(own)
    return given


def _configuration(named: str | None) -> str:
    if named is not None:
        return named
    for name in _CONFIGURATIONS:
        if Path(name).is_file():
            return name
    raise JaxmorphError(
        f"there is no {' and no '.join(_CONFIGURATIONS)} in {Path.cwd()}; name a file, or write one to "
        "start from: jaxmorph init"
    )


def _check(arguments: argparse.Namespace) -> None:
    file = _configuration(arguments.file)
    runs = read_configuration(file).runs
    from ..jobs.study import describe_run  # imports JAX

    for name, run in runs.items():
        with TemporaryDirectory() as folder:
            files = (str(Path(folder, one)) for one in ("study.json", "cost.json"))
            try:
                measured = describe_run(name, Specifications(run), *files)
            except JaxmorphError as error:
                raise JaxmorphError(_in_file(file, name, str(error))) from error
        n, of_one = run.n_samples * run.n_seeds, measured.seconds_per_simulation
        print(
            f"{file}: {name} is good: {len(run.parameters)} parameters of {run.study}, {n:,} "
            f"simulations of {1e3 * of_one:.3g} ms; {budget(run, measured)}"
        )


def _in_file(file: str, run: str, said: str) -> str:
    """What is said of a run, each line with the file that has it."""
    place, lines = f"runs.{run}", said.splitlines()
    return "\n".join(f"{file}: {'' if line.startswith(place) else f'{place}: '}{line}" for line in lines)


def _verify(arguments: argparse.Namespace) -> None:
    folders: list[Path] = arguments.run or sorted(filter(Path.is_dir, Path("results").glob("*")))
    if not folders:
        raise JaxmorphError(f"there is no run in {Path('results').absolute()}; name its folder")
    if gone := [folder for folder in folders if not folder.is_dir()]:
        raise JaxmorphError(f"{gone[0]}: no such folder; name that of a run: results/NAME")
    if empty := [folder for folder in folders if is_no_run(folder)]:
        raise JaxmorphError(f"{empty[0]}: has no file of a run; name the folder of one: results/NAME")
    records, bad = SnakemakeRecords(), 0
    for folder in folders:
        found = damaged_files(folder, thoroughly=True)
        for path, what in found.items():
            print(f"{path}: is damaged: {what}")
            if records.is_there and not path.is_absolute():
                records.mark(path)
        if not found:
            print(f"{folder}: every file is as it was written")
        bad += len(found)
    if bad:
        files, them = ("1 file is", "it") if bad == 1 else (f"{bad} files are", "them")
        again = f"the next command makes {them} again" if records.is_there else f"make {them} again"
        raise JaxmorphError(f"{files} damaged; {again}")


def _report(arguments: argparse.Namespace) -> None:
    from ..analysis import open as open_run

    folder: Path = arguments.run
    print(open_run(folder).report(arguments.page or Path(f"{folder.name}.html")))


def _export(arguments: argparse.Namespace) -> None:
    from ..jobs.crate import write_crate

    folder: Path = arguments.run.expanduser()
    output = arguments.crate or Path(f"{folder.resolve().name}.zip")
    if output.suffix != ".zip":
        raise JaxmorphError(f"{output}: a crate is a zip file; name it {output.with_suffix('.zip')}")
    write_crate(folder, snakefile(), output)
    print(output)


def _reproduce(arguments: argparse.Namespace) -> None:
    from ..report.unpacking import hand_over

    hand_over(arguments.report, arguments.folder)
    print(f"Next: cd {arguments.folder} && jaxmorph run config.yaml")
