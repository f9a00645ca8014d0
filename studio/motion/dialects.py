"""How each family of models wants to be told things: in which order, how joined, and how a still camera is said.

Knows the makers' own prompt guides. Refuses to know motions: `compose` puts them into these words.

Sources, as published by the makers (read where public copies of them are kept):
wan     Alibaba Cloud Model Studio, "Wan video generation prompts recipe" (alibabacloud.com/blog, 602777) and its image-to-video
        formula "Motion description + camera movement": the picture already holds subject, scene and style; adverbs say speed
        and extent; a camera that should not move is asked for by name ("static shot", "fixed camera").
ltx     Lightricks, LTX-Video and LTX-2 READMEs, "Prompting": one flowing paragraph, literal and chronological, that starts with
        the main action; then gestures, appearance, background, camera and light, within 200 words.
kling   Kuaishou, "KLING AI Guide (Video)": subject + its movement + scene + (camera language + light + atmosphere); for a photo
        subject + movement, background + movement; simple words, short sentences.
plain   everything else: short sentences of what moves, then the camera. FramePack's README asks for just that (concise, motion
        first: subject, motion, the rest); of HunyuanVideo, CogVideoX, Kandinsky and SANA no rule for photos is known to us.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from studio.cards import ModelCard

Slot = Literal["prompt", "subject", "environment", "effects", "light", "still", "camera"]
Name = Literal["plain", "wan", "ltx", "kling"]


class Dialect(NamedTuple):
    """The order of what is said, the slots that are joined into one sentence and by what, and a camera that holds still.

    `tail`: extra words come last where somebody acts; where nobody does they come first in every dialect.
    """

    title: str
    order: tuple[Slot, ...]
    joined: tuple[Slot, ...] = ()
    joint: str = ", "
    static: str = "The camera stays still."
    tail: bool = True


DIALECTS: dict[Name, Dialect] = {
    "plain": Dialect("plain sentences", ("subject", "environment", "effects", "light", "still", "camera"), tail=False),
    "wan": Dialect(
        "Wan's order: what moves, then the camera",
        ("subject", "environment", "effects", "light", "still", "camera"),
        static="Static shot, the camera stays still.",
    ),
    "ltx": Dialect(
        "LTX's one paragraph, the action first",
        ("subject", "environment", "effects", "camera", "light", "still"),
        ("subject", "environment"), " while ", "The camera stays still throughout.",
    ),
    "kling": Dialect(
        "Kling's formula: subject and its movement, background and its movement, camera",
        ("subject", "environment", "effects", "camera", "light", "still"),
        ("subject", "environment", "effects"), ", ", "Fixed camera.",
    ),
}  # fmt: skip

FAMILIES: dict[str, Name] = {"wan": "wan", "skyreels": "wan", "helios": "wan", "ltx": "ltx", "ltx2": "ltx"}
"""Which family speaks which; SkyReels V2 and Helios are built on Wan and trained on such captions. The others speak plainly."""

FEWEST_FIRST: tuple[Slot, ...] = ("prompt", "environment", "light", "effects", "still")
"""What is left out first when words have to be: the subject and the camera never are."""


def dialect(card: ModelCard) -> Dialect:
    """The dialect of a card: its own, or its family's."""
    if card.dialect != "auto":
        return DIALECTS[card.dialect]
    return DIALECTS[FAMILIES.get(card.checkpoint.family if card.checkpoint else "", "plain")]
