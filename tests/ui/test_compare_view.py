"""Comparisons in the browser: what every player really shows, by a counter in each frame that is read back."""

from __future__ import annotations

import re
import shutil
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page, expect

from studio.comparison import Axis, Comparison
from studio.nouns import Clip, Crop, Format, Motion, Shot
from tests.fakes import shelf
from tests.fakes.priority import ordinary_priority
from tests.fakes.waiting import until
from tests.ui.conftest import App, Open
from tests.ui.steps import WAIT
from tests.ui.test_axe import PHONE, clean

pytestmark = pytest.mark.ui

WIDTH, HEIGHT, SQUARE, BITS = 320, 180, 20, 8


class Reel(NamedTuple):
    """A film of `frames` frames; every frame has its number in it."""

    fps: int
    frames: int
    sound: bool = False
    format: Format = "mp4"

    @property
    def seconds(self) -> float:
        return self.frames / self.fps

    def at(self, time: float, short: str = "hold") -> int:
        """The frame that belongs to a moment of the clock."""
        own = time % self.seconds if short == "loop" else time
        return min(self.frames - 1, int(own * self.fps + 1e-4))


REELS = (Reel(24, 48), Reel(16, 32, format="webm"), Reel(60, 72, sound=True), Reel(20, 30, format="gif"))
LONGEST = 2.0
CODECS = {"mp4": ("libx264", {"preset": "veryfast"}), "webm": ("libsvtav1", {"preset": "12"})}


def number_frame(index: int) -> NDArray[np.uint8]:
    """A grey frame whose squares are the bits of its number, the least first."""
    frame = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    for bit in range(BITS):
        frame[SQUARE : 3 * SQUARE, (bit + 1) * SQUARE : (bit + 2) * SQUARE] = 255 if index >> bit & 1 else 0
    return frame


