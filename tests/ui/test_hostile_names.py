"""Files whose names and contents mean harm, by every way in: no path, no file but the studio's own, no trace of code."""

from __future__ import annotations

import http.client
import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from studio.nouns import Done, Shot
from tests.fakes.waiting import ended
from tests.ui.conftest import App

NAMES = (
    "../../../escape.png", "/etc/cron.d/x.png", "..\\..\\x.png", "C:\\Windows\\x.png", "a/b/c.png", "x" * 300 + ".png",
    ".png", "..", ".", " ", "", "x.png ", "x.png.", "CON.png", "nul", "-rf.png", "$(id).png", "`id`.png", "a;b|c&d.png",
    "a\nb.png", "a\r\nX: y.png", "a\tb.png", "a\x00b.png", "%2e%2e%2fx.png", "..%5cx.png", "a%00.png", "${7*7}{{7*7}}.png",
    "<img src=x onerror=alert(1)>.png",
    "'; DROP TABLE clips; --.png", '"quoted".png', "\u202egnp.exe", "é\u0301ü.png", "𝕏" * 80 + ".png", "x.png/..", "~/x.png",
    "file:///etc/passwd", "https://example.org/x.png", "x.json", "x.mp4", "x.svg", "x.zip", "stir.db", "..png", "x.png::$DATA",
)  # fmt: skip
CONTENTS = {
    "nothing": b"", "text": b"root:x:0:0\n" * 20, "drawing": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    "page": b"<!DOCTYPE html><script>alert(1)</script>", "half": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(40),
    "recipe": json.dumps({"photo": {"id": "../../stir"}}).encode(), "archive": b"PK\x05\x06" + bytes(18),
}  # fmt: skip
TELLS = re.compile(r"Traceback|File \"|\.py\b|site-packages|[a-z]Error\b|Errno")
OWN = re.compile(r"^(\.|[0-9a-f]{32,64}(\.\w+)?$|stir\.)")
"""What the studio's own files are called."""


class Sender:
    """Sends files to one app as its page does, and keeps each answer that tells more than it should."""

    def __init__(self, app: App) -> None:
        self.app, self.address, self.told = app, app.url.split("/")[2], list[str]()
        self.parts = {name: one["id"] for one in app.page.config["components"] for name in one["props"].get("server_fns") or ()}

    def post(self, path: str, body: bytes, kind: str) -> tuple[int, Any]:
        line = http.client.HTTPConnection(self.address, timeout=40)
        line.request("POST", f"/gradio_api/{path}", body, {"Content-Type": kind})
        answer = line.getresponse()
        text = answer.read().decode()
        line.close()
        if answer.status >= 500 or TELLS.search(text):
            self.told.append(f"{path} {answer.status}: {body[-200:]!r}: {text[:300]}")
        return answer.status, json.loads(text)

    def ask(self, name: str, value: Any) -> Any:
        """What the page asks; a refusal may name no folder."""
        asked = json.dumps({"data": value, "fn_name": name, "component_id": self.parts[name], "session_hash": "names"})
        _, answer = self.post("component_server", asked.encode(), "application/json")
        refusal = answer.get("refusal") if isinstance(answer, dict) else None
        if refusal and str(self.app.studio.settings.home) in json.dumps(refusal):
            self.told.append(f"{name} {value}: {refusal}")
        return answer

    def upload(self, data: bytes, name: str) -> str:
        """The path that the upload was given, which is in the folder of uploads; "" where it was refused."""
        shown = name.encode("utf-8", "surrogatepass").replace(b'"', b"%22").replace(b"\r", b"%0D").replace(b"\n", b"%0A")
        head = b'--bound\r\nContent-Disposition: form-data; name="files"; filename="' + shown + b'"\r\n\r\n'
        status, answer = self.post("upload", head + data + b"\r\n--bound--\r\n", "multipart/form-data; boundary=bound")
        if status != 200:
            return ""
        assert Path(answer[0]).resolve().is_relative_to(self.app.studio.settings.uploads.resolve())
        return answer[0]


