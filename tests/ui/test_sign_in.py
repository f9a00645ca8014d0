"""The sign-in of --listen: whom it lets in, how wrong passwords slow down, its cookie, how sessions end, and programs."""

from __future__ import annotations

import base64
import socket
import time
from pathlib import Path
from urllib.parse import urlencode

import pytest
from gradio_client import Client
from gradio_client.exceptions import AuthenticationError

from studio.nouns import Refusal
from studio.ui import sign_in
from studio.ui.page import require_port
from studio.ui.password_throttle import FORGOTTEN, LONGEST_WAIT, MOST_A_MINUTE, PasswordThrottle
from studio.ui.session_cookie import COOKIE_SECONDS
from studio.visitors.signed_cookie import CookieSigner, find_id, read_key
from tests.ui.conftest import App
from tests.ui.test_byte_ranges import Answer, ask

SECRET = "a long secret"


def enter(url: str, password: str = SECRET, name: str = "anna", path: str = "/login", **headers: str) -> Answer:
    """Send the sign-in's form."""
    form = urlencode({"username": name, "password": password})
    return ask(url, path, "POST", form, Content_Type="application/x-www-form-urlencoded", **headers)


def test_the_cookie_is_for_the_page_alone(owned: App) -> None:
    got = enter(owned.url)
    cookie = got.headers["set-cookie"]
    assert (got.status, got.body) == (200, b'{"success":true}')
    assert "; HttpOnly; SameSite=Lax" in cookie and "Secure" not in cookie and "Max-Age=2592000" in cookie
    assert enter(owned.url, X_Forwarded_Proto="https").headers["set-cookie"].endswith("SameSite=Lax; Secure")
    page = ask(owned.url, "/", Cookie=cookie.split(";")[0])
    assert page.headers["cache-control"] == "no-store" and "HttpOnly" in page.headers["set-cookie"], "it counts from now"
    assert b"a long secret" not in page.body
    browser = enter(owned.url, path="/sign-in")
    assert (browser.status, browser.headers["location"]) == (303, "/")
    for body, kind, status in (
        ("{}", "application/json", 415), ("username=anna&password=" + "x" * 20_000, "application/x-www-form-urlencoded", 413),
        ("--x--", "multipart/form-data; boundary=x", 415), ("a long secret", "text/plain", 415),
    ):  # fmt: skip
        assert ask(owned.url, "/login", "POST", body, Content_Type=kind).status == status


def test_a_second_start_knows_the_sign_in(owned: App) -> None:
    with pytest.raises(Refusal, match="Stir runs already"):
        require_port(owned.studio.settings)


def test_wrong_passwords_slow_down_and_are_logged(owned: App) -> None:
    log = owned.studio.settings.home / "logs/stir.log"
    known = len(log.read_text("utf-8")) if log.is_file() else 0
    guesses = [enter(owned.url, f"guess{at}", X_Forwarded_For="203.0.113.7") for at in range(20)]
    assert [one.status for one in guesses] == [401] + 19 * [429], "one is looked at, the others have to wait"
    assert guesses[1].headers["retry-after"] == "1" and "www-authenticate" not in guesses[0].headers
    assert enter(owned.url, X_Forwarded_For="203.0.113.7").status == 429, "the right one too, for a second"
    assert enter(owned.url, X_Forwarded_For="203.0.113.8").status == 200, "another address doesn't wait"
    time.sleep(1.05)
    assert enter(owned.url, X_Forwarded_For="203.0.113.7").status == 200
    assert enter(owned.url, SECRET, "ben", X_Forwarded_For="203.0.113.9").status == 401, "nor is the name anybody's"
    for named in ("::1%eth0", "fe80::1%" + "x" * 9000, "\x1b[31mred", "x" * 9000, "unknown", "::ffff:203.0.113.7"):
        assert enter(owned.url, "guess", X_Forwarded_For=named).status in (401, 429), named
    lines = [line for line in log.read_text("utf-8")[known:].splitlines() if "wrong password from" in line]
    assert [line.rpartition("from ")[2] for line in lines] == [
        f"{one}, 1 so far" for one in ("203.0.113.7", "203.0.113.9", "::1", "fe80::1", "elsewhere", "203.0.113.7")
    ], "what is no address is one"
    assert "guess" not in log.read_text("utf-8") and "secret" not in log.read_text("utf-8")


