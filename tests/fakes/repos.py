"""Stand-ins for published repositories: every file in its right place and form, with next to nothing in it; and their cards."""

from __future__ import annotations

import json
import random
from typing import Any

from studio.cards import Checkpoint, Companion, Guidance, Lengths, ModelCard, Needs, Sizes, Steps

WAN = {
    "image_encoder": ["transformers", "CLIPVisionModel"],
    "image_processor": ["transformers", "CLIPImageProcessor"],
    "scheduler": ["diffusers", "UniPCMultistepScheduler"],
    "text_encoder": ["transformers", "UMT5EncoderModel"],
    "tokenizer": ["transformers", "T5TokenizerFast"],
    "transformer": ["diffusers", "WanTransformer3DModel"],
    "transformer_2": [None, None],
    "vae": ["diffusers", "AutoencoderKLWan"],
}
"""The index of a Wan 2.1 pipeline."""

LOADED = {
    "model_index.json",
    "image_encoder/config.json", "image_encoder/model.safetensors",
    "image_processor/preprocessor_config.json",
    "scheduler/scheduler_config.json",
    "text_encoder/config.json", "text_encoder/model-00001-of-00002.safetensors",
    "text_encoder/model-00002-of-00002.safetensors", "text_encoder/model.safetensors.index.json",
    "tokenizer/spiece.model", "tokenizer/tokenizer_config.json",
    "transformer/config.json", "transformer/diffusion_pytorch_model-00001-of-00002.safetensors",
    "transformer/diffusion_pytorch_model-00002-of-00002.safetensors",
    "transformer/diffusion_pytorch_model.safetensors.index.json",
    "vae/config.json", "vae/diffusion_pytorch_model.safetensors",
}  # fmt: skip
"""What the pipeline loads of `wan()`: nothing else of it may ever be fetched."""


def tensors(size: int, seed: int = 0) -> bytes:
    """A safetensors file with one tensor of `size` bytes, which no other seed has."""
    header = json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    return len(header).to_bytes(8, "little") + header + random.Random(seed).randbytes(size)


def index(class_name: str, components: dict[str, Any]) -> bytes:
    return json.dumps({"_class_name": class_name, "_diffusers_version": "0.42.1", **components}).encode()


def sharded(stem: str, count: int, size: int, seed: int) -> dict[str, bytes]:
    names = [f"{stem}-{one:05}-of-{count:05}.safetensors" for one in range(1, count + 1)]
    weight_map = {f"layer{one}": name for one, name in enumerate(names)}
    shards = {name: tensors(size, seed + one) for one, name in enumerate(names)}
    return {**shards, f"{stem}.safetensors.index.json": json.dumps({"metadata": {}, "weight_map": weight_map}).encode()}


def wan(size: int = 4000, class_name: str = "WanImageToVideoPipeline", **changed: Any) -> dict[str, bytes]:
    """A repository of a Wan pipeline as they are published, and much beside it that the pipeline doesn't load: the same weights
    as pickles, in half precision, for other frameworks, as single files at the root, pictures, code."""
    config = b'{"_class_name": "a"}'
    return {
        "model_index.json": index(class_name, {**WAN, **changed}),
        "README.md": b"# A model", ".gitattributes": b"*.safetensors filter=lfs", "assets/shown.mp4": b"film" * 500,
        "wan_single_file.safetensors": tensors(size * 4, 90), "wan_fp8.safetensors": tensors(size * 2, 91),
        "image_encoder/config.json": config, "image_encoder/model.safetensors": tensors(size, 1),
        "image_encoder/pytorch_model.bin": b"PK" + bytes(size), "image_encoder/model.fp16.safetensors": tensors(size // 2, 2),
        "image_encoder/flax_model.msgpack": bytes(size), "image_encoder/model.onnx": bytes(size),
        "image_encoder/tf_model.h5": b"1",
        "image_processor/preprocessor_config.json": b'{"crop_size": 32}',
        "scheduler/scheduler_config.json": b'{"_class_name": "UniPCMultistepScheduler"}',
        "text_encoder/config.json": config,
        **{f"text_encoder/{name}": what for name, what in sharded("model", 2, size, 10).items()},
        "text_encoder/pytorch_model-00001-of-00001.bin": b"PK" + bytes(size), "text_encoder/modeling_own.py": b"import os",
        "text_encoder/pytorch_model.bin.index.json": b"{}",
        "tokenizer/tokenizer_config.json": b"{}", "tokenizer/spiece.model": b"pieces",
        "transformer/config.json": config,
        **{f"transformer/{name}": what for name, what in sharded("diffusion_pytorch_model", 2, size, 20).items()},
        "transformer/diffusion_pytorch_model.fp16.safetensors": tensors(size // 2, 30),
        "vae/config.json": config, "vae/diffusion_pytorch_model.safetensors": tensors(size, 3),
        "vae/diffusion_pytorch_model.fp16.safetensors": tensors(size // 2, 4),
        "vae/diffusion_pytorch_model.bin": b"PK" + bytes(size),
        "safety_checker/config.json": config, "safety_checker/model.safetensors": tensors(size, 5),
    }  # fmt: skip


def card(repo: str = "Wan-AI/Wan-Tiny", id: str = "tiny", companions: tuple[Companion, ...] = (), **more: Any) -> ModelCard:  # noqa: A002
    """A card of the Wan family for a repository; `more` are fields of its checkpoint."""
    facts: dict[str, Any] = {
        "family": "wan", "pipeline": "WanImageToVideoPipeline", "repo": repo, "sizes": Sizes(((832, 480),), 16),
        "lengths": Lengths(4, 1, 5, 33, 9), "steps": Steps(2, 1, 8, 1, 3), "guidance": Guidance(),
        "needs": Needs(1e-5, 1e-5, 1e-5, 1e-5, 0.01, 0.1, 0.1, "made up"), **more,
    }  # fmt: skip
    return ModelCard(
        id=id, title=f"Model {id}", engine="diffusion", where="local", summary="It makes noise.", good_at=(),
        licence="of the card", supports=("prompt",), fps=(16, 16), seconds=(1.0, 33 / 16), speed="at once",
        checkpoint=Checkpoint(companions=companions, **facts),
    )  # fmt: skip
