"""A page with visitors: each sees and is served what is theirs alone, by whichever of the app's routes another asks."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from playwright.sync_api import BrowserContext, Page, expect

from studio import limits, presets
from studio.cards import ModelCard
from studio.config import ASSETS, Settings
from studio.engines import registry
from studio.engines.base import Engine
from studio.nouns import Photo, Shot, replace
from studio.ui.page import build_for_visitors, launch_options_for_visitors
from studio.ui.password_throttle import FIRST_WAIT
from studio.ui.path_aliases import PathAliases
from studio.ui.visitor_gate import COOKIE, MOST_ASKED, MOST_AT_ONCE, OPEN, Turnstile
from studio.visitors.house import VisitorHouse
from tests.fakes.waiting import ended
from tests.fakes.zoom import Zoom
from tests.ui.conftest import STILL_TILES, WAIT, WINDOW, Contexts, Watch
from tests.ui.odd_calls import OddCalls, list_questions
from tests.ui.steps import animate, quick, sample
from tests.ui.test_byte_ranges import Answer, ask

LIMITS = replace(limits.limits("space-cpu"), photos=2, waiting=3, seconds=2.0, size="360p", open=32)
"""Every test has its own strangers, and a desk is free for the next only a minute after: tests/test_visitors.py fills them."""
PASSWORD = "three old lenses"
REFUSED = (400, 401, 403, 404, 405, 413, 415, 422)


class SharedApp:
    """A house with visitors and its page at `url`."""

    def __init__(self, home: Path, visitors: Any, **more: Any) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.zoom = Zoom(0.02)
        settings = Settings(home, port=port, visitors=visitors, password=PASSWORD if visitors == "names" else "", **more)
        self.house = VisitorHouse(settings, LIMITS, presets.cards(), self.engine)
        self.house.start()
        self.page = build_for_visitors(self.house)
        self.page.launch(prevent_thread_lock=True, **launch_options_for_visitors(self.house))
        self.url = f"http://127.0.0.1:{port}/"

    def engine(self, card: ModelCard, settings: Settings) -> Engine:
        return registry.make(card, settings) if card.checkpoint or card.hosted else self.zoom

    def enter(self) -> str:
        """A new stranger's cookie."""
        return ask(self.url, "/").headers["set-cookie"].split(";")[0]

    def post(self, path: str, cookie: str, body: Any, **headers: str) -> Answer:
        named = {"Content_Type": "application/json", "Cookie": cookie} | headers
        return ask(self.url, path, "POST", body if isinstance(body, str) else json.dumps(body), **named)

    def call(self, cookie: str, name: str, data: Any, session: str, part: str = "strip") -> Any:
        """What a part's script asks."""
        number = next(one._id for one in self.page.blocks.values() if getattr(one, "elem_id", "") == part)
        body = {"data": data, "fn_name": name, "component_id": number, "session_hash": session}
        got = self.post("/gradio_api/component_server", cookie, body)
        return json.loads(got.body) if got.status == 200 else got

    def close(self) -> None:
        self.page.close(verbose=False)
        self.house.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedApp]:
    app = SharedApp(tmp_path_factory.mktemp("house") / "home", "strangers")
    yield app
    app.close()


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedApp]:
    app = SharedApp(tmp_path_factory.mktemp("family") / "home", "names")
    yield app
    app.close()


def find_id(cookie: str) -> str:
    return cookie.partition("=")[2].partition(".")[0]


def send_file(app: SharedApp, cookie: str, name: str, data: bytes, field: str = "files") -> Answer:
    head = f'--x\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'.encode()
    body = (head + data + b"\r\n--x--\r\n").decode("latin-1")
    return app.post("/gradio_api/upload", cookie, body, Content_Type="multipart/form-data; boundary=x")


class Owner(dict[str, str]):
    """A visitor with a photo, a clip, a session and an event, by the names that another may try."""


