"""A motion from a preset's name and a sentence, as programs and batches give it."""

from __future__ import annotations

import msgspec

from studio import presets
from studio.motion.read_prompt import read_changes
from studio.nouns import Camera, Motion, Refusal


def build_motion(preset: object, prompt: object) -> Motion:
    """A motion that ships, by its id or title, changed as the words say; words alone start from a camera that says
    nothing, and nothing at all is a dolly in. Raises `Refusal`.
    """
    if not isinstance(prompt, str) or len(prompt) > 4000:
        raise Refusal("A prompt is text of at most 4,000 characters.", "Write a shorter one.")
    start = find_preset(preset).motion if preset else Motion()
    if not prompt.strip():
        return start
    if preset:
        return read_changes(start, prompt)
    said = read_changes(Motion(camera=Camera(moves=())), prompt)
    return said if said.camera.moves else msgspec.structs.replace(said, camera=Camera(loop=said.camera.loop))


def find_preset(words: object) -> presets.MotionPreset:
    """The motion that ships under this id or title. Raises `Refusal`."""
    known = {name.casefold(): one for one in presets.motions() for name in (one.id, one.title)}
    found = known.get(str(words).strip().casefold())
    if found is None:
        ids = ", ".join(one.id for one in presets.motions())
        raise Refusal(f"There is no motion called {str(words)[:80]!r}.", f"Choose from: {ids}.")
    return found
