"""How well the photo doctor tells spoiled photos from sound ones, whether its remedies cure, and how long a look takes.

The set is made by tests/photo/degraded.py from the photographs that ship and from well-known pictures of installed packages. The
thresholds were set on the six samples (and on photographs that are not here); the others are held out. What a picture has by
itself, seen by eye, is written down and counts neither as found nor as an alarm.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

import cv2
import numpy as np

from bench.album import pictures
from bench.clips import middle, seconds, table, verdict
from studio.config import ASSETS
from studio.nouns import Aspect, Crop, Photo
from studio.photo import inspection, mend
from studio.photo.auto_crop import suggest_crop
from studio.photo.crop import Image, find_largest
from studio.photo.findings import Finding
from tests.photo.degraded import CARE, FLAWS, resized

SAMPLES = tuple(sorted(file.stem for file in (ASSETS / "samples").glob("*.jpg")))
LEAST_FOUND, MOST_ALARMS, MOST_SECONDS = 0.95, 0.05, 0.5
SHORT = 1080
"""The photos are taken at this short side, or their own: a labelled set of full-size ones takes an hour."""

ASPECTS: tuple[Aspect, ...] = ("16:9", "9:16", "1:1", "4:5")
CURED = ("noise", "blocks", "flat")
BY_ITSELF: dict[str, set[str]] = {"grace_hopper": {"text"}}
"""What pictures have by themselves: ribbons and a nameplate with letters."""

LARGE = (4000, 6000)
RUNS = 5


class Tally(NamedTuple):
    """What was counted, by the flaw's code: how often it was there, found, cured by its remedy; alarms, and sound photos."""

    there: Counter[str]
    found: Counter[str]
    treated: Counter[str]
    cured: Counter[str]
    alarms: Counter[str]
    sound: int
    notes: list[str]


def of(image: Image) -> Photo:
    """A photo of these pixels."""
    return Photo("0" * 64, image.shape[1], image.shape[0])


def wrong(image: Image, crop: Crop | None = None, content: bool = False) -> dict[str, Finding]:
    """What is found not to be fine; of the content, where asked, the lettering, which the set holds."""
    photo, crop = of(image), crop or Crop()
    found = inspection.inspect_photo(image, photo, crop).findings if content else inspection.find_pixel_flaws(image, photo, crop)
    kept = {flaw.code for flaw in FLAWS}
    return {one.code: one for one in found if one.level != "fine" and one.code in kept}


def sound(image: Image) -> Iterator[tuple[str, Image, Crop]]:
    """A photo as careful people change and crop it."""
    for name, change in CARE:
        yield name, change(image), Crop()
    for aspect in ASPECTS:
        yield aspect, image, find_largest(of(image), aspect)


def count(name: str, image: Image) -> Tally:
    """Everything about one photo."""
    tally = Tally(Counter(), Counter(), Counter(), Counter(), Counter(), len(CARE) + len(ASPECTS), [])
    known = BY_ITSELF.get(name, set())
    for how, changed, crop in sound(image):
        alarms = {code for code in wrong(changed, crop, content=True) if code not in known}
        if min(changed.shape[0] * crop.h, changed.shape[1] * crop.w) < 1024:
            alarms.discard("small")  # it is
        tally.alarms.update(alarms)
        tally.notes.extend(f"{name}, {how}: {code} is a false alarm" for code in sorted(alarms))
    for flaw in FLAWS:
        if flaw.code in known:
            continue
        spoiled = flaw.spoil(image)
        found = wrong(spoiled, content=flaw.code == "text").get(flaw.code)
        tally.there[flaw.code] += 1
        tally.found[flaw.code] += found is not None
        if found is None:
            tally.notes.append(f"{name}: {flaw.code}, {flaw.strength}, was missed")
        elif flaw.code in CURED:
            tally.treated[flaw.code] += 1
            tally.cured[flaw.code] += flaw.code not in wrong(mend.apply_mends(spoiled, found.remedies[0].mends))
    return tally


