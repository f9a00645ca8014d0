"""Whether imaginary cards fit imaginary machines, and how: the arithmetic, its reasons, and the user's wishes before it."""

from __future__ import annotations

import pytest

from studio import presets
from studio.cards import Checkpoint, Companion, Guidance, Lengths, ModelCard, Needs, Plan, Sizes, Steps
from studio.engines.diffusion.memory import placement as fitting
from studio.engines.diffusion.memory.machine import Machine, read_container_limit
from studio.engines.diffusion.memory.placement import (
    GB,
    ORDER,
    estimate_phases,
    estimate_ram,
    estimate_stepping,
    estimate_vram,
    fit,
    lower,
)
from studio.nouns import replace
from studio.preferences import Preferences

WAN14 = Needs(denoiser=57.2, encoder=11.4, other=0.5, largest=28.6, activation=10.0, vram=12.0, ram=64.0, source="made up")
WAN5 = Needs(denoiser=10.0, encoder=11.4, other=2.8, largest=11.4, activation=8.0, vram=12.0, ram=32.0, source="made up")
PACK = Needs(denoiser=25.8, encoder=15.3, other=1.4, largest=25.8, activation=3.0, vram=6.0, ram=48.0, source="made up")
SMALL = Needs(denoiser=3.0, encoder=1.3, other=0.2, largest=3.0, activation=3.5, vram=6.0, ram=8.0, source="made up")
TINY = Needs(denoiser=0.2, encoder=0.1, other=0.1, largest=0.2, activation=0.1, vram=0.5, ram=1.0, source="made up")


def card(needs: Needs, denoisers: tuple[str, ...] = ("transformer",), gguf: bool = False) -> ModelCard:
    companions = (Companion("gguf", "somebody/gguf", target="transformer", file="model-Q5_K_M.gguf"),) if gguf else ()
    checkpoint = Checkpoint(
        family="wan", pipeline="WanImageToVideoPipeline", repo="somebody/model", sizes=Sizes(((832, 480),), 16),
        lengths=Lengths(4, 1, 5, 81, 81), steps=Steps(40, 1, 60, 20, 50), needs=needs, guidance=Guidance(),
        denoisers=denoisers, companions=companions,
    )  # fmt: skip
    return ModelCard(
        "made-up", "Made up", "diffusion", "local", "Nothing.", (), "Apache-2.0", ("prompt",), (16, 16), (1.0, 5.0625), "none",
        checkpoint=checkpoint,
    )  # fmt: skip


def machine(vram: float, ram: float, capability: tuple[int, int] = (8, 9)) -> Machine:
    if not vram:
        return Machine("cpu", "a processor", 0, round(ram * GB), note="no NVIDIA GPU was found")
    return Machine("cuda:0", f"Imaginary {vram:g} GB", round(vram * GB), round(ram * GB), capability)


def nothing(package: str) -> bool:
    return False


def everything(package: str) -> bool:
    return True


TABLE = [
    (WAN14, 80, 128, "managed", "published", "yes"),
    (WAN14, 48, 128, "managed", "published", "yes"),
    (WAN14, 24, 128, "grouped", "published", "slowly"),
    (WAN14, 16, 128, "grouped", "published", "slowly"),
    (WAN14, 12, 128, "grouped", "published", "slowly"),
    (WAN14, 8, 128, None, None, "no"),
    (WAN14, 24, 64, "grouped", "fp8", "slowly"),
    (WAN14, 48, 64, "managed", "fp8", "yes"),
    (WAN14, 80, 32, None, None, "no"),
    (WAN5, 80, 64, "resident", "published", "yes"),
    (WAN5, 48, 64, "resident", "published", "yes"),
    (WAN5, 24, 64, "managed", "published", "yes"),
    (WAN5, 16, 64, "grouped", "published", "slowly"),
    (WAN5, 12, 64, "grouped", "published", "slowly"),
    (WAN5, 8, 64, None, None, "no"),
    (PACK, 8, 64, "grouped", "published", "slowly"),
    (PACK, 48, 64, "resident", "published", "yes"),
    (PACK, 24, 30, None, None, "no"),
    (PACK, 16, 42, "grouped", "fp8", "slowly"),
    (PACK, 24, 42, "managed", "fp8", "yes"),
    (SMALL, 8, 16, "managed", "published", "yes"),
    (SMALL, 12, 16, "resident", "published", "yes"),
    (SMALL, 0, 64, None, None, "no"),
    (TINY, 0, 16, "resident", "published", "slowly"),
]


