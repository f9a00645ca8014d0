"""Tokenizers and encoders of the tiny checkpoints, made from nothing: vocabularies in code, weights at random."""

from __future__ import annotations

CHATML = (
    "{% for m in messages %}{{'<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def _byte_vocab(extra=()):
    """256 byte-level symbols (GPT-2 mapping) + extras; every string is encodable, no merges needed."""
    bs = list(range(ord("!"), ord("~") + 1)) + list(range(ord("¡"), ord("¬") + 1)) + list(range(ord("®"), ord("ÿ") + 1))
    cs, n = bs[:], 0
    for b in range(256):
        if b not in bs:
            bs.append(b)
            cs.append(256 + n)
            n += 1
    vocab = {chr(c): i for i, c in enumerate(cs)}
    for t in extra:
        vocab.setdefault(t, len(vocab))
    return vocab


def t5_tokenizer(max_length=512):
    from transformers import T5Tokenizer

    # Unigram model: pad/eos/unk/space + printable ASCII.  pad=0 eos=1 unk=2 as in real T5/UMT5.
    vocab = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)]
    vocab += [(chr(c), -4.0) for c in range(33, 127)]
    return T5Tokenizer(vocab=vocab, extra_ids=0, additional_special_tokens=[], model_max_length=max_length)


def clip_tokenizer():
    from transformers import CLIPTokenizer

    base = _byte_vocab()
    vocab = dict(base)
    for s in list(base):
        vocab.setdefault(s + "</w>", len(vocab))
    for s in ("<|startoftext|>", "<|endoftext|>"):
        vocab.setdefault(s, len(vocab))
    return CLIPTokenizer(vocab=vocab, merges=[], model_max_length=77), len(vocab)


def qwen_tokenizer():
    from transformers import Qwen2Tokenizer

    vocab = _byte_vocab(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    tok = Qwen2Tokenizer(vocab=vocab, merges=[], model_max_length=4096)
    tok.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    tok.chat_template = CHATML
    return tok, len(tok)


def gemma_tokenizer():
    from transformers import GemmaTokenizer

    vocab = {"<pad>": 0, "<eos>": 1, "<bos>": 2, "<unk>": 3, "<mask>": 4, "▁": 5}
    for i in range(256):
        vocab.setdefault(f"<0x{i:02X}>", len(vocab))
    for c in range(33, 127):
        vocab.setdefault(chr(c), len(vocab))
    tok = GemmaTokenizer(vocab=vocab, merges=[], model_max_length=1024)
    return tok, len(tok)


def llama_tokenizer(template=""):
    """Bytes, and `template` in 110 pieces, as many tokens as a real vocabulary needs for HunyuanVideo's: what follows is read."""
    from transformers import AddedToken, LlamaTokenizer

    vocab = {"<unk>": 0, "<s>": 1, "</s>": 2, "▁": 3}
    for i in range(256):
        vocab.setdefault(f"<0x{i:02X}>", len(vocab))
    for c in range(33, 127):
        vocab.setdefault(chr(c), len(vocab))
    tok = LlamaTokenizer(vocab=vocab, merges=[], pad_token="</s>", model_max_length=1024)
    size = max(1, len(template) // 110)
    tok.add_tokens([AddedToken(template[i : i + size], normalized=False) for i in range(0, len(template), size)])
    return tok, len(tok)


def t5_encoder(d=32, umt5=False, vocab=128):
    from transformers import T5Config, T5EncoderModel, UMT5Config, UMT5EncoderModel

    kw = {"vocab_size": vocab, "d_model": d, "d_kv": 8, "d_ff": 37, "num_layers": 2, "num_heads": 4, "dropout_rate": 0.0}
    return (UMT5EncoderModel(UMT5Config(**kw)) if umt5 else T5EncoderModel(T5Config(**kw))).eval()


def clip_vision(d=32, image_size=32, patch=8, projection=True):
    from transformers import CLIPVisionConfig, CLIPVisionModel, CLIPVisionModelWithProjection

    cfg = CLIPVisionConfig(
        hidden_size=d,
        projection_dim=d,
        num_hidden_layers=2,
        num_attention_heads=4,
        image_size=image_size,
        intermediate_size=37,
        patch_size=patch,
    )
    return (CLIPVisionModelWithProjection if projection else CLIPVisionModel)(cfg).eval()


def clip_text(vocab, d=32):
    """CLIP's text encoder for the tokenizer of `clip_tokenizer`, whose vocabulary has `vocab` words."""
    from transformers import CLIPTextConfig, CLIPTextModel

    config = CLIPTextConfig(
        vocab_size=vocab,
        hidden_size=d,
        intermediate_size=37,
        num_hidden_layers=2,
        num_attention_heads=4,
        projection_dim=32,
        eos_token_id=vocab - 1,
        bos_token_id=vocab - 2,
        pad_token_id=vocab - 1,
    )
    return CLIPTextModel(config).eval()


def clip_image_processor(size):
    from transformers import CLIPImageProcessor

    # `size` must be given as {"shortest_edge": n} AND crop_size, or the 224 default survives.
    return CLIPImageProcessor(size={"shortest_edge": size}, crop_size={"height": size, "width": size})


def siglip(d=12, image_size=54, patch=2):
    from transformers import SiglipImageProcessor, SiglipVisionConfig, SiglipVisionModel

    # HunyuanVideo-1.5 hard-codes 729 (=27x27) vision tokens -> 54/2
    cfg = SiglipVisionConfig(
        hidden_size=d, intermediate_size=24, num_hidden_layers=1, num_attention_heads=2, image_size=image_size, patch_size=patch
    )
    return SiglipVisionModel(cfg).eval(), SiglipImageProcessor(size={"height": image_size, "width": image_size})
