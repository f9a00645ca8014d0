"""What nobody foresaw: a job or an answer that fails names its entry in the log, and the desk stays as it was."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Locator, Page, expect
from starlette.responses import Response

from studio.config import Settings
from studio.studio import Studio
from studio.ui.clip_actions import ById
from studio.ui.html_part import catch_faults, log_faults_to, make_call
from studio.ui.panels.queue_panel import QueuePanel, Seen
from tests.fakes.waiting import until
from tests.ui.conftest import App
from tests.ui.steps import LONG, WAIT, crop_box, quick, sample  # fmt: skip
from tests.ui.steps import heard as agreed

ENTRY = re.compile(r"Entry ([0-9a-f]{6}) in logs/stir\.log")


def entry(app: App, note: Locator) -> list[str]:
    """The lines of the log that a message on the page leads to: the entry's own line, and where the error came through."""
    expect(note).to_contain_text(ENTRY, timeout=WAIT)
    found = ENTRY.search(note.inner_text())
    assert found
    assert "secret" not in note.inner_text()
    lines = (app.studio.settings.home / "logs" / "stir.log").read_text("utf-8").splitlines()
    where = [index for index, line in enumerate(lines) if f"entry {found[1]}" in line]
    assert len(where) == 1
    return lines[where[0] : where[0] + 14]


def desk(page: Page) -> dict[str, object]:
    """All that stands on the desk, as a person and as the page's own memory have it."""
    agreed(page)
    topics = ["film", "camera", "effects", "words", "output", "ending"]
    kept = page.evaluate("topics => Object.fromEntries(topics.map(name => [name, Stir.now(name)]))", topics)
    return {
        **kept, "photo": page.locator(".photo-image").get_attribute("src"), "crop": crop_box(page),
        "sentence": page.locator("#prompt").input_value(), "size": page.locator("#size").input_value(),
        "pressed": page.locator("#motion-column [aria-pressed='true']").evaluate_all("all => all.map(one => one.innerText)"),
    }  # fmt: skip


@pytest.mark.ui
def test_a_job_that_breaks_names_its_entry_and_leaves_the_desk(page: Page, app: App) -> None:
    sample(page)
    page.locator("[data-family='truck_left']").click()
    quick(page)
    page.locator(".crop-box").focus()
    page.keyboard.press("Shift+ArrowLeft")
    before = desk(page)
    app.zoom.breaks.add("animate")
    page.locator("#animate").click()
    note = page.locator("#clip .note:visible", has_text="Something went wrong inside Stir")
    expect(note).to_be_visible(timeout=LONG)
    lines = entry(app, note)
    assert "ZeroDivisionError" in lines[0]
    assert any("zoom.py" in line for line in lines)
    assert desk(page) == before
    app.zoom.breaks.clear()
    page.reload()
    expect(page.locator(".part-photo.ready")).to_be_visible(timeout=WAIT)
    after = desk(page)
    assert {key: after[key] for key in ("photo", "crop", "sentence", "size")} == {
        key: before[key] for key in ("photo", "crop", "sentence", "size")
    }


@pytest.mark.ui
def test_an_answer_that_breaks_is_a_refusal_in_its_place(page: Page, app: App) -> None:
    sample(page)
    before = desk(page)
    app.zoom.breaks.add("read")
    page.locator("#photo summary", has_text="Depth").click()
    note = page.locator("#photo .note:visible", has_text="Something went wrong inside Stir")
    assert "the page's depth_view" in entry(app, note)[0]
    assert desk(page) == before


def test_questions_and_moments_that_fail_are_refusals_with_one_entry_each(tmp_path: Path) -> None:
    from studio.library import logbook

    log = logbook.open(tmp_path)
    log_faults_to(log)

    def fails(*_: object, **__: object) -> None:
        raise KeyError("a secret file name")

    answered = make_call("fails", ById, fails)({"id": "x"})["refusal"]
    moment = catch_faults(fails, lambda refusal: {"remedy": refusal.remedy})(camera=None)
    text = (tmp_path / "stir.log").read_text("utf-8")
    for told in (answered, moment):
        found = ENTRY.search(told["remedy"])
        assert found
        assert text.count(found[1]) == 1
    assert text.count("KeyError") == 2
    assert "secret" not in text
    assert catch_faults(abs, str)(-2) == 2
    log_faults_to(logging.getLogger("stir"))


def test_a_page_is_sent_what_has_changed_and_a_look_that_fails_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    studio = Studio(Settings(tmp_path / "home"))
    panel = QueuePanel(studio)

    def look(panel: QueuePanel, seen: Seen) -> dict[str, object]:
        found = panel.look(seen)
        return json.loads(bytes(found.body)) if isinstance(found, Response) else found

    first = look(panel, Seen())
    assert first.keys() == {"seen", "board", "models"}
    marks = [msgspec.convert(first["seen"], Seen)]

    def has_rest() -> bool:
        """Nothing new: how the models stand on this machine is found out in a thread of its own."""
        found = look(panel, marks[-1])
        if found:
            marks.append(msgspec.convert(found["seen"], Seen))
        return found == {}

    until(has_rest)
    seen = marks[-1]
    assert look(panel, Seen(models=seen.models)).keys() == {"seen", "board"}
    assert look(QueuePanel(studio), seen).keys() == {"seen", "board", "models"}  # the studio was started again
    studio.close()
    with caplog.at_level(logging.ERROR):
        studio.log.addHandler(caplog.handler)
        assert [look(panel, Seen()).keys() for _ in range(2)] == [{"refusal"}] * 2, "it is told while it lasts"
        studio.log.removeHandler(caplog.handler)
    assert len({id(one) for one in caplog.records if "the page's board" in one.getMessage()}) == 1