@pytest.mark.parametrize(("needs", "vram", "ram", "placement", "weights", "fits"), TABLE)
def test_the_table(needs: Needs, vram: int, ram: int, placement: str | None, weights: str | None, fits: str) -> None:
    denoisers = ("transformer", "transformer_2") if needs is WAN14 else ("transformer",)
    found = fit(card(needs, denoisers), machine(vram, ram), Preferences(), nothing)
    assert found.fits == fits, found
    assert found.reason
    if fits == "no":
        assert found.remedy and ("Parallax" in found.remedy)
        return
    assert (found.placement, found.weights) == (placement, weights), found
    assert {choice.what for choice in found.choices} >= {"placement", "weights"}
    assert all(choice.reason for choice in found.choices)


@pytest.mark.parametrize("needs", [WAN14, WAN5, PACK, SMALL, TINY])
def test_what_is_chosen_never_exceeds_the_machine(needs: Needs) -> None:
    one = card(needs)
    checkpoint = one.checkpoint
    assert checkpoint is not None
    for vram in range(4, 100, 4):
        for ram in (8, 16, 32, 64, 128):
            found = fit(one, machine(vram, ram), Preferences(), everything)
            if found.fits != "no":
                most = vram - fitting.VIDEO_RESERVE
                assert estimate_vram(checkpoint, found.placement, found.weights, most=most) <= most
                assert estimate_ram(checkpoint, found.weights) <= ram - fitting.SYSTEM_RESERVE


def test_a_clip_s_volume_is_of_the_cards_own_size_and_length() -> None:
    one = card(WAN5)
    assert one.checkpoint is not None
    assert fitting.find_volume(one, None) == fitting.find_volume(one, Plan((0, 0, 832, 480), 832, 480, 81, 16)) == 1
    assert fitting.find_volume(one, Plan((0, 0, 1664, 960), 1664, 960, 81, 16)) == 4
    assert fitting.find_volume(one, Plan((0, 0, 832, 480), 832, 480, 27, 16)) == pytest.approx(1 / 3)
    (width, height), long = presets.card("framepack").checkpoint.sizes.native[0], 1801
    plan = Plan((0, 0, 2 * width, height), 2 * width, height, long, 30)
    assert fitting.find_volume(presets.card("framepack"), plan) == 2, "sections are made one after the other"


SIZED = [
    (1.0, 48, "resident"),
    (0.2, 48, "resident"),
    (2.5, 48, "resident"),
    (4.0, 48, "managed"),
    (9.0, 48, "grouped"),
    (1.5, 24, "managed"),
    (2.0, 24, "grouped"),
]


@pytest.mark.parametrize(("volume", "vram", "placement"), SIZED)
def test_a_larger_clip_is_given_room_for_its_run(volume: float, vram: int, placement: str) -> None:
    found = fit(card(WAN5), machine(vram, 64), Preferences(), nothing, volume)
    assert (found.placement, found.weights) == (placement, "published")
    usual = fit(card(WAN5), machine(vram, 64), Preferences(), nothing)
    (why,) = [one for one in found.choices if one.what == "placement"]
    assert why.value == placement and ("for this size" in why.reason) == (found.placement != usual.placement)
    assert (found.fits == "slowly") == (placement == "grouped") and why.reason in found.reason
    assert len(found.choices) == len(usual.choices)


def test_a_larger_clip_changes_nothing_that_was_set_in_settings() -> None:
    wish = Preferences(placement={"made-up": "resident"})
    assert fit(card(WAN5), machine(48, 64), wish, nothing, 9.0) == fit(card(WAN5), machine(48, 64), wish, nothing)


def test_a_bigger_gpu_is_never_worse() -> None:
    rank = {"no": 0, "slowly": 1, "yes": 2}
    for needs in (WAN14, WAN5, PACK, SMALL):
        verdicts = [rank[fit(card(needs), machine(vram, 256), Preferences(), nothing).fits] for vram in range(2, 120, 2)]
        assert verdicts == sorted(verdicts)


def test_without_a_gpu_the_reason_and_the_way_out_are_plain() -> None:
    found = fit(card(WAN5), machine(0, 64), Preferences())
    assert "GPU" in found.reason and "no NVIDIA GPU" in found.reason and "12 GB" in found.reason
    assert "Parallax" in found.remedy
    wished = Preferences(placement={"made-up": "grouped"}, weights={"made-up": "fp8"})
    assert fit(card(WAN5), machine(0, 64), wished).fits == "no"


