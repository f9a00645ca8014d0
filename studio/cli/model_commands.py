"""`models`: how every model stands on this machine; download, adopt, convert and delete one. Memory belongs to the page
that runs.
"""

from __future__ import annotations

import argparse
import time
from contextlib import closing
from typing import TYPE_CHECKING

import msgspec

from studio.advice.systems import list_systems
from studio.cards import ModelCard, ModelState
from studio.cli.arguments import open_studio
from studio.cli.report import Bar, Failure, complain, format_clock, say, say_json
from studio.nouns import Refusal

if TYPE_CHECKING:
    from studio.studio import Studio

_LOOK = 0.1  # seconds between looks at a download
_FAREWELL = 10.0  # seconds that a stopped download has to close its files

FITS = {"yes": "fits", "slowly": "fits, slowly", "no": "out of reach"}


def models(flags: argparse.Namespace) -> None:
    """List the models, or do what is asked about one. Raises `Refusal`, and `Failure` for a download that didn't
    arrive.
    """
    if flags.do == "list" and flags.model:
        raise Refusal(
            "list takes no model.", f"Say what to do with it, such as: python -m studio models quote {flags.model}"
        )
    if flags.do != "list" and not flags.model:
        raise Refusal(f"There is no model to {flags.do}.", f"Name one: python -m studio models {flags.do} ID")
    if (flags.do == "adopt") != bool(flags.folder):
        raise Refusal(
            "A folder goes with adopt, and adopt with a folder.", "Use: python -m studio models adopt ID FOLDER"
        )
    with closing(open_studio(flags)) as studio:
        answer(studio, flags)


def answer(studio: Studio, flags: argparse.Namespace) -> None:
    """What `models` says and does with an open studio."""
    DEEDS[flags.do](studio, flags)


def size(amount: int) -> str:
    """Bytes for a person, in GB or MB."""
    return f"{amount / 1e9:.1f} GB" if amount >= 1e9 else f"{amount / 1e6:.0f} MB"


def _list(studio: Studio, flags: argparse.Namespace) -> None:
    for problem in studio.models.problems():
        complain(f"Note: {problem.value} is left out. {problem.reason}")
    found = list(zip(studio.models.cards, studio.models.states(), strict=True))
    if flags.json:
        say_json([{**msgspec.to_builtins(card), "state": msgspec.to_builtins(state)} for card, state in found])
        return
    own = [(card, state) for card, state in found if not card.hosted]
    for card, state in own:
        _say_lines(_describe_model(card, state))
    for remedy in dict.fromkeys(state.remedy for _, state in own if state.fits == "no" and state.remedy):
        say(f"Out of reach? {remedy}")
    if len(own) < len(found):
        say("")
        say("Hosted, on other people's machines: each needs your own token and costs money.")
    for card, state in found:
        if card.hosted:
            _say_lines(_describe_hosted(card, state))


def _say_lines(lines: list[str]) -> None:
    for number, line in enumerate(lines):
        say(f"    {line}" if number else line)


def _describe_hosted(card: ModelCard, state: ModelState) -> list[str]:
    usable = "can be used" if state.fits == "yes" else "can't be used yet" if state.lacks else "can't be used"
    ways = [
        f"{row.way.removeprefix('hosted: ')}: {row.sizes}; {row.lengths}; sound: {row.sound}; {row.price}"
        for row in list_systems((card,))
    ]
    return [
        f"{card.id}  {card.title}: {card.summary}",
        f"{card.where}; {card.licence} ({card.licence_limits})",
        *ways,
        f"{usable}: {state.reason}",
        *(f"{choice.value}: {choice.reason}" for choice in state.choices),
    ]


def _check(studio: Studio, flags: argparse.Namespace) -> None:
    found = studio.models.check(flags.model)
    if flags.json:
        say_json(msgspec.to_builtins(found))
        return
    for name, check in found.items():
        said = check.stops or " ".join(check.changes) or "It is as its card says."
        say(f"{name}: {said}")


def _describe_model(card: ModelCard, state: ModelState) -> list[str]:
    licence = f"{card.licence} ({card.licence_limits})" if card.licence_limits else card.licence
    problem = [f"{state.problem} {state.remedy}".strip()] if state.problem else []
    return [
        f"{card.id}  {card.title}: {card.summary}",
        f"{card.where}; {licence}",
        _needs(card, state),
        f"{FITS[state.fits]}: {state.reason}",
        _time(card, state),
        *problem,
    ]


