"""Classification of a photo: portrait, water, street, landscape or product, as far as that decides how it should move.

By the marks that tell five kinds apart, None where they don't speak clearly. No network here knows things by name: a
cat, a flower and a cup differ only in what their edges look like.
"""

from __future__ import annotations

from typing import NamedTuple

from studio.nouns import Kind
from studio.photo.flaws.content import measure_likeness
from studio.photo.photo_scene import Scene

PORTRAIT = 0.12
"""The height of a face, in fractions of the photo, from which the photo is of a person."""

FACE = 0.78
"""The score that face must have: people's reach 0.79 and more, what the detectors saw in a coffee filter reached 0.74.
"""

UPRIGHT = 0.015
"""The share of the picture drawn in upright edges from which something is built: houses 0.017 to 0.09, hills under
0.006.
"""

LYING = 0.14
"""The share of level edges, of all edges, that walls have where no sky is seen: facades 0.16 to 0.35, bark and cliffs
to 0.11.
"""

LEVEL = 0.12
"""The share in level streaks from which water lies there: lakes and bays 0.15 to 0.34, meadows under 0.05."""

SOFT = 0.06
"""The share of drawn edges behind a subject under which the background is plain or out of focus."""


CLOSE = 2.0
"""How many times the fine detail of its surroundings a subject has in a close-up: only it is in focus."""

SKY = 0.15
"""The share of a photo from which a sky may be spoken of though something stands before it."""

GREEN = 0.25
"""The share of foliage, of all that isn't sky, from which leaves and grass may be spoken of."""


class Marks(NamedTuple):
    """What is surely in a photo, so that it may be spoken of: people (a face), a sky, foliage, water, and what is
    built.

    `close`: it is a close-up of something nobody here knows the name of: a flower, an insect, a drop of water, an
    animal.
    """

    people: bool = False
    sky: bool = False
    foliage: bool = False
    water: bool = False
    built: bool = False
    close: bool = False


def list_marks(scene: Scene) -> Marks:
    """What may be spoken of. Nothing that isn't seen is: where nothing is sure, all are false."""
    cues, of = scene.cues, classify(scene).kind
    people = any(face.score >= FACE for face in scene.faces)
    close = scene.parted and not people and scene.share > 0.04 and cues.sky < SKY and measure_likeness(scene)[1] > CLOSE
    sky = scene.outdoors and of in ("landscape", "water", "street", None) and not close
    return Marks(people, sky, cues.green > GREEN, of == "water" and not close, of == "street" and not close, close)


class Classification(NamedTuple):
    """What a photo is of, None where that is not clear; how sure that is, 0..1; and why, in the creator's words."""

    kind: Kind | None
    sure: float
    reason: str


def classify(scene: Scene) -> Classification:
    """What the photo is of."""
    for judge in (_judge_people, _judge_water, _judge_street, _judge_landscape, _judge_product):
        found = judge(scene)
        if found is not None:
            return found
    return Classification(
        None, 0.0, "what it is a photo of is not clear from its faces, its sky, its edges and its subject"
    )


def _is_lone(scene: Scene) -> bool:
    """Whether one thing stands before a plain or blurred background, which is then no sky."""
    return scene.parted and scene.cues.behind < SOFT


def _judge_people(scene: Scene) -> Classification | None:
    faces = [face for face in scene.faces if face.score >= FACE]
    tall = max((face.h for face in faces), default=0.0)
    if tall >= PORTRAIT:
        return Classification("portrait", min(0.7 + tall, 0.98), f"a face takes {tall:.0%} of the height")
    if len(faces) >= 2 and scene.cues.upright > UPRIGHT:
        return Classification("street", 0.7, f"{len(faces)} people among upright walls")
    return None


def _judge_water(scene: Scene) -> Classification | None:
    cues = scene.cues
    lying = cues.level > LEVEL or (cues.level > LEVEL / 2 and cues.shore > 0.3)
    if scene.outdoors and lying and cues.green < 0.1 and cues.clean > 0.25 and not _is_lone(scene):
        return Classification(
            "water", min(0.6 + cues.level, 0.9), f"level streaks under a sky cover {cues.level:.0%} of the photo"
        )
    if cues.sky < 0.03 and cues.green > 0.25 and cues.detail > 0.35 and cues.cool > 0.06 and not scene.parted:
        return Classification(
            "water", 0.5, f"cool, shining patches lie low among greenery ({cues.cool:.0%} of the photo)"
        )
    return None


def _judge_street(scene: Scene) -> Classification | None:
    cues = scene.cues
    built = cues.upright > UPRIGHT and 0.25 < cues.straight < 0.65 and cues.detail > 0.12
    small = scene.parted and scene.share < 0.15  # something stands before the walls, and that is what it is a photo of
    if not built or small or _is_lone(scene):
        return None
    if scene.outdoors:
        return Classification(
            "street", 0.75, f"upright edges of walls cover {cues.upright:.1%} of the photo, under a sky"
        )
    level = cues.straight - cues.upright / max(cues.detail, 1e-6)
    if not scene.parted and cues.upright > 2 * UPRIGHT and level > LYING and cues.green < 0.3:
        return Classification("street", 0.6, f"upright edges of walls cover {cues.upright:.1%} of the photo")
    return None


def _judge_landscape(scene: Scene) -> Classification | None:
    cues = scene.cues
    filled = scene.parted and scene.share > 0.35
    if not scene.outdoors or _is_lone(scene) or filled or cues.upright > 2 * UPRIGHT:
        return None
    return Classification(
        "landscape", min(0.6 + cues.sky, 0.9), f"a sky covers {cues.sky:.0%} of the photo and ends on land"
    )


def _judge_product(scene: Scene) -> Classification | None:
    cues = scene.cues
    horizon = cues.wide > 0.9 and cues.deep < 0.3  # a backdrop reaches down to the bottom, a sky does not
    if not scene.parted or scene.outdoors or horizon or scene.faces:
        return None
    if scene.share < 0.05 or cues.green > 0.3 or cues.clean < 0.45:
        return None
    reason = f"a thing with clean edges takes {scene.share:.0%} of the photo, and no sky or face is seen"
    return Classification("product", min(0.4 + 0.5 * cues.clean, 0.8), reason)