@pytest.fixture(scope="module")
def ann(shared: SharedApp) -> Owner:
    cookie = shared.enter()
    sent = send_file(shared, cookie, "a.jpg", (ASSETS / "samples/dandelion.jpg").read_bytes())
    upload = json.loads(sent.body)[0]
    taken = shared.call(cookie, "receive_file", {"path": upload, "name": "harbour at dawn.jpg"}, "annsession", "photo")["photo"]
    photo = Photo(**{name: value for name, value in taken.items() if name in ("id", "width", "height", "name")})
    studio = shared.house.find(find_id(cookie))
    job = studio.submit(Shot(photo, seconds=1, size="240p", fps=16))
    ended(studio, job.id)
    joined = shared.post("/gradio_api/queue/join", cookie, {"fn_index": 0, "data": [], "session_hash": "annsession"})
    clip = studio.library.file(studio.library.get(job.id))
    return Owner(
        cookie=cookie, visitor=find_id(cookie), photo=photo.id, job=job.id, clip=str(clip), mine=f"/mine/clips/{clip.name}",
        view=taken["view"], upload=upload, event=str(json.loads(joined.body)["event_id"]), session="annsession",
    )  # fmt: skip


# Whose files, whose questions ---------------------------------------------------------------------------------------------------


def test_odd_calls_of_a_visitor_are_answered_as_anybodys(shared: SharedApp, capfd: pytest.CaptureFixture[str]) -> None:
    calls = OddCalls(shared.url, list_questions(shared.page), 4711, shared.enter())
    calls.prepare()
    capfd.readouterr()
    calls.call(60)
    assert not calls.faults, "\n".join(calls.faults[:10])
    assert capfd.readouterr() == ("", "")
    logs = [file.read_text() for file in shared.house.settings.home.rglob("stir.log")]
    assert not any("ERROR entry" in words for words in logs)


def test_an_upload_lands_with_its_owner_and_no_path_of_the_machine_is_told(shared: SharedApp, ann: Owner) -> None:
    home = shared.house.folder / ann["visitor"]
    assert ann["upload"].startswith("/mine/cache/uploads/") and ann["view"].startswith("/mine/views/")
    assert not any((home / "cache/uploads").rglob("*.jpg")), "taken in, so it is gone"
    got = ask(shared.url, "/gradio_api/file=" + ann["mine"], Cookie=ann["cookie"])
    assert (got.status, got.headers["content-type"], got.body) == (200, "video/mp4", Path(ann["clip"]).read_bytes())
    assert ask(shared.url, "/gradio_api/file=" + ann["mine"], Cookie=ann["cookie"], Range="bytes=0-9").status == 206
    board = shared.call(ann["cookie"], "watch", {}, "annsession")["board"]
    assert [one["id"] for one in board["recent"]] == [ann["job"]]
    for told in (json.dumps(board), ask(shared.url, "/", Cookie=ann["cookie"]).body.decode()):
        assert str(shared.house.folder) not in told and str(ASSETS) not in told
    page = ask(shared.url, "/gradio_api/file=/stir/icon.png", Cookie=ann["cookie"])
    assert page.body == (ASSETS / "icon.png").read_bytes()


def test_nothing_else_of_the_home_is_served_even_to_its_owner(shared: SharedApp, ann: Owner) -> None:
    home = shared.house.folder / ann["visitor"]
    inside = ["stir.db", "seen", "logs/stir.log", f"photos/{ann['photo']}.jpg", "../../visitors.key", "clips/../stir.db", "clips"]
    outside = [ann["clip"], str(home / "stir.db"), "/etc/passwd", "/mine//etc/passwd", "/stir/../app.py", "/mine", "", "/mine/\0"]
    for name in (*(f"/mine/{one}" for one in inside), *outside, "/mine/clips/%2e%2e/stir.db", "https://example.com/a.mp4"):
        assert ask(shared.url, f"/gradio_api/file={quote(name, safe='/%:')}", Cookie=ann["cookie"]).status in (403, 404), name