def write_gif(reel: Reel, file: Path) -> None:
    first, *others = (Image.fromarray(number_frame(index)) for index in range(reel.frames))
    first.save(file, save_all=True, append_images=others, duration=1000 // reel.fps, loop=0)


def write_reel(reel: Reel, file: Path) -> None:
    with ordinary_priority(), av.open(str(file), "w") as box:
        name, options = CODECS[reel.format]
        film = box.add_stream(name, rate=reel.fps)
        film.width, film.height, film.pix_fmt, film.options = WIDTH, HEIGHT, "yuv420p", {"g": "250", **options}
        voice = box.add_stream("aac", rate=16_000, layout="mono") if reel.sound else None
        for index in range(reel.frames):
            box.mux(film.encode(av.VideoFrame.from_ndarray(number_frame(index), "rgb24")))
        box.mux(film.encode())
        if voice:
            tone = np.sin(np.arange(round(16_000 * reel.seconds)) * 0.2)[None].astype(np.float32) * 0.1
            samples = av.AudioFrame.from_ndarray(tone, "fltp", "mono")
            samples.sample_rate, samples.time_base = 16_000, Fraction(1, 16_000)
            box.mux(voice.encode(samples))
            box.mux(voice.encode())


@pytest.fixture(scope="module")
def reels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("reels")
    files = [folder / f"{index}.{reel.format}" for index, reel in enumerate(REELS)]
    for reel, file in zip(REELS, files, strict=True):
        (write_gif if reel.format == "gif" else write_reel)(reel, file)
    Image.fromarray(number_frame(0)).save(folder / "poster.png")
    return files


def keep(app: App, files: list[Path], count: int = len(REELS)) -> list[str]:
    """So many clips in the library, of the reels in turn, by their ids."""
    made = []
    photo = app.studio.photos.take_in(files[0].parent / "poster.png", "harbour.png")
    for index in range(count):
        reel, file, name = REELS[index % len(files)], files[index % len(files)], f"{index + 1:032x}"
        shot = Shot(photo, Crop(), Motion("the secret tide"), seed=index + 1, fps=reel.fps, format=reel.format)
        folder = app.studio.settings.clips
        shutil.copy(file, folder / "clip.part")
        shutil.copy(file.parent / "poster.png", folder / "poster.part")
        clip = Clip(
            name, shot, f"{name}.{reel.format}", name + ".png", WIDTH, HEIGHT, reel.fps, reel.frames, reel.seconds,
            file.stat().st_size, 1.7e9 + index, 9.5 - index,
        )  # fmt: skip
        app.studio.library.keep(clip, folder / "clip.part", folder / "poster.part")
        made.append(name)
    return made


READ = """([wide, tall, square, bits]) => {
  const canvas = Object.assign(document.createElement("canvas"), { width: wide, height: tall });
  const paper = canvas.getContext("2d", { willReadFrequently: true });
  const read = (film) => {
    paper.drawImage(film, 0, 0, wide, tall);
    const { data } = paper.getImageData(0, 2 * square, wide, 1);
    let frame = 0;
    for (let bit = 0; bit < bits; bit += 1) if (data[Math.floor((bit + 1.5) * square) * 4] > 128) frame |= 1 << bit;
    return frame;
  };
  window.readAll = () => [...document.querySelectorAll("#compare .cell:not([hidden]) .cell-film")].map(read);
  window.watchAll = (ms) => new Promise((go) => {
    const rows = [];
    const begun = performance.now();
    const look = () => (rows.push(readAll()), performance.now() - begun < ms ? requestAnimationFrame(look) : go(rows));
    requestAnimationFrame(look);
  });
  window.watchChanges = (count) => new Promise((go) => {
    const rows = [];
    let changes = 0;
    const look = () => {
      const row = readAll();
      changes += rows.length && row[0] !== rows.at(-1)[0];
      rows.push(row);
      return changes < count ? requestAnimationFrame(look) : go(rows);
    };
    requestAnimationFrame(look);
  });
}"""
"""What every player in sight shows, now, for a while, and until the first has changed so often: the number in its picture."""


def look_at(page: Page, name: str) -> None:
    """Open the tab and in it a comparison, and wait until every player shows something."""
    page.get_by_role("tab", name="Compare").click()
    page.locator("#compare-search").fill(name)
    card = page.locator(".comparison-card")
    expect(card).to_have_count(1, timeout=WAIT)
    card.locator("button").click()
    expect(page.locator(".comparison[data-open]")).to_be_visible(timeout=WAIT)
    page.evaluate(READ, [WIDTH, HEIGHT, SQUARE, BITS])


def measure_gap(row: list[int], short: str = "hold") -> float:
    """How far apart two of the frames are at most, in frames of the slower one; on a ring, because all of it goes round."""
    spans = []
    for frame, reel in zip(row, REELS, strict=True):
        begin, end = frame / reel.fps, (frame + 1) / reel.fps
        if short == "hold" and frame == reel.frames - 1:
            end = LONGEST
        laps = int(LONGEST / reel.seconds + 1) if short == "loop" else 1
        spans.append((reel, [(begin + lap * reel.seconds, end + lap * reel.seconds) for lap in range(laps)]))
    gaps = [0.0]
    for reel, own in spans:
        for other, theirs in spans:
            apart = min(
                max(a[0] - b[1] - turn, b[0] + turn - a[1], 0.0) for a in own for b in theirs for turn in (-LONGEST, 0.0, LONGEST)
            )
            gaps.append(apart * min(reel.fps, other.fps))
    return max(gaps)


def clock(page: Page) -> float:
    """The moment that the clock stands at, by its scrubber."""
    return (int(page.locator(".transport-scrub").input_value()) + 0.5) / max(reel.fps for reel in REELS)


def stands(page: Page, short: str = "hold") -> None:
    """Every player shows exactly the frame of this moment, and stays there."""
    wanted = [reel.at(clock(page), short) for reel in REELS]
    page.wait_for_function("wanted => readAll().join() === wanted.join()", arg=wanted)
    assert all(row == wanted for row in page.evaluate("watchAll(150)"))


def start_clips(app: App, files: list[Path], **options: bool) -> Comparison:
    return app.studio.comparisons.start_from_clips(keep(app, files), name="Three tides", **options)


def test_clips_of_three_rates_on_one_clock(open_page: Open, app: App, reels: list[Path]) -> None:
    """Playing, looped, at several speeds, scrubbed, stepped and paused: whatever is seen together is of one moment."""
    start_clips(app, reels)
    page = open_page()
    look_at(page, "tides")
    expect(page.locator(".transport-play")).to_have_attribute("aria-label", "Pause")  # it has begun by itself
    for short, speed in (("hold", "1"), ("loop", "1"), ("loop", "2"), ("hold", "0.1")):
        page.locator("#compare-short").select_option(short)
        page.locator("#compare-speed").select_option(speed)
        page.evaluate("watchChanges(1)")  # the one that has to go elsewhere is there
        rows = page.evaluate(f"watchChanges({ {'1': 50, '2': 20, '0.1': 2}[speed] })")
        assert max(measure_gap(row, short) for row in rows) < 1e-6, (short, speed)
        if speed == "1":
            assert max(row[0] for row in rows) >= 40 and min(row[0] for row in rows) <= 8, "it does not loop"
    page.locator("#compare-speed").select_option("1")

    page.locator("body").click(position={"x": 700, "y": 5})
    page.keyboard.press("Space")
    expect(page.locator(".transport-play")).to_have_attribute("aria-label", "Play")
    stands(page)
    scrub = page.locator(".transport-scrub")
    for frame in (0, 31, 100, 119, 7):
        scrub.fill(str(frame))
        stands(page)
    for keys in ("ArrowRight", "ArrowRight", "ArrowLeft", "Shift+ArrowRight", "Shift+ArrowRight", "ArrowRight", "ArrowRight"):
        page.keyboard.press(keys)
        stands(page)
    page.locator("#compare-short").select_option("loop")
    scrub.fill("110")
    stands(page, "loop")

    page.get_by_role("tab", name="Library").click()
    expect(page.locator("#compare .cell canvas")).to_have_count(0)  # what nobody sees holds no decoder
    page.get_by_role("tab", name="Compare").click()
    stands(page, "loop")


def test_where_a_page_may_not_decode_it_says_so_and_is_exact_when_paused(open_page: Open, app: App, reels: list[Path]) -> None:
    """Over plain http from another machine browsers have no VideoDecoder."""
    app.studio.comparisons.start_from_clips(keep(app, reels, 3), name="Three tides")
    page = open_page(reduced_motion="reduce")
    page.evaluate("delete window.VideoDecoder")
    look_at(page, "tides")
    expect(page.locator(".cell video")).to_have_count(3)
    expect(page.locator(".table-hint")).to_contain_text("some frames apart")
    scrub = page.locator(".transport-scrub")
    for frame in (31, 119, 7):
        scrub.fill(str(frame))
        wanted = [reel.at(clock(page)) for reel in REELS[:3]]
        page.wait_for_function("wanted => readAll().join() === wanted.join()", arg=wanted)
    page.keyboard.press("Space")
    page.wait_for_function("(window.seen ??= new Set()).add(readAll()[0]).size > 5")


def wipe_and_differ(page: Page) -> None:
    """Wipe by keys and by hand, difference and loupe, each left by Escape."""
    page.keyboard.press("w")
    divider = page.locator(".wipe-divider")
    expect(divider).to_be_focused()
    for key in ("ArrowLeft", "Shift+ArrowLeft"):
        page.keyboard.press(key)
    expect(divider).to_have_attribute("aria-valuenow", "38")
    box = page.locator("[data-place=b] .cell-face").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 60)
    page.mouse.up()
    expect(divider).to_have_attribute("aria-valuenow", re.compile("^(69|70)$"))
    page.get_by_label("Second", exact=True).select_option(label="3 Seed 3 · rate 60 fps")
    page.keyboard.press("Escape")  # a menu keeps its own keys
    page.locator(".transport-play").focus()
    page.keyboard.press("d")
    expect(page.locator(".light-table")).to_have_css("filter", "brightness(4)")
    expect(page.locator("[data-place=b]")).to_have_css("mix-blend-mode", "difference")
    clean(page)
    page.keyboard.press("z")
    expect(page.locator("[data-place=a] .cell-film")).to_have_css("transform", re.compile(r"matrix\(2,"))
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.locator(".cell:visible")).to_have_count(4)


