"""Both services over real connections to the imitation: the calls they make, in order, and what every fault comes to.

The imitation notes every call and speaks the recorded protocols; nothing of the adapters is replaced.
"""

from __future__ import annotations

import json
import logging
import pickle
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.engines.hosted import http_calls, output_download
from studio.engines.hosted.fal import Fal
from studio.engines.hosted.http_calls import Origin, read_base
from studio.engines.hosted.output_download import FilmFetcher, is_public
from studio.engines.hosted.replicate import Replicate
from studio.engines.hosted.service import Endpoint, File, Remote, ServiceRefusal, Uploaded
from studio.engines.hosted.tokens import Token
from studio.hosted_demo.demo_film import read_seconds
from studio.hosted_demo.injected_faults import CALLS, FATES, FILMS, InjectedFaults
from studio.hosted_demo.stand_in import StandIn
from studio.nouns import Refusal
from tests.fakes.hosted_ways import TOKEN, WAYS, paint, start_services

Service = Replicate | Fal

PATHS = {"replicate": Endpoint("someone/small"), "fal": Endpoint("fal-ai/small/pro/image-to-video")}
PHOTO = File(paint(), "image/jpeg")


@pytest.fixture(scope="module")
def shared() -> Iterator[StandIn]:
    with StandIn(token=TOKEN, ways=WAYS) as stand_in:
        yield stand_in


@pytest.fixture
def stand_in(shared: StandIn) -> StandIn:
    shared.faults = InjectedFaults()
    shared.calls.clear()
    shared.requests.seconds = 0.0
    return shared


@pytest.fixture(params=["replicate", "fal"])
def service(request: pytest.FixtureRequest, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    replicate, fal = start_services(stand_in, monkeypatch)
    yield replicate if request.param == "replicate" else fal
    replicate.close()
    fal.close()


def compose(service: Service, photo: str, **more: Any) -> dict[str, Any]:
    return {"prompt": "it drifts", ("image" if service.name == "replicate" else "image_url"): photo, **more}


def create(service: Service, **more: Any) -> Remote:
    return service.create(PATHS[service.name], compose(service, service.upload(PHOTO).value, **more), 900.0)


def wait_for(service: Service, remote: Remote) -> Remote:
    end = time.monotonic() + 20
    while not remote.is_over:
        assert time.monotonic() < end
        time.sleep(0.01)
        remote = service.poll(PATHS[service.name], remote.id)
    return remote


def routes(stand_in: StandIn) -> list[str]:
    return [call.route for call in stand_in.calls]


def never(done: int, total: int | None) -> None:
    del done, total


def refusal(call: Any, *given: Any) -> ServiceRefusal:
    with pytest.raises(ServiceRefusal) as caught:
        call(*given)
    return caught.value


def test_a_photo_becomes_a_film(service: Service, stand_in: StandIn, tmp_path: Path) -> None:
    assert service.is_stand_in
    assert "stand-in" in service.title
    assert service.account().name == ("stand-in" if service.name == "replicate" else "")
    remote = create(service, duration=2, resolution="64p")
    made = wait_for(service, remote)
    assert (made.status, made.id) == ("succeeded", remote.id)
    shares: list[float] = []
    service.download(made, tmp_path / "out.mp4", lambda done, total: shares.append(done / (total or 1)))
    assert shares[0] == 0.0
    assert shares[-1] == 1.0
    assert read_seconds((tmp_path / "out.mp4").read_bytes()) == pytest.approx(2.0, abs=0.1)
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]
    polls = routes(stand_in).count("poll")
    result = ["result"] if service.name == "fal" else []
    first = "account" if service.name == "replicate" else "price"
    assert routes(stand_in) == [first, "create", *["poll"] * polls, *result, "film"]
    sent = stand_in.list_calls("create")[0]
    if service.name == "replicate":
        assert json.loads(sent.body)["version"] == "someone/small"
        assert sent.headers["cancel-after"] == "900s"
    else:
        assert (sent.headers["x-fal-store-io"], sent.headers["x-fal-request-timeout"]) == ("0", "900")
        assert "3600" in sent.headers["x-fal-object-lifecycle-preference"]
        assert {call.path.split("/requests/")[0] for call in stand_in.list_calls("poll")} == {"/queue/fal-ai/small"}


