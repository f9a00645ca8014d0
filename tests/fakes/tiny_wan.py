"""Tiny checkpoints of Wan and of what shares its VAE: SkyReels-V2 and Helios."""

from __future__ import annotations

from tests.fakes.tiny_encoders import clip_image_processor, clip_vision, t5_encoder, t5_tokenizer

SHAPE = {
    "patch_size": (1, 2, 2),
    "num_attention_heads": 2,
    "attention_head_dim": 12,
    "text_dim": 32,
    "freq_dim": 256,
    "ffn_dim": 32,
    "num_layers": 2,
    "cross_attn_norm": True,
    "qk_norm": "rms_norm_across_heads",
}
"""What the denoisers here have in common."""


def wan_vae(z=16, ti2v=False):
    from diffusers import AutoencoderKLWan

    kw = {"base_dim": 2, "dim_mult": [1, 1, 1, 1], "num_res_blocks": 1, "temperal_downsample": [False, True, True]}
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
        **SHAPE,
        in_channels=cin,
        out_channels=cout,
        rope_max_seq_len=32,
        image_dim=image_dim,
        added_kv_proj_dim=24 if image_dim else None,
        pos_embed_seq_len=pos_embed_seq_len,
    ).eval()


def _wan_parts(shift=3.0, ti2v=False):
    """What every Wan is made of beside its denoisers: what reads the words, the VAE and the scheduler."""
    from diffusers import UniPCMultistepScheduler

    return {
        "tokenizer": t5_tokenizer(),
        "text_encoder": t5_encoder(umt5=True),
        "vae": wan_vae(ti2v=ti2v),
        "scheduler": UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=shift),
    }


def _clip_parts():
    """What reads the photo for Wan 2.1."""
    return {"image_processor": clip_image_processor(32), "image_encoder": clip_vision(32, 32, 8, projection=False)}


def wan21_i2v():
    from diffusers import WanImageToVideoPipeline

    return WanImageToVideoPipeline(
        **_wan_parts(), **_clip_parts(), transformer=_wan_dit(36, 16, image_dim=32), transformer_2=None
    )


def wan21_flf2v():  # same class, DiT with pos_embed_seq_len = 2 * clip tokens (first+last image)
    from diffusers import WanImageToVideoPipeline

    denoiser = {"image_dim": 32, "pos_embed_seq_len": 2 * 17}
    return WanImageToVideoPipeline(**_wan_parts(), **_clip_parts(), transformer=_wan_dit(36, 16, **denoiser))


def wan22_a14b():
    from diffusers import WanImageToVideoPipeline

    return WanImageToVideoPipeline(
        **_wan_parts(), transformer=_wan_dit(36, 16), transformer_2=_wan_dit(36, 16), boundary_ratio=0.9
    )


def wan22_ti2v_5b():
    from diffusers import WanImageToVideoPipeline

    return WanImageToVideoPipeline(**_wan_parts(5.0, ti2v=True), transformer=_wan_dit(48, 48), expand_timesteps=True)


def skyreels_v2():
    from diffusers import SkyReelsV2ImageToVideoPipeline, SkyReelsV2Transformer3DModel, UniPCMultistepScheduler

    dit = SkyReelsV2Transformer3DModel(
        **SHAPE,
        in_channels=36,
        out_channels=16,
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
        vae=wan_vae(),
        scheduler=UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=5.0),
    )


def helios():
    from diffusers import HeliosPipeline, HeliosScheduler, HeliosTransformer3DModel

    dit = HeliosTransformer3DModel(
        **SHAPE,
        in_channels=16,
        out_channels=16,
        rope_dim=(4, 4, 4),
        has_multi_term_memory_patch=True,
        guidance_cross_attn=True,
        zero_history_timestep=True,
        is_amplify_history=False,
    ).eval()
    return HeliosPipeline(
        tokenizer=t5_tokenizer(),
        text_encoder=t5_encoder(umt5=True),
        vae=wan_vae(),
        scheduler=HeliosScheduler(stage_range=[0, 1], stages=1, use_dynamic_shifting=True),
        transformer=dit,
    )


def helios_pyramid():
    """Helios as it is distilled: three stages, each twice as large as the one before."""
    from diffusers import HeliosDMDScheduler, HeliosPyramidPipeline

    plain = helios()
    parts = {**plain.components, "scheduler": HeliosDMDScheduler(use_dynamic_shifting=True)}
    return HeliosPyramidPipeline(**parts, is_distilled=True)