def test_calls_with_anothers_ids_find_nothing(shared: SharedApp, ann: Owner) -> None:
    ben = shared.enter()
    photo = {"photo": ann["photo"], "crop": {"aspect": "photo", "x": 0, "y": 0, "w": 1, "h": 1}}
    clip = {"id": ann["job"]}
    asks = [
        ("strip", "cancel_job", clip), ("strip", "retry_job", clip), ("strip", "move_job", clip), ("clip", "again_clip", clip),
        ("clip", "export_clip", clip), ("clip", "detail_clip", clip), ("clip", "shot_of_clip", clip), ("clip", "vary_clip", clip),
        ("clip", "rate_clip", clip | {"stars": 1}), ("clip", "title_clip", clip | {"title": "mine now"}),
        ("library", "trash_clip", clip), ("library", "export_clips", {"ids": [ann["job"]]}),
        ("library", "compare_clips", {"ids": [ann["job"]]}), ("photo", "depth_view", photo),
        ("photo", "suggest_crop", {"photo": ann["photo"], "aspect": "1:1"}),
        ("photo", "receive_file", {"path": ann["upload"]}), ("photo", "receive_file", {"path": ann["clip"], "name": "a.mp4"}),
    ]  # fmt: skip
    for part, name, data in asks:
        got = shared.call(ben, name, data, "bensession", part)
        assert not isinstance(got, Answer), (name, got)
        words = json.dumps(got)
        assert not any(ann[key] in words for key in ("photo", "clip", "mine", "visitor")), (name, words)
    assert shared.call(ben, "watch", {}, "bensession")["board"]["recent"] == []
    assert shared.call(ben, "find_clips", {}, "bensession", "library")["count"] == 0
    studio = shared.house.find(ann["visitor"])
    kept = studio.library.get(ann["job"])
    assert (kept.rating, kept.title, kept.trashed) == (0, "", False)
    assert len(studio.jobs()) == 1


OWNERS = {
    "download_model", "convert_model", "stop_download", "load_model", "unload_model", "delete_model", "adopt_model",
    "forget_folder", "override_model", "ask_models", "wish", "ask_facts", "ask_services", "keep_token", "forget_token",
    "check_service", "set_budget", "withdraw", "open_folder", "download_depth", "ask_assistant", "propose_motion",
}  # fmt: skip
"""What only the owner may ask."""


def list_calls(app: SharedApp) -> set[str]:
    every = (getattr(one, "server_fns", None) or getattr(one, "server_functions", None) or [] for one in app.page.blocks.values())
    return {str(getattr(one, "__name__", one)) for calls in every for one in calls}


def test_what_is_the_owners_cant_be_asked_at_all(shared: SharedApp, ann: Owner) -> None:
    calls = list_calls(shared)
    assert {"watch", "cancel_job", "find_clips", "receive_file", "ask_visitor"} <= calls
    assert calls & OWNERS == set()
    for name in sorted(OWNERS):
        for part in ("strip", "photo", "library", "header"):
            assert shared.call(ann["cookie"], name, {}, "annsession", part).status == 404
    models = shared.call(ann["cookie"], "watch", {}, "annsession")["models"]
    assert [one["id"] for one in models["states"]] == ["parallax"] and models["services"] == []


# Every route --------------------------------------------------------------------------------------------------------------------


