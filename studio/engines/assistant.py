"""A small language or vision model of the user's own, from one transformers folder, on the processor.

Nothing is fetched and no code that came with the model is run. What it writes is only a prompt, read and checked like
any other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.hung_threads import WorkLock
from studio.nouns import Refusal

Image = NDArray[np.uint8]

LARGEST = 12e9
"""Bytes of weights: about six billion parameters at two bytes each. More is no small helper, and too slow on a
processor.
"""

TOKENS = 96
"""Tokens of an answer: two sentences and some to spare."""

CLOSE_SECONDS = 5.0
"""How long letting go waits for an answer under way."""

LONGEST = 600
"""Characters of an answer that are kept."""

SIDE = 768
"""Pixels of the photo's long side as a vision model is shown it."""

BRIEF = (
    "You direct short clips made from one photograph. Write one or two plain English sentences that say only what "
    "moves: who or what moves and how, what moves around it, what stays still, and one camera move. Do not describe "
    "the picture, do not praise it, do not list. At most forty words."
)
"""What the model is asked to be, before every question."""


class Assistant:
    """One model in one folder, loaded on first use. One question at a time; any thread may ask."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sees = _takes_pictures(folder)
        self._asking = WorkLock()
        self._loaded: tuple[Any, Any] | None = None

    def propose(self, image: Image, going: Callable[[], None]) -> str:
        """A motion for a photo, (H, W, 3) uint8 RGB, in words. `going` is called at every token and may raise to stop
        it.

        Raises `Refusal` for a model that can't see, and where it can't be loaded or says nothing.
        """
        if not self.sees:
            raise Refusal(
                "This assistant can't see pictures.",
                "Choose a folder with a vision model, or write a prompt for it to mend.",
            )
        return self._answer("Suggest a motion for this photograph.", _shrink(image), going)

    def rewrite(self, prompt: str, going: Callable[[], None]) -> str:
        """The prompt said better. Raises `Refusal` for nothing to rewrite, and as `propose` does."""
        if not prompt.strip():
            raise Refusal("There are no words to rewrite yet.", "Write what should move first.")
        return self._answer(
            f"Rewrite this so that it says clearly what moves, and keep its meaning: {prompt}", None, going
        )

    def close(self) -> None:
        """Let go of the model's memory, once nothing is being asked."""
        turn = self._asking.take(CLOSE_SECONDS)
        self._loaded = None
        if turn:
            self._asking.give_back(turn)

    def _answer(self, question: str, picture: Any, going: Callable[[], None]) -> str:
        with self._asking:
            if self._loaded is None:
                self._loaded = _load(self.folder, self.sees)
            words = _generate(*self._loaded, question, picture, going)
        said = clean_answer(words)
        if not said:
            raise Refusal("The assistant had nothing to say.", "Try again with other words, or choose another model.")
        return said


def clean_answer(words: str) -> str:
    """A model's answer as a prompt: its first paragraph without markup, labels and quotation marks, at most 600
    characters.
    """
    plain = re.sub(r"<[^<>]{0,40}>|[*_`#]+", " ", words).strip()
    first = next((part for part in re.split(r"\n\s*\n", plain) if part.strip()), "")
    line = re.sub(
        r"^\s*(?:assistant|answer|prompt|motion|sure[^:]{0,40})\s*:\s*",
        "",
        " ".join(first.split()),
        flags=re.IGNORECASE,
    )
    line = line.strip(" \"'“”‘’")
    line = "".join(character for character in line if character.isprintable())
    return line[:LONGEST].rsplit(" ", 1)[0] if len(line) > LONGEST else line


def _takes_pictures(folder: Path) -> bool:
    """Whether the model in a folder takes pictures. Raises `Refusal` for a folder that holds no model this can run."""
    try:
        kind = json.loads((folder / "config.json").read_text("utf-8"))["model_type"]
    except (OSError, ValueError, KeyError, TypeError):
        raise Refusal(
            f"There is no transformers model in {folder}.", "Choose the folder that holds its config.json."
        ) from None
    weights = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    if not weights:
        raise Refusal(
            "This model has no safetensors weights.", "Download it again in that format; others could run code."
        )
    if weights > LARGEST:
        raise Refusal(f"This model is {weights / 1e9:.0f} GB, too large for a helper.", "Choose one of at most 12 GB.")
    from transformers.models.auto import modeling_auto

    if kind in modeling_auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES:
        return True
    if kind in modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        return False
    raise Refusal(
        f"A model of the kind {kind!r} can't write.",
        "Choose a language model, or a vision model that answers in words.",
    )


def _load(folder: Path, sees: bool) -> tuple[Any, Any]:
    """The processor or tokenizer, and the model."""
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText, AutoProcessor, AutoTokenizer

    reader, maker = (AutoProcessor, AutoModelForImageTextToText) if sees else (AutoTokenizer, AutoModelForCausalLM)
    safe: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        talk: Any = reader.from_pretrained(folder, **safe)
        model: Any = maker.from_pretrained(folder, dtype="auto", use_safetensors=True, **safe)
    except MemoryError:
        raise Refusal(
            "There isn't enough memory for the assistant.", "Choose a smaller one, or close other programs."
        ) from None
    except Exception as error:  # a damaged folder fails in as many ways as there are model classes
        raise Refusal(
            f"The assistant can't be loaded ({str(error)[:200]}).", "See that its folder is complete."
        ) from error
    return talk, model.eval()


def _shrink(image: Image) -> Any:
    from PIL import Image as Pictures

    picture = Pictures.fromarray(image)
    picture.thumbnail((SIDE, SIDE))
    return picture


def _generate(talk: Any, model: Any, question: str, picture: Any, going: Callable[[], None]) -> str:
    import torch
    from transformers import StoppingCriteria, StoppingCriteriaList

    class Going(StoppingCriteria):
        """Asks after every token whether to go on; whoever is asked raises to stop."""

        def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
            going()
            return torch.zeros(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)

    text = _compose_question(talk, question, picture is not None)
    given = (
        talk(text=text, images=picture, return_tensors="pt") if picture is not None else talk(text, return_tensors="pt")
    )
    given.pop("token_type_ids", None)
    with torch.inference_mode():
        out = model.generate(
            **given, max_new_tokens=TOKENS, do_sample=False, stopping_criteria=StoppingCriteriaList([Going()])
        )  # fmt: skip
    return str(talk.decode(out[0, given["input_ids"].shape[1] :], skip_special_tokens=True))


def _compose_question(talk: Any, question: str, pictured: bool) -> str:
    """The question as this model wants to be asked: through its own chat template where it has one."""
    words: Any = (
        [{"type": "image"}, {"type": "text", "text": f"{BRIEF} {question}"}] if pictured else f"{BRIEF} {question}"
    )
    if getattr(talk, "chat_template", None):
        return str(
            talk.apply_chat_template([{"role": "user", "content": words}], add_generation_prompt=True, tokenize=False)
        )
    mark = f"{getattr(talk, 'image_token', '<image>')}\n" if pictured else ""
    return f"{mark}{BRIEF} {question}\n"
