"""Downloads in the background: one at a time, in order, stopped and gone on with, and only when asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.config import Settings
from studio.engines.diffusion.files.download import Downloads
from studio.engines.diffusion.files.hub import Hub
from studio.engines.diffusion.files.store import Store
from studio.nouns import Progress, Refusal
from studio.preferences import Preferences
from tests.fakes import repos
from tests.fakes.gradient import CARD as BUILT_IN
from tests.fakes.hub import Hub as Fake
from tests.fakes.waiting import until

BLANK = Progress("load")
ONE, TWO = repos.card("owner/one", id="one"), repos.card("owner/two", id="two")


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Fake]:
    with Fake() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))  # for processes that a test starts
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.delenv("HF_TOKEN", raising=False)
        for name in ("owner/one", "owner/two"):
            hub.put(name, repos.wan(300_000))
        yield hub


@pytest.fixture
def store(settings: Settings) -> Store:
    return Store(settings, Preferences)


@pytest.fixture
def downloads(settings: Settings, store: Store) -> Iterator[Downloads]:
    made = Downloads(settings, store, Hub(settings, store, free=lambda _: 10**12, pause=0.001))
    yield made
    made.close()


def done(downloads: Downloads, *cards: object) -> None:
    until(lambda: all(downloads.progress(card) is None for card in cards))  # type: ignore[arg-type]


def test_nothing_is_fetched_unless_it_is_asked_for(fake: Fake, downloads: Downloads, store: Store) -> None:
    for _ in range(3):
        assert store.check(ONE).state == "missing"
        assert downloads.progress(ONE) is None
        assert downloads.trouble(ONE) == ("", "")
        store.estimate_missing(ONE)
    assert fake.asked == []
    assert downloads.quote(ONE).missing > 0
    assert fake.bytes_of(".safetensors", ".bin") == 0


def test_one_at_a_time_in_the_order_they_were_asked_for(fake: Fake, downloads: Downloads, store: Store) -> None:
    fake.pace, fake.step = 0.002, 16_384
    downloads.start(ONE)
    downloads.start(TWO)
    downloads.start(TWO)
    until(lambda: fake.bytes_of(".safetensors") > 100_000)
    now, then = downloads.progress(ONE), downloads.progress(TWO)
    assert now
    assert then
    assert (now.stage, then.stage) == ("load", "wait")
    done(downloads, ONE, TWO)
    order = [line.split("/resolve/")[0].rsplit(" /", 1)[1] for line in fake.asked if "/resolve/" in line]
    assert order == sorted(order), "the second began before the first was done"
    assert store.check(ONE).state == store.check(TWO).state == "here"


def test_progress_tells_bytes_speed_and_time_left(fake: Fake, downloads: Downloads) -> None:
    fake.put("owner/one", repos.wan(1_500_000))
    fake.pace, fake.step = 0.02, 65_536
    downloads.start(ONE)
    until(lambda: (downloads.progress(ONE) or BLANK).done >= 2)
    now = downloads.progress(ONE)
    assert now
    assert now.total == 10
    assert 2 <= now.done < 10
    assert " of 9 MB" in now.note
    assert now.note.endswith("a second")
    assert now.remaining
    assert now.elapsed > 0


def test_a_stopped_download_goes_on_from_where_it_was(fake: Fake, downloads: Downloads, store: Store) -> None:
    fake.pace, fake.step = 0.01, 16_384
    downloads.start(ONE)
    until(lambda: fake.bytes_of(".safetensors") > 300_000)
    downloads.stop(ONE)
    done(downloads, ONE)
    assert downloads.trouble(ONE) == ("", ""), "stopping is no trouble"
    state, held, _ = store.check(ONE)
    assert state == "partly"
    assert list((store.models / "owner--one@main").rglob("*.incomplete"))
    fake.pace = 0
    fake.rest()
    total = downloads.quote(ONE).total
    fake.rest()
    downloads.start(ONE)
    done(downloads, ONE)
    assert store.check(ONE).state == "here"
    assert fake.rest() == total - held + len(repos.wan()["model_index.json"])


def test_one_that_waits_can_be_taken_out(fake: Fake, downloads: Downloads, store: Store) -> None:
    fake.pace, fake.step = 0.005, 16_384
    downloads.start(ONE)
    downloads.start(TWO)
    downloads.stop(TWO)
    fake.pace = 0
    done(downloads, ONE, TWO)
    assert store.check(ONE).state == "here"
    assert store.check(TWO).state == "missing"


def test_what_went_wrong_is_told_and_stops_no_other(fake: Fake, downloads: Downloads, store: Store) -> None:
    fake.put("owner/one", repos.wan(), gate="manual")
    downloads.start(ONE)
    downloads.start(TWO)
    done(downloads, ONE, TWO)
    reason, remedy = downloads.trouble(ONE)
    assert "behind a gate" in reason
    assert "HF_TOKEN" in remedy
    assert store.check(TWO).state == "here"
    fake.put("owner/one", repos.wan())
    downloads.start(ONE)
    done(downloads, ONE)
    assert downloads.trouble(ONE) == ("", "")
    assert store.check(ONE).state == "here"


def test_what_is_being_downloaded_is_not_deleted(fake: Fake, downloads: Downloads, store: Store) -> None:
    fake.pace, fake.step = 0.01, 16_384
    downloads.start(ONE)
    until(lambda: fake.bytes_of(".safetensors") > 50_000)
    with pytest.raises(Refusal, match="at this moment"):
        store.delete(ONE, ())
    downloads.stop(ONE)
    done(downloads, ONE)
    assert store.delete(ONE, ()) > 0


def test_a_model_that_is_here_asks_nothing(fake: Fake, downloads: Downloads, store: Store) -> None:
    downloads.start(ONE)
    done(downloads, ONE)
    fake.asked.clear()
    downloads.start(ONE)
    assert downloads.progress(ONE) is None
    assert fake.asked == []


def test_closing_stops_what_is_under_way(fake: Fake, downloads: Downloads, store: Store) -> None:
    fake.pace, fake.step = 0.01, 16_384
    downloads.start(ONE)
    downloads.start(TWO)
    until(lambda: fake.bytes_of(".safetensors") > 50_000)
    downloads.close()
    downloads.close()
    assert (store.check(ONE).state, store.check(TWO).state) == ("partly", "missing")


def test_a_built_in_model_has_nothing_to_download(downloads: Downloads) -> None:
    for door in (downloads.start, downloads.quote):
        with pytest.raises(Refusal, match="no files of its own"):
            door(BUILT_IN)
