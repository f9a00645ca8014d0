"""A home with so many clips, of whichever build is on the path: HOME CLIPS. Each has files and a small picture of its own."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import msgspec
from PIL import Image

from studio.config import ASSETS, Settings
from studio.library import database
from studio.library.clips import Clips
from studio.motion.camera_moves import MOVES
from studio.nouns import Camera, Clip, Motion, Move, Shot, replace
from studio.studio import Studio, search_words

NAMES = ("beach", "harbour", "forest", "market", "bridge", "garden", "street", "museum", "kitchen", "window")
PROMPT = "The water moves while the light fades over the hills and the camera follows the boats"


def main(home: Path, count: int) -> None:
    """Write the clips: the files are links to one film and one picture, the rows are each one's own."""
    studio = Studio(Settings(home))
    photo = studio.photos.take_in(ASSETS / "samples" / "dandelion.jpg", "dandelion.jpg")
    studio.close()
    film, poster, thumb = home / "film.mp4", home / "poster.png", home / "thumb.jpg"
    film.write_bytes(bytes(1000))
    with Image.open(ASSETS / "samples" / "dandelion.jpg") as picture:
        small = picture.convert("RGB").resize((640, 360))
    small.save(poster)
    small.save(thumb, "JPEG", quality=82)  # as the library keeps them
    chance, moves = random.Random(1), list(MOVES)
    base = database.open(Settings(home).database)
    shelf = Clips(base, Settings(home).clips, search_words)
    Settings(home).thumbs.mkdir(parents=True, exist_ok=True)
    with base.write():
        for number in range(count):
            name = f"{number:032x}"
            motion = Motion(camera=Camera((Move(chance.choice(moves), 0.5),)), prompt=PROMPT)
            shot = Shot(replace(photo, name=f"{NAMES[number % len(NAMES)]} {number}.jpg"), motion=motion, seed=number)
            times = 24.0, 120, 1.0 + number * 7 % 30, 1000, 1.7e9 + 60 * number, 3.0
            clip = Clip(name, shot, f"{name}.mp4", f"{name}.png", 640, 360, *times, rating=number % 6)
            os.link(film, shelf.folder / clip.file)
            os.link(poster, shelf.folder / clip.poster)
            os.link(thumb, Settings(home).thumbs / f"{name}.jpg")
            recipe = shelf.folder / f"{name}.json"
            recipe.write_bytes(msgspec.json.encode(clip))
            os.utime(recipe, (clip.made_at, clip.made_at))  # as if they had come one by one
            shelf._insert(clip)
    base.close()


main(Path(sys.argv[1]), int(sys.argv[2]))
