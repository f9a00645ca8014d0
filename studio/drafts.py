"""Drafts: what can be known of a shot before it is made: what it leads to, and what it will look like; and copies to take away.

Knows recipes, the depth of a crop, the tiny preview of a camera path and how a download is named. Refuses to know the queue and
the library of kept clips. What is made here is cached by what it was made from and can always be made again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import threading
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from studio import checks
from studio.config import MAX_UPLOAD_BYTES, Settings
from studio.engines.base import Image, Placer, Places, Shelf, Tick
from studio.engines.eager import Eager
from studio.engines.prepare import Prepared, prepare
from studio.frames import Frames
from studio.jobs import Rooms
from studio.library import clips, disk, names
from studio.library.served import Served
from studio.motion import camera_moves
from studio.motion.ambient_effects import EFFECTS
from studio.motion.read_prompt import effects
from studio.nouns import Choice, Clip, Motion, Progress, Refusal, Shot, Size, Still, replace
from studio.presets import platform

if TYPE_CHECKING:
    from studio.engines.parallax.scene import Scene

PREVIEW_SIZE: Size = "240p"
PREVIEW_SECONDS = 2.5
PREVIEW_FPS = 16
MOST_AHEAD = 1080
"""The short side of the largest clip whose scene is read before it is asked for: larger ones would push out all that is kept."""

DEPTH_PIXELS = 50_000_000
"""Pixels of the largest depth map that is opened: twice a 24-megapixel photo."""


@runtime_checkable
class Reader(Protocol):
    """An engine that reads a photo into a scene with depth."""

    def read(self, image: Image, shot: Shot, tick: Tick = ...) -> Scene:
        """The scene of a shot of a photo, (H, W, 3) uint8 RGB; quick when it was read before."""
        ...


def _unwatched(progress: Progress) -> None:
    """The tick of work that is too short to be stopped."""
    del progress


class Drafts:
    """Previews of shots. `room` is where half-made files lie, `served` where the page may look."""

    def __init__(self, settings: Settings, served: Served, room: Path, rooms: Rooms) -> None:
        self._settings = settings
        self._served = served
        self._room = room
        self._rooms = rooms
        self._making = threading.Lock()
        self._eager = Eager()

    def close(self) -> None:
        """Read no further ahead."""
        self._eager.close()

    # What it leads to -------------------------------------------------------------------------------------------------

    def choices(self, prepared: Prepared) -> tuple[Choice, ...]:
        """The automatic choices for an accepted shot: size, what the engine sees in the photo, encoder."""
        from studio.clip import formats

        engine, planned = self._rooms.engine(prepared.card), prepared.plan
        image, shot = self._image(prepared), prepared.shot
        seen = engine.read(image, shot).choices if isinstance(engine, Reader) else ()
        kept = engine.choices(prepared) if isinstance(engine, Shelf) else ()
        unpainted = Frames(iter(()), planned.width, planned.height, planned.fps, planned.num_frames)
        return tuple(dict.fromkeys((*planned.choices, *seen, *kept, *formats.plan(unpainted, shot.format).choices)))

    def places(self, prepared: Prepared) -> Places:
        """Where the effects of an accepted shot would happen, those its words ask for among them.

        A model that reads words finds places by itself: nothing is said of it.
        """
        card, shot = prepared.card, prepared.shot
        engine = self._rooms.engine(card)
        every = effects(prepared.recipe.motion)
        if "effects" not in card.supports or "prompt" in card.supports or not every or not isinstance(engine, Placer):
            return Places()
        return engine.places(self._image(prepared), replace(shot, motion=replace(shot.motion, effects=every)))

    def _image(self, prepared: Prepared) -> Image:
        """The whole photo with the mends of the recipe done: (H, W, 3) uint8 RGB."""
        return self._rooms.photos.mended(prepared.recipe.photo, prepared.recipe.mends)

    # What it will look like -------------------------------------------------------------------------------------------

    def preview(self, prepared: Prepared) -> Path:
        """A tiny MP4 of an accepted shot, made once: 240p, 16 fps, 2.5 s. One is made at a time; a job may run meanwhile."""
        from studio.clip.encode import encode

        shot, card = prepared.shot, prepared.card
        motion = Motion(camera=shot.motion.camera, effects=shot.motion.effects)
        photo = replace(shot.photo, name="", notes=())
        end = Still(photo, shot.end.crop) if shot.end and "end_crop" in card.supports else None
        tiny = replace(
            shot, photo=photo, end=end, motion=motion, size=PREVIEW_SIZE, seconds=PREVIEW_SECONDS, fps=PREVIEW_FPS, format="mp4",
            platform="",
        )  # fmt: skip
        key = f"preview-{_digest(tiny.to_json() + self._depth(shot))}"
        self._eager.drop()
        with self._making:
            found = self._served.find(key)
            if found:
                return found
            frames = self._rooms.engine(card).animate(prepare(tiny, card), self._image(prepared), None, _unwatched)
            with self._folder() as folder:
                made = encode(frames, Path(folder) / "preview.mp4", tiny, _unwatched)
                return self._served.keep(made.file, key, "preview.mp4")

    def expect(self, prepared: Prepared) -> None:
        """Read the scene of an accepted shot in the background, until the next preview: it is likely to be rendered next."""
        engine, size, shot = self._rooms.engine(prepared.card), prepared.plan, prepared.shot
        if not isinstance(engine, Reader) or min(size.width, size.height) > MOST_AHEAD:
            return
        image, tiny = self._image(prepared), replace(shot, size=PREVIEW_SIZE)
        self._eager.wish(lambda tick: engine.read(image, tiny, tick), lambda tick: engine.read(image, shot, tick))

    def _depth(self, shot: Shot) -> str:
        """Where the depth of a shot comes from at this moment: what is kept of it is kept with that."""
        from studio.engines.parallax.depth_source import resolve

        return resolve(shot, self._settings)

    def depth_view(self, prepared: Prepared) -> Path:
        """The depth of an accepted shot's crop as a grey PNG, near things light: what `adopt_depth` takes back."""
        from PIL import Image as Pictures

        engine = self._rooms.engine(prepared.card)
        if not isinstance(engine, Reader):
            raise Refusal(f"{prepared.card.title} doesn't work with depth.", "Choose another model to see it.")
        with self._making:
            disparity = engine.read(self._image(prepared), prepared.shot).disparity
            grey = np.rint(np.clip(disparity, 0, 1) * 255).astype(np.uint8)
            key = f"depth-{hashlib.sha256(grey.tobytes()).hexdigest()[:32]}"
            found = self._served.find(key)
            if found:
                return found
            with self._folder() as folder:
                made = Path(folder) / "depth.png"
                Pictures.fromarray(grey).save(made)
                return self._served.keep(made, key, "depth.png")

    def export(self, clip: Clip, source: Path, with_recipe: bool) -> Path:
        """A copy of a clip's file in the served folder, named for a person. Raises `Refusal` when it can't be written."""
        from studio.clip import recipe as inside

        name = _called(clip, source)
        try:
            with self._folder() as folder:
                copy = Path(folder) / source.name
                if with_recipe:
                    shutil.copyfile(source, copy)
                else:
                    inside.strip(source, copy)
                return self._served.keep(copy, f"{'recipe' if with_recipe else 'plain'}-{clip.id}", name)
        except OSError as error:
            raise disk.refusal(error) from error

    def export_all(self, clips: Sequence[tuple[Clip, Path]], with_recipe: bool) -> Path:
        """A zip in the served folder with a copy of each clip's file. Raises `Refusal` when there is no room for it.

        Clips are compressed already: they are only laid one after the other, a piece at a time, and need little memory.
        """
        from studio.clip import recipe as inside

        key = _digest("".join(clip.id for clip, _ in clips) + str(with_recipe))
        taken: set[str] = set()
        try:
            disk.require(self._room, sum(source.stat().st_size for _, source in clips), "The zip", "mark fewer clips")
            with self._folder() as folder:
                made = Path(folder) / "clips.zip"
                with zipfile.ZipFile(made, "w", strict_timestamps=False) as zipped:
                    for clip, source in clips:
                        copy = source
                        if not with_recipe:
                            copy = Path(folder) / source.name
                            inside.strip(source, copy)
                        zipped.write(copy, names.apart(_called(clip, source), taken))
                        if copy != source:
                            copy.unlink()
                return self._served.keep(made, f"zip-{key}", f"Stir, {len(clips)} clips.zip")
        except OSError as error:
            raise disk.refusal(error) from error

    def _folder(self) -> tempfile.TemporaryDirectory[str]:
        return tempfile.TemporaryDirectory(dir=self._room, ignore_cleanup_errors=True)

    def adopt_depth(self, file: Path) -> str:
        """Keep a depth map (PNG, TIFF, JPEG or WebP; light is near) as 16-bit grey from 0 to 65535. Returns its id.

        Raises `Refusal` for a file that can't be read as one, is over 40 MB or 50 megapixels, or is all one grey.
        """
        grey = _read_depth(file)
        identity = hashlib.sha256(repr(grey.shape).encode() + grey.tobytes()).hexdigest()
        kept = checks.depth_file(self._settings, identity)
        if not kept.exists():
            from PIL import Image as Pictures

            try:
                with self._folder() as folder:
                    made = Path(folder) / "depth.png"
                    Pictures.fromarray(grey).save(made)
                    made.replace(kept)
            except OSError as error:
                raise disk.refusal(error) from error
        return identity

    def download_depth_model(self, tick: Tick) -> None:
        """Fetch the optional depth network. Raises `Refusal`."""
        from studio.engines.parallax import depth_anything

        depth_anything.download(self._settings, tick)


