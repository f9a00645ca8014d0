"""Advice on a shot before minutes are spent on it: the photo's report and crop, the motions that suit it, models to
choose.

Nothing of a shot is changed, no model is loaded, and the network is never touched.
"""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from studio import presets
from studio.advice.model_scoring import KINDS
from studio.advice.recommend import describe_request, find_fastest, find_standing, recommend
from studio.advice.wishes import Pick, Wishes
from studio.cards import ModelCard
from studio.config import Settings
from studio.engines.hosted.price import Price, estimate_price
from studio.engines.hosted.ways import choose_way
from studio.jobs.watched_work import run_watched
from studio.library.file_cache import FileCache
from studio.models import Models
from studio.motion.ambient_effects import needs_brush
from studio.nouns import Aspect, Kind, Mend, Photo, Refusal, Shot, replace
from studio.photo.mend import settle_mends
from studio.presets import MotionPreset

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

    from studio.photo.auto_crop import Suggestion
    from studio.photo.findings import Box, Report
    from studio.photo.photo_kind import Marks
    from studio.photo.photo_store import PhotoStore

KEPT = 32
"""Photos whose kind and faces are remembered: a session's worth, a few bytes each."""

REPORTS = 256
"""Reports that are remembered, a few kilobytes each: a reload, another photo of the strip and back, or a size tried out
inspects nothing twice.
"""

NONE = Wishes()
VIEW_SIDE = 1600
VIEW_QUALITY = 88
CLOSE_QUALITY = 94

T = TypeVar("T")
"""JPEG quality: a close-up is there to be judged, so that nothing may be lost in it that was not lost before."""


class Seen(NamedTuple):
    """What a photo is of (None where that isn't clear), whether people look out of it, what the kind was told by, and
    what may be spoken of."""

    kind: Kind | None
    faces: bool
    reason: str
    marks: Marks