def list_routes(routes: Any) -> Iterator[tuple[str, str]]:
    """Every method and path of a running app, those of the routers inside it too."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from list_routes(inner.routes)
        for method in sorted(getattr(route, "methods", None) or ()):
            yield method, route.path
        if not getattr(route, "methods", None) and getattr(route, "path", None) is not None:
            yield "GET", route.path  # mounted


def request_briefly(app: SharedApp, method: str, path: str, body: str | None, **headers: str) -> tuple[int, bytes]:
    """Status and the first bytes of an answer that may be a stream without an end."""
    with closing(HTTPConnection(app.url.removeprefix("http://").strip("/"), timeout=30)) as line:
        line.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        got, found = line.getresponse(), b""
        endless = "event-stream" in got.headers.get("content-type", "")
        if endless and line.sock:
            line.sock.settimeout(0.2)
        with suppress(TimeoutError, OSError):
            found = got.read(200 if endless else 2_000_000)
        return got.status, found


def fill(path: str, ann: Owner) -> Iterator[str]:
    """The addresses that a route's path stands for, with everything of Ann's that could be named there."""
    names = [ann["mine"], ann["clip"], ann["session"], ann["event"], ann["visitor"], ann["job"], "watch", "predict", "0"]
    if "{" not in path:
        yield path
        yield f"{path}?{urlencode({'session_hash': ann['session'], 'event_id': ann['event'], 'path': ann['clip']})}"
        return
    for name in names:
        yield re.sub(r"\{[^}]*\}", quote(name), path)


def test_every_route_of_the_app_keeps_apart_what_is_anothers(shared: SharedApp, ann: Owner) -> None:
    routes = sorted(set(list_routes(shared.page.app.routes)))
    paths = {path for _, path in routes}
    assert {"/", "/config", "/gradio_api/file={path_or_url:path}", "/gradio_api/queue/data", "/gradio_api/upload"} <= paths
    ben = shared.enter()
    secrets = [ann[key].encode() for key in ("photo", "visitor", "job", "clip")] + [Path(ann["clip"]).read_bytes()[:200]]
    body = json.dumps({
        "session_hash": ann["session"], "event_id": ann["event"], "fn_index": 0, "data": [ann["mine"]], "fn_name": "watch",
        "component_id": 1, "api_name": "predict",
    })  # fmt: skip
    tried = 0
    for method, path in routes:
        for address in fill(path, ann):
            sent = None if method in ("GET", "HEAD") else body
            kind = {"Content_Type": "application/json"} if sent else {}
            status, found = request_briefly(shared, method, address, sent, **kind)
            if not (method in ("GET", "HEAD") and (OPEN.fullmatch(address.partition("?")[0]) or path == "/")):
                assert status in REFUSED, f"{method} {address} without a cookie: {status}"
            status, mine = request_briefly(shared, method, address, sent, Cookie=ben, **kind)
            assert status < 500, (method, address, mine)
            named = [one for one in secrets if one in found + mine.replace(address.encode(), b"")]
            assert named == [], f"{method} {address} shows {named}"
            if ann["session"] in address or ann["event"] in address or sent:
                assert status in REFUSED or "?" in address or not sent, f"{method} {address}: {status}"
            tried += 1
    assert tried > 100
    studio = shared.house.find(ann["visitor"])
    assert studio.library.get(ann["job"]) and len(studio.jobs()) == 1


def test_sessions_and_events_belong_to_who_named_them_first(shared: SharedApp, ann: Owner) -> None:
    ben = shared.enter()
    stream = "/gradio_api/queue/data"
    for address in (
        f"{stream}?session_hash=annsession", f"{stream}?session_hash=bensession2&session_hash=annsession", stream,
        "/gradio_api/heartbeat/annsession", f"/gradio_api/call/x/{ann['event']}", f"/gradio_api/call/v2/x/{ann['event']}",
    ):  # fmt: skip
        assert request_briefly(shared, "GET", address, None, Cookie=ben)[0] == 403, address
    twice = '{"session_hash": "bensession2", "fn_index": 0, "data": [], "session_hash": "annsession"}'
    assert request_briefly(shared, "GET", f"/gradio_api/heartbeat/{'x' * 65}", None, Cookie=ben)[0] == 403, "no name is that long"
    for path, sent in (
        ("queue/join", twice), ("cancel", {"session_hash": "bensession2", "fn_index": 0, "event_id": ann["event"]}),
        ("cancel", {"session_hash": "annsession", "fn_index": 0, "event_id": "x"}), ("reset", {"event_id": ann["event"]}),
        ("run/x", {"session_hash": "annsession", "data": []}), ("run/x", {"session_hash": ["annsession"], "data": []}),
    ):  # fmt: skip
        assert shared.post(f"/gradio_api/{path}", ben, sent).status == 403, path
    for sent, kind, status in (
        ("{", "application/json", 400), ("[]", "application/json", 400), ("a=b", "application/x-www-form-urlencoded", 400),
        ("[" * 100_000, "application/json", 400), ("--x--", "multipart/form-data; boundary=x", 400),
    ):  # fmt: skip
        assert shared.post("/gradio_api/component_server", ben, sent, Content_Type=kind).status == status


def test_words_that_begin_like_a_file_stay_words(tmp_path: Path) -> None:
    aliases = PathAliases(tmp_path)
    asked = {
        "data": ["/mine/words", {"title": "/mine/words", "path": "/mine/a.jpg"}],
        "prompt": "http://x/gradio_api/file=/mine/a",
    }
    told = aliases.read(asked)
    assert told == asked | {"data": ["/mine/words", {"title": "/mine/words", "path": str(tmp_path.resolve() / "a.jpg")}]}


def test_one_visitors_questions_leave_threads_to_the_others() -> None:
    async def crowd() -> tuple[int, list[bool]]:
        turnstile, inside, most = Turnstile(), 0, 0

        async def ask_once(visitor: str) -> bool:
            nonlocal inside, most
            async with turnstile.enter(visitor) as is_through:
                inside += visitor == "ann" and is_through
                most = max(most, inside)
                await asyncio.sleep(0)
                inside -= visitor == "ann" and is_through
                return is_through

        through = await asyncio.gather(*(ask_once("ann") for _ in range(MOST_ASKED + 9)), ask_once("ben"))
        assert await ask_once("ann"), "and whoever waited is let in again"
        return most, through

    with ThreadPoolExecutor(1) as pool:  # a browser's loop may run in this thread
        most, through = pool.submit(asyncio.run, crowd()).result()
    assert (most, through.count(False), through[-1]) == (MOST_AT_ONCE, 9, True)


def test_another_sites_page_can_do_nothing(shared: SharedApp, ann: Owner) -> None:
    for origin in ("https://evil.example", "null", "http://127.0.0.1:1"):
        for path in ("/gradio_api/component_server", "/gradio_api/upload", "/visitor/forget"):
            assert shared.post(path, ann["cookie"], {}, Origin=origin).status == 403
    assert shared.house.find(ann["visitor"]).library.count() == 1


def test_programs_of_two_visitors_follow_their_own_through_one_queue(shared: SharedApp, tmp_path: Path) -> None:
    """Gradio runs queued events in tasks of its own, begun in whoever's request came first: each still has its own visitor."""
    cookies = [shared.enter() for _ in range(2)]
    programs = [
        Client(shared.url, headers={"Cookie": one}, verbose=False, analytics_enabled=False, download_files=str(tmp_path))
        for one in cookies
    ]  # fmt: skip
    files = [ASSETS / "samples" / presets.samples()[at].file for at in range(2)]
    photos = [json.loads(send_file(shared, cookies[0], "a.jpg", files[0].read_bytes()).body)[0], handle_file(str(files[1]))]
    try:
        begun = [
            program.submit(photo=photo, prompt="/mine/words", size="240p", seconds=1, fps=16, api_name="/animate")
            for program, photo in zip(programs, photos, strict=True)
        ]
        jobs = [one.result(30)["id"] for one in begun]
        follows = [program.submit(id=job, follow=60, api_name="/status") for program, job in zip(programs, jobs, strict=True)]
        ends = [list(follow)[-1] for follow in follows]
        assert [end["state"] for end in ends] == ["done", "done"]
        for at, (program, cookie) in enumerate(zip(programs, cookies, strict=True)):
            (clip,) = program.predict(api_name="/library")
            assert jobs[at] in str(clip) and jobs[1 - at] not in str(clip)
            assert shared.house.find(find_id(cookie)).library.get(jobs[at]).shot.motion.prompt == "mine/words", "no path"
            film = Path(ends[at]["clips"][0]["file"])
            assert film.read_bytes() == next((shared.house.folder / find_id(cookie) / "clips").glob("*.mp4")).read_bytes()
            with pytest.raises(AppError):
                program.predict(id=jobs[1 - at], api_name="/status")
            with pytest.raises(AppError):
                program.predict(id=jobs[1 - at], api_name="/cancel")
    finally:
        for program in programs:
            program.close()