def recipe(file: Path) -> Shot:
    """The recipe inside a clip, or in the .json beside a kept one. Raises `Refusal` when there is none."""
    from studio.clip import recipe as inside

    small = file.is_file() and file.stat().st_size <= inside.MAX_BYTES
    kept = clips.recipe(file) if small and file.suffix.lower() == ".json" else None
    return kept or inside.read(file)


def words(shot: Shot) -> str:
    """What people may look for to find a clip of this shot: the titles of its moves and effects, their other names, the place."""
    way = shot.motion.camera
    moves = [camera_moves.MOVES[move.name] for leg in (way.moves, *(leg.moves for leg in way.then)) for move in leg]
    stirring = [EFFECTS[effect.name] for effect in shot.motion.effects]
    found = [word for info in (*moves, *stirring) for word in (info.title, *info.aliases)]
    place = platform(shot.platform)
    made_for = place.title if place else shot.platform
    return " ".join((*found, shot.crop.aspect, shot.format, "loop" if shot.motion.camera.loop else "", made_for))


def _called(clip: Clip, source: Path) -> str:
    """What the download of a clip is called."""
    path = camera_moves.describe_camera(clip.shot.motion.camera)
    return names.download(clip.title or clip.shot.photo.name, path, min(clip.width, clip.height), source.suffix)


