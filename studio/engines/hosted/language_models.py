"""A hosted language model that mends prompts: words go out and words come back, never a photo."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from studio.engines.assistant import BRIEF, TOKENS, clean_answer
from studio.engines.hosted.service import Endpoint, Remote, Service, ServiceRefusal
from studio.nouns import Refusal

POLL = 0.5
"""Seconds between two looks at a question."""

DEADLINE = 60.0
"""Seconds after which the service ends a question."""


class LanguageModel(NamedTuple):
    """A language model at a service: its endpoint, who made it, the page that its fields are from, and those that are
    always sent so. Both are paid by the token, at amounts that weren't found: the price is unknown.
    """

    service: str
    ref: str
    title: str
    maker: str
    page: str
    fixed: dict[str, Any]


LANGUAGE_MODELS = {
    "replicate": LanguageModel(
        "replicate", "meta/meta-llama-3-8b-instruct", "Llama 3 8B", "Meta",
        "replicate.com/meta/meta-llama-3-8b-instruct", {},
    ),
    "fal": LanguageModel(
        "fal", "openrouter/router", "Gemini 2.5 Flash by OpenRouter", "OpenRouter and Google",
        "fal.ai/models/openrouter/router", {"model": "google/gemini-2.5-flash"},
    ),
}  # fmt: skip
"""One for each service; both take prompt, system_prompt and max_tokens."""


def find_language_model(name: str) -> LanguageModel:
    """The model at a service. Raises `Refusal` where there is none."""
    if model := LANGUAGE_MODELS.get(name):
        return model
    raise Refusal(f"There is no hosted helper at {name!r}.", f"Choose one of: {', '.join(LANGUAGE_MODELS)}.")


class HostedAssistant:
    """A language model at a service, asked as `engines/assistant.Assistant` is."""

    def __init__(self, model: LanguageModel, service: Service) -> None:
        self.model = model
        self._service = service

    def rewrite(self, prompt: str, going: Callable[[], None]) -> str:
        """The prompt said better: one paid question. `going` may raise to stop it. Raises `Refusal`."""
        if not prompt.strip():
            raise Refusal("There are no words to rewrite yet.", "Write what should move first.")
        asked = f"Rewrite this so that it says clearly what moves, and keep its meaning: {prompt.strip()}"
        fields = {"prompt": asked, "system_prompt": BRIEF, "max_tokens": TOKENS, **self.model.fixed}
        way = Endpoint(self.model.ref)
        remote = self._wait_for(way, self._service.create(way, fields, DEADLINE), going)
        if remote.status != "succeeded":
            own = f" It says: {remote.error}" if remote.error else ""
            raise Refusal(f"{self.model.title} gave no answer ({remote.status}).{own}", "Try other words.")
        if said := clean_answer(remote.output):
            return said
        raise Refusal(f"{self.model.title} had nothing to say.", "Try again with other words.")

    def describe(self) -> str:
        """Who answers, where, and for how much, as the page says it."""
        return f"{self.model.title} at {self._service.title}: each answer is paid for, at a price that isn't known"

    def _wait_for(self, way: Endpoint, remote: Remote, going: Callable[[], None]) -> Remote:
        """How a question ended; it is cancelled when `going` stops it or its time is up."""
        end = time.monotonic() + DEADLINE
        try:
            while not remote.is_over:
                going()
                time.sleep(POLL)
                try:
                    remote = self._service.poll(way, remote.id)
                except ServiceRefusal as refused:
                    if not refused.is_transient or time.monotonic() > end:
                        raise
                if time.monotonic() > end:
                    return self._service.cancel(way, remote.id)
        except Exception:
            self._give_up(way, remote.id)
            raise
        return remote

    def _give_up(self, way: Endpoint, remote_id: str) -> None:
        try:
            self._service.cancel(way, remote_id)
        except Refusal:
            return