class Advice:
    """The advice of one studio. Any thread may ask; nothing is decided here that a press of the user's doesn't decide
    again.
    """

    def __init__(self, settings: Settings, served: FileCache, models: Models, photos: Callable[[], PhotoStore]) -> None:
        self._settings = settings
        self._models = models
        self._photos = photos
        self._served = served
        self._seen: OrderedDict[str, Seen] = OrderedDict()
        self._reports: OrderedDict[tuple[object, ...], Report] = OrderedDict()
        self._looking = threading.Lock()
        self._making = threading.Lock()

    # The photo --------------------------------------------------------------------------------------------------------

    def look(self, shot: Shot, glance: bool = False) -> Report:
        """The doctor's report on the shot's photo as its mends leave it, for its crop and size; `glance`: on its pixels
        alone.

        Raises `Refusal`.
        """
        self._photos().require_original(shot.photo)
        subject = "" if glance else self._photos().resolve_subject(shot.photo, shot.subject)
        key = (shot.photo.id, shot.crop, shot.mends, shot.size, subject, glance)
        with self._looking:
            if key in self._reports:
                self._reports.move_to_end(key)
                return self._reports[key]
        report = self._do(lambda: self._inspect(shot, subject, glance))
        with self._looking:
            self._reports[key] = report
            while len(self._reports) > REPORTS:
                self._reports.popitem(last=False)
        return report

    def _inspect(self, shot: Shot, subject: str, glance: bool) -> Report:
        from studio.photo import inspection

        image, mended = self._photos().mend(shot.photo, shot.mends), settle_mends(shot)
        if glance:
            return inspection.inspect_pixels(image, mended.photo, mended.crop, mended.size)
        return inspection.inspect_photo(image, mended.photo, mended.crop, mended.size, subject)

    def _do(self, work: Callable[[], T]) -> T:
        """Do what a page waits for. Raises `Refusal` where it hangs."""
        return run_watched("advice", lambda tick: work(), self._settings.deadline)

    def view(self, shot: Shot) -> Path:
        """A JPEG of the whole photo with the shot's mends, at most 1600 px, in the served folder. Raises `Refusal`."""
        return self._view(shot, shot)

    def before_after(self, before: Shot, after: Shot) -> tuple[Path, Path]:
        """Two such JPEGs, made alike and as large as that of the larger. Raises `Refusal`."""
        large = max(before, after, key=lambda one: settle_mends(one).photo.width)
        return self._view(before, large), self._view(after, large)

    def _view(self, shot: Shot, like: Shot) -> Path:
        """The photo as large as that of another shot is shown, made once."""
        photo, large = settle_mends(shot).photo, settle_mends(like).photo
        scale = min(VIEW_SIDE / max(large.width, large.height), 1.0)
        size = (max(1, round(large.width * scale)), max(1, round(large.height * scale)))

        def picture() -> Picture:
            from PIL import Image as Pictures

            image = self._photos().mend(shot.photo, shot.mends)
            return Pictures.fromarray(image).resize(size, Pictures.Resampling.LANCZOS, reducing_gap=3.0)

        return self._make_once(f"view-{photo.id[:32]}-{size[0]}x{size[1]}", "view.jpg", VIEW_QUALITY, picture)

    def close_up(self, shot: Shot, box: Box) -> Path:
        """A JPEG of a part of the photo with the shot's mends, pixel by pixel, in the served folder.

        `box` is left, top, width and height in fractions of the photo; at most 1600 px a side of it are shown. Raises
        `Refusal`.
        """
        photo = settle_mends(shot).photo
        left, top = round(box[0] * (photo.width - 1)), round(box[1] * (photo.height - 1))
        wide = min(VIEW_SIDE, max(1, round(box[2] * photo.width)), photo.width - left)
        tall = min(VIEW_SIDE, max(1, round(box[3] * photo.height)), photo.height - top)

        def picture() -> Picture:
            from PIL import Image as Pictures

            return Pictures.fromarray(self._photos().mend(shot.photo, shot.mends)[top : top + tall, left : left + wide])

        return self._make_once(f"close-{photo.id[:32]}-{left}-{top}-{wide}x{tall}", "close.jpg", CLOSE_QUALITY, picture)

    def _make_once(self, key: str, name: str, quality: int, picture: Callable[[], Picture]) -> Path:
        """What was made under this key, or the picture as a JPEG in the served folder. One is made at a time."""
        with self._making:
            found = self._served.find(key)
            if found:
                return found
            with tempfile.TemporaryDirectory(dir=self._settings.cache, ignore_cleanup_errors=True) as folder:
                made = Path(folder) / name
                self._do(lambda: picture().save(made, "JPEG", quality=quality))
                return self._served.keep(made, key, name)

    def see(self, photo: Photo) -> Seen:
        """What a photo is of and whether it has faces: looked at once. Raises `Refusal` when the photo isn't here."""
        with self._looking:
            if photo.id in self._seen:
                self._seen.move_to_end(photo.id)
                return self._seen[photo.id]
            from studio.photo.photo_kind import classify, list_marks
            from studio.photo.photo_scene import read_scene

            photos = self._photos()
            scene = self._do(lambda: read_scene(photos.pixels(photo), photos.resolve_subject(photo, "")))
            kinded = classify(scene)
            found = self._seen[photo.id] = Seen(kinded.kind, bool(scene.faces), kinded.reason, list_marks(scene))
            while len(self._seen) > KEPT:
                self._seen.popitem(last=False)
            return found

    def suggest_crop(self, photo: Photo, aspect: Aspect, subject: str = "") -> Suggestion:
        """A crop of this aspect that keeps what matters in the picture, and why it is where it is; `subject` as in
        `Shot`.
        """
        from studio.photo.auto_crop import suggest_crop

        return suggest_crop(self._photos().pixels(photo), photo, aspect, self._photos().resolve_subject(photo, subject))

    def pick(self, photo: Photo, mends: tuple[Mend, ...], x: float, y: float) -> str:
        """What lies at a place of a photo with its mends, given in fractions, as `Shot.subject` holds it. Raises
        `Refusal`.
        """
        from studio.photo import brush_mask
        from studio.photo.click_select import select_at

        found = brush_mask.encode_brush(select_at(self._photos().mend(photo, mends), x, y))
        if not found:
            raise Refusal("Nothing could be told apart there.", "Click on another part of it, or paint it with Add.")
        return found

    def show_matte(self, photo: Photo) -> str:
        """The photo's own matte as small as a painted mask, base64 of a PNG; "" without one."""
        from studio.photo import brush_mask, subject_mask

        mask = brush_mask.decode_brush(self._photos().resolve_subject(photo, subject_mask.OWN))
        return "" if mask is None else brush_mask.encode_brush(mask)

    # Motions and models -----------------------------------------------------------------------------------------------

    def motions(self, photo: Photo) -> tuple[MotionPreset, ...]:
        """Every motion that ships, those that fit the photo first; of those, what can be made here at once."""
        ready = frozenset(state.id for state in self._models.states() if find_standing(state) == "ready")
        seen = self.see(photo)
        return order_motions(presets.motions(), choose_kind(seen), ready, seen.marks.people)

    def recommend(self, shot: Shot, wishes: Wishes = NONE) -> tuple[Pick, ...]:
        """Two or three models for a shot, each with its reason; the first one runs here and now. Raises `Refusal`."""
        seen = self.see(shot.photo)
        asked = describe_request(shot, wishes, seen.kind, seen.faces)
        return recommend(asked, self._models.cards, self._models.states(), list_prices(shot, self._models.cards))

    def draft_card(self, shot: Shot) -> tuple[ModelCard, str]:
        """The fastest thing here that shows what the shot asks, and why that one. Doesn't look at the photo."""
        models = self._models
        wanted = describe_request(shot, Wishes(), None, faces=False)
        return find_fastest(wanted, models.card(shot.model), models.cards, models.states())


