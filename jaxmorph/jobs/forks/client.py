"""The workflow that offers forks to its jobs, and the job that becomes one."""

import errno
import fcntl
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any, NoReturn

from . import server
from .server import FOLDER

_PACKAGE = str(Path(__file__).parents[2])
_held: list[tuple[tempfile.TemporaryDirectory[str], IO[str]]] = []


def offer_forks() -> None:
    """Let the jobs that this process starts be forks; servers end with it, however it ends."""
    if FOLDER in os.environ or sys.platform != "linux":  # elsewhere, libraries may not survive a fork
        return
    folder = tempfile.TemporaryDirectory(prefix="jaxmorph-")
    lock = open(Path(folder.name, server.WORKFLOW), "w", encoding="utf-8")  # noqa: SIM115
    fcntl.flock(lock, fcntl.LOCK_EX)
    _held.append((folder, lock))  # until this process ends
    os.environ[FOLDER] = folder.name


def refuse_forks() -> None:
    """Let the jobs of this process start by themselves, whatever its environment offers."""
    os.environ[FOLDER] = ""


def become_a_fork() -> str:
    """Let a fork run the script of this process, and end as it ends.

    Returns:
        Why there is no fork, if there should be one; nothing where none is offered.
    """
    folder = os.environ.get(FOLDER)
    script = getattr(sys.modules["__main__"], "__real_file__", None)  # where Snakemake has put it
    if not folder or script is None or not Path(folder).is_dir():
        return ""
    pid = status = b""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    why = "the server has ended"
    try:
        with _connected(folder) as connection:
            sys.stdout.flush()
            socket.send_fds(connection, [script.encode()], [sys.stdout.fileno(), sys.stderr.fileno()])
            for number in before:
                signal.signal(number, lambda number, _: connection.send(bytes([number])))
            pid = connection.recv(server.NUMBER.size)
            status = connection.recv(server.NUMBER.size) if pid else b""
    except OSError as error:
        why = error.strerror or str(error)
    if status:
        _end_as(*server.NUMBER.unpack(status))
    if pid:
        sys.exit(f"{script}: the process of this job has been killed with the server that made it")
    for number, handler in before.items():
        signal.signal(number, handler)
    return f"no fork ({why}): this job imports everything by itself"


def _connected(folder: str) -> socket.socket:
    """A connection to the server for processes like this one, which is started if there is none."""
    alike: list[Any] = [sys.executable, sys.path, os.getcwd(), sorted(os.environ.items()), _PACKAGE]
    path = Path(folder, hashlib.sha256(json.dumps(alike).encode()).hexdigest()[:16])
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        try:
            listener.bind(str(path))
            listener.listen(64)
            _start(listener, folder)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:  # another job was first
                raise
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.connect(str(path))
    return connection


def _start(listener: socket.socket, folder: str) -> None:
    """In a session of its own: Ctrl-C is for the jobs, which pass it on."""
    program = (
        f"import sys; sys.path[:] = {sys.path!r}; "
        f"from jaxmorph.jobs.forks.server import serve; serve({listener.fileno()}, {folder!r})"
    )
    subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[listener.fileno()],
        start_new_session=True,
    )


def _end_as(status: int) -> NoReturn:
    """End this process as another one has ended, by the status that ``waitpid`` gives."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    sys.exit(os.waitstatus_to_exitcode(status))
