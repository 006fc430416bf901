"""The trial: parts one after another, in processes of their own that end in time; files as they come.

What is least known comes first. A part that fails or takes too long costs that part alone, and says why.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, NamedTuple

from ..processes import ROOT
from .studies import EXACT, TISSUES
from .text import written_out
from .throughput import Row


class Part(NamedTuple):
    """A part of the trial: what ``benchmarks.gpu.parts`` is told, and its seconds at most."""

    arguments: tuple[str, ...]
    seconds: float

    @property
    def kind(self) -> str:
        """Where its rows belong in the file."""
        return self.arguments[0]


_SOLVED = ("epidemic",)  # by Diffrax, whose loops have callbacks
STAGES: tuple[tuple[Part, ...], ...] = (
    (Part(("about",), 30),),
    (Part(("answers", *(study for study in EXACT if study not in _SOLVED)), 80),),
    (Part(("rates",), 30),),
    (Part(("throughput", "reverse"), 65),),
    (Part(("throughput", "none"), 55),),
    (Part(("throughput", "forward"), 55),),
    (Part(("profile", "reverse", "none", "forward"), 60),),
    (Part(("ways", "none", "reverse"), 45),),
    tuple(Part(("answers", study), 240) for study in (*_SOLVED, *TISSUES)),
)
"""Parts of a stage run side by side, as many at once as there are processors."""
SECONDS = 450.0


class Trial:
    """The rows that there are, by kind of part, in the files of a folder."""

    def __init__(self, folder: Path, seconds: float):
        self.folder, self.ends = folder, time.monotonic() + seconds
        self.rows: dict[str, list[Row]] = {"about": [], "ended": []}
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, kind: str, row: Row) -> None:
        """Keep a row, and write all files anew: whoever is cut off here has left what there was."""
        with self._lock:
            self.rows.setdefault(kind, []).append(row)
            for name, text in (
                ("trial.json", json.dumps(self.rows, indent=1) + "\n"),
                ("README.md", written_out(self.rows)),
            ):
                aside = self.folder / f".{name}"
                aside.write_text(text, encoding="utf-8")
                aside.replace(self.folder / name)

    def run(self, stages: Sequence[Sequence[Part]]) -> None:
        """All stages, or as many as there is time for."""
        at_once = max(1, len(os.sched_getaffinity(0)))
        with tempfile.TemporaryDirectory(prefix="jaxmorph-trial-") as cache:
            for stage in stages:
                room = threading.Semaphore(at_once)
                threads = [
                    threading.Thread(target=self._part, args=(part, cache, room)) for part in stage
                ]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()

    def _part(self, part: Part, cache: str, room: threading.Semaphore) -> None:
        """A process, whose rows are kept as they come; how it ended is a row, too."""
        with room:
            began = time.monotonic()
            seconds = min(part.seconds, self.ends - began)
            if seconds <= 0:
                self.add("ended", {"part": " ".join(part.arguments), "how": "no time was left"})
                return
            command = [sys.executable, "-W", "ignore", "-m", "benchmarks.gpu.parts", *part.arguments]
            with open(self.folder / "log.txt", "a", encoding="utf-8") as log:
                process = subprocess.Popen(
                    command, env=_environment(cache), stdout=subprocess.PIPE, stderr=log, text=True
                )
                assert process.stdout is not None
                timer = threading.Timer(seconds, process.kill)
                timer.start()
                self._read(part.kind, process.stdout)
                status = process.wait()
                timer.cancel()
            took = time.monotonic() - began
            how = "whole" if status == 0 else f"ended with {status}: log.txt has why"
            if took >= seconds:
                how = f"cut off after {seconds:.0f} s"
            row = {"part": " ".join(part.arguments), "how": how, "seconds": round(took, 1)}
            self.add("ended", row)
            print("{part}: {how}, {seconds} s".format_map(row), file=sys.stderr, flush=True)

    def _read(self, kind: str, lines: IO[str]) -> None:
        for line in lines:
            with contextlib.suppress(json.JSONDecodeError):  # the half line of one that was cut off
                self.add(kind, json.loads(line))


def _environment(cache: str) -> dict[str, str]:
    """Of a part: parts share compiled programs and, where they run side by side, the memory of a GPU."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return os.environ | {
        "PYTHONPATH": path,
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "JAX_COMPILATION_CACHE_DIR": cache,
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "1",
    }


def store() -> None:
    """Write the answers that others are held to, of this processor."""
    from . import answers

    found = {study: answers.evaluate(study)["answer"] for study in (*EXACT, *TISSUES)}
    answers.FILE.write_text(answers.as_text(found), encoding="utf-8")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="gpu-trial", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", help="of what is written")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="that it takes at most")
    parser.add_argument(
        "--store", action="store_true", help="write the answers of this CPU that GPUs are held to"
    )
    arguments = parser.parse_args()
    if arguments.store:
        store()
        return
    if arguments.folder is None:
        parser.error("name the folder that results are written to")
    Trial(arguments.folder, arguments.seconds).run(STAGES)
    print(f"written to {arguments.folder}", file=sys.stderr)
