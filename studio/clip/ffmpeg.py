"""The ffmpeg program: where it is, how raw frames are piped into it, and what it means when it ends badly."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from functools import cache
from typing import IO

import numpy as np
from numpy.typing import NDArray

from studio.clip.child_processes import list_environment, start_child
from studio.nouns import Refusal
from studio.system_errors import find_shortage

QUIET = ["-hide_banner", "-nostdin", "-loglevel", "error"]
PIPE_BYTES = 1 << 20  # what Linux lets anyone ask for; 12 % faster than its 64 KiB at 720p, measured on two cores

_ANSWER_SECONDS = 20.0
"""How long ffmpeg may take to say what it was built with."""

_MEMORY_WORDS = ("Cannot allocate memory", "malloc of size", "Not enough space")
_FULL_WORDS = ("No space left on device", "File too large", "Disk quota exceeded", "not enough space")


def find_ffmpeg() -> str:
    """The ffmpeg that imageio-ffmpeg carries (IMAGEIO_FFMPEG_EXE names another). Raises `Refusal` if there is none."""
    import imageio_ffmpeg

    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError:  # also where none could be started
        raise find_shortage() or _refuse_missing() from None


def _refuse_missing() -> Refusal:
    return Refusal(
        "The ffmpeg program that writes clips isn't here.", "Run: pip install --force-reinstall imageio-ffmpeg"
    )


def refuse_full_disk() -> Refusal:
    """What is said when a clip could not be written for want of room."""
    return Refusal(
        "The disk filled up before the clip was finished.", "Free some space, then try again; nothing else was lost."
    )


_WITHOUT_REAL_TIME = """
import ctypes, os, resource, sys
ctypes.CDLL(None).prctl(24, 23, 0, 0, 0)  # PR_CAPBSET_DROP, CAP_SYS_NICE: root has it no more once it becomes ffmpeg
resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))
os.execv(sys.argv[1], sys.argv[1:])
"""


def launch_ffmpeg(
    arguments: list[str],
    errors: IO[bytes] | int,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start ffmpeg with a list of arguments, never a shell; what it complains of goes to `errors`.

    Raises `Refusal` when the program isn't there.
    """
    quiet = {**list_environment(), "SVT_LOG": "1"}  # SVT-AV1 talks past -loglevel
    program = find_ffmpeg()
    try:
        if shutil.which(program) is None:
            raise FileNotFoundError(program)
        command = [*_keep_priority(arguments), program, *QUIET, *arguments]
        return start_child(command, stdin=stdin, stdout=stdout, stderr=errors, bufsize=0, env=quiet)
    except (FileNotFoundError, PermissionError):
        raise _refuse_missing() from None
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise Refusal(
            f"The ffmpeg program that writes clips can't be started ({why}).", "Close other programs, then try again."
        ) from error


@cache
def list_filters() -> frozenset[str]:
    """The filters that this ffmpeg was built with. Raises `Refusal` without one."""
    return _list_parts("-filters")


@cache
def list_codecs() -> frozenset[str]:
    """The encoders that this ffmpeg was built with. Raises `Refusal` without one."""
    return _list_parts("-encoders")


def _list_parts(flag: str) -> frozenset[str]:
    """The second word of each line that ffmpeg prints of itself. Raises `Refusal` where it prints none."""
    with launch_ffmpeg([flag], subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        try:
            said = process.communicate(timeout=_ANSWER_SECONDS)[0].decode(errors="replace")
        except subprocess.TimeoutExpired:
            said = ""
        finally:
            process.kill()
    if process.returncode or not said:
        raise Refusal("The ffmpeg program that writes clips doesn't answer.", "Try again.")
    return frozenset(words[1] for line in said.splitlines() if len(words := line.split()) > 2)


def _keep_priority(arguments: list[str]) -> list[str]:
    """What starts an encoder that must not change its priority: it loses the right to, and becomes ffmpeg.

    Run by root, as in most containers, SVT-AV1 4 gives its threads the highest real-time priority, and nothing else on
    the computer is served until it has finished, the page least of all.
    """
    if sys.platform != "linux" or os.geteuid() or "libsvtav1" not in arguments:
        return []
    return [sys.executable, "-I", "-S", "-c", _WITHOUT_REAL_TIME]


def run_ffmpeg(arguments: list[str], seconds: float) -> None:
    """Run ffmpeg to its end. Raises `Refusal` when it fails or takes longer than `seconds`."""
    with tempfile.TemporaryFile() as errors:
        process = launch_ffmpeg(arguments, errors)
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Refusal("This clip took too long to copy.", "Check that the file is whole, then try again.") from None
        finally:
            process.kill()
            process.wait()
        if code:
            raise explain_failure(code, errors)


def explain_failure(code: int, errors: IO[bytes]) -> Refusal:
    """Why ffmpeg ended with this code, by what it complained of, in the user's words; as a note, in its own."""
    errors.seek(0)
    words = errors.read(8192).decode(errors="replace")
    if any(word in words for word in _FULL_WORDS) or code == -getattr(signal, "SIGXFSZ", 0):
        return refuse_full_disk()
    if any(word in words for word in _MEMORY_WORDS):
        return Refusal("There isn't enough memory for this.", "Choose a smaller size, or close other programs.")
    refusal = Refusal("The encoder stopped before the clip was finished.", "Try again, or choose another format.")
    refusal.add_note(
        f"ffmpeg ended with {code}: {words.strip()[-400:]}"
    )  # for whoever reads a traceback, never for a page
    return refusal


def _yield_to_painting(pid: int) -> None:
    """Let whoever paints the frames go first: an encoder that waits for frames leaves a core idle, one that lags never
    does.

    A 5 s 720p clip of two layers takes 14 % less on two cores.
    """
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, pid, 10)


class Pipe:
    """A running ffmpeg that reads raw frames from its standard input. Close it with `finish` or `kill`.

    yields: whether painting goes first. A draft that is drawn beside a job would wait for all of the job's painting.
    """

    def __init__(self, arguments: list[str], yields: bool = True) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (lives as long as the process)
        try:
            self._process = launch_ffmpeg(arguments, self._errors, subprocess.PIPE)
        except BaseException:
            self._errors.close()
            raise
        assert self._process.stdin is not None
        self._pipe = self._process.stdin.fileno()
        if yields:
            _yield_to_painting(self._process.pid)
        if sys.platform == "linux":
            import fcntl

            with contextlib.suppress(OSError):  # a small pipe is only slower
                fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)

    def write(self, frame: NDArray[np.uint8]) -> None:
        """Hand one frame over, without a copy when it is contiguous. Raises `Refusal` when ffmpeg has died."""
        rest = memoryview(np.ascontiguousarray(frame)).cast("B")
        try:
            while rest:
                rest = rest[os.write(self._pipe, rest) :]
        except OSError:  # EPIPE; on Windows EINVAL
            raise self._end() from None

    def end(self) -> None:
        """Say that there are no more frames; ffmpeg goes on with those it has."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def finish(self) -> None:
        """Wait for the file after `end`. Raises `Refusal` when ffmpeg failed."""
        if self._process.wait():
            raise self._end()
        self._errors.close()

    def kill(self) -> None:
        """End ffmpeg now, whatever it is doing. Harmless when it has ended already."""
        self._process.kill()
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._errors.close()

    def _end(self) -> Refusal:
        try:
            code = self._process.wait(5)
        except subprocess.TimeoutExpired:  # it closed its input and hangs
            self._process.kill()
            code = self._process.wait()
        return explain_failure(code, self._errors)