def test_wishes_go_before_the_order() -> None:
    big = machine(80, 128)
    for placement in ("resident", "managed", "grouped"):
        found = fit(card(WAN5), big, Preferences(placement={"made-up": placement}), nothing)
        assert found.placement == placement and found.weights == "published"
        assert "Settings" in next(choice.reason for choice in found.choices if choice.what == "placement")
    found = fit(card(WAN5), big, Preferences(weights={"made-up": "fp8"}), nothing)
    assert (found.placement, found.weights) == ("resident", "fp8")
    other = fit(card(WAN5), big, Preferences(weights={"another-card": "fp8"}), nothing)
    assert other.weights == "published"


def test_a_wish_beyond_the_estimate_is_granted_with_a_warning() -> None:
    found = fit(card(WAN5), machine(12, 64), Preferences(placement={"made-up": "resident"}), nothing)
    assert found.fits == "slowly" and found.placement == "resident"
    assert "GB" in found.reason and "automatic" in found.remedy


def test_weights_that_need_a_package_name_it() -> None:
    for weights, package in (("int8", "torchao"), ("gguf", "gguf")):
        wish = Preferences(weights={"made-up": weights})
        found = fit(card(WAN5, gguf=True), machine(24, 64), wish, nothing)
        assert found.fits == "no" and f"pip install {package}" in found.remedy
        assert fit(card(WAN5, gguf=True), machine(24, 64), wish, everything).weights == weights
    unnamed = fit(card(WAN5), machine(24, 64), Preferences(weights={"made-up": "gguf"}), everything)
    assert unnamed.fits == "no" and "GGUF" in unnamed.reason


def test_a_gguf_file_is_proposed_and_never_taken_unasked() -> None:
    """It would have to be downloaded first, which only the user asks for."""
    found = fit(card(PACK, gguf=True), machine(24, 31), Preferences(), everything)
    assert found.fits == "no" and "GGUF" in found.remedy


def test_lower_goes_down_the_order_and_ends() -> None:
    here = machine(80, 128)
    now, seen = fit(card(PACK), here, Preferences(), nothing), []
    assert now.placement == "resident"
    while (less := lower(card(PACK), here, now, nothing)) is not None:
        checkpoint = card(PACK).checkpoint
        assert checkpoint is not None
        before = estimate_stepping(checkpoint, now.placement, now.weights)
        assert estimate_stepping(checkpoint, less.placement, less.weights) < before
        seen.append((less.placement, less.weights))
        now = less
    assert seen[:2] == [("managed", "published"), ("grouped", "published")] and ("grouped", "fp8") in seen
    assert [ORDER.index(way) for way in seen] == sorted(ORDER.index(way) for way in seen)
    wished = fit(card(PACK), here, Preferences(weights={"made-up": "fp8"}), nothing)
    less = lower(card(PACK), here, wished, nothing)
    assert wished.placement == "resident" and less is not None and (less.placement, less.weights) == ("managed", "fp8")
    assert lower(card(TINY), machine(0, 16), fit(card(TINY), machine(0, 16), Preferences())) is None


def test_an_old_gpu_is_told_to_be_slow_at_bfloat16() -> None:
    assert any(choice.what == "dtype" for choice in fit(card(SMALL), machine(24, 64, (7, 5)), Preferences()).choices)
    assert not any(choice.what == "dtype" for choice in fit(card(SMALL), machine(24, 64, (8, 0)), Preferences()).choices)


def test_a_built_in_card_fits() -> None:
    built_in = next(one for one in presets.cards() if one.checkpoint is None)
    assert fit(built_in, machine(0, 1), Preferences()).fits == "yes"


def test_a_containers_limit_is_read(tmp_path) -> None:
    assert read_container_limit(tmp_path) == (0, 0)
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("3000\n")
    (tmp_path / "memory.stat").write_text("anon 1000\ninactive_file 1200\n")
    assert read_container_limit(tmp_path) == (0, 0)
    (tmp_path / "memory.max").write_text("8000\n")
    assert read_container_limit(tmp_path) == (8000, 1800)