# Uploads and limits -------------------------------------------------------------------------------------------------------------


def test_uploads_are_bounded_and_leave_nothing_half(shared: SharedApp) -> None:
    ben = shared.enter()
    folder = shared.house.folder / find_id(ben) / "cache/uploads"
    for name in ("../../../escape.jpg", "/etc/cron.d/x.jpg", "a\\b.jpg", "x" * 300 + ".jpg", ".jpg", "é.jpg"):
        path = json.loads(send_file(shared, ben, name, b"1").body)[0]
        assert re.fullmatch(r"/mine/cache/uploads/[0-9a-f]{32}/0/(escape|x+|ab|é)?\.?(jpg)?", path), path
    kept = sorted(folder.rglob("*"))
    assert len([one for one in kept if one.is_file()]) == 6
    form = {"Content_Type": "multipart/form-data; boundary=x"}
    assert send_file(shared, ben, "a.jpg", b"1", field="other").status == 400
    for body, headers in (
        ("--x--", form), ("", form), ("no form", form), ("--x\r\nbroken", form), ("{}", {}),
        ("--y\r\n", {"Content_Type": f"multipart/form-data; boundary={'y' * 5000}"}),
        ('--x\r\nContent-Disposition: form-data; name="files"\r\n\r\na field\r\n--x--\r\n', form),
    ):  # fmt: skip
        assert shared.post("/gradio_api/upload", ben, body, **headers).status == 400, body
    assert shared.post("/gradio_api/upload", ben, "--x--", Content_Type="multipart/form-data").status == 400
    assert sorted(folder.rglob("*")) == kept
    assert ask(shared.url, "/gradio_api/upload", "POST", "--x--", **form).status == 401


