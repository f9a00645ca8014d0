"""Previews of a shot before it is made: the automatic choices, where effects happen, the tiny MP4, the picture of its
depth.

What is made is cached in the served folder by what it was made from. Copies of finished clips are made in exports.py.
"""

from __future__ import annotations

import hashlib
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from studio.cards import ModelCard
from studio.config import Settings
from studio.engines.base import Image, Placer, Places, Reader, Shelf, Tick
from studio.engines.prepare import Prepared, prepare
from studio.frames import Frames
from studio.jobs.deadlines import PREVIEW_SHARE
from studio.jobs.read_ahead import ReadAhead
from studio.jobs.watched_work import run_watched
from studio.library.file_cache import FileCache
from studio.models import Models
from studio.motion.read_prompt import list_effects
from studio.nouns import Choice, Motion, Refusal, Shot, Size, Still, replace
from studio.presets import explain_silent_track

if TYPE_CHECKING:
    from studio.engines.parallax.scene import Scene
    from studio.photo.photo_store import PhotoStore

PREVIEW_SIZE: Size = "240p"
PREVIEW_SECONDS = 2.5
PREVIEW_FPS = 16
T = TypeVar("T")

MOST_AHEAD = 1080
"""The short side of the largest clip whose scene is read before it is asked for: larger ones would push out all that is
kept.
"""


def foretell_silence(shot: Shot, card: ModelCard) -> tuple[Choice, ...]:
    """The silent track that a clip of this shot by this model will have, and why; () where it has none."""
    from studio.clip import sound

    is_heard = shot.sound and ("sound" in card.supports or (card.hosted is not None and shot.audio is not None))
    return () if is_heard else sound.explain_silence(shot.format, explain_silent_track(shot.platform))


