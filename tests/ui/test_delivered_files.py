"""Files for places as a browser shows them: frame 0 of a film is the clip's first, and an animated AVIF moves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser

from studio.clip.encode import encode
from studio.delivery.deliver import deliver
from studio.frames import Frames
from studio.nouns import Camera, Clip, Motion, Photo, Shot, replace
from studio.platforms import DeliveryWish
from studio.presets import platform

FIRST = """async (name) => {
    const film = document.createElement("video");
    film.muted = true; film.preload = "auto"; film.src = name;
    await new Promise((done, fail) => { film.onloadeddata = done; film.onerror = () => fail(film.error.message); });
    const canvas = new OffscreenCanvas(film.videoWidth, film.videoHeight), pen = canvas.getContext("2d");
    pen.drawImage(film, 0, 0);
    const row = pen.getImageData(0, canvas.height / 2, canvas.width, 1).data;
    return { at: film.currentTime, pixels: [...row] };
}"""
"""What a browser shows of a film before it plays: the middle row of its first frame."""

FRAMES = """async (name) => {
    const data = await (await fetch(name)).arrayBuffer();
    const reader = new ImageDecoder({ data, type: name.endsWith(".avif") ? "image/avif" : "image/webp" });
    await reader.tracks.ready;
    const found = [];
    for (let index = 0; index < reader.tracks.selectedTrack.frameCount; index++) {
        const { image } = await reader.decode({ frameIndex: index });
        const canvas = new OffscreenCanvas(image.displayWidth, image.displayHeight), pen = canvas.getContext("2d");
        pen.drawImage(image, 0, 0);
        found.push([...pen.getImageData(0, canvas.height / 2, canvas.width, 1).data]);
    }
    return { frames: found, loops: reader.tracks.selectedTrack.repetitionCount };
}"""
"""Every frame of an animated picture, and how often it is repeated."""


def find_bar(pixels: list[int], width: int) -> int:
    """Which frame this is: a bar is 12 pixels further to the right in every one."""
    row = np.array(pixels).reshape(-1, 4)[:, :3].sum(axis=1)
    return round((float(np.flatnonzero(row > 500).mean()) * width / row.size - 5.5) / 12)


def paint(count: int) -> Any:
    for index in range(count):
        frame = np.full((240, 240, 3), 60, np.uint8)
        frame[:, 12 * index : 12 * index + 12] = 235
        yield frame


def test_frame_0_is_what_a_browser_shows_first_and_loops_move(browser: Browser, tmp_path: Path) -> None:
    shot = Shot(Photo("0" * 64, 240, 240), motion=Motion(camera=Camera(loop=True)))
    source = encode(Frames(paint(16), 240, 240, 16, 16), tmp_path / "clip.mp4", shot, lambda progress: None).file
    clip = Clip("c", shot, source.name, "c.png", 240, 240, 16.0, 16, 1.0, 1, 0.0, 1.0)
    files: dict[str, Path] = {"library": source}
    for name, container in (("square", ""), ("master-h264", ""), ("web", "webm"), ("product", "avif"), ("product", "webp")):
        place = platform(name)
        assert place
        place = replace(place, size="240p", aspect="1:1")
        wish = DeliveryWish(container=container)  # type: ignore[arg-type]
        files[f"{name}{container}"] = deliver(
            source, clip, place, tmp_path / f"{name}{container}", lambda progress: None, wish
        ).file
    page = browser.new_page()
    page.route("http://localhost:9/**", lambda route: route.fulfill(path=tmp_path / Path(route.request.url).name, status=200))
    page.route("http://localhost:9/", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
    page.goto("http://localhost:9/")
    for name in ("library", "square", "master-h264", "webwebm"):
        seen = page.evaluate(FIRST, f"http://localhost:9/{files[name].name}")
        assert (name, seen["at"], find_bar(seen["pixels"], 240)) == (name, 0, 0)
    for name in ("productavif", "productwebp"):
        seen = page.evaluate(FRAMES, f"http://localhost:9/{files[name].name}")
        assert [find_bar(frame, 240) for frame in seen["frames"]] == list(range(16)), name
        assert seen["loops"] in (None, float("inf")), "without end"
    page.close()
