"""`score`: how good clips are and why, in words or as JSON with every measure."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from studio.cli.arguments import open_studio
from studio.cli.report import say, say_json
from studio.clip_score import Lack, Score
from studio.nouns import Refusal

if TYPE_CHECKING:
    from studio.studio import Studio


UNJUDGED: dict[Lack, str] = {
    "photo": "its photo isn't here: nothing is said of likeness, light, colours, the subject, faces or lettering",
    "recipe": "it holds no recipe: whether it moves as asked isn't known",
}
"""What is said of a clip that can't be held against what it was made from."""


def score(flags: argparse.Namespace) -> None:
    """Print the scores of clips. Raises `Refusal` for what is no clip, or can't be read as one; then nothing is said of
    the others."""
    from studio.score.explain import explain

    with closing(open_studio(flags)) as studio:
        found = [(words, _score_one(studio, words)) for words in flags.clips]
    scores = [one for _, one in found]
    why = [explain(one, [other for other in scores if other is not one]) for one in scores]
    if flags.json:
        say_json([_describe(words, one, said) for (words, one), said in zip(found, why, strict=True)])
        return
    for (words, one), said in zip(found, why, strict=True):
        say(f"{one.total:.2f}  {words}: {'broken: ' if one.broken else ''}{said}")
        for lack in one.lacks:
            say(f"      {UNJUDGED[lack]}")
        if len(found) == 1:
            _say_measures(one)


def _say_measures(one: Score) -> None:
    """A table of what was measured, the worst first: value, unit, how good that is."""
    for measure in sorted(one.measures, key=lambda each: each.goodness):
        say(f"      {measure.name:<11}{measure.value:8.3f} {measure.unit:<18}{measure.goodness:5.0%} good")


def _score_one(studio: Studio, words: str) -> Score:
    """The score of a file, or of a clip of the library by its id or the beginning of it."""
    file = Path(words).expanduser()
    if not file.is_file():
        clip = studio.library.find_id(words)
        found = studio.scores.score_clip(clip.id)
        if found is None:
            raise Refusal(f"{words} can't be scored.", "Its file may be damaged, or hold a single picture.")
        return found
    return studio.scores.score_file(file)


def _describe(words: str, one: Score, said: str) -> dict[str, Any]:
    """A score as JSON."""
    return {"clip": words, "broken": one.broken, "why": said, **msgspec.to_builtins(one)}