def test_a_form_that_does_not_arrive_is_given_up(owned: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in, "FORM_SECONDS", 0.1)
    with socket.create_connection(("127.0.0.1", owned.studio.settings.port), timeout=20) as line:
        kind = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 30\r\n\r\n"
        line.sendall(b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\n" + kind + b"username=")
        assert line.recv(1000).startswith(b"HTTP/1.1 408 ")


def test_an_address_waits_longer_each_time_and_strangers_together() -> None:
    clock = [1000.0]
    throttle = PasswordThrottle(lambda: clock[0])
    waits: list[float] = []
    for _ in range(7):
        assert throttle.find_wait("10.0.0.7") == 0
        throttle.note_wrong("10.0.0.7")
        waits.append(throttle.find_wait("10.0.0.7"))
        clock[0] += waits[-1]
    assert waits == [1, 2, 4, 8, LONGEST_WAIT, LONGEST_WAIT, LONGEST_WAIT]
    throttle.note_wrong("2001:db8::1")
    assert throttle.find_wait("2001:db8::2") == 1, "one household has all of them"
    assert throttle.find_wait("10.0.0.8") == throttle.find_wait("2001:db8:0:1::1") == 0
    throttle.note_right("10.0.0.9")
    for at in range(MOST_A_MINUTE):
        throttle.note_wrong(f"10.1.0.{at}")
    assert throttle.find_wait("10.0.0.8") == 60, "no more from anywhere this minute"
    assert throttle.find_wait("10.0.0.9") == 0, "but from where somebody has signed in"
    clock[0] += 60
    assert throttle.find_wait("10.0.0.8") == 0
    assert [throttle.note_wrong("10.0.0.7"), throttle.note_wrong("10.0.0.7")] == [8, 9]
    clock[0] += FORGOTTEN
    assert throttle.note_wrong("10.0.0.7") == 1


def test_sessions_end_by_signing_out_by_age_and_with_the_password(owned: App, tmp_path: Path) -> None:
    first, second = (enter(owned.url).headers["set-cookie"].split(";")[0] for _ in range(2))
    json = {"Content_Type": "application/json"}
    assert (
        ask(owned.url, "/sign-out", "GET", Cookie=first).status != 200 and ask(owned.url, "/config", Cookie=first).status == 200
    )
    left = ask(owned.url, "/sign-out", "POST", "{}", Cookie=first, **json)
    assert left.status == 200 and "=; Max-Age=0" in left.headers["set-cookie"]
    assert [ask(owned.url, "/config", Cookie=one).status for one in (first, second)] == [401, 401], "on every computer"
    assert ask(owned.url, "/config", Cookie=enter(owned.url).headers["set-cookie"].split(";")[0]).status == 200
    key, anna = read_key(tmp_path / "key", "old"), find_id("anna")
    signer = CookieSigner(key, tmp_path / "ends.json")
    cookie = signer.sign(anna, 1000.0)
    assert signer.read(cookie, 1000 + COOKIE_SECONDS, COOKIE_SECONDS) == anna
    assert signer.read(cookie, 1001 + COOKIE_SECONDS, COOKIE_SECONDS) == ""
    assert CookieSigner(read_key(tmp_path / "key", "new")).read(cookie, 1000, COOKIE_SECONDS) == "", "another password"
    other, ben = CookieSigner(key, tmp_path / "ends.json"), find_id("ben")
    theirs = other.sign(ben, 1000.0)
    assert (other.read(cookie, 1000, 9), signer.read(theirs, 1000, 9)) == (anna, ben)
    signer.end(anna, 1000.9)
    other.end(ben, 1000.9)
    again = CookieSigner(key, tmp_path / "ends.json")
    assert {one.read(left, 1001, 9) for one in (signer, other, again) for left in (cookie, theirs)} == {""}, "in all processes"
    assert again.read(again.sign(anna, 1000.9), 1000.9, 9) == anna, "who signs in at once is in"
    (tmp_path / "ends.json").write_text("[broken")
    assert CookieSigner(key, tmp_path / "ends.json").read(cookie, 1001, 9) == anna


def test_programs_sign_in_by_form_or_with_each_request(owned: App) -> None:
    client = Client(owned.url, auth=("anna", "a long secret"), verbose=False, analytics_enabled=False)
    assert client.predict(api_name="/library") == []
    client.close()
    basic = {"Authorization": "basic " + base64.b64encode(b"anna:a long secret").decode()}
    assert ask(owned.url, "/gradio_api/info", **basic).status == 200
    called = ask(owned.url, "/gradio_api/call/library", "POST", '{"data": []}', Content_Type="application/json", **basic)
    assert called.status == 200 and b"event_id" in called.body
    for given in ("Basic x", "Basic", "Bearer x", "Basic " + base64.b64encode(b"\xff\xfe:x").decode(), "Digest username=anna"):
        got = ask(owned.url, "/gradio_api/info", Authorization=given)
        assert (got.status, got.body) == (401, b"Sign in first."), given
    with pytest.raises(AuthenticationError):
        Client(owned.url, auth=("anna", "guess"), verbose=False)
    time.sleep(1.05)
