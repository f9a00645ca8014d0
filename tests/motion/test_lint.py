"""The prompt check: labelled prompts are judged rightly, every mark lies on words, and every fix mends without breaking."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable

import msgspec

from bench.check import HUNDRED, LEAST_FOUND, MOST_FALSE, Labelled, asked, found, hinted, prompts, right
from studio import presets
from studio.motion.compose import plain
from studio.motion.prompt_check import CODES, HINTS, OFFERED, Finding, check_prompt
from studio.motion.read_prompt import read_motion
from studio.nouns import Camera, Effect, Motion, Move
from tests.rows import each_row

PROMPTS = prompts()
BAD = [prompt for prompt in PROMPTS if prompt.code]
GOOD = [prompt for prompt in PROMPTS if not prompt.code]
PAINT = ("no_region",)
"""What no sentence can mend."""

SVD, WAN, FAST, SMALL, PARALLAX = (
    presets.card(model) for model in ("svd-xt", "wan22-ti2v-5b", "wan22-i2v-a14b-fast", "i2vgen-xl", "parallax")
)


def codes(findings: tuple[Finding, ...]) -> set[str]:
    return {finding.code for finding in findings}


def sentence(prompt: Labelled) -> str:
    what = asked(prompt)
    return what if isinstance(what, str) else plain(what)


def test_the_labelled_set_is_broad_enough() -> None:
    assert len(BAD) >= 200
    assert len(GOOD) >= 120
    for code in CODES:
        assert sum(prompt.code == code for prompt in BAD) >= 6, code
    assert len({prompt.text for prompt in PROMPTS}) == len(PROMPTS)
    for prompts_ in (BAD, GOOD):
        assert {prompt.photo for prompt in prompts_} == {"portrait", "water", "landscape", "street", "product"}
        assert {prompt.use for prompt in prompts_} == {"product", "travel", "music", "estate", "brand"}
    assert 0.3 <= sum(prompt.held for prompt in PROMPTS) / len(PROMPTS) <= 0.36


@each_row("held", [False, True])
def test_enough_are_judged_rightly(held: bool) -> None:
    bad = [prompt for prompt in BAD if prompt.held == held]
    good = [prompt for prompt in GOOD if prompt.held == held]
    missed = [(prompt.code, prompt.text) for prompt in bad if not right(prompt)]
    false = [prompt.text for prompt in good if not right(prompt)]
    assert len(missed) <= (1 - LEAST_FOUND) * len(bad), missed
    assert len(false) <= MOST_FALSE * len(good), false


def test_hints_are_given_where_something_is_missing_and_nowhere_else() -> None:
    wrong = [prompt.text for prompt in GOOD if not hinted(prompt)]
    assert len(wrong) <= MOST_FALSE * len(GOOD), wrong
    assert {prompt.code for prompt in BAD} >= set(HINTS)


def test_bad_prompts_get_no_second_accusation() -> None:
    """What hurts beside the label: a wrong reason is as bad as a false alarm."""
    beside = [p.text for p in BAD if {f.code for f in found(p) if f.level == "hurts"} - {p.code}]
    assert len(beside) <= MOST_FALSE * len(BAD), beside


@each_row("prompt", BAD)
def test_findings_mark_words_and_say_why(prompt: Labelled) -> None:
    text = sentence(prompt)
    for finding in found(prompt):
        assert 0 <= finding.start <= finding.end <= len(text)
        marked = text[finding.start : finding.end]
        assert marked == marked.strip(" ,;.") or not marked, marked
        assert re.fullmatch(r"[^.!\n]+(?:\.\d[^.!\n]*)*[^!\n]*\.", finding.reason), finding.reason
        assert finding.label
        assert finding.code in CODES
        assert msgspec.json.decode(msgspec.json.encode(finding), type=Finding) == finding


def mends(text: str, findings: tuple[Finding, ...], look: Callable[[str], tuple[Finding, ...]]) -> None:
    """Every fix takes away what it is offered for, and nothing that wasn't there comes."""
    for finding in findings:
        if not finding.fix:
            continue
        after = look(finding.fix)
        assert codes(after) <= codes(findings), (text, finding.code, finding.fix, codes(after))
        assert count(after, finding.code) < count(findings, finding.code), (text, finding.code, finding.fix)


def count(findings: tuple[Finding, ...], code: str) -> int:
    return sum(finding.code == code for finding in findings)


@each_row("prompt", PROMPTS)
def test_a_fix_mends_and_breaks_nothing(prompt: Labelled) -> None:
    look = looking(prompt)
    findings = look(sentence(prompt))
    mends(prompt.text, findings, look)
    assert [finding.code for finding in findings if not finding.fix and finding.code not in PAINT] == []


