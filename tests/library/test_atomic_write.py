"""Files are written whole or not at all."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from studio.atomic_write import replace_whole, sweep_unfinished, write_whole


def test_a_file_is_the_old_one_until_the_new_one_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "recipe.json"
    write_whole(file, b"old")
    with pytest.raises(KeyError), replace_whole(file) as beside:
        beside.write_bytes(b"ne")
        assert file.read_bytes() == b"old" and beside.parent == file.parent
        raise KeyError
    assert file.read_bytes() == b"old" and list(tmp_path.iterdir()) == [file]
    write_whole(file, b"new")
    assert file.read_bytes() == b"new" and list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("stem", ["x" * 251, "é" * 125 + "x", "日" * 83 + "xx", "x" * 130])
def test_a_name_may_be_as_long_as_the_file_system_takes(tmp_path: Path, stem: str) -> None:
    file = tmp_path / f"{stem}.mp4"
    with replace_whole(file) as beside:
        beside.write_bytes(b"new")
        assert len(os.fsencode(beside.name)) <= len(os.fsencode(file.name)) <= 255
        assert beside.name.startswith(f".{stem[:20]}") and beside.name.endswith(".part")
    assert file.read_bytes() == b"new" and list(tmp_path.iterdir()) == [file]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits")
def test_a_file_is_as_readable_as_any_other(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    write_whole(tmp_path / "file", b"")
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_what_a_crash_left_is_removed_after_an_hour(tmp_path: Path) -> None:
    with pytest.raises(KeyError), replace_whole(tmp_path / "a.json") as beside:
        old, new = beside.with_name(beside.name.replace("a.json", "b.json")), beside.with_name(".new-4f")
        old.write_bytes(b"{")
        new.write_bytes(b"{")
        raise KeyError
    os.utime(old, (time.time() - 7200,) * 2)
    sweep_unfinished(tmp_path)
    assert list(tmp_path.iterdir()) == [new]
    os.utime(new, (time.time() - 7200,) * 2)  # what an earlier build left
    sweep_unfinished(tmp_path)
    assert list(tmp_path.iterdir()) == []
