"""The endpoints for programs: gradio_client against a running app, and wrong calls of every kind."""

from __future__ import annotations

import base64
import http.client
import json
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import av
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from studio.config import ASSETS
from tests.rows import each_row
from tests.ui.conftest import App

DOGS = ASSETS / "samples" / "dogs.jpg"
TINY: dict[str, Any] = {"size": "240p", "seconds": 1, "fps": 16}

SLOW: dict[str, Any] = {"motion": {"prompt": "slow", "camera": {"moves": [{"name": "orbit_left"}]}}}

NEEDED = {
    "/animate": ("photo",), "/compare": ("photo", "axes"), "/finish": ("clips",), "/export": ("clips", "platforms"),
    "/status": ("id",), "/cancel": ("id",),
}  # fmt: skip


@pytest.fixture
def program(app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A program at the running app that fetches files into a folder of its own. Gradio's folder is one for a whole process, and
    pages of other tests have named theirs.
    """
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(app.studio.settings.uploads))
    client = Client(app.url, verbose=False, download_files=str(tmp_path / "fetched"), analytics_enabled=False)
    yield client
    client.close()


def upload(app: App, name: str = "dogs.jpg") -> str:
    """The path of an uploaded photo, as the server tells it."""
    body = b'--x\r\nContent-Disposition: form-data; name="files"; filename="' + name.encode() + b'"\r\n\r\n'
    body += DOGS.read_bytes() + b"\r\n--x--\r\n"
    answer = ask(app, "POST", "/gradio_api/upload", body, {"Content-Type": "multipart/form-data; boundary=x"})
    return json.loads(answer[1])[0]


def ask(app: App, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> tuple[int, str]:
    link = http.client.HTTPConnection(urlsplit(app.url).netloc, timeout=20)
    try:
        link.request(method, path, body or None, headers or {})
        answer = link.getresponse()
        return answer.status, answer.read().decode()
    finally:
        link.close()


def test_only_the_endpoints_are_public_and_each_says_what_it_takes(app: App, program: Client) -> None:
    info: dict[str, Any] = program.view_api(return_format="dict", print_info=False)  # pyright: ignore
    named = info["named_endpoints"]
    wanted = ("animate", "compare", "batch", "finish", "export", "status", "cancel", "library")
    assert set(named) == {f"/{one}" for one in wanted}
    assert info["unnamed_endpoints"] == {}
    for name, one in named.items():
        assert len(one["description"]) > 40, name
        for given in one["parameters"]:
            assert given["type"], (name, given)
            needed = NEEDED.get(name, ())
            assert given["parameter_has_default"] == (given["parameter_name"] not in needed), (name, given)
        assert one["returns"][0]["type"]["type"] in ("object", "array")


def test_a_program_animates_a_photo_follows_it_and_has_the_film(app: App, program: Client, tmp_path: Path) -> None:
    begun = program.predict(photo=handle_file(str(DOGS)), seed=7, **TINY, recipe=SLOW, api_name="/animate")
    assert app.studio.job(begun["id"]).shot.motion.camera.moves[0].name == "orbit_left"
    seen = list(program.submit(id=begun["id"], follow=60, api_name="/status"))
    assert {one["state"] for one in seen} <= {"waiting", "running", "done"} and seen[-1]["state"] == "done"
    steps = [one["done"] for one in seen if one["stage"] == "paint"]
    assert len(set(steps)) >= 2 and steps == sorted(steps), "its progress is streamed"
    (clip,) = seen[-1]["clips"]
    assert clip["recipe"]["seed"] == 7 and clip["width"] == 240
    film = Path(clip["file"])
    assert film.is_relative_to(tmp_path) and film.stat().st_size == clip["bytes"]
    with av.open(str(film)) as opened:
        assert sum(1 for _ in opened.decode(video=0)) == 16
    listed = program.predict(words="dogs", api_name="/library")
    assert [one["id"] for one in listed] == [clip["id"]]
    assert list((app.studio.settings.uploads).rglob("dogs.jpg")) == [], "an upload is removed once it is taken in"


def test_a_photo_comes_as_an_upload_an_address_a_data_url_or_an_id(app: App, program: Client) -> None:
    data = "data:image/jpeg;base64," + base64.b64encode(DOGS.read_bytes()).decode()
    same: set[str] = set()
    ways: list[Callable[[], str]] = [lambda: upload(app), lambda: f"{app.url}gradio_api/file={upload(app)}", lambda: data]
    for way in ways:
        begun = program.predict(photo=way(), **TINY, api_name="/animate")
        same.add(begun["photo"])
    (known,) = same
    begun = program.predict(photo=known, prompt="fast crane up", platform="", aspect="1:1", **TINY, api_name="/animate")
    shot = app.studio.job(begun["id"]).shot
    assert begun["photo"] == known == shot.photo.id
    assert (shot.motion.camera.moves[0].name, shot.motion.camera.speed, shot.crop.aspect) == ("crane_up", "fast", "1:1")
    assert abs(shot.crop.w * 1278 - shot.crop.h * 1920) < 2, "its crop is square"


def test_a_comparison_is_followed_cell_by_cell_and_stopped(app: App, program: Client) -> None:
    axes = {"seed": ["1", "2", "3"]}
    begun = program.predict(photo=handle_file(str(DOGS)), axes=axes, size="240p", seconds=1, recipe=SLOW, api_name="/compare")
    now = program.predict(id=begun["id"], api_name="/status")
    assert now["kind"] == "comparison" and [part["label"] for part in now["parts"]] == ["seed 1", "seed 2", "seed 3"]
    assert program.predict(id=begun["id"], api_name="/cancel")["kind"] == "comparison"
    now = program.predict(id=begun["id"], follow=30, api_name="/status")
    assert {part["state"] for part in now["parts"]} <= {"cancelled", "done"} and now["done"] == now["total"] == 3


def test_a_batch_is_made_then_finished_with_music_and_exported(app: App, program: Client, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"not a photo at all")
    with wave.open(str(tmp_path / "tune.wav"), "wb") as tune:
        tune.setparams((1, 2, 48000, 0, "NONE", ""))
        tune.writeframes((np.sin(np.arange(96000) / 20) * 9000).astype("<i2").tobytes())
    photos = [handle_file(str(DOGS)), handle_file(str(tmp_path / "broken.jpg"))]
    begun = program.predict(photos=photos, prompt="orbit left", size="240p", seconds=1, api_name="/batch")
    *_, now = program.submit(id=begun["id"], follow=60, api_name="/status")
    assert [part["state"] for part in now["parts"]] == ["done", "refused"] and now["kind"] == "batch"
    assert now["parts"][1]["label"] == "broken.jpg" and "not a" in now["parts"][1]["reason"]
    (made,) = now["clips"]

    done = {"reverse": True, "hold": 0.5, "titles": [{"text": "Two dogs"}]}
    music = handle_file(str(tmp_path / "tune.wav"))
    begun = program.predict(clips=[made["id"]], finish=done, music=music, api_name="/finish")
    *_, now = program.submit(id=begun["id"], follow=60, api_name="/status")
    assert now["state"] == "done", now["reason"]
    (finished,) = now["clips"]
    assert finished["seconds"] == pytest.approx(1.5, abs=0.1) and finished["recipe"]["finish"]["clips"] == [made["id"]]
    with av.open(finished["file"]) as film:
        assert film.streams.audio

    begun = program.predict(clips=[finished["id"]], platforms=["telegram", "reels"], api_name="/export")
    *_, now = program.submit(id=begun["id"], follow=60, api_name="/status")
    assert [part["label"] for part in now["parts"]] == ["Telegram", "Instagram Reels"]
    for file in now["files"]:
        assert Path(file["file"]).stat().st_size > 1000 and file["checks"]
    short = next(part for part in now["parts"] if part["label"] == "Instagram Reels")
    assert short["state"] == "failed" and "3 s" in short["reason"], "Reels takes no clip of 1.5 s"
    assert program.predict(id=begun["id"], api_name="/cancel")["kind"] == "export"


PHOTO = handle_file(str(DOGS))
WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("/animate", {"photo": "/etc/passwd"}, "no uploaded file"),
    ("/animate", {"photo": "../../stir.db"}, "no uploaded file"),
    ("/animate", {"photo": "http://127.0.0.1:1/gradio_api/file=/etc/passwd"}, "no uploaded file"),
    ("/animate", {"photo": "https://example.org/a.jpg"}, "fetches nothing from elsewhere"),
    ("/animate", {"photo": {"path": "/etc/passwd"}}, "no uploaded file"),
    ("/animate", {"photo": {"url": "https://example.org/a.jpg"}}, "no file in this request"),
    ("/animate", {"photo": None}, "no file in this request"),
    ("/animate", {"photo": "0" * 64}, "photo"),
    ("/animate", {"photo": "data:image/jpeg;base64,%%"}, "isn't base64"),
    ("/animate", {"photo": "data:text/plain,hello"}, "holds no file"),
    ("/animate", {"photo": "data:image/jpeg;base64,aGVsbG8="}, "photo"),
    ("/animate", {"photo": PHOTO, "seconds": 600}, "seconds"),
    ("/animate", {"photo": PHOTO, "seconds": "long"}, "seconds"),
    ("/animate", {"photo": PHOTO, "size": "9000p"}, "size"),
    ("/animate", {"photo": PHOTO, "aspect": "7:5"}, "7:5"),
    ("/animate", {"photo": PHOTO, "motion": "no-such"}, "no motion called"),
    ("/animate", {"photo": PHOTO, "platform": "nowhere"}, "no place called"),
    ("/animate", {"photo": PHOTO, "platform": "reels", "seconds": 1}, "needs at least"),
    ("/animate", {"photo": PHOTO, "model": "no-such"}, "no model called"),
    ("/animate", {"photo": PHOTO, "prompt": "x" * 5000}, "4,000 characters"),
    ("/animate", {"photo": PHOTO, "recipe": {"nonsense": 1}}, "nonsense"),
    ("/animate", {"photo": PHOTO, "recipe": [1]}, "recipe"),
    ("/compare", {"photo": PHOTO, "axes": {}}, "One thing differs"),
    ("/compare", {"photo": PHOTO, "axes": {"weather": ["rain"]}}, "no axis"),
    ("/compare", {"photo": PHOTO, "axes": {"seed": "1"}}, "no list"),
    ("/compare", {"photo": PHOTO, "axes": {"seed": ["one"]}}, "seed"),
    ("/batch", {}, "made of 1 to"),
    ("/batch", {"photos": ["/etc/passwd"]}, "no uploaded file"),
    ("/batch", {"photos": [PHOTO], "prompt": "{nonsense}"}, "stands for nothing"),
    ("/batch", {"photos": [PHOTO], "platforms": "reels"}, "are lists"),
    ("/batch", {"photos": [PHOTO], "variations": 99}, "variations"),
    ("/batch", {"id": "nothing"}, "batch"),
    ("/finish", {"clips": []}, "no clip in this request"),
    ("/finish", {"clips": ["nothing"]}, "clip"),
    ("/finish", {"clips": "all"}, "no clip in this request"),
    ("/export", {"clips": ["nothing"], "platforms": ["reels"]}, "clip"),
    ("/export", {"clips": [], "platforms": []}, "nothing to export"),
    ("/export", {"clips": ["x"], "platforms": ["nowhere"]}, "no place called"),
    ("/export", {"clips": ["x"], "platforms": ["reels"], "aspect_fit": "bend"}, "can't be used"),
    ("/status", {"id": "nothing"}, "Nothing has this id"),
    ("/status", {"id": "", "follow": "long"}, "Nothing has this id"),
    ("/cancel", {"id": "../.."}, "Nothing has this id"),
    ("/library", {"limit": -1}, "whole numbers"),
]  # fmt: skip


def test_every_wrong_value_is_refused_in_words_and_nothing_is_queued(
    app: App, program: Client, capfd: pytest.CaptureFixture[str]
) -> None:
    before = set(app.studio.settings.cache.rglob("*.jpg"))
    refuse_each(program=program)
    assert app.studio.jobs() == () and app.studio.comparisons.find() == () and app.studio.batches.find() == ()
    assert set(app.studio.settings.cache.rglob("*.jpg")) <= before, "no file is left of a refused request"
    noise = capfd.readouterr()
    assert "Traceback" not in noise.err + noise.out


@each_row("endpoint, given, says", WRONG)
def refuse_each(program: Client, endpoint: str, given: dict[str, Any], says: str) -> None:
    with pytest.raises(AppError) as refused:
        program.predict(**given, api_name=endpoint)
    assert says in str(refused.value), refused.value
    assert "the page's log" not in str(refused.value) and "entry" not in str(refused.value)


def test_calls_that_fit_no_endpoint_are_no_fault_of_the_server(app: App, capfd: pytest.CaptureFixture[str]) -> None:
    def post(path: str, value: object) -> tuple[int, str]:
        return ask(app, "POST", path, json.dumps(value).encode(), {"Content-Type": "application/json"})

    assert post("/gradio_api/call/v2/animate", {"nope": 1})[0] == 422
    assert post("/gradio_api/call/v2/nowhere", {})[0] == 422
    assert 400 <= post("/gradio_api/run/animate", {"data": ["x"]})[0] < 500
    status, begun = post("/gradio_api/call/animate", {"data": ["too few"]})
    assert status == 200
    _, said = ask(app, "GET", f"/gradio_api/call/animate/{json.loads(begun)['event_id']}")
    assert "event: error" in said and "doesn't take these values" in said
    large = {"Content-Type": "application/json", "Content-Length": str(10**9)}
    assert ask(app, "POST", "/gradio_api/call/animate", b"", large)[0] == 413
    noise = capfd.readouterr()
    assert "Traceback" not in noise.err + noise.out


def test_nothing_is_bought_that_was_not_confirmed(app: App, program: Client) -> None:
    card = next(one for one in app.studio.models.cards if one.hosted and not one.checkpoint)
    for pay in (0.0, 0.001, -1, "everything", None, True):
        with pytest.raises(AppError, match=r"isn't confirmed.*call again with pay"):
            program.predict(photo=handle_file(str(DOGS)), model=card.id, pay=pay, seconds=5, api_name="/animate")
    assert app.studio.jobs() == ()