def hear_one(page: Page) -> None:
    """One sound at a time."""
    sound = page.locator(".cell-sound:visible")
    expect(sound).to_have_count(1)
    sound.click()
    expect(sound).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".cell audio")).to_have_count(1)


def pick_the_second(page: Page, app: App, made: Comparison) -> None:
    """The winner by its number, and the rest in the trash; in a text field the keys are letters."""
    page.locator("#compare-name").fill("1 w d")  # keys of the view are letters in a text field
    page.keyboard.press("Enter")
    expect(page.locator(".table-room")).to_have_attribute("data-mode", "grid")
    until(lambda: app.studio.comparisons.get(made.id).name == "1 w d")
    page.keyboard.press("2")
    expect(page.locator(".cell.won .cell-title strong")).to_have_text("Seed 2 · rate 16 fps")
    expect(page.locator(".prize")).to_contain_text("Seed 2 · rate 16 fps is the winner")
    assert app.studio.library.get(f"{2:032x}").rating == 5
    page.locator("#trash-losers").click()
    page.locator("#undo-losers").hover()  # it stays for who points at it
    expect(page.locator(".cell-state:visible")).to_have_text(["In the trash."] * 3)
    assert app.studio.library.count(trashed=True) == 3
    clean(page)


def leave_and_come_back(page: Page, app: App) -> None:
    """Undo after leaving, a reload, and a film that can't be shown."""
    page.locator("#compare-name").fill("Tides, put away")
    page.locator("#compare-back").click()  # the name and Undo are the comparison's that was left
    page.locator("#undo-losers").click()
    expect(page.locator("#stir-live")).to_have_text("3 clips brought back.")
    assert app.studio.library.count() == 4
    page.locator(".comparison-card", has_text="Tides, put away").locator("button").click()
    expect(page.locator(".comparison[data-open]")).to_be_visible(timeout=WAIT)
    expect(page.locator(".cell-state:visible")).to_have_count(0)
    page.locator(".transport-scrub").focus()
    page.keyboard.press("Space")
    expect(page.locator(".transport-play")).to_have_attribute("aria-label", "Pause")
    (app.studio.settings.clips / f"{1:032x}.mp4").write_bytes(b"damaged")
    page.reload()
    expect(page.locator(".cell.won")).to_be_visible(timeout=WAIT)  # where one was
    expect(page.locator(".cell-state:visible")).to_contain_text("This clip can't be shown.", timeout=WAIT)
    app.studio.library.rate(f"{3:032x}", 2)
    page.wait_for_timeout(500)
    expect(page.locator(".cell-state:visible")).to_contain_text("This clip can't be shown.")  # after it is drawn again
    page.get_by_role("button", name="Vary it").click()
    expect(page.locator("#create")).to_be_visible()