def list_prices(shot: Shot, cards: Sequence[ModelCard]) -> dict[str, Price]:
    """What a shot would cost on each hosted model, at the way in that it would take there by itself."""
    found: dict[str, Price] = {}
    for card in cards:
        if card.hosted:
            own = replace(shot, model=card.id, draft="", service="", options={})
            with contextlib.suppress(Refusal):  # one without a last frame, asked for one: its unmet wishes say so
                found[card.id] = estimate_price(own, card, choose_way(own, card))
    return found


def choose_kind(seen: Seen) -> Kind | None:
    """The kind of photo that motions are chosen for: a close-up is of nothing that has a name here, whatever lies
    behind it.
    """
    return None if seen.marks.close else seen.kind


def fits(preset: MotionPreset, kind: Kind | None, people: bool) -> bool:
    """Whether a motion fits a photo of a kind, and with people in it or not: none names what may not be there."""
    return (preset.any or kind in preset.kinds) and (people or not preset.people)


def order_motions(
    motions: tuple[MotionPreset, ...], kind: Kind | None, ready: frozenset[str], people: bool = False
) -> tuple[MotionPreset, ...]:
    """Motions in the order they are offered: made for the kind of photo, then those for any photo, then those for other
    photos.

    Among equals those come first that a `ready` model makes, and those that wait for no brush; what is about people
    comes last where there are none.
    """

    def order(preset: MotionPreset) -> tuple[int, bool, bool]:
        kinds = preset.kinds if people or not preset.people else ()
        place = kinds.index(kind) if kind in kinds else len(KINDS)
        place = min(place, len(KINDS) - 1) if preset.any else place
        place += len(KINDS) if preset.people and not people else 0
        return place, not ready & set(preset.models), any(needs_brush(effect) for effect in preset.motion.effects)

    return tuple(sorted(motions, key=order))
