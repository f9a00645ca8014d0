"""A drive of its own for a test: a tmpfs in a user and mount namespace, filled, taken out, put back, made read-only.

`start` starts a module of the tests in such a namespace (`unshare -Urm`), which needs no root where the kernel allows it.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from studio.config import ROOT

READ_ONLY, REMOUNT, BIND, DETACH = 1, 32, 4096, 2  # sys/mount.h
SIZE = 400 << 20
"""Bytes that the drive may hold; only what is written takes memory."""


@cache
def find_unshare() -> list[str]:
    """The command in front of one that may mount; [] where the system has none."""
    program = shutil.which("unshare")
    for flags in (["-Urm"], ["-m"]):
        if program and subprocess.run([program, *flags, "true"], capture_output=True, check=False).returncode == 0:
            return [program, *flags]
    return []


def start(module: str, *words: object) -> subprocess.Popen[str]:
    """A module that is run where it may mount; it is asked and answers in lines."""
    before = find_unshare()
    if not before:
        pytest.skip("this kernel lets nobody mount a file system of his own (unshare -Urm), nor is this root")
    command = [*before, sys.executable, "-m", module, *map(str, words)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


class Drive:
    """A tmpfs, seen at `at` while it is plugged in."""

    def __init__(self, folder: Path) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._disk, self.at = folder / "disk", folder / "drive"
        self._disk.mkdir()
        self.at.mkdir()
        self._mount("tmpfs", self._disk, "tmpfs", 0, f"size={SIZE}")
        self.plug_in()

    def _mount(self, source: object, at: Path, kind: str, flags: int, options: str = "") -> None:
        if self._libc.mount(str(source).encode(), str(at).encode(), kind.encode(), flags, options.encode()):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    def fill(self, free: int = 0) -> None:
        """Leave so many bytes."""
        about = os.statvfs(self._disk)
        used = (about.f_blocks - about.f_bfree) * about.f_frsize
        self._mount("tmpfs", self._disk, "tmpfs", REMOUNT, f"size={max(4096, used + free)}")

    def clear(self) -> None:
        self._mount("tmpfs", self._disk, "tmpfs", REMOUNT, f"size={SIZE}")

    def take_out(self) -> None:
        assert self._libc.umount2(str(self.at).encode(), DETACH) == 0

    def plug_in(self, read_only: bool = False) -> None:
        self._mount(self._disk, self.at, "", BIND)
        if read_only:
            self._mount("", self.at, "", REMOUNT | BIND | READ_ONLY)