class Previews:
    """Previews of prepared shots. `room` is where half-made files lie, `served` where the page may look; `drawing` is
    held while one is drawn.
    """

    def __init__(
        self,
        settings: Settings,
        served: FileCache,
        room: Path,
        models: Models,
        photos: Callable[[], PhotoStore],
        drawing: threading.Lock,
    ) -> None:
        self._settings = settings
        self._served = served
        self._room = room
        self._models = models
        self._photos = photos
        self._making = drawing
        self._eager = ReadAhead(settings.deadline)

    def close(self) -> None:
        """Read no further ahead."""
        self._eager.close()

    # What it leads to -------------------------------------------------------------------------------------------------

    def choices(self, prepared: Prepared) -> tuple[Choice, ...]:
        """The automatic choices for an accepted shot: size, what the engine sees in the photo, encoder."""
        from studio.clip import formats

        engine, planned = self._models.engine(prepared.card), prepared.plan
        image, shot = self._image(prepared), prepared.shot
        seen = self._read(engine, image, shot).choices if isinstance(engine, Reader) else ()
        kept = engine.choices(prepared) if isinstance(engine, Shelf) else ()
        unpainted = Frames(iter(()), planned.width, planned.height, planned.fps, planned.num_frames)
        written = formats.plan_encoding(unpainted, shot.format, shot.motion.camera.loop).choices
        return tuple(dict.fromkeys((*planned.choices, *seen, *kept, *written, *foretell_silence(shot, prepared.card))))

    def places(self, prepared: Prepared) -> Places:
        """Where the effects of an accepted shot would happen, those its words ask for among them.

        A model that reads words finds places by itself: nothing is said of it.
        """
        card, shot = prepared.card, prepared.shot
        engine = self._models.engine(card)
        every = list_effects(prepared.recipe.motion)
        if "effects" not in card.supports or "prompt" in card.supports or not every or not isinstance(engine, Placer):
            return Places()
        image, wanted = self._image(prepared), replace(shot, motion=replace(shot.motion, effects=every))
        return self._do(lambda tick: engine.places(image, wanted))

    def _image(self, prepared: Prepared) -> Image:
        """The whole photo with the mends of the recipe done: (H, W, 3) uint8 RGB."""
        return self._photos().mend(prepared.recipe.photo, prepared.recipe.mends)

    # What it will look like -------------------------------------------------------------------------------------------

    def preview(self, prepared: Prepared) -> Path:
        """A tiny MP4 of an accepted shot, made once: 240p, 16 fps, 2.5 s. One is made at a time; a job may run
        meanwhile.
        """
        from studio.clip.encode import encode

        shot, card = prepared.shot, prepared.card
        motion = Motion(camera=shot.motion.camera, effects=shot.motion.effects)
        photo = replace(shot.photo, name="", notes=())
        end = Still(photo, shot.end.crop) if shot.end and "end_crop" in card.supports else None
        tiny = replace(
            shot, photo=photo, end=end, motion=motion, size=PREVIEW_SIZE, seconds=PREVIEW_SECONDS, fps=PREVIEW_FPS,
            format="mp4", platform="",
        )  # fmt: skip
        key = f"preview-{_digest(tiny.to_json() + self._name_depth(shot))}"
        self._eager.drop()
        with self._making, self._make_folder() as folder:
            found = self._served.find(key)
            if found:
                return found

            def make(tick: Tick) -> Path:
                frames = self._models.engine(card).animate(prepare(tiny, card), self._image(prepared), None, tick)
                return encode(frames, Path(folder) / "preview.mp4", tiny, tick).file

            return self._served.keep(self._do(make), key, "preview.mp4")

    def _do(self, work: Callable[[Tick], T]) -> T:
        """Do what a page waits for. Raises `Refusal` where it hangs, sooner than a job: others wait behind it."""
        return run_watched("preview", work, self._settings.deadline * PREVIEW_SHARE)

    def _read(self, engine: Reader, image: Image, shot: Shot) -> Scene:
        return self._do(lambda tick: engine.read(image, shot, tick))

    def expect(self, prepared: Prepared) -> None:
        """Read the scene of an accepted shot in the background, until the next preview: it is likely to be rendered
        next.
        """
        engine, size, shot = self._models.engine(prepared.card), prepared.plan, prepared.shot
        if not isinstance(engine, Reader) or min(size.width, size.height) > MOST_AHEAD:
            return
        image, tiny = self._image(prepared), replace(shot, size=PREVIEW_SIZE)
        self._eager.wish(lambda tick: engine.read(image, tiny, tick), lambda tick: engine.read(image, shot, tick))

    def _name_depth(self, shot: Shot) -> str:
        """Where the depth of a shot comes from at this moment: what is kept of it is kept with that."""
        from studio.engines.parallax.depth_source import resolve

        return resolve(shot, self._settings)

    def depth_view(self, prepared: Prepared) -> Path:
        """The depth of an accepted shot's crop as a grey PNG, near things light: what `adopt_depth` takes back."""
        from PIL import Image as Pictures

        engine = self._models.engine(prepared.card)
        if not isinstance(engine, Reader):
            raise Refusal(f"{prepared.card.title} doesn't work with depth.", "Choose another model to see it.")
        with self._making:
            disparity = self._read(engine, self._image(prepared), prepared.shot).disparity
            grey = np.rint(np.clip(disparity, 0, 1) * 255).astype(np.uint8)
            key = f"depth-{hashlib.sha256(grey.tobytes()).hexdigest()[:32]}"
            found = self._served.find(key)
            if found:
                return found
            with self._make_folder() as folder:
                made = Path(folder) / "depth.png"
                Pictures.fromarray(grey).save(made)
                return self._served.keep(made, key, "depth.png")

    def read_depth(self, prepared: Prepared) -> NDArray[np.float32] | None:
        """How near things are in an accepted shot's crop: (h, w) float32 0..1; None where its engine knows no depth."""
        engine = self._models.engine(prepared.card)
        if not isinstance(engine, Reader):
            return None
        return self._read(engine, self._image(prepared), prepared.shot).disparity

    def depth_choices(self, prepared: Prepared) -> tuple[Choice, ...]:
        """Where the depth of an accepted shot's crop comes from, and how many layers it has; none without depth."""
        engine = self._models.engine(prepared.card)
        if not isinstance(engine, Reader):
            return ()
        return self._read(engine, self._image(prepared), prepared.shot).depth_choices

    def _make_folder(self) -> tempfile.TemporaryDirectory[str]:
        return tempfile.TemporaryDirectory(dir=self._room, ignore_cleanup_errors=True)


def _digest(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()[:32]
