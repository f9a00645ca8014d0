"""Programs that Stir starts to read or write media: their environment without what opens the owner's accounts, and
their end.

Each belongs to the thread that started it, or to that thread's master: whoever watches that one can end them all. They
end with the thread that started them at the latest, and so with this process, whatever ends it (Linux, by util-linux'
setpriv): who starts a program in a thread has to read it to its end there.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import subprocess
import sys
import threading
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from studio.hung_threads import find_master, is_left

SECRETS = ("REPLICATE_API_TOKEN", "FAL_KEY", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
"""Variables that hold tokens. ffmpeg and the readers of foreign films have no use for them, and nobody vouches for what
those films do to a decoder."""

_started: WeakKeyDictionary[threading.Thread, WeakSet[subprocess.Popen[bytes]]] = WeakKeyDictionary()
_lock = threading.Lock()


def list_environment() -> dict[str, str]:
    """The variables for a program that reads or writes media."""
    return {name: value for name, value in os.environ.items() if name not in SECRETS}


@cache
def _find_setpriv() -> tuple[str, ...]:
    """What makes a program end with the thread that started it, where it is here and can do so."""
    found = shutil.which("setpriv") if sys.platform == "linux" else None
    if found is None:
        return ()
    command = (found, "--pdeathsig", "KILL", "--")
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        if subprocess.run([*command, found, "--version"], capture_output=True, timeout=5, check=False).returncode == 0:
            return command
    return ()


def start_child(command: list[str], **options: Any) -> subprocess.Popen[bytes]:
    """Start a program, never through a shell, that ends with this process at the latest; `options` are Popen's. Raises
    `OSError`, also for a thread that was left behind, `FileNotFoundError` where there is no such program.
    """
    if is_left():
        raise OSError(errno.ECANCELED, "nobody waits for it any more")
    program = shutil.which(command[0])
    if program is None:
        raise FileNotFoundError(command[0])
    window = subprocess.CREATE_NO_WINDOW if sys.platform == "win32" else 0
    process = subprocess.Popen(
        [*_find_setpriv(), program, *command[1:]],
        creationflags=window,
        **{"env": list_environment(), "stdin": subprocess.DEVNULL, **options},
    )
    with _lock:
        _started.setdefault(find_master(), WeakSet()).add(process)
    return process


def end_children(thread: threading.Thread) -> int:
    """End what a thread has started and still runs, and whatever of this process is frozen: MoviePy's programs are
    nobody's here. How many those were.
    """
    import psutil

    with _lock:
        running = {process.pid: process for process in _started.get(thread, ()) if process.poll() is None}
    for process in running.values():
        with contextlib.suppress(OSError):
            process.kill()
    frozen = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            if child.pid not in running and child.status() == psutil.STATUS_STOPPED:
                child.kill()
                frozen.append(child)
    return len(running) + len(frozen)


def run_script(script: str, *arguments: str, seconds: float) -> subprocess.CompletedProcess[bytes]:
    """Run a file of this program by itself, isolated, to its end, and what it printed. Raises
    `subprocess.TimeoutExpired`, `OSError`.
    """
    command = [sys.executable, "-I", script, *arguments]
    with start_child(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            said, complained = process.communicate(timeout=seconds)
        finally:
            process.kill()
    return subprocess.CompletedProcess(command, process.returncode, said, complained)
