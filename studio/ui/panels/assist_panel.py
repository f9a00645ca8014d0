"""The assistant's two buttons beside the sentence; there only when the user has named a model of their own."""

from __future__ import annotations

from typing import Any

from studio.nouns import Noun
from studio.spending import Confirmation, Unconfirmed
from studio.studio import Studio
from studio.ui.html_part import make_call, make_part
from studio.ui.shot_form import Frame


class Sentence(Noun, frozen=True):
    """What stands in the box; `paid`: that an answer costs something, and that the words leave, was agreed to."""

    text: str = ""
    paid: bool = False


class AssistPanel:
    """Its answers are sentences: the builder reads and checks them as if they had been typed."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def render(self) -> None:
        """Draw the part."""
        calls = [
            make_call("ask_assistant", dict[str, str], lambda _: self.studio.assist.state()),
            make_call("propose_motion", Frame, self.propose),
            make_call("rewrite_prompt", Sentence, self.rewrite),
            make_call("list_helpers", dict[str, str], lambda _: self.studio.assist.list_hosted()),
        ]
        self.part = make_part("assist_panel", None, calls=calls)

    def rewrite(self, ask: Sentence) -> dict[str, Any]:
        """The sentence said better; or what has to be agreed to first, where the helper is hosted."""
        assist, spending = self.studio.assist, self.studio.spending
        party = assist.hosted_party
        try:
            if party and ask.paid:
                spending.agree(*party)
            return {"text": assist.rewrite(ask.text, Confirmation(unknown=1) if ask.paid else None)}
        except Unconfirmed as unconfirmed:
            leaves = f"Your sentence, and no photo, goes to {' and on to '.join(party or ())}."
            return {"agree": {"reason": unconfirmed.reason, "remedy": leaves}}

    def propose(self, frame: Frame) -> dict[str, Any]:
        """A motion for the photo on the desk, in words."""
        return {"text": self.studio.assist.propose(self.studio.photos.get(frame.photo), frame.mends)}
