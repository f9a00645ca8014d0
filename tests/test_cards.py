"""Model cards: all that ship are sound, what is impossible is refused, and the user's own are checked the same way."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
import pytest

from studio import presets
from studio.cards import ITEM_SIZES, ModelCard
from studio.config import PRESETS
from studio.nouns import Refusal
from tests.rows import each_row

DIFFUSION = [card for card in presets.cards() if card.checkpoint]
MODELS = PRESETS / "models"

WANTED = {
    "Wan-AI/Wan2.1-I2V-14B-480P-Diffusers", "Wan-AI/Wan2.1-I2V-14B-720P-Diffusers", "Wan-AI/Wan2.1-FLF2V-14B-720P-diffusers",
    "Wan-AI/Wan2.2-I2V-A14B-Diffusers", "Wan-AI/Wan2.2-TI2V-5B-Diffusers", "Lightricks/LTX-Video-0.9.8-13B-distilled",
    "Lightricks/LTX-2", "diffusers/LTX-2.3-Distilled-Diffusers",
    "hunyuanvideo-community/HunyuanVideo-1.5-Diffusers-480p_i2v_step_distilled", "hunyuanvideo-community/HunyuanVideo",
    "stabilityai/stable-video-diffusion-img2vid-xt", "ali-vilab/i2vgen-xl", "zai-org/CogVideoX1.5-5B-I2V",
    "Skywork/SkyReels-V2-I2V-1.3B-540P-Diffusers", "kandinskylab/Kandinsky-5.0-I2V-Lite-5s-Diffusers",
    "Efficient-Large-Model/SANA-Video_2B_480p_diffusers", "BestWishYsh/Helios-Distilled",
}  # fmt: skip


def changed(card: ModelCard, **changes: Any) -> bytes:
    """A card as TOML with one value changed, `table__key` for a value inside a table of its checkpoint."""
    plain = {name: value for name, value in msgspec.to_builtins(card).items() if value is not None}
    for name, value in changes.items():
        place = plain
        *tables, key = name.split("__")
        for table in tables:
            place = place[table]
        if value is None:
            del place[key]
        else:
            place[key] = value
    return msgspec.toml.encode(plain)


def test_the_built_in_card_comes_first() -> None:
    assert presets.cards()[0].id == "parallax"


def test_every_checkpoint_of_the_list_has_a_card() -> None:
    assert {card.checkpoint.repo for card in DIFFUSION if card.checkpoint} >= WANTED


def test_the_fast_wan_has_its_pair_of_loras() -> None:
    fast = presets.card("wan22-i2v-a14b-fast").checkpoint
    assert fast is not None
    assert [(one.kind, one.target) for one in fast.companions] == [("lora", "transformer"), ("lora", "transformer_2")]
    assert (fast.steps.default, fast.guidance.default) == (4, 1.0)


@each_row("card", DIFFUSION)
def test_a_card_says_where_its_figures_come_from(card: ModelCard) -> None:
    checkpoint = card.checkpoint
    assert checkpoint is not None
    assert checkpoint.needs.source
    assert card.licence_limits, "the licence's limits in words"
    assert all(one.source for one in checkpoint.published)
    assert checkpoint.needs.largest <= checkpoint.needs.weights
    assert checkpoint.needs.ram >= checkpoint.needs.largest


@each_row("card", DIFFUSION)
def test_a_card_s_class_is_in_diffusers_and_its_family_here(card: ModelCard) -> None:
    import diffusers

    checkpoint = card.checkpoint
    assert checkpoint is not None
    assert hasattr(diffusers, checkpoint.pipeline)
    assert import_module(f"studio.engines.diffusion.families.{checkpoint.family}")


@each_row("card", DIFFUSION)
def test_what_a_card_needs_in_memory_follows_from_its_files(card: ModelCard) -> None:
    checkpoint = card.checkpoint
    assert checkpoint is not None and checkpoint.stored is not None
    held = {
        name: part.gb * ITEM_SIZES[checkpoint.choose_dtype(name)] / ITEM_SIZES[part.dtype]
        for name, part in checkpoint.stored.parts.items() if name != "lora"
    }  # fmt: skip
    needs = checkpoint.needs
    for names, said in ((checkpoint.denoisers, needs.denoiser), (checkpoint.encoders, needs.encoder)):
        assert sum(held.pop(name, 0.0) for name in names) == pytest.approx(said, rel=0.04), names
    assert sum(held.values()) == pytest.approx(needs.other, rel=0.05, abs=0.1)
    assert checkpoint.disk_converted <= checkpoint.disk
    assert checkpoint.stored.derived == checkpoint.stored.source.startswith("derived")


def test_cards_weigh_on_the_disk_what_the_published_file_lists_say() -> None:
    lists = msgspec.toml.decode((Path(__file__).parent / "published_files.toml").read_bytes())
    for repo, files in lists.items():
        for checkpoint in [card.checkpoint for card in DIFFUSION if card.checkpoint and card.checkpoint.repo == repo]:
            assert checkpoint.stored is not None
            parts = {name: part.gb for name, part in checkpoint.stored.parts.items() if name != "lora"}
            for name, count in files.items():
                if name != "commit":
                    found = sum(parts.values()) if name == "all" else parts[name]
                    assert found == pytest.approx(count / 1e9, rel=0.005), f"{repo} {name}"


WAN = presets.card("wan22-ti2v-5b")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"colour": "red"}, "unknown field `colour`"),
        ({"checkpoint__vram": 3}, "unknown field `vram`"),
        ({"licence": None}, "missing required field `licence`"),
        ({"licence": ""}, "length >= 1"),
        ({"checkpoint__sizes__native": [[1280, 720]]}, "1280 x 720 is impossible"),
        ({"checkpoint__sizes__native": [[2560, 1408]]}, "2560 x 1408 is impossible"),
        ({"checkpoint__sizes__rule": "bucket"}, "bucket"),
        ({"checkpoint__lengths__default": 120}, "120 frames are impossible"),
        ({"checkpoint__steps__draft": 2}, "between 10 and 60"),
        ({"checkpoint__guidance__default": 12.0}, "guidance 12"),
        ({"seconds": [1.0, 30.0]}, "`seconds` has to be"),
        ({"checkpoint__needs__source": ""}, "length >= 1"),
        ({"checkpoint__stored__parts": {"unet": {"gb": 1.0, "dtype": "float32"}}}, "`stored` names unet"),
        ({"supports": ["prompt", "smell"]}, "smell"),
        ({"engine": "parallax"}, "[checkpoint] goes with"),
    ],
    ids=str,
)
def test_an_impossible_card_is_refused_and_says_why(changes: dict[str, Any], says: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_bytes(changed(WAN, **changes))
    with pytest.raises(Refusal) as refused:
        presets.load(file, ModelCard)
    assert says in refused.value.reason
    assert "mine.toml" in refused.value.reason


def test_a_card_of_the_user_s_appears_and_a_broken_one_is_told(tmp_path: Path) -> None:
    (tmp_path / "good.toml").write_bytes(changed(WAN, id="my-wan", checkpoint__repo="/models/wan"))
    (tmp_path / "twin.toml").write_bytes(changed(WAN, title="Twin"))
    (tmp_path / "wrong.toml").write_bytes(changed(WAN, id="other", fps=[24]))
    (tmp_path / "torn.toml").write_text("id = [")
    (tmp_path / "notes.txt").write_text("not a card")
    cards, problems = presets.own_cards((tmp_path, tmp_path / "not-there"))
    assert [card.id for card in cards] == ["my-wan"]
    assert [problem.file.name for problem in problems] == ["torn.toml", "twin.toml", "wrong.toml"]
    assert "already" in problems[1].reason
