"""What a score says, in words a creator understands: "steadier face, the camera moved as asked"."""

from __future__ import annotations

from collections.abc import Sequence

from studio.clip_score import ClipFault, FaultKind, MeasureName, Score

FAULTS: dict[FaultKind, str] = {
    "black": "black from {at}", "cut": "another picture from {at}", "far": "leaves the photo at {at}",
    "noise": "nothing but noise", "frozen": "frozen from {at}", "grain": "noisy", "doubled": "frames shown twice",
    "flicker": "the light flickers", "wobble": "the picture trembles", "blur": "goes soft by {at}",
    "soft": "soft throughout", "drift": "the light drifts from the photo's", "cast": "the colours turn",
    "seam": "the loop jumps",
    "direction": "the camera goes the wrong way", "camera": "the camera doesn't go as asked",
    "motion": "moves too much or hardly at all", "subject": "the subject changes by {at}",
    "unrest": "the subject wobbles", "face": "the face changes by {at}", "lettering": "the lettering melts by {at}",
}  # fmt: skip
"""What is said of each fault; {at} is the second it is first seen at."""

_BETTER: dict[MeasureName, str] = {
    "likeness": "begins nearer to the photo", "nearness": "stays nearer to the photo", "flicker": "steadier light",
    "noise": "cleaner", "sharpness": "sharper", "crispness": "sharper",
    "exposure": "keeps the photo's light", "colour": "truer colours",
    "wobble": "steadier picture", "doubled": "smoother", "still": "never stands still",
    "motion": "moves as much as asked", "camera": "the camera moved as asked", "seam": "closer loop",
    "subject": "truer subject", "unrest": "steadier subject", "face": "steadier face",
    "lettering": "steadier lettering",
}  # fmt: skip

_GOOD: dict[MeasureName, str] = {
    "face": "steady face", "lettering": "steady lettering", "camera": "the camera moved as asked",
    "seam": "the loop closes", "subject": "steady subject", "flicker": "steady light", "nearness": "true to the photo",
}  # fmt: skip
"""What is worth saying of a clip by itself, the first ones first."""

PLAIN, GOOD = 0.05, 0.85
"""By how much a goodness has to exceed another clip's to be seen, and from where on it is good."""

MOST_SAID = 3


def explain(score: Score, others: Sequence[Score] = ()) -> str:
    """Why a clip has its place: its faults, or what it does better than the others of its comparison, else what is good
    about it. A phrase without a full stop."""
    if score.faults:
        return ", ".join(name_fault(fault) for fault in score.faults[:MOST_SAID])
    better = _list_better(score, others) if others else []
    good = [words for name, words in _GOOD.items() if _find_goodness(score, name) >= GOOD]
    said = better or good
    return ", ".join(said[:MOST_SAID]) or "nothing stands out"


def name_fault(fault: ClipFault) -> str:
    """A fault in words."""
    return FAULTS[fault.kind].format(at=f"{fault.at_second:.1f} s")


def _find_goodness(score: Score, name: MeasureName) -> float:
    found = score.measure(name)
    return found.goodness if found else 0.0


def _list_better(score: Score, others: Sequence[Score]) -> list[str]:
    """What a clip does plainly better than the others on the whole, the largest difference first."""
    gains: list[tuple[float, str]] = []
    for measure in score.measures:
        theirs = [one.goodness for other in others if (one := other.measure(measure.name))]
        if theirs:
            gains.append((measure.goodness - sum(theirs) / len(theirs), _BETTER[measure.name]))
    return [words for gain, words in sorted(gains, reverse=True) if gain > PLAIN]