SHIPPED = {
    "wan22-ti2v-5b": "no grouped grouped managed managed resident",
    "wan22-i2v-a14b-fast": "no no grouped grouped grouped managed",
    "wan22-i2v-a14b": "no no grouped grouped grouped managed",
    "wan21-i2v-480p": "no no grouped grouped grouped managed",
    "wan21-i2v-720p": "no no no no grouped grouped",
    "wan21-flf2v": "no no no no grouped grouped",
    "ltx-098-13b-distilled": "no grouped grouped grouped grouped resident",
    "ltx-23-distilled": "no no grouped grouped grouped grouped",
    "ltx-2": "no no grouped grouped grouped grouped",
    "hunyuan15-480p-fast": "no no grouped grouped managed resident",
    "framepack": "grouped grouped grouped grouped managed managed",
    "framepack-f1": "grouped grouped grouped grouped managed managed",
    "svd-xt": "grouped resident resident resident resident resident",
    "i2vgen-xl": "no managed resident resident resident resident",
    "cogvideox15-5b": "no grouped grouped managed resident resident",
    "skyreels-v2-13b": "no no managed managed resident resident",
    "kandinsky5": "no grouped managed managed resident resident",
    "sana-video": "grouped managed managed resident resident resident",
    "helios-distilled": "grouped grouped grouped grouped grouped resident",
}
"""How each card is placed on GPUs of `SIZES` GB, beside 128 GB of memory."""

SIZES = (8, 12, 16, 24, 33.6, 48)
"""GB; 33.6 is what a 32 GiB card has for programs."""


def test_every_card_that_ships_is_placed_within_each_limit_or_refused_with_the_reason() -> None:
    """The words, the steps and the decode, each by its arithmetic; what was shown nowhere says that it is derived."""
    shipped = {one.id: one for one in presets.cards() if one.checkpoint is not None}
    assert set(SHIPPED) == set(shipped)
    for name, expected in SHIPPED.items():
        checkpoint = shipped[name].checkpoint
        assert checkpoint is not None
        for size, placement in zip(SIZES, expected.split(), strict=True):
            found = fit(shipped[name], machine(size, 128), Preferences(), nothing)
            assert (found.placement if found.fits != "no" else "no") == placement, (name, size, found)
            if found.fits == "no":
                assert "GB of video memory" in found.reason and found.remedy
                continue
            phases = estimate_phases(checkpoint, found.placement, found.weights, most=size - fitting.VIDEO_RESERVE)
            assert max(phases) + fitting.VIDEO_RESERVE <= size, (name, size, phases)
            assert ("text encoder" in found.reason) == (
                found.placement != "resident" and min(checkpoint.needs.encoder, checkpoint.needs.largest) + 2 > size
            )
        assert checkpoint.needs.source.startswith(("derived", "shown on")), f"{name}: whose are its needs?"


def test_every_card_that_ships_fits_where_it_says_it_does() -> None:
    """Exactly the video memory and the memory a card asks for suffice, and without a GPU none of them is offered."""
    shipped = [one for one in presets.cards() if one.checkpoint is not None]
    assert shipped
    for one in shipped:
        assert one.checkpoint is not None
        needs = one.checkpoint.needs
        found = fit(one, machine(needs.vram, needs.ram), Preferences(), nothing)
        assert found.fits != "no", f"{one.id}: {found.reason}"
        assert fit(one, machine(0, 256), Preferences(), nothing).fits == "no"


def test_fp8_products_are_only_by_choice_and_say_what_stands_in_their_way() -> None:
    named = replace(card(WAN14), checkpoint=replace(card(WAN14).checkpoint, fp8_keep=("proj_out",)))
    wish = Preferences(weights={"made-up": "fp8_fast"})
    found = fit(named, machine(80, 128), wish, nothing)
    assert (found.fits, found.placement, found.weights) == ("yes", "resident", "fp8_fast")
    assert "0.72" in next(one.reason for one in found.choices if one.what == "weights")
    assert fit(named, machine(80, 128), Preferences(), nothing).weights == "published", "never unasked"
    assert estimate_vram(named.checkpoint, "resident", "fp8_fast") < estimate_vram(named.checkpoint, "resident", "published") - 28
    ways = [found]
    while less := lower(named, machine(80, 128), ways[-1], everything):
        ways.append(less)
    assert [(one.placement, one.weights) for one in ways] == [(way, "fp8_fast") for way in ("resident", "managed", "grouped")]
    for here, who, words in (
        (machine(80, 128, (8, 6)), named, "8.9 or newer"), (machine(0, 128), named, "no NVIDIA GPU was found"),
        (machine(80, 128), card(WAN14), "card"),
        (machine(80, 128), replace(named, checkpoint=replace(named.checkpoint, dtype="float16")), "float16"),
    ):  # fmt: skip
        found = fit(who, here, wish, everything)
        assert found.fits == "no" and words in found.reason and "automatic" in found.remedy, found
        assert found.reason in {one.reason for one in fitting.list_impossible(who, here, everything) if one.what == "fp8_fast"}
    assert [one.what for one in fitting.list_impossible(named, machine(80, 128), nothing)] == ["int8", "gguf"]