def _digest(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()[:32]


def _read_depth(file: Path) -> np.ndarray[tuple[int, int], np.dtype[np.uint16]]:
    from PIL import Image as Pictures

    unreadable = Refusal("This depth map can't be read.", "Save it as a grey PNG, light where things are near.")
    try:
        if file.stat().st_size > MAX_UPLOAD_BYTES:
            raise Refusal("This depth map is over 40 MB.", "Save it as a smaller grey PNG.")
        with Pictures.open(file, formats=("PNG", "TIFF", "JPEG", "WEBP")) as picture:
            if picture.width * picture.height > DEPTH_PIXELS:
                raise Refusal("This depth map is over 50 megapixels.", "Save it at the size of your photo or smaller.")
            deep = picture.mode in ("I;16", "I;16B", "I;16L", "I", "F")
            grey = np.asarray(picture if deep else picture.convert("L"), np.float64)
    except (OSError, ValueError, SyntaxError, Pictures.DecompressionBombError) as error:
        raise unreadable from error
    low, high = float(grey.min()), float(grey.max())
    if not np.isfinite(high - low) or high <= low:
        raise Refusal("This depth map is all one grey, so it holds no depth.", "Use one that is light where things are near.")
    return np.rint((grey - low) / (high - low) * 65535).astype(np.uint16)


def machine(settings: Settings, gauge: tuple[Choice, ...] = ()) -> tuple[Choice, ...]:
    """What this machine can do for any shot, and why; `gauge` is what the engines know of its GPU."""
    import psutil

    from studio.clip import encode

    memory = psutil.virtual_memory()
    return (
        Choice("cores", str(os.cpu_count() or 1), "frames are painted and encoded on all of them"),
        Choice("memory", disk.size(memory.total), f"{disk.size(memory.available)} free now; a clip takes under 1 GB"),
        *(gauge or (Choice("GPU", "not looked for", "the built-in engine needs none"),)),
        *encode.encoders(),
        checks.depth_model(settings)[1],
        *settings.choices,
        Choice("free space", disk.size(shutil.disk_usage(settings.home).free), "on the disk of the home folder"),
    )
