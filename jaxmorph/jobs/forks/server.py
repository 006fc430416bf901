"""The process that imports everything, and forks for each job that asks."""

import contextlib
import ctypes
import fcntl
import gc
import importlib
import os
import runpy
import selectors
import signal
import socket
import struct
import sys
import traceback
from pathlib import Path
from typing import NoReturn

from ...configuration.code import parse_package

FOLDER = "JAXMORPH_FORK_SERVER"
"""Variable of the environment: where the servers of a workflow are; empty where none are wanted."""

WORKFLOW = "workflow"
"""A file that the main process of the workflow keeps locked while it lives."""

NUMBER = struct.Struct("i")
"""What a server answers: the number of the process that it made, then the status it ended with."""

_FIRST = ("devices", "study", "simulate", "analyse")
_LATER = ("draw", "animate", "page", "account", "optimise")
"""Modules of jobs: what the first jobs of a run need, and what is imported while nobody asks."""

_CHECK_S = 1.0
_LONGEST_PATH = 4096
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl


def serve(listener: int, folder: str) -> None:
    """Fork for each job that connects, until the workflow has ended.

    Args:
        listener: File descriptor of the socket that listens.
        folder: That of the workflow.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _Server(socket.socket(fileno=listener), Path(folder)).run()


class _Server:
    def __init__(self, listener: socket.socket, folder: Path):
        self._listener, self._folder = listener, folder
        self._jobs: dict[int, socket.socket] = {}  # of each fork the connection to who asked for it
        self._selector = selectors.DefaultSelector()
        self._later = list(_LATER)

    def run(self) -> None:
        for name in _FIRST:
            _import(name)
        self._selector.register(self._listener, selectors.EVENT_READ)
        ended, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # the number is written to ``wake``
        self._selector.register(ended, selectors.EVENT_READ)
        while self._jobs or self._is_wanted():
            ready = self._selector.select(0 if self._later else _CHECK_S)
            for key, _ in ready:
                if key.fileobj is self._listener:
                    self._accept()
                elif key.fileobj == ended:
                    os.read(ended, 4096)
                    self._reap()
                else:
                    self._listen(key.data)
            if self._later and not ready:
                _import(self._later.pop(0))
                if not self._later:
                    parse_package()  # each job asks of what code it is

    def _is_wanted(self) -> bool:
        """Whether the workflow is still there."""
        with contextlib.suppress(FileNotFoundError), open(self._folder / WORKFLOW, "rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        script, streams, _, _ = socket.recv_fds(connection, _LONGEST_PATH, 2)
        gc.collect()
        gc.freeze()  # what is there already stays in pages that all forks share
        pid = os.fork()
        if pid == 0:
            self._listener.close()
            connection.close()
            for other in self._jobs.values():
                other.close()
            _run(script.decode(), streams)
        for stream in streams:
            os.close(stream)
        self._jobs[pid] = connection
        connection.send(NUMBER.pack(pid))
        self._selector.register(connection, selectors.EVENT_READ, pid)

    def _listen(self, pid: int) -> None:
        """Pass on a signal; whoever is gone wants the fork to be gone, too."""
        number = self._jobs[pid].recv(1)
        if not number:
            self._selector.unregister(self._jobs[pid])
        os.kill(pid, number[0] if number else signal.SIGKILL)

    def _reap(self) -> None:
        for pid in [*self._jobs]:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                connection = self._jobs.pop(pid)
                with contextlib.suppress(KeyError):
                    self._selector.unregister(connection)
                with contextlib.suppress(BrokenPipeError), connection:
                    connection.send(NUMBER.pack(status))


def _import(name: str) -> None:
    importlib.import_module(f"jaxmorph.jobs.{name}")


def _run(script: str, streams: list[int]) -> NoReturn:
    """Be the process of a job."""
    del os.environ[FOLDER]  # its script is not handed on once more
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for place, stream in enumerate(streams, 1):
        os.dup2(stream, place)
        os.close(stream)
    sys.modules["numpy"].random.seed()  # of the system, as in a new process
    status = 1
    try:
        runpy.run_path(script, run_name="__main__")
        status = 0
    except SystemExit as end:
        status = _status(end)
    except KeyboardInterrupt:  # ends the interpreter as the signal itself
        traceback.print_exc()
        sys.stderr.flush()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)  # what is to be done at the end of the server is not to be done here


def _status(end: SystemExit) -> int:
    """As the interpreter takes it: None is success, a text is printed."""
    if end.code is None or isinstance(end.code, int):
        return end.code or 0
    print(end.code, file=sys.stderr)
    return 1