@pytest.fixture
def sender(app: App, capfd: pytest.CaptureFixture[str]) -> Iterator[Sender]:
    """At the end nothing was told, nothing is on the terminal, and no file lies where or as the studio puts none."""
    home, sending = app.studio.settings.home, Sender(app)
    around = set(home.parent.iterdir())
    before = set(home.rglob("*"))
    yield sending
    assert not sending.told, "\n".join(sending.told)
    assert capfd.readouterr().err == ""
    assert set(home.parent.iterdir()) == around
    files = [one.relative_to(home) for one in set(home.rglob("*")) - before if one.is_file()]
    foreign = [
        one for one in files if not OWN.match(one.name) and one.parts[:2] not in {("cache", "served"), ("cache", "deliveries")}
    ]
    assert foreign == []


def paint(shade: int) -> bytes:
    """A PNG of its own."""
    file = io.BytesIO()
    Image.linear_gradient("L").resize((160, 120)).point(lambda value: (value + shade) % 256).save(file, "PNG")
    return file.getvalue()


def test_a_photo_is_called_what_a_file_may_be_called(sender: Sender, app: App) -> None:
    for at, name in enumerate(NAMES):
        path = sender.upload(paint(at), name) or sender.upload(paint(at), "plain.png")
        answer = sender.ask("receive_file", {"path": path, "name": name})
        if answer.get("kind") == "photo":
            assert not set(answer["photo"]["name"]) & set("/\x00"), name
        if len(name) > 255 or "\x00" in name:  # the call is refused whole: what nothing took in goes after a day
            assert set(answer) & {"refusal", "error"}, name
            Path(path).unlink()
        assert not Path(path).exists()


def test_contents_that_are_no_photo_leave_nothing(sender: Sender, app: App) -> None:
    photos = app.studio.settings.photos
    before = set(photos.iterdir())
    for content in CONTENTS.values():
        for name in ("../x.png", "x.jpg", "x.json", "x.mp4", "x.gif", "𝕏.heic"):
            for way in ("receive_file", "take_attachment", "take_depth"):
                path = sender.upload(content, name)
                answer = sender.ask(way, {"path": path, "name": name})
                assert answer["refusal"]["remedy"]
                assert not (path and Path(path).exists())
    assert set(photos.iterdir()) == before


def test_no_path_but_an_uploads_own_is_read(sender: Sender, app: App) -> None:
    settings = app.studio.settings
    inside = (
        settings.database,
        settings.uploads,
        settings.uploads / ".." / ".." / "stir.db",
        settings.home / "logs" / "stir.log",
    )
    for path in (*inside, *NAMES, "/etc/passwd", "/proc/self/environ", "/dev/zero"):
        for way in ("receive_file", "take_attachment", "take_depth"):
            assert set(sender.ask(way, {"path": str(path), "name": "x.png"})) & {"refusal", "error"}


def test_a_clip_with_any_title_is_exported_under_a_plain_name(sender: Sender, app: App, tmp_path: Path) -> None:
    photo = sender.ask("receive_file", {"path": sender.upload(paint(1), "../a.png"), "name": "../a.png"})["photo"]["id"]
    job = app.studio.submit(Shot(app.studio.photos.get(photo), size="240p", seconds=1, fps=16))
    made = ended(app.studio, job.id).state
    assert isinstance(made, Done)
    for name in NAMES:
        sender.ask("title_clip", {"id": made.clip, "title": name})
        packed = sender.ask("export_clips", {"ids": [made.clip]})
        with zipfile.ZipFile(packed["path"]) as box:
            for held in (packed["name"], *box.namelist()):
                assert held == Path(held).name and not set(held) & set('<>:"\\|?*\x00\r\n') and len(held.encode()) < 256, (
                    name,
                    held,
                )