@each_row("prompt", PROMPTS)
def test_pressing_the_offered_buttons_ends_in_a_clean_prompt(prompt: Labelled) -> None:
    look = looking(prompt)
    text = sentence(prompt)
    for _ in range(len(CODES)):
        offered = [finding for finding in look(text) if finding.fix]
        if not offered:
            break
        text = offered[0].fix
    assert codes(look(text)) <= set(PAINT), text
    assert text[-1] in ".!?" or text[-1].isalnum() or text[-1] in "'\"”)"
    assert not re.search(r"\s[,.;]|[,;]\s*[,.;]|\s{2,}\S|^\W", text.strip()), text


def looking(prompt: Labelled) -> Callable[[str], tuple[Finding, ...]]:
    """The check of a sentence under the same circumstances, but for effects that words can't mend."""
    maker = presets.card(prompt.card) if prompt.card else None
    return lambda text: check_prompt(text, seconds=prompt.seconds, card=maker)


def test_unwanted_words_go_to_the_negative_prompt() -> None:
    text = "no blur, no distortion, she turns her head, the background stays still, camera pushes in"
    (finding,) = check_prompt(text)
    assert (finding.code, finding.negative) == ("negative_words", "blur, distortion")
    assert finding.fix == "she turns her head, the background stays still, camera pushes in"
    assert "negative prompt" in finding.reason
    (without,) = check_prompt(text, card=FAST)
    assert (without.negative, without.fix) == ("", finding.fix)
    assert FAST.title in without.reason


def test_what_must_not_change_is_said_as_what_stays() -> None:
    (finding,) = check_prompt("Do not move the background. The girl laughs. The camera slowly pushes in.")
    assert finding.code == "negative_words"
    assert read_motion(finding.fix).still == "the background"
    assert finding.negative == ""


def test_how_many_actions_fit_depends_on_the_seconds() -> None:
    text = "She turns her head, smiles, lifts the cup and drinks. Static camera."
    assert codes(check_prompt(text, seconds=5.0)) == {"too_many_actions"}
    assert "4 things" in check_prompt(text, seconds=5.0)[0].reason
    assert check_prompt(text, seconds=10.0) == ()


def test_how_long_is_too_long_depends_on_the_model() -> None:
    text = next(prompt.text for prompt in BAD if prompt.code == "too_long")
    (finding,) = check_prompt(text, card=SMALL)
    assert finding.code == "too_long"
    assert SMALL.title in finding.reason
    assert text[finding.end :] in ("", ".")
    assert check_prompt(text, card=WAN) == ()
    assert check_prompt(text, card=SVD) == (), "a model that reads nothing can't be told too much"


def test_a_model_that_reads_no_words_is_spared_what_is_about_words() -> None:
    text = "no blur, she turns her head and the letters change into a bird"
    assert codes(check_prompt(text)) >= {"negative_words", "text_changes", "no_camera"}
    assert codes(check_prompt(text, card=PARALLAX)) == set()
    assert codes(check_prompt("pan left and pan right", card=PARALLAX)) == {"camera_conflict"}
    assert codes(check_prompt("make it move", card=PARALLAX)) == {"vague"}
    assert check_prompt("make it move", card=SVD) == ()


def test_what_is_offered_can_be_done_by_the_model() -> None:
    """Waves would have to be painted for an engine that acts on words; for a model that reads them they are just said."""
    text = "A wooden boat on a turquoise lake, blue sky, beautiful, 4k"
    assert read_motion(check_prompt(text, card=WAN)[0].fix).effects[0].name == "ripple"
    assert "ripple" not in {effect.name for effect in read_motion(check_prompt(text, card=PARALLAX)[0].fix).effects}


def test_a_still_tile_against_moving_words() -> None:
    motion = Motion("The camera pans left over the bay.", camera=Camera((Move("static"),)), environment="waves roll in")
    assert "still_camera_moves" in codes(check_prompt(motion))
    assert check_prompt(Motion(environment="waves roll in", camera=Camera((Move("pan_left"),)))) == ()


@each_row(
    ("effect", "lost"),
    [
        (Effect("ripple"), True), (Effect("flow", region="auto"), True), (Effect("wind", region="brush"), True),
        (Effect("ripple", brush="aGk="), False), (Effect("wind"), False), (Effect("ripple", region="background"), False),
        (Effect("ripple", 0.0), False),
    ],
)  # fmt: skip
def test_an_effect_that_has_to_be_painted(effect: Effect, lost: bool) -> None:
    motion = Motion(camera=Camera((Move("dolly_in"),)), effects=(effect,))
    assert ("no_region" in codes(check_prompt(motion))) == lost
    assert ("no_region" in codes(check_prompt(motion, card=PARALLAX))) == lost
    assert check_prompt(motion, card=WAN) == (), "a model that reads words needs no place"


