"""What a failure of the machine means to a person: a full, read-only or absent disk, too many open files, no memory.

A failed system call says so by its `errno` (errno.h of POSIX); Python and the libraries by an exception of their own.
"""

from __future__ import annotations

import errno
import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from studio.nouns import Refusal

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FILES = (errno.EMFILE, errno.ENFILE)
ABSENT = (errno.EIO, errno.ENXIO, errno.ENODEV, errno.ESTALE, errno.ENOTCONN)

MOST_FILES = 16_384
"""Files open at once: a page of many tabs, its uploads and downloads take a few hundred."""

NO_MEMORY = -4
"""cv::Error::StsNoMem, the code of an OpenCV error."""


class Hindrance(Refusal):
    """A refusal that lies in the machine, not in what was asked for: the same works once that is over."""


def is_disk_full(error: OSError) -> bool:
    """Whether a write failed for want of room: disk, quota or file-size limit."""
    return error.errno in FULL


def explain_system_error(error: BaseException) -> Refusal | None:
    """A failure of the machine in the user's words, without a path; None for any other error."""
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, MemoryError) or getattr(link, "code", 0) == NO_MEMORY:
            return Refusal("There isn't enough memory for this.", "Choose a smaller size, or close other programs.")
        if isinstance(link, OSError) and (found := _explain_errno(link)):
            return found
        link = link.__cause__
    return None


def raise_known(error: BaseException) -> None:
    """Raise what a failure of the machine means, before it is taken for a fault of the file that was at hand; nothing
    for any other error. Raises `Refusal`.
    """
    if known := explain_system_error(error):
        raise known from None


def _explain_errno(error: OSError) -> Refusal | None:
    if is_disk_full(error):
        return Hindrance("The disk is full.", "Free some space, then try again.")
    if error.errno in FILES:
        return Hindrance(
            "Too many files are open.", "Try again in a moment; if that doesn't help, start Stir after: ulimit -n 4096"
        )
    if error.errno == errno.EROFS:
        return Hindrance("The disk can only be read.", "Make it writable, or choose another folder with --home.")
    if error.errno in ABSENT:
        return Hindrance("The disk doesn't answer.", "See that its drive is plugged in, then try again.")
    if error.errno == errno.ENOMEM:
        return Refusal("There isn't enough memory for this.", "Choose a smaller size, or close other programs.")
    if error.errno == errno.ENAMETOOLONG:
        return Refusal("This name is too long for a file.", "Give a shorter one.")
    if error.errno == errno.ENOENT and error.filename and not _is_there(Path(os.fsdecode(error.filename)).parent):
        return refuse_absent()
    return None


def _is_there(folder: Path) -> bool:
    try:
        return folder.is_dir()
    except OSError:
        return False


def refuse_absent() -> Hindrance:
    """What is said while the folder that is written to isn't there."""
    return Hindrance(
        "The folder this is kept in isn't there any more.", "Plug in its drive or put it back, then try again."
    )


def refuse_busy() -> Hindrance:
    """What is said while another process has what is needed here in hand."""
    return Hindrance("The library is busy with another program.", "Try again in a moment.")


def refuse_unwritten(error: OSError, what: str = "Stir's home folder") -> Refusal:
    """A failed write in the user's words; `what` couldn't be written."""
    known = explain_system_error(error)
    why = error.strerror or type(error).__name__
    return known or Refusal(
        f"{what} can't be written ({why}).", "Check its permissions, or choose another folder with --home."
    )


def allow_many_files() -> None:
    """Let this process open as many files as the system lets it: by default it is few, on macOS 256."""
    if sys.platform != "win32":
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
        if soft < most:
            with suppress(OSError, ValueError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def find_shortage() -> Refusal | None:
    """Why another program can't be started, where too many files are open for it; None where they aren't."""
    opened: list[int] = []
    try:
        for _ in range(8):  # three pipes, and what the program is found by
            opened.append(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return explain_system_error(error)
    finally:
        for one in opened:
            os.close(one)
    return None


def find_hindrance(folder: Path) -> Refusal | None:
    """What keeps a small file from being written in a folder, where something does; for errors that say nothing."""
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(65_536))
            probe.flush()
    except OSError as error:
        return refuse_unwritten(error)
    return None