def test_limits_are_told_with_what_to_do(shared: SharedApp) -> None:
    ben = shared.enter()
    said = [shared.call(ben, "take_sample", {"id": one.file}, "limits", "photo") for one in presets.samples()[:3]]
    assert [one.get("kind") for one in said] == ["photo", "photo", None]
    assert "At most 2 of your photos" in said[2]["refusal"]["reason"] and said[2]["refusal"]["remedy"]
    told = shared.call(ben, "ask_visitor", {}, "limits", "header")
    assert told == {"name": "", "kept": 4.0, "limits": "Up to 2 photos, 3 clips at a time, 2 s and 360p."}


# In a browser -------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def two(contexts: Contexts, shared: SharedApp) -> Iterator[tuple[Page, Page]]:
    watch, made = Watch(shared.url), list[BrowserContext]()
    for _ in range(2):
        context = contexts.browser.new_context(viewport=WINDOW)
        context.set_default_timeout(WAIT)
        context.add_init_script(STILL_TILES)
        made.append(context)
    pages = [context.new_page() for context in made]
    for page in pages:
        watch.follow(page)
        page.goto(shared.url)
        expect(page.locator(".part-photo.ready")).to_be_visible(timeout=WAIT)
    yield pages[0], pages[1]
    for context in made:
        context.close()
    assert [fault for fault in watch.faults if "404" not in fault and "401" not in fault] == []


@pytest.mark.ui
def test_two_strangers_animate_and_see_only_their_own(shared: SharedApp, two: tuple[Page, Page]) -> None:
    one, other = two
    sample(one, "dandelion.jpg")
    quick(one)
    sample(other, presets.samples()[1].file)
    quick(other)
    animate(one)
    expect(one.locator(".shelf .clip-tile")).to_have_count(1)
    expect(other.locator(".shelf .clip-tile")).to_have_count(0)
    animate(other)
    films = [page.locator(".player video").get_attribute("src") or "" for page in two]
    assert all("/mine/clips/" in film for film in films) and films[0] != films[1]
    seen = "async (url) => { const got = await fetch(url); return [got.status, (await got.arrayBuffer()).byteLength]; }"
    assert one.evaluate(seen, films[0])[0] in (200, 206)
    assert other.evaluate(seen, films[0])[0] == 404, "the other's address is nothing here"
    names = [page.evaluate("document.cookie") for page in two]
    assert names == ["", ""], "no script reads the cookie"
    for page, film in zip(two, films, strict=True):
        page.reload()
        page.get_by_role("tab", name="Library").click()
        tiles = page.locator("#library .clip-tile")
        expect(tiles).to_have_count(1)
        assert Path(film).stem in tiles.first.inner_html()
        assert not {"Models", "Settings"} & {tab.inner_text() for tab in page.get_by_role("tab").all()}
    one.get_by_role("tab", name="Create").click()
    one.locator("#visitor").click()
    expect(one.locator("#visitor-menu")).to_contain_text("4 hours after your last visit")
    one.get_by_role("button", name="Delete all that is mine").click()
    one.get_by_role("button", name="Keep it").click()
    one.get_by_role("button", name="Delete all that is mine").click()
    before = len(list(shared.house.folder.iterdir()))
    with one.expect_navigation():
        one.get_by_role("button", name="Delete everything").click()
    expect(one.locator(".part-photo.ready")).to_be_visible(timeout=WAIT)
    one.get_by_role("tab", name="Library").click()
    expect(one.locator("#library .clip-tile")).to_have_count(0)
    assert one.evaluate(seen, films[0])[0] == 404
    assert len(list(shared.house.folder.iterdir())) <= before
    assert other.evaluate(seen, films[1])[0] in (200, 206)
    hide = "(state) => { Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => state }); "
    looks: list[float] = []
    other.on("request", lambda request: looks.append(time.monotonic()) if '"watch"' in (request.post_data or "") else None)
    other.evaluate(hide + "}", "hidden")
    end = time.monotonic() + 20
    while looks[-1:] > [time.monotonic() - 3] or not looks:
        assert time.monotonic() < end, "a page behind another looks every two seconds, and holds a desk"
        other.wait_for_timeout(200)
    with other.expect_request(lambda request: '"watch"' in (request.post_data or "")):
        other.evaluate(hide + "document.dispatchEvent(new Event('visibilitychange')); }", "visible")


