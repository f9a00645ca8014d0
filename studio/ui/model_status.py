"""Models on this machine in words: files, memory, fit, the GPU's gauge, and the plan of a run.

What a card says that never changes: `model_facts`.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from studio.advice.render_time import about as spent
from studio.cards import Gauge, Kernel, ModelCard, ModelState, Outcome, Plan
from studio.nouns import Choice, Clip, Shot, Size
from studio.photo.crop import AUTOMATIC, SHORT_SIDES
from studio.presets import platform
from studio.studio import Studio
from studio.ui.model_facts import format_bytes, format_time, make_sentence, shorten_licence

Group = Literal["ready", "download", "hosted", "out"]

PLAINLY = (
    "Stir finds no NVIDIA GPU with CUDA on this computer, and these models need one. Parallax runs on any computer."
)


def choose_group(state: ModelState) -> Group:
    """Where the picker lists a model."""
    if state.disk == "elsewhere":
        return "hosted"
    if state.fits == "no":
        return "out"
    return "ready" if state.disk in ("built in", "here") else "download"


def list_chips(card: ModelCard, state: ModelState) -> list[str]:
    """A model in a few short words: where it runs, whether it fits, how long it takes, what it adds, its licence."""
    if card.hosted:
        return list_hosted_chips(card)
    needs = f"needs {card.checkpoint.needs.vram:g} GB" if card.checkpoint else "out of reach"
    fits = {"yes": "fits", "slowly": "slowly", "no": needs}[state.fits]
    time = format_time(state.expected) if state.expected else _describe_published(card)
    adds = ["sound" if "sound" in card.supports else "", "end frame" if "end_frame" in card.supports else ""]
    return [chip for chip in (card.where, fits, time, *adds, shorten_licence(card)) if chip]


def list_hosted_chips(card: ModelCard) -> list[str]:
    """A hosted model in a few short words: where it runs, whose it is, and what it takes or adds."""
    adds = {"sound": "sound", "end_frame": "end frame", "audio": "takes a voice", "motion_video": "takes a film"}
    ways = card.hosted.ways if card.hosted else ()
    has = {*card.supports, *(slot for way in ways for slot in way.slots)}
    maker = [card.hosted.maker] if card.hosted else []
    return [card.where, *maker, *(words for what, words in adds.items() if what in has)]


def _describe_published(card: ModelCard) -> str:
    """How long a clip takes elsewhere, as short as a chip."""
    if card.checkpoint and card.checkpoint.published:
        first = card.checkpoint.published[0]
        return f"{format_time(first.seconds)} on {first.device}"
    return card.speed if len(card.speed) <= 28 else ""


def describe_files(card: ModelCard, state: ModelState, adopted: bool = False) -> str:
    """How a model's files stand: "On disk, 33.1 GB", "Needs a 33.1 GB download"; `adopted`, in the user's folder."""
    whole = state.download or (round(card.checkpoint.disk * 1e9) if card.checkpoint else 0)
    if state.disk == "here":
        return (
            f"In your folder, {format_bytes(state.on_disk)}" if adopted else f"On disk, {format_bytes(state.on_disk)}"
        )
    if state.disk == "elsewhere":
        return "Runs at a service"
    if state.disk == "partly":
        return f"Partly here, {format_bytes(state.on_disk)} so far"
    return f"Needs a {format_bytes(whole)} download" if state.disk == "missing" else "Built in"


def describe_memory(state: ModelState) -> str:
    """Where a model is held: "on the GPU, 11.2 GB", or nothing."""
    held = f", {format_bytes(state.held)}" if state.held else ""
    if state.disk == "built in":
        return ""
    return {"out": "", "loading": "loading", "ram": "loaded" + held, "gpu": "on the GPU" + held}[state.memory]


def show_model(card: ModelCard, state: ModelState, adopted: bool = False) -> dict[str, Any]:
    """How a model stands right now, in words and for the buttons; `adopted`, its files are in the user's folder."""
    fits = {"yes": "Fits this computer", "slowly": "Runs slowly here", "no": ""}[state.fits]
    time = f"{format_time(state.expected)} for a clip" if state.expected else ""
    return {
        "id": card.id, "group": choose_group(state), "chips": list_chips(card, state), "disk": state.disk,
        "memory": state.memory, "files": describe_files(card, state, adopted), "held": describe_memory(state),
        "fits": state.fits, "reason": make_sentence(state.reason), "remedy": make_sentence(state.remedy), "time": time,
        "why": " ".join(make_sentence(words) for words in (fits, state.reason) if words),
        "progress": msgspec.to_builtins(state.progress) if state.progress else None, "downloading": state.downloading,
        "problem": state.problem, "folder": state.folder, "adopted": adopted, "on_disk": format_bytes(state.on_disk),
        "choices": msgspec.to_builtins((*state.choices, *_explain_expected(state))),
        "spared": format_bytes(state.spared) if state.spared else "", "converting": state.converting,
        "unable": {one.what: one.reason for one in state.unable},
    }  # fmt: skip


def _explain_expected(state: ModelState) -> tuple[Choice, ...]:
    """How long a clip takes here, and where that is known from."""
    known = format_time(state.expected) if state.expected else "not known yet"
    return (Choice("time", known, state.basis),) if state.basis else ()


def show_gauge(now: Gauge) -> dict[str, Any]:
    """What the engines say of the device: in a few words for the header, in full, and what was tried on it as a table.

    Without a GPU `plainly` says what that means for the models.
    """
    gpu = bool(now.devices)
    used = " · ".join(f"{_shorten(one.used)}/{one.total / 1e9:.0f}" for one in now.devices)
    without = "Ready · Parallax on this computer" if now.choices else ""
    return {
        "words": f"GPU {used} GB" if gpu else without,
        "plainly": PLAINLY if now.choices and not gpu else "",
        "full": " ".join(make_sentence(f"{one.what}: {one.value}, {one.reason}") for one in now.choices),
        "gpu": gpu, "kernels": [_show_kernel(one) for one in now.kernels],
        "products": [_show_kernel(one) for one in now.products],
    }  # fmt: skip