def test_from_the_wipe_to_the_winner_by_keys_alone(open_page: Open, app: App, reels: list[Path]) -> None:
    made = start_clips(app, reels)
    page = open_page(reduced_motion="reduce")
    look_at(page, "tides")
    expect(page.locator(".transport-play")).to_have_attribute("aria-label", "Play")  # nothing moves by itself
    assert page.evaluate("readAll()") == [0] * len(REELS)
    expect(page.locator(".cell-title strong")).to_have_text(
        [f"Seed {index + 1} · rate {reel.fps} fps" for index, reel in enumerate(REELS)]
    )
    expect(page.locator(".cell-facts").first).to_contain_text("Parallax · made in 9.5 s")
    page.locator("#compare-sort").select_option(label="Time taken")
    expect(page.locator(".cell-title strong").first).to_contain_text("Seed 4")
    page.locator("#compare-sort").select_option("")
    wipe_and_differ(page)
    hear_one(page)
    pick_the_second(page, app, made)
    leave_and_come_back(page, app)


def shot_of(app: App, samples: Path, **changes: object) -> Shot:
    photo = app.studio.photos.take_in(samples / "dandelion.jpg", "Dandelion.jpg")
    return Shot(photo, size="360p", seconds=1, fps=8, **changes)  # type: ignore[arg-type]