def sign_in(app: SharedApp, name: str, password: str = PASSWORD) -> Answer:
    form = urlencode({"username": name, "password": password})
    return ask(app.url, "/sign-in", "POST", form, Content_Type="application/x-www-form-urlencoded")


def test_a_name_and_the_password_open_ones_own_desk(named: SharedApp) -> None:
    assert b"Your name" in ask(named.url, "/").body
    for method, path in sorted(set(list_routes(named.page.app.routes))):
        address = re.sub(r"\{[^}]*\}", "x", path)
        if not (method in ("GET", "HEAD") and path == "/"):
            assert request_briefly(named, method, address, None if method == "GET" else "{}")[0] in REFUSED, address
    first = sign_in(named, "Ann Lee")
    assert (first.status, first.headers["location"]) == (303, "/")
    assert "HttpOnly" in first.headers["set-cookie"] and "SameSite=Lax" in first.headers["set-cookie"]
    again, other = sign_in(named, " ann  lee "), sign_in(named, "Ben")
    cookies = [one.headers["set-cookie"].split(";")[0] for one in (first, again, other)]
    ids = [find_id(cookie) for cookie in cookies]
    assert ids[0] == ids[1] != ids[2]
    assert named.call(cookies[2], "ask_visitor", {}, "s", "header")["name"] == "Ben"
    left = named.post("/sign-out", cookies[2], {})
    assert f"{COOKIE}=;" in left.headers["set-cookie"] and "Max-Age=0" in left.headers["set-cookie"]


def test_wrong_passwords_and_names_are_refused_ever_more_slowly(named: SharedApp) -> None:
    assert sign_in(named, "").status == sign_in(named, "x" * 41).status == sign_in(named, "a\nb\x07").status == 400
    with ThreadPoolExecutor(8) as at_once:
        answers = [one.status for one in at_once.map(lambda _: sign_in(named, "Ann", "guess"), range(8))]
    assert sorted(answers) == [401, *[429] * 7], "guesses sent together count one after the other"
    time.sleep(FIRST_WAIT)
    wrong = sign_in(named, "<b>Ann</b>", "guess")
    assert wrong.status == 401 and b"&lt;b&gt;Ann" in wrong.body and b"<b>Ann" not in wrong.body
    held = sign_in(named, "Ann")
    assert held.status == 429, "even the right one waits"
    end = time.monotonic() + 20
    while sign_in(named, "Ann").status == 429:
        assert time.monotonic() < end
        time.sleep(0.2)
    for path in ("/visitor/forget", "/gradio_api/component_server"):
        assert named.post(path, f"{COOKIE}={'0' * 32}.{int(time.time())}.{'0' * 64}", {}).status == 401


@pytest.mark.ui
def test_two_people_at_one_browser_have_two_desks(named: SharedApp, contexts: Contexts) -> None:
    context = contexts.browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    context.set_default_timeout(WAIT)
    context.add_init_script(STILL_TILES)
    page = context.new_page()
    watch = Watch(named.url)
    watch.follow(page)

    def enter(name: str) -> None:
        page.get_by_label("Your name").fill(name)
        page.get_by_label("The password").fill(PASSWORD)
        page.get_by_role("button", name="Come in").click()
        expect(page.locator(".part-photo.ready")).to_be_visible(timeout=WAIT)

    try:
        page.goto(named.url)
        assert Axe().run(page).response["violations"] == []
        enter("Dora")
        expect(page.get_by_text("only you see it")).to_be_visible()
        sample(page)
        page.locator("#visitor").click()
        expect(page.locator("#visitor-menu")).to_contain_text("Dora")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.keyboard.press("Escape")
        expect(page.locator("#visitor")).to_be_focused()
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Sign out").click()
        enter("Emil <b>")
        expect(page.locator(".photo-image")).to_be_hidden()
        page.locator("#visitor").click()
        expect(page.locator("#visitor-menu strong")).to_have_text("Emil <b>")
        assert [fault for fault in watch.faults if "401" not in fault] == []
    finally:
        context.close()
