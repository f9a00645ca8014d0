"""Tiny assistants: real classes of transformers with random weights and a few words, so that what they write means nothing."""

from __future__ import annotations

from pathlib import Path

SAID = "the camera slowly pushes in she turns her head leaves sway water still light stays a an of and . , : user assistant"
WORDS = SAID.split()


def _tokenizer(folder: Path, extra: tuple[str, ...] = ()) -> int:
    """A tokenizer of whole words; how many it knows."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: index for index, word in enumerate(("<unk>", "<s>", "</s>", "<pad>", *extra, *WORDS))}
    plain = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    plain.pre_tokenizer = pre_tokenizers.Whitespace()  # type: ignore[assignment]
    made = PreTrainedTokenizerFast(
        tokenizer_object=plain, unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="<pad>",
        additional_special_tokens=list(extra),
    )  # fmt: skip
    made.save_pretrained(folder)
    return len(vocabulary)


def writer(folder: Path) -> Path:
    """A language model: Llama, two layers of sixteen numbers."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    size = _tokenizer(folder)
    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=size, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2,
        max_position_embeddings=512, bos_token_id=1, eos_token_id=2, pad_token_id=3,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def seer(folder: Path) -> Path:
    """A vision model that answers in words: LLaVA, with a CLIP of one layer."""
    import torch
    from transformers import (
        CLIPImageProcessorPil,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
        PreTrainedTokenizerFast,
    )

    size = _tokenizer(folder, ("<image>",))
    torch.manual_seed(3)
    vision = CLIPVisionConfig(
        hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=28, patch_size=14
    )
    text = LlamaConfig(
        vocab_size=size, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2,
        max_position_embeddings=512, bos_token_id=1, eos_token_id=2, pad_token_id=3,
    )  # fmt: skip
    config = LlavaConfig(vision_config=vision, text_config=text, image_token_index=4, vision_feature_layer=-1, image_seq_length=4)
    LlavaForConditionalGeneration(config).save_pretrained(folder)
    pictures = CLIPImageProcessorPil(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28})
    words = PreTrainedTokenizerFast.from_pretrained(folder)
    LlavaProcessor(
        pictures, words, patch_size=14, vision_feature_select_strategy="default", num_additional_image_tokens=1
    ).save_pretrained(folder)
    return folder
