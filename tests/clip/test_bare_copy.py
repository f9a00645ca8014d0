"""What models are given of a user's own sounds and films tells nothing of the user; and programs are given no tokens."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from studio.attachments import Attachments
from studio.clip import ffmpeg
from studio.clip.child_processes import SECRETS
from studio.config import Settings
from studio.engines.hosted.tokens import VARIABLES
from studio.nouns import Refusal

TELLING = (b"+48.1372", b"Acme Phone 9", b"Bob's walk")
TAGS = ("location=+48.1372+011.5755/", "com.apple.quicktime.model=Acme Phone 9", "title=Bob's walk")


@pytest.mark.parametrize(
    ("name", "kind"), [("walk.mov", "video"), ("walk.mp4", "video"), ("say.m4a", "audio"), ("say.mp3", "audio")]
)
def test_an_attachment_tells_nothing_of_its_owner(settings: Settings, tmp_path: Path, name: str, kind: str) -> None:
    file = tmp_path / name
    film = ["-f", "lavfi", "-i", "testsrc2=s=96x64:d=1:r=10"] if kind == "video" else []
    said = [part for tag in TAGS for part in ("-metadata", tag)]
    more = ["-movflags", "use_metadata_tags"] if name.endswith(("mov", "mp4")) else []
    ffmpeg.run_ffmpeg([*film, "-f", "lavfi", "-i", "sine=d=1", *said, *more, f"file:{file}"], 30)
    assert any(one in file.read_bytes() for one in TELLING), "it told at first"
    kept = Attachments(settings, lambda key: False)
    one, again = (kept.take_in(file, name, kind) for _ in range(2))  # type: ignore[arg-type]
    content = kept.file(one.id).read_bytes()
    assert not [word for word in TELLING if word in content]
    assert one == again and one.bytes == len(content) and one.seconds == pytest.approx(1.0, abs=0.1)
    assert sorted(path.name for path in kept.folder.iterdir()) == [one.id, f"{one.id}.json"]
    with pytest.raises(Refusal):
        kept.take_in(file, "walk.exe", kind)  # type: ignore[arg-type]


def test_ffmpeg_is_given_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(VARIABLES.values()) <= set(SECRETS)
    for name in SECRETS:
        monkeypatch.setenv(name, "r8_MARKED0123456789")
    process = ffmpeg.launch_ffmpeg(["-f", "lavfi", "-i", "sine", "-f", "null", "-"], subprocess.DEVNULL, subprocess.PIPE)
    held = Path(f"/proc/{process.pid}/environ")
    if held.exists():
        content = b""
        while process.poll() is None and b"SVT_LOG" not in content:
            content = held.read_bytes()
        assert b"MARKED" not in content and b"PATH=" in content
    process.kill()
    process.wait()
    assert os.environ["FAL_KEY"], "this process has it still"