def test_a_large_file_is_uploaded_without_its_name_and_deleted(service: Service, stand_in: StandIn, tmp_path: Path) -> None:
    (tmp_path / "Anna on the pier.jpg").write_bytes(PHOTO.read() + bytes(300_000))
    uploaded = service.upload(File(tmp_path / "Anna on the pier.jpg", "image/jpeg"))
    assert uploaded.value.startswith(stand_in.address)
    assert wait_for(service, service.create(PATHS[service.name], compose(service, uploaded.value), 60.0)).status == "succeeded"
    service.delete(uploaded)
    service.delete(uploaded)
    sent = stand_in.list_calls("upload")[0]
    assert b"input.jpg" in sent.body + sent.headers.get("x-fal-file-name", "").encode()
    assert all(b"Anna" not in call.body and "Anna" not in str(call.headers) for call in stand_in.calls)
    if service.name == "fal":
        assert "3600" in sent.headers["x-fal-object-lifecycle"]
        assert TOKEN not in sent.headers["authorization"]
    else:
        assert len(stand_in.list_calls("delete")) == 2


CREATES = {
    "drop": "uncertain", "lose": "uncertain", "garbage": "uncertain", "empty": "uncertain", "list": "uncertain",
    "redirect": "foreign", "401": "bad_token", "402": "no_credit", "403": "forbidden", "404": "not_found", "422": "invalid_input",
    "429": "rate_limited", "500": "uncertain", "502": "uncertain", "503": "service",
}  # fmt: skip


@pytest.mark.parametrize("fault", CALLS)
def test_a_create_is_sent_once_whatever_comes_of_it(service: Service, stand_in: StandIn, fault: str) -> None:
    stand_in.faults.script["create"] = [fault]
    refused = refusal(create, service)
    assert refused.kind == CREATES[fault]
    assert len(stand_in.list_calls("create")) == 1
    assert not any(call.route == "film" or call.path == "/trap" for call in stand_in.calls)
    assert refused.reason
    assert refused.remedy
    assert (service.billing_page in refused.remedy) is (refused.kind == "uncertain")


READS = {
    "drop": "", "lose": "", "garbage": "", "empty": "", "list": "", "429": "", "500": "", "502": "", "503": "",
    "redirect": "foreign", "401": "bad_token", "402": "no_credit", "403": "forbidden", "404": "not_found", "422": "invalid_input",
}  # fmt: skip


@pytest.mark.parametrize("fault", CALLS)
def test_what_only_reads_is_asked_again_where_that_may_help(service: Service, stand_in: StandIn, fault: str) -> None:
    remote = create(service)
    stand_in.faults.script["poll"] = [fault, fault]
    if READS[fault]:
        assert refusal(service.poll, PATHS[service.name], remote.id).kind == READS[fault]
        assert len(stand_in.list_calls("poll")) == 1
    else:
        assert service.poll(PATHS[service.name], remote.id).id == remote.id
        assert len(stand_in.list_calls("poll")) == 3


def test_reads_stop_being_repeated(service: Service, stand_in: StandIn) -> None:
    remote = create(service)
    stand_in.faults.script["poll"] = ["503"] * 9
    assert refusal(service.poll, PATHS[service.name], remote.id).is_transient
    assert len(stand_in.list_calls("poll")) == 3
    stand_in.faults.script["poll"], stand_in.faults.wait = ["429"], "30"
    refused = refusal(service.poll, PATHS[service.name], remote.id)
    assert (refused.kind, refused.wait) == ("rate_limited", 30.0)
    assert len(stand_in.list_calls("poll")) == 4


ENDS = {"failed": "failed", "canceled": "canceled", "aborted": "aborted", "nothing": "failed"}


@pytest.mark.parametrize("fate", FATES)
def test_what_a_request_comes_to(service: Service, stand_in: StandIn, tmp_path: Path, fate: str) -> None:
    stand_in.faults.script["create"] = [fate]
    remote = create(service)
    if fate == "endless":
        assert service.poll(PATHS[service.name], remote.id).status == "running"
        assert service.cancel(PATHS[service.name], remote.id).status == "canceled"
        assert service.poll(PATHS[service.name], remote.id).status == "canceled"
        return
    made = wait_for(service, remote)
    assert made.status == ENDS.get(fate, "succeeded")
    assert bool(made.error) is (fate in ("failed", "nothing") or (service.name == "fal" and made.status != "succeeded"))
    if made.status == "succeeded":
        assert refusal(service.download, made, tmp_path / "out.mp4", never).kind == "foreign"
        assert not list(tmp_path.iterdir())


DOWNLOADS = {
    "drop": "", "cut": "", "503": "", "huge": "too_large", "endless": "too_large",
    "wrong_type": "wrong_content", "no_film": "wrong_content", "zipped": "wrong_content", "404": "not_found",
    "pass_on": "", "pass_round": "foreign", "pass_to_private": "foreign", "pass_nowhere": "foreign",
}  # fmt: skip


