"""How long work may give no sign of life before it has failed, by what is at work and its stage.

A sign of life is progress: another stage, another number or another note; the same once more is none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from studio.nouns import Refusal, Stage

USUAL = 300.0
"""Seconds for the studio's own work, which passes a frame, a layer or a packet in well under ten."""

PREVIEW_SHARE = 0.4
"""Of that, how long a preview may give no sign of life: others wait behind it."""

PHOTO_TIMES = 2
"""How many times as long opening a photo may take: it is decoded in one go."""

MODEL_TIMES: dict[Stage, float] = {
    "wait": math.inf,  # for another Stir on the GPU, as long as that works
    "load": 6,  # half an hour: 34 GB come from a disk of 20 MB/s in that, and each weight read is a sign of life
    "read": 6,  # a text encoder of 11 GB, read and run layer by layer
    "denoise": 12,  # an hour: one step of a large model on a processor, or the first one, which is compiled
    "decode": 12,  # the whole clip in one go, on a processor
    "paint": 12,  # frames come from a decoder in stretches
    "encode": 2,  # what an encoder holds back comes when the last frame is in: AV1 at 2160p is slow
}
"""How many times as long a model that is loaded may take in a stage. What isn't here is the studio's own work."""

OWN_TIMES: dict[Stage, float] = {"wait": math.inf, "encode": 2}
"""The same for the built-in engine, for finishing, previews, exports and scores."""

NOTICE_SECONDS, MODEL_NOTICE_SECONDS = 5.0, 120.0
"""How long work that was stopped may take to notice. A model notices after the step it is at: to load it again beside
one that is left behind would cost more."""

WORDS: dict[Stage, str] = {
    "wait": "waiting its turn",
    "load": "loading",
    "read": "reading the photo or the clip",
    "denoise": "denoising",
    "decode": "decoding the frames",
    "paint": "painting the frames",
    "encode": "writing the file",
    "keep": "putting it into the library",
}


@dataclass(frozen=True)
class Deadlines:
    """`seconds` for the studio's own work, from which all the others follow; 0 for no deadline. `has_model`: a model
    that is loaded does the work. `notice`: seconds in which work that was stopped has to notice."""

    seconds: float = USUAL
    has_model: bool = False
    notice: float = NOTICE_SECONDS

    def find_silence(self, stage: Stage) -> float:
        """Seconds without a sign of life after which work in this stage has failed."""
        times = MODEL_TIMES if self.has_model else OWN_TIMES
        return self.seconds * times.get(stage, 1.0) if self.seconds else math.inf

    def explain(self, stage: Stage) -> Refusal:
        """Why work was given up, and what to do."""
        silence = self.find_silence(stage)
        length = f"{silence / 60:.0f} minutes" if silence >= 120 else f"{silence:.0f} seconds"
        return Refusal(
            f"It gave no sign of life for {length} while {WORDS[stage]}, and was given up.",
            "Try again; if it stops there again, start Stir anew, or take a smaller photo or size, or another model.",
        )


def choose_deadlines(seconds: float, has_model: bool) -> Deadlines:
    """The deadlines of work that a loaded model does, or the studio itself."""
    return Deadlines(seconds, has_model, MODEL_NOTICE_SECONDS if has_model else NOTICE_SECONDS)
