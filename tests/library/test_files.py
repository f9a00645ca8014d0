"""Names, room on the disk, the log and what is served: files as people and systems meet them."""

from __future__ import annotations

import errno
import logging
import os
from pathlib import Path

import pytest

from studio.library import disk, file_names, logbook
from studio.library.file_cache import FileCache
from studio.nouns import Refusal
from studio.system_errors import refuse_unwritten


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("Harbour at dusk", "Harbour at dusk"), ("../../etc/passwd", "etc passwd"),
        ("a/b\\c:d*e?f\"g<h>i|j", "a b c d e f g h i j"),
        ("  .hidden. ", "hidden"), ("", "clip"), ("...", "clip"), ("CON", "clip"),
        ("nul.txt", "clip"), ("new\nline\x00", "new line"),
        ("пристань", "пристань"), ("港", "港"), ("\u202egpj.exe", "gpj.exe"),
        ("<img onerror=1>", "img onerror 1"), ("$(rm -rf ~)", "(rm -rf )"),
    ],
)  # fmt: skip
def test_names_for_people(words: str, name: str) -> None:
    assert file_names.tidy(words) == name


def test_a_long_name_is_cut_between_letters() -> None:
    assert len(file_names.tidy("é" * 500).encode()) <= file_names.LONGEST
    name = file_names.download("港" * 300 + ".jpg", "dolly in", 720, ".mp4")
    assert len(file_names.download("港" * 300, "pan with " * 99, 720, ".mp4").encode()) < 255
    assert len(name.encode()) < 255
    assert name.endswith(", dolly in, 720p.mp4"), "what tells it apart is not what is cut"


def test_a_download_is_named_for_what_it_shows() -> None:
    assert file_names.download("harbour.JPG", "dolly in, looped", 720, ".mp4") == "harbour, dolly in, looped, 720p.mp4"
    assert file_names.download("", "static", 1080, ".gif") == "clip, static, 1080p.gif"


def test_too_little_room_is_refused_with_both_amounts(tmp_path: Path) -> None:
    disk.require(tmp_path, 1000)
    with pytest.raises(Refusal, match=r"may need .* and the disk has .* left"):
        disk.require(tmp_path, 2**60)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_refused_without_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Refusal, match="can't be written") as refused:
        disk.require(tmp_path / "file" / "clips", 0)
    assert str(tmp_path) not in str(refused.value)


def test_a_full_disk_is_called_full() -> None:
    assert "full" in refuse_unwritten(OSError(errno.ENOSPC, "No space left on device")).reason
    assert "full" not in refuse_unwritten(OSError(errno.EACCES, "Permission denied")).reason


@pytest.mark.parametrize(("amount", "words"), [(850_000, "850 kB"), (27_000_000, "27 MB"), (1_400_000_000, "1.4 GB")])
def test_bytes_for_people(amount: int, words: str) -> None:
    assert disk.size(amount) == words


def test_the_log_says_what_and_not_who(tmp_path: Path) -> None:
    log = logbook.open(tmp_path / "logs")
    try:
        try:
            (tmp_path / "holiday with Anna.jpg").read_bytes()
        except OSError as error:
            raise ValueError("Anna") from error
    except ValueError as error:
        log.error("%s", logbook.trace(error))
    logbook.close(log)
    text = (tmp_path / "logs" / "stir.log").read_text()
    assert "ValueError" in text
    assert "FileNotFoundError" in text
    assert "test_files.py" in text
    for secret in ("Anna", "holiday", str(tmp_path), str(Path.home()) + os.sep):
        assert secret not in text


def test_the_log_is_bounded(tmp_path: Path) -> None:
    log = logbook.open(tmp_path)
    for _ in range(60):
        log.info("x" * (logbook.LARGEST // 10))
    logbook.close(log)
    assert len(list(tmp_path.iterdir())) == 4
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 4 * logbook.LARGEST


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log = logbook.open(tmp_path / "logs")
    (tmp_path / "logs").rmdir()
    (tmp_path / "logs").write_text("in the way")
    log.log(logging.ERROR, "nowhere to go")
    assert capfd.readouterr() == ("", "")


def made(folder: Path, text: str) -> Path:
    file = folder / "made"
    file.write_text(text)
    return file


def test_what_is_served_is_found_again_and_the_oldest_goes(tmp_path: Path) -> None:
    served = FileCache(tmp_path / "served", most=3)
    for number in range(3):
        file = served.keep(made(tmp_path, str(number)), f"key{number}", "a name.mp4")
        os.utime(file.parent, (number, number))
    assert served.find("key0") == tmp_path / "served" / "key0" / "a name.mp4", "looking at it makes it fresh"
    served.keep(made(tmp_path, "3"), "key3", "a name.mp4")
    assert [served.find(f"key{number}") is not None for number in range(4)] == [True, False, True, True]
    assert served.find("never") is None
    small = FileCache(tmp_path / "small", most_bytes=10)
    kept = [small.keep(made(tmp_path, "x" * 6), f"key{number}", "a.mp4").exists() for number in range(2)]
    assert (kept, small.find("key0")) == ([True, True], None)


def test_a_thing_made_anew_has_one_name(tmp_path: Path) -> None:
    served = FileCache(tmp_path / "served")
    served.keep(made(tmp_path, "old"), "key", "old name.mp4")
    new = served.keep(made(tmp_path, "new"), "key", "new name.mp4")
    assert [file.read_text() for file in new.parent.iterdir()] == ["new"]