def test_cells_that_run_fail_and_cant_be_made(page: Page, app: App, samples: Path) -> None:
    """Each says so in its place and is tried again there; a reload and a second tab see the same."""
    app.zoom.pace = 0.3
    axes = [Axis("model", ("parallax", shelf.READY.id)), Axis("prompt", ("slow", "refuse"))]
    app.studio.comparisons.start(shot_of(app, samples), axes, name="Mixed luck", photo=True)
    look_at(page, "Mixed luck")
    cells = page.locator(".cell")
    expect(cells).to_have_count(5)
    expect(page.locator(".cell[data-state=running]").first).to_be_visible(timeout=WAIT)
    expect(page.locator(".cell-live").first).to_be_visible(timeout=WAIT)  # the one that has a picture while it is made
    page.reload()
    expect(cells).to_have_count(5, timeout=WAIT)
    failed = page.locator(".cell[data-state=failed]")
    expect(failed).to_have_count(2, timeout=WAIT)
    app.settle()
    expect(page.locator(".cell[data-state=done] .cell-face.open")).to_have_count(2, timeout=WAIT)
    first = page.locator(".cell", has_text="Refuse").first
    expect(first).to_contain_text("The engine ran out of memory. Choose a smaller size and try again.")
    clean(page)
    before = len(app.studio.jobs())
    first.get_by_role("button", name="Retry").click()
    until(lambda: len(app.studio.jobs()) == before + 1)
    expect(failed).to_have_count(2, timeout=WAIT)


def test_nothing_tells_what_is_what_until_a_winner_is_picked(page: Page, app: App, reels: list[Path]) -> None:
    made = start_clips(app, reels, blind=True)
    look_at(page, "tides")
    titles = page.locator(".cell-title strong")
    expect(titles).to_have_text(["A", "B", "C", "D"])
    order = page.locator(".cell").evaluate_all("all => all.map((one) => one.dataset.cell)")
    inside = page.locator("#compare").inner_html()
    for secret in ("Parallax", "secret tide", "harbour", "seed", "60 fps", "Apache"):
        assert secret.lower() not in inside.lower(), secret
    page.reload()
    expect(titles).to_have_text(["A", "B", "C", "D"], timeout=WAIT)
    assert page.locator(".cell").evaluate_all("all => all.map((one) => one.dataset.cell)") == order
    page.get_by_role("button", name="Pick B as the winner").click()
    expect(page.locator(".cell.won .cell-title strong")).to_contain_text("Seed")
    assert app.studio.comparisons.get(made.id).winner == order[1]


def test_on_a_phone_one_swipes_from_cell_to_cell(open_page: Open, app: App, reels: list[Path]) -> None:
    ids = keep(app, reels[:3], 6)
    app.studio.comparisons.start_from_clips(ids, name="Six tides")
    page = open_page(color_scheme="dark", **PHONE)
    look_at(page, "Six tides")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    films = page.locator(".cell canvas")
    expect(films).to_have_count(3)  # the one in sight, what is seen of the next, and the one after that
    table = page.locator(".light-table")
    for _ in range(3):
        table.evaluate("one => one.scrollBy({ left: 360, behavior: 'instant' })")
    expect(page.locator(".cell").nth(3).locator("canvas")).to_have_count(1)
    expect(page.locator(".cell").first.locator("canvas")).to_have_count(0)
    moving = "readAll()[1]"
    page.wait_for_function(f"(window.was ??= {moving}) !== {moving}")
    seen = "(window.seen ??= new Set()).add(document.querySelector('.transport-scrub').value).size"
    page.wait_for_function(f"{seen} > 20")  # all go on, those that came while it played too
    page.locator(".transport-play").click()
    clean(page)