@pytest.mark.parametrize("fault", FILMS)
def test_a_film_arrives_whole_or_not_at_all(
    service: Service, stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    made = wait_for(service, create(service))
    monkeypatch.setattr(service._films, "_limit", 3_000_000)
    kind = DOWNLOADS[fault]
    stand_in.faults.script["film"] = [fault] * (5 if kind else 1)
    if kind:
        assert refusal(service.download, made, tmp_path / "out.mp4", never).kind == kind
        assert not list(tmp_path.iterdir())
    else:
        service.download(made, tmp_path / "out.mp4", never)
        assert (tmp_path / "out.mp4").read_bytes()[4:8] == b"ftyp"
    shown = [call.headers for call in stand_in.calls if call.service == "store"]
    assert shown
    assert not any("authorization" in headers or "cookie" in headers for headers in shown)


def test_a_download_can_be_stopped(service: Service, tmp_path: Path) -> None:
    made = wait_for(service, create(service))

    def stop(done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        service.download(made, tmp_path / "out.mp4", stop)
    assert not list(tmp_path.iterdir())


def test_the_model_s_complaints_name_its_fields(service: Service) -> None:
    for wrong, field in (({"duration": 9}, "duration"), ({"colour": "red"}, "colour"), ({"resolution": "4k"}, "resolution")):
        refused = refusal(lambda wrong=wrong: create(service, **wrong))
        assert (refused.kind, refused.fields) == ("invalid_input", (field,))
        assert field in refused.reason


def test_a_community_model_goes_by_its_version(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    replicate, _ = start_services(stand_in, monkeypatch)
    fields = {"prompt": "it drifts", "image": replicate.upload(PHOTO).value}
    assert wait_for(replicate, replicate.create(Endpoint("someone/old", "a" * 64), fields, 60.0)).status == "succeeded"
    assert json.loads(stand_in.list_calls("create")[0].body)["version"] == f"someone/old:{'a' * 64}"
    assert replicate.schema(Endpoint("someone/old", "a" * 64)).version == "a" * 64
    assert refusal(replicate.create, Endpoint("someone/old"), fields, 60.0).kind == "invalid_input"


def test_a_model_s_fields_are_read_from_the_service(service: Service) -> None:
    live = service.schema(PATHS[service.name])
    photo = "image" if service.name == "replicate" else "image_url"
    assert live.fields["resolution"].values == ("64p", "96p")
    assert (live.fields["duration"].least, live.fields["duration"].most, live.fields["duration"].kind) == (1, 3, "integer")
    assert {name for name, one in live.fields.items() if one.required} == {"prompt", photo}
    assert "mode" not in live.fields
    assert refusal(service.schema, Endpoint("someone/gone")).kind == "not_found"
    price = service.price(PATHS[service.name])
    assert (price and price.unit) == ("second" if service.name == "fal" else None)


def test_a_lost_request_is_found_in_the_list(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    replicate, fal = start_services(stand_in, monkeypatch)
    before = time.time() - 1
    for one in range(3):
        create(replicate, seed=one)
    stand_in.faults.script["create"] = ["lose"]
    assert refusal(lambda: create(replicate, seed=77)).kind == "uncertain"
    monkeypatch.setattr("studio.hosted_demo.replicate_routes.PAGE", 2)
    found = [one for one in replicate.list_recent(before) if one.inputs.get("seed") == 77]
    assert [(one.ref, one.status in ("starting", "running", "succeeded")) for one in found] == [("someone/small", True)]
    assert not any("data:" in str(one.inputs) for one in found)
    assert replicate.list_recent(time.time() + 60) == ()
    assert (replicate.can_list, fal.can_list, fal.list_recent(0.0)) == (True, False, ())
    assert not stand_in.list_calls("film")


def test_a_request_that_has_ended_is_not_canceled(service: Service) -> None:
    made = wait_for(service, create(service))
    assert service.cancel(PATHS[service.name], made.id).status == "succeeded"
    assert refusal(service.poll, PATHS[service.name], "../../v1/account").kind == "not_found"
    assert refusal(service.poll, PATHS[service.name], "nobodys").kind == "not_found"


def test_nothing_is_sent_without_a_token(service: Service, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REPLICATE_API_TOKEN", "FAL_KEY"):
        monkeypatch.delenv(name)
    path = PATHS[service.name]
    calls = [
        service.account, lambda: service.schema(path), lambda: service.upload(File(bytes(300_000), "image/jpeg")),
        lambda: service.create(path, {}, 60.0), lambda: service.poll(path, "p1"), lambda: service.cancel(path, "p1"),
    ]  # fmt: skip
    assert {refusal(call).kind for call in calls} == {"no_token"}
    assert stand_in.calls == []


def test_a_service_that_is_not_there_was_sent_nothing(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = StandIn(ways=())
    gone.__enter__()
    gone.__exit__(None, None, None)
    monkeypatch.setenv("STIR_REPLICATE_URL", gone.address)
    monkeypatch.setenv("STIR_FAL_URL", gone.address)
    lost = type(service)(pause=0.01)
    refused = refusal(lost.create, PATHS[service.name], {}, 60.0)
    assert (refused.kind, "nothing was sent" in refused.reason) == ("unreachable", True)


def test_a_token_is_in_no_error_and_no_log(
    service: Service, stand_in: StandIn, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    stand_in.faults.script["create"] = ["lose", "401", "500"]
    for _ in range(3):
        refused = refusal(create, service)
        assert refused.__context__ is None
        pickle.dumps(refused.args)
        told = traceback.TracebackException.from_exception(refused, capture_locals=True)
        assert TOKEN not in "".join(told.format())
    assert service.account()
    assert TOKEN not in caplog.text
    assert TOKEN not in repr(vars(service))
    assert TOKEN not in repr(service)
    assert all(TOKEN not in call.path for call in stand_in.calls)


def test_an_answer_that_is_too_large_or_too_slow_is_left(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_calls, "LARGEST_ANSWER", 10)
    assert refusal(service.account).kind == "service"
    monkeypatch.setattr(http_calls, "LARGEST_ANSWER", 10_000)
    monkeypatch.setattr(http_calls, "LONGEST_ANSWER", -1.0)
    assert refusal(create, service).kind == "uncertain"


@pytest.mark.parametrize("name", ["STIR_REPLICATE_URL", "STIR_FAL_URL"])
def test_another_address_than_this_computer_s_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for address in (
        "http://example.org",
        "https://10.0.0.1",
        "http://localhost:80",
        "http://127.0.0.1@example.org",
        "file:///etc",
    ):
        monkeypatch.setenv(name, address)
        with pytest.raises(Refusal, match="this computer"):
            read_base(name, "https://api.replicate.com")
    monkeypatch.setenv(name, "http://[::1]:8000/")
    assert read_base(name, "") == ("http://[::1]:8000", True)
    monkeypatch.delenv(name)
    assert read_base(name, "https://api.replicate.com") == ("https://api.replicate.com", False)


def test_a_token_goes_to_its_own_origin_alone() -> None:
    origin = Origin("https://api.replicate.com", "Replicate", "Bearer", lambda: None)
    for address in ("https://api.replicate.com/v1/files/a", "https://API.replicate.com:443/x", "https://api.replicate.com./x"):
        assert origin.owns(address), address
    for address in (
        "http://api.replicate.com/v1", "https://api.replicate.com:444/v1", "https://api.replicate.com.evil.org/",
        "https://replicate.com", "//api.replicate.com",
        "https://api.replicate.com@evil.org/", "https://evil.org/api.replicate.com", "https://api.replicate.com\\@evil.org/",
        "", "data:video/mp4;base64,AAAA",
    ):  # fmt: skip
        assert not origin.owns(address), address


def test_a_real_service_never_sends_stir_into_a_private_network(tmp_path: Path) -> None:
    origin = Origin("https://api.replicate.com", "Replicate", "Bearer", lambda: Token(TOKEN))
    numbers: dict[str, list[str]] = {
        "inside.example": ["93.184.216.34", "10.0.0.7"], "mapped.example": ["::ffff:127.0.0.1"],
        "nat.example": ["64:ff9b::a00:1"], "nobody.example": [], "metadata.example": ["169.254.169.254"],
    }  # fmt: skip
    films = FilmFetcher(origin, False, look_up=lambda host, port: numbers.get(host, [host]), pause=0.01)
    for address in (
        "http://127.0.0.1:7860/", "https://127.0.0.1/", "https://localhost/x.mp4", "https://[::1]/x.mp4", "https://inside.example/x.mp4",
        "https://mapped.example/", "https://nat.example/", "https://metadata.example/", "https://0.0.0.0/", "https://100.64.0.1/",
        "http://93.184.216.34/x.mp4", "ftp://93.184.216.34/x", "file:///etc/passwd", "javascript:1", "",
    ):  # fmt: skip
        assert refusal(films.fetch, Remote("p1", "succeeded", address), tmp_path / "out.mp4", never).kind == "foreign", address
    assert (
        refusal(films.fetch, Remote("p1", "succeeded", "https://nobody.example/"), tmp_path / "out.mp4", never).kind
        == "unreachable"
    )
    assert is_public("93.184.216.34")
    assert is_public("2606:2800:220:1:248:1893:25c8:1946")
    assert not is_public("2002:a00:1::1")


def test_a_disk_that_is_full_is_said(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = wait_for(service, create(service))
    monkeypatch.setattr(output_download.os, "fsync", lambda number: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(Refusal, match="disk is full"):
        service.download(made, tmp_path / "out.mp4", never)
    assert not list(tmp_path.iterdir())


def test_an_upload_that_is_a_data_uri_is_nowhere_to_delete(service: Service, stand_in: StandIn) -> None:
    service.delete(service.upload(PHOTO))
    service.delete(Uploaded("data:,"))
    assert stand_in.calls == []
