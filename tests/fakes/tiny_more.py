"""More tiny random-weight checkpoints, of classes that `tiny` leaves out: Kandinsky 5, SANA-Video and CogVideoX 1.5.

As there: nothing here has learnt anything, and only tests show it. What is real is every class, every file format and every call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from studio.cards import Guidance, Lengths, Sizes
from tests.fakes.tiny_cards import GRID, READS
from tests.fakes.tiny_encoders import clip_text, clip_tokenizer, gemma_tokenizer, qwen_tokenizer
from tests.fakes.tiny_others import cogvideox_i2v, hunyuan_vae
from tests.fakes.tiny_wan import wan_vae


def _qwen_vl() -> tuple[Any, Any]:
    """A Qwen2.5-VL that reads text, and its tokenizer: its whole processor would need torchvision, and only ever gets text."""
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    tokenizer, size = qwen_tokenizer()
    config = Qwen2_5_VLConfig(
        text_config={
            "vocab_size": size + 4, "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
            "num_key_value_heads": 2, "max_position_embeddings": 4096, "pad_token_id": tokenizer.pad_token_id,
            "bos_token_id": None, "eos_token_id": tokenizer.eos_token_id,
            "rope_parameters": {"mrope_section": [1, 1, 2], "rope_type": "default", "rope_theta": 1000000.0},
        },
        vision_config={
            "depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": 16, "patch_size": 14,
            "fullatt_block_indexes": [0], "window_size": 56,
        },
        image_token_id=size, video_token_id=size + 1, vision_start_token_id=size + 2, vision_end_token_id=size + 3,
    )  # fmt: skip
    return Qwen2_5_VLForConditionalGeneration(config).eval(), tokenizer


def kandinsky5_i2v() -> Any:
    """Kandinsky 5 image to video, as its Pro checkpoints are laid out: Qwen2.5-VL and CLIP read, HunyuanVideo's VAE decodes."""
    import torch
    from diffusers import FlowMatchEulerDiscreteScheduler, Kandinsky5I2VPipeline, Kandinsky5Transformer3DModel

    encoder, tokenizer = _qwen_vl()
    words, size = clip_tokenizer()
    clip = clip_text(size, 8)
    denoiser = Kandinsky5Transformer3DModel(
        in_visual_dim=4, in_text_dim=16, in_text_dim2=8, time_dim=16, out_visual_dim=4, patch_size=(1, 2, 2), model_dim=24,
        ff_dim=32, num_text_blocks=1, num_visual_blocks=2, axes_dims=(4, 4, 4), visual_cond=True,
    ).eval()  # fmt: skip
    for name, weights in denoiser.named_parameters():
        if "modulation" in name:  # training starts these at zero, and then neither time nor words would count
            torch.nn.init.normal_(weights, std=0.2)
    return Kandinsky5I2VPipeline(
        transformer=denoiser, vae=hunyuan_vae(), text_encoder=encoder, tokenizer=tokenizer, text_encoder_2=clip,
        tokenizer_2=words, scheduler=FlowMatchEulerDiscreteScheduler(shift=5.0),
    )  # fmt: skip


def sana_i2v() -> Any:
    """SANA-Video 2B 480p image to video: Gemma 2 reads, Wan 2.1's VAE decodes."""
    from diffusers import FlowMatchEulerDiscreteScheduler, SanaImageToVideoPipeline, SanaVideoTransformer3DModel
    from transformers import Gemma2Config, Gemma2Model

    tokenizer, size = gemma_tokenizer()
    encoder = Gemma2Model(
        Gemma2Config(
            vocab_size=size, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
            num_key_value_heads=1, head_dim=8, max_position_embeddings=4096, pad_token_id=0, bos_token_id=2, eos_token_id=1,
        )
    ).eval()  # fmt: skip
    denoiser = SanaVideoTransformer3DModel(
        in_channels=16, out_channels=16, num_attention_heads=2, attention_head_dim=12, num_layers=2,
        num_cross_attention_heads=2, cross_attention_head_dim=12, cross_attention_dim=24, caption_channels=16, sample_size=30,
        rope_max_seq_len=32,
    ).eval()  # fmt: skip
    return SanaImageToVideoPipeline(
        tokenizer=tokenizer, text_encoder=encoder, vae=wan_vae(), transformer=denoiser,
        scheduler=FlowMatchEulerDiscreteScheduler(shift=8.0),
    )  # fmt: skip


def cogvideox15_i2v() -> Any:
    """CogVideoX 1.5: `tiny`'s 1.0 with patches two frames deep, the offset embedding, and no learned positions."""
    from diffusers import CogVideoXTransformer3DModel

    pipe = cogvideox_i2v()
    denoiser = CogVideoXTransformer3DModel(
        num_attention_heads=2, attention_head_dim=16, in_channels=8, out_channels=4, time_embed_dim=2, ofs_embed_dim=2,
        text_embed_dim=32, num_layers=2, sample_width=12, sample_height=12, sample_frames=17, patch_size=2, patch_size_t=2,
        temporal_compression_ratio=4, max_text_seq_length=226, use_rotary_positional_embeddings=True, patch_bias=False,
    ).eval()  # fmt: skip
    pipe.register_modules(transformer=denoiser)
    return pipe


BUILDERS: dict[str, Callable[[], Any]] = {
    "kandinsky5_i2v": kandinsky5_i2v, "sana_i2v": sana_i2v, "cogvideox15_i2v": cogvideox15_i2v,
}  # fmt: skip

FACTS: dict[str, dict[str, Any]] = {
    "kandinsky5_i2v": {
        "family": "kandinsky5", "pipeline": "Kandinsky5I2VPipeline", "sizes": Sizes(native=GRID, step=16, least=64, most=192),
        "guidance": Guidance(default=5.0, least=1.0, most=10.0),
        # Fewer than 17 frames come out as NaN: see families/kandinsky5.py.
        "lengths": Lengths(step=4, first=1, least=17, most=33, default=17),
        # The template alone is 760 letters, and this tokenizer reads letters.
        "encoders": ("text_encoder", "text_encoder_2"), "fps": 8, "text_tokens": 1024,
        "supports": (*READS, "lora"), "speedups": ("compile",),
    },
    "sana_i2v": {
        "family": "sana", "pipeline": "SanaImageToVideoPipeline", "sizes": Sizes(native=GRID, step=32, least=64, most=192),
        "lengths": Lengths(step=4, first=1, least=5, most=33, default=5), "fps": 8, "text_tokens": 300,
        "guidance": Guidance(default=6.0, least=1.0, most=10.0, shift=8.0), "dtypes": {"vae": "float32"},
        "supports": (*READS, "motion_strength", "lora"),
    },
    "cogvideox15_i2v": {
        "family": "cogvideox", "pipeline": "CogVideoXImageToVideoPipeline",
        "sizes": Sizes(native=GRID, step=16, least=64, most=96), "text_tokens": 226, "fps": 8,
        "lengths": Lengths(step=16, first=1, least=17, most=33, default=17),
        "guidance": Guidance(default=6.0, least=1.0, most=10.0), "supports": (*READS, "lora"),
        "speedups": ("first_block_cache", "mag_cache", "taylorseer"),
    },
}  # fmt: skip
