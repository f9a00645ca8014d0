"""The prompt check: how many labelled prompts it judges rightly, and how long it takes as one types.

The prompts are those of tests/motion/prompts_check.toml. A third of them is held out: rules were not tuned on it.
"""

from __future__ import annotations

import statistics
import time
import tomllib
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from bench.clips import table, verdict
from studio.config import ROOT
from studio.motion.prompt_check import Finding, check_prompt
from studio.motion.read_prompt import read_motion
from studio.nouns import Effect, Motion, replace
from studio.presets import card

PROMPTS = ROOT / "tests" / "motion" / "prompts_check.toml"
LEAST_FOUND, MOST_FALSE, MOST_MS = 0.95, 0.03, 20.0

HUNDRED = (
    "The camera slowly pushes in through the doorway of the bright living room and past the long oak table with its six chairs "
    "towards the tall windows at the far end. The linen curtains sway gently in the breeze from the open terrace door and the "
    "leaves of the fig tree in the corner stir a little. She turns her head, smiles and lifts the cup. No blur, no flicker. "
    "Wind blows from the left and from the right. The sofa, the shelves, the lamps and the carpet stay still, the walls stay "
    "straight, and the daylight stays constant and soft."
)
"""A hundred words with things to find in them, which is dearer than a clean prompt: every fix is checked as well."""


class Labelled(NamedTuple):
    """A prompt and what has to be found in it: `code` "" for a good one, whose `hints` are those really missing."""

    text: str
    code: str
    held: bool
    seconds: float
    card: str
    effects: tuple[Effect, ...]
    hints: frozenset[str]
    photo: str
    use: str


def prompts() -> tuple[Labelled, ...]:
    """All labelled prompts in the order of the file."""
    told = tomllib.loads(PROMPTS.read_text("utf-8"))
    return tuple(_of({**told["bad"], "": told["good"]}))


def _of(groups: dict[str, dict[str, list[dict[str, object]]]]) -> Iterator[Labelled]:
    for code, parts in groups.items():
        for part, rows in parts.items():
            for row in rows:
                one = {"seconds": 5.0, "card": "", "effects": (), "hints": (), **row, "code": code, "held": part == "held"}
                effects = msgspec.convert(one["effects"], tuple[Effect, ...])
                yield Labelled(**{**one, "effects": effects, "hints": frozenset(one["hints"])})


def asked(prompt: Labelled) -> Motion | str:
    """What the check is given: the text, or with effects set beside it the motion they make together."""
    return replace(read_motion(prompt.text), effects=prompt.effects) if prompt.effects else prompt.text


def found(prompt: Labelled, text: str | None = None) -> tuple[Finding, ...]:
    """The findings of a prompt, or of another text in its place."""
    maker = card(prompt.card) if prompt.card else None
    return check_prompt(asked(prompt) if text is None else text, seconds=prompt.seconds, card=maker)


def right(prompt: Labelled) -> bool:
    """Whether the label is among the findings; for a good prompt, whether none hurts."""
    findings = found(prompt)
    if prompt.code:
        return prompt.code in {finding.code for finding in findings}
    return not any(finding.level == "hurts" for finding in findings)


def hinted(prompt: Labelled) -> bool:
    """Whether a good prompt gets exactly the hints that are labelled."""
    return {finding.code for finding in found(prompt)} == prompt.hints


def rates() -> None:
    """How many are judged rightly, per code, in what was tuned on and what was held out."""
    rows: list[tuple[str, ...]] = []
    everything = prompts()
    for code in dict.fromkeys(prompt.code for prompt in everything):
        own = [prompt for prompt in everything if prompt.code == code]
        tuned, held = ([right(prompt) for prompt in own if prompt.held == part] for part in (False, True))
        rows.append((code or "good", f"{sum(tuned)}/{len(tuned)}", f"{sum(held)}/{len(held)}"))
    table("Prompts judged rightly: the labelled finding among the findings, nothing that hurts in a good one",
          ("label", "tuned on", "held out"), rows)  # fmt: skip
    print()
    for name, part in (("tuned on", (False,)), ("held out", (True,)), ("all", (False, True))):
        bad = [right(prompt) for prompt in everything if prompt.code and prompt.held in part]
        good = [not right(prompt) for prompt in everything if not prompt.code and prompt.held in part]
        flagged, false = sum(bad) / len(bad), sum(good) / len(good)
        enough = "enough" if flagged >= LEAST_FOUND else "too few"
        wrong = verdict(false * 100, MOST_FALSE * 100)
        share = f"{flagged:.1%} of {len(bad)} bad found ({enough})"
        print(f"{name}: {share}, {wrong} % of {len(good)} good flagged")


def milliseconds(text: str, runs: int = 50) -> tuple[list[float], list[float]]:
    """How long a check takes by the wall and on the processor, ms; each time the text is new by a letter, as one types."""
    wall: list[float] = []
    busy: list[float] = []
    for number in range(runs):
        typed = f"{text[: -2 - number]}{text[-1]}"
        began, worked = time.perf_counter(), time.process_time()
        check_prompt(typed)
        busy.append((time.process_time() - worked) * 1000)
        wall.append((time.perf_counter() - began) * 1000)
    return wall, busy


def speed() -> None:
    """Milliseconds for short and long prompts, and for a text of the greatest length."""
    rows: list[tuple[str, ...]] = []
    for name, text in (
        (
            "a good prompt of 18 words",
            "The woman turns her head slowly and smiles. The camera slowly pushes in. The background stays still.",
        ),
        (f"{len(HUNDRED.split())} words with faults", HUNDRED),
        ("4000 characters", (HUNDRED * 10)[:4000]),
    ):
        wall, busy = milliseconds(text, 50 if len(text) < 1000 else 10)
        median = statistics.median(busy)
        middle = verdict(median, MOST_MS) if len(text.split()) <= 101 else f"{median:.0f}"
        rows.append((name, middle, f"{statistics.median(wall):.1f}", f"{max(wall):.1f}"))
    table("One check, ms", ("prompt", "on the processor, median", "by the wall, median", "slowest"), rows)


def run() -> None:
    """Print the tables."""
    print("\n## The prompt check")
    rates()
    speed()