def _needs(card: ModelCard, state: ModelState) -> str:
    """What lies on the disk, what is still to fetch, and the memory a run takes."""
    if card.checkpoint is None or state.disk == "built in":
        return "on disk: it is part of Stir"
    needs = card.checkpoint.needs
    fetch = size(state.download) if state.download else f"about {size(round(card.checkpoint.disk * 1e9))}"
    disk = f"on disk: {size(state.on_disk)}{f' in {state.folder}' if state.folder else ''}"
    if state.disk == "partly":
        disk += f", {fetch} to download"
    elif state.disk == "missing":
        disk = f"{fetch} to download"
    return f"{disk}; needs {needs.vram:g} GB of video memory and {needs.ram:g} GB of memory"


def _time(card: ModelCard, state: ModelState) -> str:
    if state.expected is None:
        return card.speed
    return (
        f"about {format_clock(state.expected)} a clip ({state.basis})"
        if state.basis
        else f"about {format_clock(state.expected)} a clip"
    )


def _quote(studio: Studio, flags: argparse.Namespace) -> None:
    quote = studio.models.quote(flags.model)
    if flags.json:
        say_json(quote)
        return
    say(
        f"{quote.files} files, {size(quote.total)}; {size(quote.missing)} to fetch, {size(quote.free)} free on the disk"
    )
    say(f"licence: {quote.licence}{'; asks for an agreement on its page first' if quote.gated else ''}")
    if quote.refused:
        say(f"{quote.refused} {quote.remedy}".strip())


def _download(studio: Studio, flags: argparse.Namespace) -> None:
    """Fetch a model while a bar shows how far it is. Ctrl+C stops it and leaves what has arrived."""
    quote = studio.models.quote(flags.model)
    if quote.refused:
        raise Refusal(quote.refused, quote.remedy)
    complain(f"{size(quote.missing)} to fetch, {size(quote.free)} free; licence: {quote.licence}.")
    studio.models.download(flags.model)
    try:
        state = _watch(studio, flags.model)
    except BaseException:
        studio.models.stop_download(flags.model)
        _settle(studio, flags.model)
        complain(f"What has arrived stays: python -m studio models download {flags.model} goes on from there.")
        raise
    if state.disk != "here":
        reason = state.problem or "The download ended before everything had arrived."
        remedy = state.remedy if state.problem else "Run the same command again; it goes on from there."
        raise Failure(f"{reason} {remedy}".strip())
    if flags.json:
        say_json(state)
        return
    say(f"{flags.model} is here: python -m studio animate photo.jpg --model {flags.model}")


def _convert(studio: Studio, flags: argparse.Namespace) -> None:
    """Keep a model's weights at the dtype they run in, while a bar shows how far it is; the disk before and after."""
    before = studio.models.state(flags.model)
    complain(f"{size(before.on_disk)} on the disk now; about {size(before.spared)} will be free again.")
    studio.models.convert(flags.model)
    try:
        state = _watch(studio, flags.model, "converting")
    except BaseException:
        studio.models.stop_download(flags.model)
        _settle(studio, flags.model)
        complain("Nothing is lost: the same command goes on from there.")
        raise
    if state.problem:
        raise Failure(f"{state.problem} {state.remedy}".strip())
    if state.spared:
        raise Failure("The conversion was stopped. Run the same command again; it goes on from there.")
    done = f"{flags.model} is converted: {size(before.on_disk)} before, {size(state.on_disk)} now."
    _print_state(studio, flags, done)


def _watch(studio: Studio, model: str, verb: str = "fetching") -> ModelState:
    bar = Bar(model, verb, " MB")
    try:
        while (state := studio.models.state(model)).downloading:
            if state.progress:
                bar.draw(state.progress)
            time.sleep(_LOOK)
        return state
    finally:
        bar.clear()


def _settle(studio: Studio, model: str) -> None:
    deadline = time.monotonic() + _FAREWELL
    while time.monotonic() < deadline and studio.models.state(model).downloading:
        time.sleep(_LOOK)


def _adopt(studio: Studio, flags: argparse.Namespace) -> None:
    studio.models.adopt(flags.model, flags.folder.expanduser().resolve())
    _print_state(studio, flags, f"{flags.model} uses {flags.folder}; nothing was copied.")


def _delete(studio: Studio, flags: argparse.Namespace) -> None:
    freed = studio.models.delete(flags.model)
    _print_state(studio, flags, f"{flags.model} is deleted; {size(freed)} are free again.")


def _print_state(studio: Studio, flags: argparse.Namespace, words: str) -> None:
    if flags.json:
        say_json(studio.models.state(flags.model))
    else:
        say(words)


DEEDS = {
    "list": _list, "check": _check, "quote": _quote, "download": _download, "convert": _convert, "adopt": _adopt,
    "delete": _delete,
}  # fmt: skip
