"""Tiny random-weight checkpoints of the real diffusers classes, built fully offline: stand-ins that only tests show.

Nothing here has learnt anything: what comes out is noise. What is real is every class, every file format and every call.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any


# ----------------------------------------------------------------------------------------------- tokenizers
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


CHATML = (
    "{% for m in messages %}{{'<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


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


def llama_tokenizer():
    from transformers import LlamaTokenizer

    vocab = {"<unk>": 0, "<s>": 1, "</s>": 2, "▁": 3}
    for i in range(256):
        vocab.setdefault(f"<0x{i:02X}>", len(vocab))
    for c in range(33, 127):
        vocab.setdefault(chr(c), len(vocab))
    tok = LlamaTokenizer(vocab=vocab, merges=[], pad_token="</s>", model_max_length=1024)
    return tok, len(tok)


# ----------------------------------------------------------------------------------------------- encoders
def t5_encoder(d=32, umt5=False, vocab=128):
    from transformers import T5Config, T5EncoderModel, UMT5Config, UMT5EncoderModel

    kw = dict(vocab_size=vocab, d_model=d, d_kv=8, d_ff=37, num_layers=2, num_heads=4, dropout_rate=0.0)
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


# ----------------------------------------------------------------------------------------------- pipelines
def _wan_vae(z=16, ti2v=False):
    from diffusers import AutoencoderKLWan

    kw = dict(base_dim=4, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True])
    if ti2v:  # Wan2.2-TI2V-5B VAE: 16x spatial, 48 channels, residual, patch 2
        kw.update(
            z_dim=48,
            in_channels=12,
            out_channels=12,
            is_residual=True,
            patch_size=2,
            latents_mean=[0.0] * 48,
            latents_std=[1.0] * 48,
            scale_factor_spatial=16,
            scale_factor_temporal=4,
        )
    else:
        kw.update(z_dim=z)
    return AutoencoderKLWan(**kw).eval()


def _wan_dit(cin, cout, image_dim=None, pos_embed_seq_len=None):
    from diffusers import WanTransformer3DModel

    return WanTransformer3DModel(
        patch_size=(1, 2, 2),
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=cin,
        out_channels=cout,
        text_dim=32,
        freq_dim=256,
        ffn_dim=32,
        num_layers=2,
        cross_attn_norm=True,
        qk_norm="rms_norm_across_heads",
        rope_max_seq_len=32,
        image_dim=image_dim,
        added_kv_proj_dim=24 if image_dim else None,
        pos_embed_seq_len=pos_embed_seq_len,
    ).eval()


def build_wan21_i2v():
    from diffusers import UniPCMultistepScheduler, WanImageToVideoPipeline

    return WanImageToVideoPipeline(
        tokenizer=t5_tokenizer(),
        text_encoder=t5_encoder(umt5=True),
        vae=_wan_vae(),
        scheduler=UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0),
        image_processor=clip_image_processor(32),
        image_encoder=clip_vision(32, 32, 8, projection=False),
        transformer=_wan_dit(36, 16, image_dim=32),
        transformer_2=None,
    )


def build_wan21_flf2v():  # same class, DiT with pos_embed_seq_len = 2 * clip tokens (first+last image)
    from diffusers import UniPCMultistepScheduler, WanImageToVideoPipeline

    return WanImageToVideoPipeline(
        tokenizer=t5_tokenizer(),
        text_encoder=t5_encoder(umt5=True),
        vae=_wan_vae(),
        scheduler=UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0),
        image_processor=clip_image_processor(32),
        image_encoder=clip_vision(32, 32, 8, projection=False),
        transformer=_wan_dit(36, 16, image_dim=32, pos_embed_seq_len=2 * 17),
    )


def build_wan22_a14b():
    from diffusers import UniPCMultistepScheduler, WanImageToVideoPipeline

    return WanImageToVideoPipeline(
        tokenizer=t5_tokenizer(),
        text_encoder=t5_encoder(umt5=True),
        vae=_wan_vae(),
        scheduler=UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0),
        transformer=_wan_dit(36, 16),
        transformer_2=_wan_dit(36, 16),
        boundary_ratio=0.9,
    )


def build_wan22_ti2v_5b():
    from diffusers import UniPCMultistepScheduler, WanImageToVideoPipeline

    return WanImageToVideoPipeline(
        tokenizer=t5_tokenizer(),
        text_encoder=t5_encoder(umt5=True),
        vae=_wan_vae(ti2v=True),
        scheduler=UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=5.0),
        transformer=_wan_dit(48, 48),
        expand_timesteps=True,
    )


def _ltx_parts(timestep_conditioning):
    from diffusers import AutoencoderKLLTXVideo, FlowMatchEulerDiscreteScheduler, LTXVideoTransformer3DModel

    # real LTX geometry: 32x spatial (patch 4 * 2^3), 8x temporal
    vae = AutoencoderKLLTXVideo(
        in_channels=3,
        out_channels=3,
        latent_channels=8,
        block_out_channels=(8, 8, 8, 8),
        decoder_block_out_channels=(8, 8, 8, 8),
        layers_per_block=(1, 1, 1, 1, 1),
        decoder_layers_per_block=(1, 1, 1, 1, 1),
        spatio_temporal_scaling=(True, True, True, False),
        decoder_spatio_temporal_scaling=(True, True, True, False),
        decoder_inject_noise=(False,) * 5,
        upsample_residual=(False,) * 4,
        upsample_factor=(1,) * 4,
        timestep_conditioning=timestep_conditioning,
        patch_size=4,
        patch_size_t=1,
        encoder_causal=True,
        decoder_causal=False,
    ).eval()
    dit = LTXVideoTransformer3DModel(
        in_channels=8,
        out_channels=8,
        patch_size=1,
        patch_size_t=1,
        num_attention_heads=4,
        attention_head_dim=8,
        cross_attention_dim=32,
        num_layers=2,
        caption_channels=32,
    ).eval()
    return dict(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=vae,
        text_encoder=t5_encoder(),
        tokenizer=t5_tokenizer(128),
        transformer=dit,
    )


def build_ltx_i2v():
    from diffusers import LTXImageToVideoPipeline

    return LTXImageToVideoPipeline(**_ltx_parts(False))


def build_ltx_condition():
    from diffusers import LTXConditionPipeline

    return LTXConditionPipeline(**_ltx_parts(True))


def _ltx2_parts():
    import torch
    from diffusers import (
        AutoencoderKLLTX2Audio,
        AutoencoderKLLTX2Video,
        FlowMatchEulerDiscreteScheduler,
        LTX2VideoTransformer3DModel,
    )
    from diffusers.pipelines.ltx2 import LTX2TextConnectors
    from diffusers.pipelines.ltx2.vocoder import LTX2Vocoder
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration

    tok, n = gemma_tokenizer()
    te_cfg = Gemma3Config(
        text_config=dict(
            vocab_size=n + 8,
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            head_dim=8,
            max_position_embeddings=2048,
            sliding_window=64,
            pad_token_id=0,
            bos_token_id=2,
            eos_token_id=1,
        ),
        vision_config=dict(
            hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=28, patch_size=14
        ),
        mm_tokens_per_image=4,
        image_token_index=n,
        boi_token_index=n + 1,
        eoi_token_index=n + 2,
    )
    torch.manual_seed(0)
    te = Gemma3ForConditionalGeneration(te_cfg).eval()
    h, layers = te.config.text_config.hidden_size, te.config.text_config.num_hidden_layers
    dit = LTX2VideoTransformer3DModel(
        in_channels=4,
        out_channels=4,
        patch_size=1,
        patch_size_t=1,
        num_attention_heads=2,
        attention_head_dim=8,
        cross_attention_dim=16,
        audio_in_channels=4,
        audio_out_channels=4,
        audio_num_attention_heads=2,
        audio_attention_head_dim=4,
        audio_cross_attention_dim=8,
        num_layers=2,
        qk_norm="rms_norm_across_heads",
        caption_channels=h,
        rope_double_precision=False,
        rope_type="split",
    ).eval()
    connectors = LTX2TextConnectors(
        caption_channels=h,
        text_proj_in_factor=layers + 1,
        video_connector_num_attention_heads=2,
        video_connector_attention_head_dim=8,
        video_connector_num_layers=1,
        video_connector_num_learnable_registers=None,
        audio_connector_num_attention_heads=2,
        audio_connector_attention_head_dim=8,
        audio_connector_num_layers=1,
        audio_connector_num_learnable_registers=None,
        connector_rope_base_seq_len=32,
        rope_theta=10000.0,
        rope_double_precision=False,
        causal_temporal_positioning=False,
        rope_type="split",
    ).eval()
    # real geometry: 32x spatial, 8x temporal
    vae = AutoencoderKLLTX2Video(
        in_channels=3,
        out_channels=3,
        latent_channels=4,
        block_out_channels=(8, 8, 8),
        decoder_block_out_channels=(8, 8, 8),
        layers_per_block=(1, 1, 1),
        decoder_layers_per_block=(1, 1, 1, 1),
        spatio_temporal_scaling=(True, True, True),
        decoder_spatio_temporal_scaling=(True, True, True),
        decoder_inject_noise=(False,) * 4,
        downsample_type=("spatiotemporal",) * 3,
        upsample_residual=(False,) * 3,
        upsample_factor=(1,) * 3,
        timestep_conditioning=False,
        patch_size=4,
        patch_size_t=1,
        encoder_causal=True,
        decoder_causal=False,
    ).eval()
    audio_vae = AutoencoderKLLTX2Audio(
        base_channels=4,
        output_channels=2,
        ch_mult=(1,),
        num_res_blocks=1,
        attn_resolutions=None,
        in_channels=2,
        resolution=32,
        latent_channels=2,
        norm_type="pixel",
        causality_axis="height",
        dropout=0.0,
        mid_block_add_attention=False,
        sample_rate=16000,
        mel_hop_length=160,
        is_causal=True,
        mel_bins=8,
    ).eval()
    vocoder = LTX2Vocoder(
        in_channels=audio_vae.config.output_channels * audio_vae.config.mel_bins,
        hidden_channels=32,
        out_channels=2,
        upsample_kernel_sizes=[16, 20],
        upsample_factors=[8, 20],
        resnet_kernel_sizes=[3],
        resnet_dilations=[[1, 3, 5]],
        leaky_relu_negative_slope=0.1,
        output_sampling_rate=16000,
    ).eval()
    return dict(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=vae,
        audio_vae=audio_vae,
        text_encoder=te,
        tokenizer=tok,
        connectors=connectors,
        transformer=dit,
        vocoder=vocoder,
    )


def build_ltx2_i2v():
    from diffusers import LTX2ImageToVideoPipeline

    return LTX2ImageToVideoPipeline(**_ltx2_parts())


def build_ltx2_condition():
    from diffusers import LTX2ConditionPipeline

    return LTX2ConditionPipeline(**_ltx2_parts())


def build_svd():
    from diffusers import (
        AutoencoderKLTemporalDecoder,
        EulerDiscreteScheduler,
        StableVideoDiffusionPipeline,
        UNetSpatioTemporalConditionModel,
    )

    unet = UNetSpatioTemporalConditionModel(
        block_out_channels=(32, 64),
        layers_per_block=1,
        sample_size=32,
        in_channels=8,
        out_channels=4,
        down_block_types=("CrossAttnDownBlockSpatioTemporal", "DownBlockSpatioTemporal"),
        up_block_types=("UpBlockSpatioTemporal", "CrossAttnUpBlockSpatioTemporal"),
        cross_attention_dim=32,
        num_attention_heads=8,
        projection_class_embeddings_input_dim=96,
        addition_time_embed_dim=32,
        num_frames=9,
    ).eval()
    vae = AutoencoderKLTemporalDecoder(
        block_out_channels=[32, 32, 32, 32],
        in_channels=3,
        out_channels=3,
        down_block_types=["DownEncoderBlock2D"] * 4,
        latent_channels=4,
        layers_per_block=1,
    ).eval()
    sch = EulerDiscreteScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        interpolation_type="linear",
        num_train_timesteps=1000,
        prediction_type="v_prediction",
        sigma_max=700.0,
        sigma_min=0.002,
        steps_offset=1,
        timestep_spacing="leading",
        timestep_type="continuous",
        use_karras_sigmas=True,
    )
    # PIL input is always resized to 224x224 inside _encode_image -> the CLIP tower MUST be 224 px
    return StableVideoDiffusionPipeline(
        vae=vae, image_encoder=clip_vision(32, 224, 32), unet=unet, scheduler=sch, feature_extractor=clip_image_processor(224)
    )


def build_i2vgen_xl():
    from diffusers import AutoencoderKL, DDIMScheduler, I2VGenXLPipeline, I2VGenXLUNet
    from transformers import CLIPTextConfig, CLIPTextModel

    tok, n = clip_tokenizer()
    te = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=n,
            hidden_size=32,
            intermediate_size=37,
            num_hidden_layers=2,
            num_attention_heads=4,
            projection_dim=32,
            eos_token_id=n - 1,
            bos_token_id=n - 2,
            pad_token_id=n - 1,
        )
    ).eval()
    unet = I2VGenXLUNet(
        block_out_channels=(32, 64),
        layers_per_block=1,
        sample_size=32,
        in_channels=4,
        out_channels=4,
        down_block_types=("CrossAttnDownBlock3D", "DownBlock3D"),
        up_block_types=("UpBlock3D", "CrossAttnUpBlock3D"),
        cross_attention_dim=32,
        attention_head_dim=4,
        num_attention_heads=None,
        norm_num_groups=2,
    ).eval()
    vae = AutoencoderKL(
        block_out_channels=(8, 8, 8, 8),
        in_channels=3,
        out_channels=3,
        down_block_types=["DownEncoderBlock2D"] * 4,
        up_block_types=["UpDecoderBlock2D"] * 4,
        latent_channels=4,
        sample_size=64,
        norm_num_groups=2,
    ).eval()
    sch = DDIMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="linear", clip_sample=False, set_alpha_to_one=False)
    return I2VGenXLPipeline(
        vae=vae,
        text_encoder=te,
        tokenizer=tok,
        image_encoder=clip_vision(32, 32, 8),
        feature_extractor=clip_image_processor(32),
        unet=unet,
        scheduler=sch,
    )


def build_hunyuan15_i2v():
    from diffusers import (
        AutoencoderKLHunyuanVideo15,
        FlowMatchEulerDiscreteScheduler,
        HunyuanVideo15ImageToVideoPipeline,
        HunyuanVideo15Transformer3DModel,
    )
    from diffusers.guiders import ClassifierFreeGuidance
    from transformers import ByT5Tokenizer, Qwen2_5_VLTextConfig, Qwen2_5_VLTextModel

    tok, n = qwen_tokenizer()
    te = Qwen2_5_VLTextModel(
        Qwen2_5_VLTextConfig(
            vocab_size=n,
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=3,
            num_attention_heads=2,
            num_key_value_heads=2,
            rope_parameters={"mrope_section": [1, 1, 2], "rope_type": "default", "rope_theta": 1000000.0},
            pad_token_id=tok.pad_token_id,
            bos_token_id=None,
            eos_token_id=tok.eos_token_id,
        )
    ).eval()
    img_enc, feat = siglip(12)
    dit = HunyuanVideo15Transformer3DModel(
        in_channels=9,
        out_channels=4,
        num_attention_heads=2,
        attention_head_dim=8,
        num_layers=2,
        num_refiner_layers=1,
        mlp_ratio=2.0,
        patch_size=1,
        patch_size_t=1,
        text_embed_dim=16,
        text_embed_2_dim=32,
        image_embed_dim=12,
        rope_axes_dim=(2, 2, 4),
        target_size=64,
        task_type="i2v",
    ).eval()
    vae = AutoencoderKLHunyuanVideo15(
        in_channels=3,
        out_channels=3,
        latent_channels=4,
        block_out_channels=(16, 16, 16, 16),
        layers_per_block=1,
        spatial_compression_ratio=8,
        temporal_compression_ratio=4,
        downsample_match_channel=False,
        upsample_match_channel=False,
    ).eval()
    return HunyuanVideo15ImageToVideoPipeline(
        text_encoder=te,
        tokenizer=tok,
        transformer=dit,
        vae=vae,
        scheduler=FlowMatchEulerDiscreteScheduler(shift=7.0),
        text_encoder_2=t5_encoder(32, vocab=384),
        tokenizer_2=ByT5Tokenizer(),
        guider=ClassifierFreeGuidance(guidance_scale=6.0),
        image_encoder=img_enc,
        feature_extractor=feat,
    )


def build_cogvideox_i2v():
    from diffusers import (
        AutoencoderKLCogVideoX,
        CogVideoXDPMScheduler,
        CogVideoXImageToVideoPipeline,
        CogVideoXTransformer3DModel,
    )

    dit = CogVideoXTransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=16,
        in_channels=8,
        out_channels=4,
        time_embed_dim=2,
        text_embed_dim=32,
        num_layers=2,
        sample_width=8,
        sample_height=8,
        sample_frames=9,
        patch_size=2,
        temporal_compression_ratio=4,
        max_text_seq_length=226,
        use_rotary_positional_embeddings=True,
        use_learned_positional_embeddings=True,
    ).eval()
    vae = AutoencoderKLCogVideoX(
        in_channels=3,
        out_channels=3,
        down_block_types=("CogVideoXDownBlock3D",) * 4,
        up_block_types=("CogVideoXUpBlock3D",) * 4,
        block_out_channels=(8, 8, 8, 8),
        latent_channels=4,
        layers_per_block=1,
        norm_num_groups=2,
        temporal_compression_ratio=4,
    ).eval()
    return CogVideoXImageToVideoPipeline(
        tokenizer=t5_tokenizer(226),
        text_encoder=t5_encoder(),
        vae=vae,
        transformer=dit,
        scheduler=CogVideoXDPMScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            prediction_type="v_prediction",
            rescale_betas_zero_snr=True,
            timestep_spacing="trailing",
        ),
    )


def _hunyuan_vae():
    from diffusers import AutoencoderKLHunyuanVideo

    return AutoencoderKLHunyuanVideo(
        in_channels=3,
        out_channels=3,
        latent_channels=4,
        down_block_types=("HunyuanVideoDownBlock3D",) * 4,
        up_block_types=("HunyuanVideoUpBlock3D",) * 4,
        block_out_channels=(8, 8, 8, 8),
        layers_per_block=1,
        act_fn="silu",
        norm_num_groups=4,
        scaling_factor=0.476986,
        spatial_compression_ratio=8,
        temporal_compression_ratio=4,
        mid_block_add_attention=True,
    ).eval()


def build_framepack():
    from diffusers import (
        FlowMatchEulerDiscreteScheduler,
        HunyuanVideoFramepackPipeline,
        HunyuanVideoFramepackTransformer3DModel,
    )
    from transformers import CLIPTextConfig, CLIPTextModel, LlamaConfig, LlamaModel

    tok, n = llama_tokenizer()
    te = LlamaModel(
        LlamaConfig(
            vocab_size=n,
            hidden_size=16,
            intermediate_size=37,
            num_hidden_layers=3,
            num_attention_heads=4,
            pad_token_id=2,
            bos_token_id=1,
            eos_token_id=2,
        )
    ).eval()
    ctok, cn = clip_tokenizer()
    cte = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=cn,
            hidden_size=8,
            intermediate_size=37,
            num_hidden_layers=2,
            num_attention_heads=4,
            projection_dim=32,
            eos_token_id=cn - 1,
            bos_token_id=cn - 2,
            pad_token_id=cn - 1,
        )
    ).eval()
    img_enc, feat = siglip(8, 28, 14)
    dit = HunyuanVideoFramepackTransformer3DModel(
        in_channels=4,
        out_channels=4,
        num_attention_heads=2,
        attention_head_dim=10,
        num_layers=1,
        num_single_layers=1,
        num_refiner_layers=1,
        patch_size=2,
        patch_size_t=1,
        guidance_embeds=True,
        text_embed_dim=16,
        pooled_projection_dim=8,
        rope_axes_dim=(2, 4, 4),
        image_condition_type=None,
        has_image_proj=True,
        image_proj_dim=8,
        has_clean_x_embedder=True,
    ).eval()
    return HunyuanVideoFramepackPipeline(
        text_encoder=te,
        tokenizer=tok,
        transformer=dit,
        vae=_hunyuan_vae(),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=7.0),
        text_encoder_2=cte,
        tokenizer_2=ctok,
        image_encoder=img_enc,
        feature_extractor=feat,
    )


def build_skyreels_v2():
    from diffusers import SkyReelsV2ImageToVideoPipeline, SkyReelsV2Transformer3DModel, UniPCMultistepScheduler

    dit = SkyReelsV2Transformer3DModel(
        patch_size=(1, 2, 2),
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=36,
        out_channels=16,
        text_dim=32,
        freq_dim=256,
        ffn_dim=32,
        num_layers=2,
        cross_attn_norm=True,
        qk_norm="rms_norm_across_heads",
        rope_max_seq_len=32,
        image_dim=32,
        added_kv_proj_dim=24,
    ).eval()
    return SkyReelsV2ImageToVideoPipeline(
        tokenizer=t5_tokenizer(),
        text_encoder=t5_encoder(umt5=True),
        image_encoder=clip_vision(32, 32, 8),
        image_processor=clip_image_processor(32),
        transformer=dit,
        vae=_wan_vae(),
        scheduler=UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=5.0),
    )


def build_helios():
    from diffusers import HeliosPipeline, HeliosScheduler, HeliosTransformer3DModel

    dit = HeliosTransformer3DModel(
        patch_size=(1, 2, 2),
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=16,
        out_channels=16,
        text_dim=32,
        freq_dim=256,
        ffn_dim=32,
        num_layers=2,
        cross_attn_norm=True,
        qk_norm="rms_norm_across_heads",
        rope_dim=(4, 4, 4),
        has_multi_term_memory_patch=True,
        guidance_cross_attn=True,
        zero_history_timestep=True,
        is_amplify_history=False,
    ).eval()
    return HeliosPipeline(
        tokenizer=t5_tokenizer(),
        text_encoder=t5_encoder(umt5=True),
        vae=_wan_vae(),
        scheduler=HeliosScheduler(stage_range=[0, 1], stages=1, use_dynamic_shifting=True),
        transformer=dit,
    )


BUILDERS: dict[str, Callable[[], Any]] = {
    "wan21_i2v": build_wan21_i2v, "wan21_flf2v": build_wan21_flf2v, "wan22_a14b": build_wan22_a14b,
    "wan22_ti2v_5b": build_wan22_ti2v_5b, "ltx_i2v": build_ltx_i2v, "ltx_condition": build_ltx_condition,
    "ltx2_i2v": build_ltx2_i2v, "ltx2_condition": build_ltx2_condition, "svd": build_svd, "i2vgen_xl": build_i2vgen_xl,
    "hunyuan15_i2v": build_hunyuan15_i2v, "cogvideox_i2v": build_cogvideox_i2v, "framepack": build_framepack,
    "skyreels_v2": build_skyreels_v2, "helios": build_helios,
}  # fmt: skip


def build(name: str, folder: Path) -> Path:
    """Build one of `BUILDERS`, the same weights every time, and save it in `folder`/`name` as a checkpoint is published."""
    import torch

    torch.manual_seed(0)
    place = folder / name
    BUILDERS[name]().save_pretrained(place, safe_serialization=True)
    return place