def test_a_motion_is_checked_as_the_sentence_it_makes() -> None:
    motion = read_motion("wind blows from the left and from the right, her hair flutters, camera pushes in")
    (finding,) = check_prompt(motion)
    assert "right" in plain(motion)[finding.start : finding.end]
    assert check_prompt(finding.fix) == ()


def test_every_motion_that_ships_is_clean() -> None:
    for preset in presets.motions():
        hurting = {f.code for f in check_prompt(preset.motion, seconds=preset.seconds) if f.level == "hurts"}
        assert hurting <= set(PAINT), (preset.id, plain(preset.motion))


def test_whatever_is_typed_is_survived() -> None:
    """Halves of prompts joined at random, and letters that are not Latin: marks stay inside, fixes stay true."""
    chance = random.Random(7)
    parts = [part for prompt in PROMPTS for part in re.split(r"(?<=[,.;])\s", prompt.text) if part.strip()]
    for _ in range(150):
        text = chance.choice(["", "İ ", "🎬 ", "  "]) + " ".join(chance.sample(parts, chance.randint(1, 5)))
        findings = check_prompt(text)
        assert all(0 <= finding.start <= finding.end <= len(text) for finding in findings)
        mends(text, findings, check_prompt)
    for text in ("…", "-", "!!!", "カメラがゆっくり近づく", "a" * 4000, ", " * 2000, "no " * 1300, "and " * 1000):
        check_prompt(text)


def fastest(text: str, times: int = 9) -> float:
    """The least processor time that a check of a text takes; new by some letters each time, so that nothing is remembered."""
    best = float("inf")
    for number in range(times):
        typed = f"{text[: -2 - 3 * number]}."
        began = time.process_time()
        check_prompt(typed)
        best = min(best, time.process_time() - began)
    return best


CLEAN = " ".join(
    "Leaves rustle beside the path and thin fog drifts by between the trees. The house stays still and the light stays constant."
    for _ in range(5)
)
"""A hundred words without a fault: what reading and looking once cost."""


def test_a_check_costs_little_more_than_looking_once() -> None:
    """The sentence is looked at once, and once more or a little oftener for each fix that is offered."""
    assert len(HUNDRED.split()) >= 100 <= len(CLEAN.split())
    assert codes(check_prompt(CLEAN)) == {"no_camera"}
    findings = check_prompt(HUNDRED)
    assert len(findings) >= 2
    assert fastest(HUNDRED) <= (2 + 2 * len(findings)) * fastest(CLEAN)


def test_a_long_text_has_its_fixes_worked_out_a_few_at_a_time() -> None:
    long, clean = (HUNDRED * 8)[:4000], (CLEAN * 8)[:4000]
    assert len(check_prompt(long)) > sum(bool(finding.fix) for finding in check_prompt(long)) <= OFFERED
    assert fastest(long, 3) <= (2 + 2 * OFFERED) * fastest(clean, 3)


@each_row("text", ["make it move, no blur", "do something cool with this pic"])
def test_nothing_named_is_vague_whatever_is_unwanted(text: str) -> None:
    assert check_prompt(text)[0].code == "vague"
    assert check_prompt("make it move, no blur")[0].negative == "blur"


@each_row("text", ["кошка идёт", "女性が振り向く、カメラはゆっくり近づく"])
def test_another_script_is_not_said_to_stay_still(text: str) -> None:
    (finding,) = check_prompt(text)
    assert (finding.code, finding.level, finding.fix) == ("nothing_moves", "hint", "")
    assert "English" in finding.reason


def test_a_single_word_is_not_said_to_stay_still() -> None:
    assert "yet" in check_prompt("cat")[0].reason
    assert "stays still" in check_prompt("everything stays still, static camera")[0].reason


@each_row(
    ("text", "fix"),
    [
        ("locked off shot with a slow zoom in, embers glow, sand stays still", "a slow zoom in, embers glow, sand stays still"),
        ("a man waves, don't add any text, camera static", "a man waves, camera static"),
    ],
)
def test_a_fix_leaves_a_sentence(text: str, fix: str) -> None:
    (finding,) = check_prompt(text)
    assert (finding.fix, finding.negative) == (fix, "text" if "text" in text else "")
