"""How many tokens a text may be, from above, without a tokenizer.

Knows lengths of words. Refuses to know vocabularies: none is here before a model is.

A word of English takes one token for about every four letters with the vocabularies that the cards' text encoders have (CLIP
49k, T5 32k, UMT5 256k, Llama and Qwen 128k to 150k entries): a rule of thumb of their makers, general knowledge and not measured
here. Rare words take more. So it is one for every three letters begun, one for the commonest words, one for every mark and digit,
and three for every character outside Latin script (bytes, at worst). Two more are kept for the marks at the ends.
"""

from __future__ import annotations

import re

from studio.motion.lexicon import FUNCTION

_PART = re.compile(r"[A-Za-z]+|\d|[^\sA-Za-z\d]")
ENDS = 2


def count(text: str) -> int:
    """Tokens, more rather than fewer, the two at the ends included."""
    return ENDS + sum(_tokens(part) for part in _PART.findall(text))


def _tokens(part: str) -> int:
    if part.isascii():
        return 1 if part.lower() in FUNCTION or not part.isalpha() else -(-len(part) // 3)
    return 3 if ord(part) > 0x24F else 2