def together(tallies: list[Tally]) -> Tally:
    """The sums."""
    sums = [sum((getattr(one, field) for one in tallies), Counter()) for field in Tally._fields[:5]]
    return Tally(*sums, sum(one.sound for one in tallies), [note for one in tallies for note in one.notes])


def print_rates(title: str, tallies: list[Tally]) -> None:
    """One table, a row a flaw, and the misses below it."""
    all_ = together(tallies)

    def share(part: int, whole: int) -> str:
        return f"{part} of {whole} ({part / whole:.0%})" if whole else "-"

    rows = [
        (
            code,
            share(all_.found[code], all_.there[code]),
            share(all_.alarms[code], all_.sound),
            share(all_.cured[code], all_.treated[code]),
        )
        for code in sorted(all_.there)
    ]
    there, found, alarms = all_.there.total(), all_.found.total(), all_.alarms.total()
    rows.append(("all", share(found, there), share(alarms, all_.sound), share(all_.cured.total(), all_.treated.total())))
    table(title, ("flaw", "found", "false alarms", "cured by its remedy"), rows)
    enough = "at least" if found >= LEAST_FOUND * there else "less than"
    print(f"\nFound {found / there:.3f} ({enough} {LEAST_FOUND:g}); false alarms ", end="")
    print(f"{verdict(alarms / all_.sound, MOST_ALARMS)} of {all_.sound} sound photos and crops.")
    for note in all_.notes:
        print(f"- {note}")


@cache
def _large() -> Image:
    return np.asarray(cv2.resize(pictures()["stream"](), LARGE[::-1], interpolation=cv2.INTER_CUBIC), np.uint8)


def unseen(number: int) -> Image:
    """A photo of 24 megapixels that was not looked at before: another part of it is a shade lighter each time."""
    image = _large().copy()
    rows = slice(number * 250, number * 250 + 1200)
    image[rows] = np.minimum(image[rows], 247) + 8
    return image


def timing() -> None:
    """How long a look takes: networks and all, after a crop was suggested (which asks the same networks), again, and in parts."""
    photo = Photo("0" * 64, LARGE[1], LARGE[0])
    inspection.inspect_photo(unseen(2 * RUNS), photo, Crop())  # networks are loaded once
    names = ("the pixels, which are told first", "all of it", "after a crop was suggested", "again, for another crop")
    times: dict[str, list[float]] = {name: [] for name in names}
    for number in range(RUNS):
        image, other = unseen(number), unseen(RUNS + number)
        suggest_crop(other, photo, "9:16")
        works: tuple[Callable[[], object], ...] = (
            lambda image=image: inspection.inspect_pixels(image, photo, Crop()),
            lambda image=image: inspection.inspect_photo(image, photo, Crop()),
            lambda other=other: inspection.inspect_photo(other, photo, Crop()),
            lambda image=image: inspection.inspect_photo(image, photo, find_largest(photo, "9:16")),
        )
        for name, work in zip(names, works, strict=True):
            times[name].append(seconds(work))
    table("A look at 24 megapixels", ("what", "seconds"), [(name, f"{middle(times[name]):.2f}") for name in names])
    print()
    for name in names[:3]:
        print(f"{name.capitalize()}: {verdict(middle(times[name]), MOST_SECONDS)} s.")


def run() -> None:
    """Print the tables. STIR_BENCH_PHOTOS names some of the pictures, to be quick."""
    chosen = os.environ.get("STIR_BENCH_PHOTOS", "").split()
    timing()
    tallies: dict[str, Tally] = {}
    for name, read in pictures().items():
        if not chosen or name in chosen:
            print(f"Looking at {name} …", file=sys.stderr, flush=True)
            image = read()
            tallies[name] = count(name, resized(image, min(1.0, SHORT / min(image.shape[:2]))))
    tuned = [tally for name, tally in tallies.items() if name in SAMPLES]
    held = [tally for name, tally in tallies.items() if name not in SAMPLES]
    if tuned:
        print_rates("The photo doctor, on the photos it was tuned on", tuned)
    if held:
        print_rates("The photo doctor, on photos held out", held)
