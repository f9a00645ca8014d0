"""The table "which photo, which model", made from the cards alone: no model is named here, the cards say what they
suit.
"""

from __future__ import annotations

from collections.abc import Sequence

from studio.advice.model_scoring import KINDS
from studio.advice.systems import describe_least_price
from studio.advice.wishes import Row, Suited
from studio.cards import ModelCard
from studio.nouns import Kind

ASKS: dict[Kind, str] = {
    "portrait": "A face has to stay itself; hair, cloth and breath may move.",
    "water": "Water has to flow without boiling; shore and horizon hold still.",
    "landscape": "Depth, sky and weather: the camera tells the story, the land keeps its shape.",
    "street": "Straight lines have to stay straight; people and light may pass.",
    "product": "Shape, label and colour have to stay as photographed; the camera and the light move.",
}
"""What each kind of photo asks of a model."""

FACES = {
    "steady": "faces stay themselves",
    "fair": "faces mostly stay themselves",
    "drifts": "faces drift",
    "unknown": "",
}
SHORT = 4.5
"""Seconds under which a model's longest clip is short: most make 5."""

TERMS: dict[str, str] = {
    "limits": "commercial use has limits",
    "no": "not for commercial use",
    "unknown": "licence not known",
}


def list_models_by_kind(cards: Sequence[ModelCard]) -> tuple[Row, ...]:
    """One row for each kind of photo, its cards with the best first; equals keep the order of the cards."""
    return tuple(Row(kind, _title(kind), ASKS[kind], _list_suited(kind, cards)) for kind in ASKS)


def _title(kind: Kind) -> str:
    return KINDS[kind][:1].upper() + KINDS[kind][1:]


def _list_suited(kind: Kind, cards: Sequence[ModelCard]) -> tuple[Suited, ...]:
    fit = sorted((card for card in cards if kind in card.suits), key=lambda card: _rank(kind, card))
    return tuple(Suited(card.id, card.title, _list_strengths(kind, card), _list_cautions(kind, card)) for card in fit)


def _rank(kind: Kind, card: ModelCard) -> tuple[bool, int, int, bool]:
    """What comes first: what runs on this computer; the kind's place with the card; for portraits how faces fare; and
    what makes a clip of usual length.
    """
    faces = tuple(FACES).index(card.faces) if kind == "portrait" else 0
    return card.hosted is not None, card.suits.index(kind), faces, card.seconds[1] < SHORT


def _list_strengths(kind: Kind, card: ModelCard) -> str:
    """What it is good at, and how faces fare where they matter."""
    said = list(card.good_at)
    if kind == "portrait" and card.faces in ("steady", "fair") and not any("faces" in words.lower() for words in said):
        said.append(FACES[card.faces])
    line = ", ".join(said)
    return f"{line[:1].upper()}{line[1:]}." if line else card.summary


def _list_cautions(kind: Kind, card: ModelCard) -> str:
    """What to know first: what it can't be told, faces that drift, short clips, the licence."""
    draws = "moves the camera and the air" if "effects" in card.supports else "can't be told what moves"
    said = [
        "" if "prompt" in card.supports else draws,
        FACES["drifts"] if kind in ("portrait", "street") and card.faces == "drifts" else "",
        f"{card.seconds[1]:.3g} s at most" if card.seconds[1] < SHORT else "",
        describe_least_price(card) if card.hosted else "",
        "terms not read" if card.hosted and card.commercial == "unknown" else TERMS.get(card.commercial, ""),
    ]
    line = ", ".join(words for words in said if words)
    return f"{line[:1].upper()}{line[1:]}." if line else ""
