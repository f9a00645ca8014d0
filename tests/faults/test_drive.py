"""The drive of the home folder fills up, is taken out, can only be read: at every stage a person is told what to do, nothing
half made is left, and the next try works once it is over, without a restart.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.fakes import drive
from tests.fakes.gradient import photograph
from tests.ui.conftest import WINDOW
from tests.ui.steps import WAIT, animate, drop, quick


class Trial:
    """Every fault at every stage, tried once for all tests, and the page that stands after that."""

    def __init__(self, folder: Path) -> None:
        self._process = drive.start("tests.fakes.drive_faults", folder)
        self.rows: list[dict[str, Any]] = []
        self.url = ""
        while not self.url:
            line = self._read()
            assert line, f"it ended with {self._process.wait()}"
            said = json.loads(line)
            self.url = said.get("page", "")
            self.rows += [said] if "fault" in said else []

    def _read(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline()

    def do(self, *asked: str) -> None:
        """What the drive is to do."""
        assert self._process.stdin
        for one in asked:
            self._process.stdin.write(f"{one}\n")
            self._process.stdin.flush()
            assert self._read() == "done\n"

    def end(self) -> int:
        self._process.communicate(timeout=60)
        return self._process.returncode


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    one = Trial(tmp_path_factory.mktemp("drive"))
    yield one
    one.end()


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("full", ("full", "filled up", "enough room", "has 0 kB left")),
        ("fills up", ("full", "filled up")),
        ("taken out", ("isn't there any more",)),
        ("read-only", ("can only be read",)),
    ],
)
def test_a_faulty_drive_is_told_and_nothing_is_lost(trial: Trial, fault: str, words: tuple[str, ...]) -> None:
    tried = [row for row in trial.rows if row["fault"] == fault]
    assert len(tried) > 4
    wrong = [row for row in tried if row["left"] or row["again"] or not any(word in row["told"] for word in words)]
    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.ui
def test_the_page_tells_it_where_one_looks_and_goes_on_by_itself(trial: Trial, browser: Browser, tmp_path: Path) -> None:
    page = browser.new_page(viewport=WINDOW)
    page.set_default_timeout(WAIT)
    page.goto(trial.url)
    drop(page, str(photograph(tmp_path, 640, 480, 1)))
    expect(page.locator(".photo-image")).to_be_visible(timeout=WAIT)
    quick(page)
    toast, intake = page.locator(".toast:popover-open"), page.locator("#photo .note:visible")
    for seed, begin, end, words in (
        (2, ["fill"], ["clear"], "The disk is full. Free some space"),
        (3, ["take out"], ["plug in"], "isn't there any more. Plug in its drive"),
        (4, ["take out", "plug in read-only"], ["take out", "plug in"], "The disk can only be read. Make it writable"),
    ):
        trial.do(*begin)
        if begin == ["take out"]:
            expect(toast).to_contain_text(words, timeout=WAIT)
        drop(page, str(photograph(tmp_path, 640, 480, seed)))
        expect(intake).to_contain_text(f"picture {seed}.png did not arrive", timeout=WAIT)
        expect(intake).to_contain_text(words)
        page.locator("#animate").click()
        expect(page.locator("#clip .note:visible", has_text=words)).to_be_visible(timeout=WAIT)
        trial.do(*end)
        expect(toast).to_be_hidden(timeout=WAIT)
        animate(page)
    trial.do("harm")
    expect(toast).to_contain_text("The library's database is damaged. Restart Stir", timeout=WAIT)
    assert trial.end() == 0
    expect(toast).to_contain_text("The studio does not answer.", timeout=WAIT)
    page.close()