def _shorten(count: int) -> str:
    """Bytes in GB, as the header has room for: one decimal under 10."""
    gigabytes = round(count / 1e9, 1)
    return f"{gigabytes:.{1 if 0 < gigabytes < 10 and gigabytes % 1 else 0}f}"


def _show_kernel(one: Kernel) -> dict[str, Any]:
    time = f"{one.ms:.2f} ms" if one.ok else "off"
    return {"name": one.name, "title": one.title, "value": time, "reason": one.why, "ok": one.ok}


def show_models(studio: Studio) -> dict[str, Any]:
    """Every model's status, the GPU's gauge, and the values a new page begins with."""
    cards = {card.id: card for card in studio.models.cards}
    wanted = studio.models.preferences()
    states = [
        show_model(cards[state.id], state, state.id in wanted.folders) | show_ways(studio, cards[state.id])
        for state in studio.models.states()
    ]
    begins = {"size": wanted.size, "fps": wanted.fps, "place": wanted.place, "look": wanted.look}
    return {"states": states, "gauge": show_gauge(studio.models.gauge()), "defaults": begins} | show_services(studio)


def show_services(studio: Studio) -> dict[str, Any]:
    """The hosted services, and whether there is a token for each."""
    found = studio.hosted.states()
    return {
        "services": [
            {"name": one.name, "title": one.title, "stand_in": one.is_stand_in, "token": bool(one.token)}
            for one in found
        ]
    }


def show_ways(studio: Studio, card: ModelCard) -> dict[str, Any]:
    """A hosted model's ways in as they stand: why each can't be used, "" where it can; `way` is the first that can."""
    if not card.hosted:
        return {}
    ways = [{"name": way.name, "reason": studio.hosted.explain_way(card, way)} for way in card.hosted.ways]
    return {"ways": ways, "way": next((way["name"] for way in ways if not way["reason"]), "")}


def show_plan(studio: Studio, shot: Shot) -> dict[str, Any]:
    """What the file of a shot will be, in one line, with its reasons: "1080 × 1920, 120 frames, 5 s at 24 fps, about 9
    s here".

    `misfits` are what the place it is made for doesn't take of it.
    """
    card = studio.models.card(shot.model)
    run, made, takes = studio.plan(shot), studio.outcome(shot), studio.estimate_time(shot)
    words = [f"{made.width} × {made.height}", *describe_length(made)]
    if card.hosted:
        words = describe_hosted_plan(run, made)
    if card.checkpoint:
        words.append(f"{run.steps} step{'s' if run.steps != 1 else ''}")
    if takes is not None:
        words.append(f"{spent(takes)} here")
    return {
        "line": ", ".join(words), "draft": pick_draft(studio, shot), "width": made.width, "height": made.height,
        "upscale": made.width / (run.box[2] - run.box[0]), "fps": made.fps, "seconds": made.seconds,
        "frames": made.num_frames, "steps": run.steps, "guidance": run.guidance,
        "why": _explain_size(shot, run, made), "choices": msgspec.to_builtins(run.choices),
        "misfits": msgspec.to_builtins(studio.misfits(shot)),
        **(_show_way(studio, shot) if card.hosted else {}),
    }  # fmt: skip


def _show_way(studio: Studio, shot: Shot) -> dict[str, Any]:
    """The way in that a hosted shot takes, and what it lacks, with the place where that is given."""
    lack = studio.hosted.find_lack(shot, studio.models.card(shot.model))
    where = {"where": lack.about or "inputs", "reason": lack.reason, "remedy": lack.remedy} if lack else None
    return {"model": shot.model, "way": studio.spending.settle(shot).service, "lacks": where}


def describe_hosted_plan(run: Plan, made: Outcome) -> list[str]:
    """Size, length and rate of what is asked of a service, as far as they are known: "about 1280 × 720, 5 s"."""
    about = "about " if "size" in run.unsure else ""
    rate = "" if "rate" in run.unsure else f" at {made.fps:.3g} fps"
    length = run.length.value if run.length and "length" in run.unsure else f"{made.seconds:.3g} s{rate}"
    return [f"{about}{made.width} × {made.height}", length]


def _explain_size(shot: Shot, run: Plan, made: Outcome) -> str:
    """Why a clip is smaller than it was asked to be, or enlarged; "" where it is neither."""
    place = platform(shot.platform)
    wanted: Size = shot.size if shot.size != "auto" else place.size if place else AUTOMATIC[0]
    if min(made.width, made.height) >= SHORT_SIDES[wanted] and run.upscale < 1.005:
        return ""
    return make_sentence(run.size.reason) if run.size else ""


def describe_length(made: Outcome | Clip) -> list[str]:
    """Frames, length and rate of a clip in words; of a still picture only that it is one."""
    if made.num_frames == 1:
        return ["a still picture"]
    return [f"{made.num_frames} frames", f"{made.seconds:.3g} s at {made.fps:.3g} fps"]


def pick_draft(studio: Studio, shot: Shot) -> dict[str, str] | None:
    """The model that tries a shot out before its own makes it, and why that one; None where its own is the fastest
    thing here.
    """
    card, reason = studio.advice.draft_card(shot)
    return None if card.id == shot.model else {"id": card.id, "title": card.title, "reason": make_sentence(reason)}


def name_model(studio: Studio, model: str) -> str:
    """What a model is called; its id when its card has gone."""
    return studio.models.name(model)
