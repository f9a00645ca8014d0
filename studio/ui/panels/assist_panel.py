"""The assistant's two buttons beside the sentence; there only when the user has named a model of their own."""

from __future__ import annotations

from typing import Any

from studio.nouns import Noun, Words
from studio.spending import Confirmation
from studio.studio import Studio
from studio.ui.html_part import Nothing, make_call, make_part
from studio.ui.price_words import WORDS_LEAVE, Paid, make_paid_call
from studio.ui.shot_form import Frame


class Sentence(Noun, frozen=True):
    """What stands in the box; `paid`: what was shown of the price of an answer and of what leaves, and agreed to."""

    text: Words = ""
    paid: Paid | None = None


class AssistPanel:
    """Its answers are sentences: the builder reads and checks them as if they had been typed."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def render(self) -> None:
        """Draw the part."""
        calls = [
            make_call("ask_assistant", Nothing, lambda _: self.studio.assist.state()),
            make_call("propose_motion", Frame, self.propose),
            make_paid_call(self.studio, "rewrite_prompt", Sentence, self.rewrite, "Ask", WORDS_LEAVE),
            make_call("list_helpers", Nothing, lambda _: self.studio.assist.list_hosted()),
        ]
        self.part = make_part("assist_panel", None, calls=calls)

    def rewrite(self, ask: Sentence, confirmation: Confirmation | None) -> dict[str, Any]:
        """The sentence said better; raises `Unconfirmed` where the helper is hosted and its price wasn't shown."""
        return {"text": self.studio.assist.rewrite(ask.text, confirmation)}

    def propose(self, frame: Frame) -> dict[str, Any]:
        """A motion for the photo on the desk, in words."""
        return {"text": self.studio.assist.propose(self.studio.photos.get(frame.photo), frame.mends)}
