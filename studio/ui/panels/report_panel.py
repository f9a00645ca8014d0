"""The report on the photo in words: findings, remedies and mends; and pictures before and after a mend.

How a photo is examined: `studio.photo.findings`; how it is mended: `studio.photo.mend`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from studio.nouns import (
    Brush,
    Crop,
    Id,
    Mend,
    MendName,
    Mends,
    Motion,
    Noun,
    Refusal,
    Shot,
    Size,
    replace,
)
from studio.photo.crop import settle_crop
from studio.photo.findings import Box, Code, Finding, Remedy, Report
from studio.photo.mend import has_network, join_mends
from studio.studio import Studio
from studio.ui.html_part import Call, make_call

WHOLE = Crop()
CHECKED: dict[Code, str] = {
    "small": "size", "soft": "sharpness", "blocks": "compression", "noise": "noise", "clipped": "exposure",
    "flat": "contrast", "hdr": "tones", "vignette": "corners", "busy": "background", "subject": "subject",
    "text": "no text", "faces_small": "faces", "faces_cut": "faces", "ratio": "shape",
}  # fmt: skip
"""What was looked at, in a word: what is fine is read as one line."""

DONE: dict[MendName, str] = {
    "denoise": "Denoised",
    "deblock": "Deblocked",
    "contrast": "Contrast",
    "upscale": "Upscaled 2×",
    "background": "Background blurred",
}
"""What a mend is called once it is done."""

RESAMPLED = "Resampled 2×"
"""What an upscale is called that no network has given new detail."""

STILL_SMALL = "Even twice as large it is small for a clip, and will look soft."
PLAINLY = "This is small for a clip: resampling makes it larger, without new detail."
"""What is said of a small photo that was upscaled, and where there is no network to upscale it with."""


class ReportQuestion(Noun, frozen=True):
    """A question for the report: the photo, its crop and mends, and the size of the clip; `glance`, on its pixels
    alone.
    """

    photo: Id
    crop: Crop = Crop()
    size: Size = "auto"
    mends: Mends = ()
    glance: bool = False
    subject: Brush = ""


class ComparisonQuestion(Noun, frozen=True):
    """A question for two pictures of a photo: with the one set of mends, and with the other."""

    photo: Id
    before: Mends = ()
    after: Mends = ()


class CloseUpQuestion(ComparisonQuestion, frozen=True):
    """The same question for a part of the photo: left, top, width and height in fractions."""

    box: Box = (0.0, 0.0, 1.0, 1.0)


def list_mends(network: bool) -> list[dict[str, Any]]:
    """Every mend as the page names it, at an amount and at none; whether its amount can be chosen.

    Without a `network` that gives it new detail a photo is resampled, and says so.
    """
    titles: dict[MendName, str] = DONE if network else {**DONE, "upscale": RESAMPLED}
    return [
        {
            "name": name,
            "title": title,
            "none": RESAMPLED if name == "upscale" else "",
            "amount": name != "upscale" or network,
        }
        for name, title in titles.items()
    ]


def name_mend(mend: Mend) -> str:
    """A mend that was done, in words: "Denoised 50 %", "Upscaled 2×"."""
    if mend.name == "upscale":
        return DONE["upscale"] if mend.amount else RESAMPLED
    return f"{DONE[mend.name]} {mend.amount * 100:.0f} %"


def count_findings(report: Report) -> list[str]:
    """How many findings of each kind there are, what to fix first: "1 fix suggested", "1 to know", "2 fine"."""
    fine, fixes, mind = (len(report.at(level)) for level in ("fine", "mend", "mind"))
    if not fixes and not mind:
        return ["nothing to fix", f"{fine} fine"] if fine else ["nothing to fix"]
    counted = [(fixes, "fix suggested" if fixes == 1 else "fixes suggested"), (mind, "to know"), (fine, "fine")]
    return [f"{count} {words}" for count, words in counted if count]


def summarise(report: Report) -> str:
    """The report in one line: "1 fix suggested · 1 to know · 2 fine"."""
    return " · ".join(count_findings(report))


def name_fine(report: Report) -> str:
    """What is fine, in one line: "Fine: sharpness, noise, contrast"."""
    words = dict.fromkeys(CHECKED[finding.code] for finding in report.at("fine"))
    return f"Fine: {', '.join(words)}" if words else ""


def show_report(report: Report, mends: tuple[Mend, ...], network: bool = True) -> dict[str, Any]:
    """A report for the page; `mends` are those of the photo now. A remedy carries every mend there will be once it is
    used.

    Without a `network` nothing is called upscaled.
    """
    report = replace(report, findings=tuple(_drop_done(finding, mends) for finding in report.findings))
    hurts = [_show_finding(finding, mends, network) for finding in (*report.at("mend"), *report.at("mind"))]
    firsts = [
        remedy
        for finding in report.at("mend")
        if (remedy := next((one for one in finding.remedies if one.mends), None))
    ]
    strongest: dict[MendName, Mend] = {}
    for mend in sorted((mend for remedy in firsts for mend in remedy.mends), key=lambda one: one.amount):
        strongest[mend.name] = mend
    return {
        "line": summarise(report), "counts": count_findings(report),
        "fixes": len(report.at("mend")), "hurts": hurts, "fine": name_fine(report),
        "checked": [finding.says for finding in report.at("fine")],
        "all": msgspec.to_builtins(join_mends(mends, tuple(strongest.values()))) if len(firsts) > 1 else None,
    }  # fmt: skip


def _drop_done(finding: Finding, mends: tuple[Mend, ...]) -> Finding:
    """A finding as it is said of a photo with these mends: one that was made larger isn't offered it again."""
    useful = tuple(one for one in finding.remedies if not _is_enlarged(one, mends))
    if len(useful) == len(finding.remedies):
        return finding
    return replace(finding, level="mend" if useful else "mind", says=STILL_SMALL, remedies=useful)


def _show_finding(finding: Finding, mends: tuple[Mend, ...], network: bool) -> dict[str, Any]:
    remedies = [
        {**msgspec.to_builtins(one), "label": _name_remedy(one, network), "mends": _join_remedy(one, mends)}
        for one in finding.remedies
    ]
    plainly = not network and any(mend.name == "upscale" for one in finding.remedies for mend in one.mends)
    return {**msgspec.to_builtins(finding), "says": PLAINLY if plainly else finding.says, "remedies": remedies}


def _is_enlarged(remedy: Remedy, mends: tuple[Mend, ...]) -> bool:
    """Whether a remedy enlarges the photo and nothing else, and that is done: it is done once at most."""
    once = any(mend.name == "upscale" for mend in mends)
    return once and bool(remedy.mends) and all(mend.name == "upscale" for mend in remedy.mends)


def _name_remedy(remedy: Remedy, network: bool) -> str:
    enlarges = any(mend.name == "upscale" for mend in remedy.mends)
    return remedy.label.replace("Upscale", "Resample") if enlarges and not network else remedy.label


def _join_remedy(remedy: Remedy, mends: tuple[Mend, ...]) -> Any:
    return msgspec.to_builtins(join_mends(mends, remedy.mends)) if remedy.mends else None


def make_report_calls(studio: Studio) -> list[Call]:
    """The report on a photo; a picture of it with its mends; and the pictures before and after some."""

    def shot(
        photo_id: str, mends: tuple[Mend, ...], crop: Crop = WHOLE, size: Size = "auto", subject: str = ""
    ) -> Shot:
        photo = studio.photos.get(photo_id)
        return Shot(photo, settle_crop(photo, crop), Motion(), size=size, mends=mends, subject=subject)

    def report(ask: ReportQuestion) -> dict[str, Any]:
        asked = shot(ask.photo, ask.mends, ask.crop, ask.size, ask.subject)
        return show_report(studio.advice.look(asked, ask.glance), ask.mends, has_network())

    def compare(ask: ComparisonQuestion) -> dict[str, str]:
        if ask.before == ask.after:
            raise Refusal("This changes nothing more.", "Set a stronger amount under the photo.")
        before, after = studio.advice.before_after(shot(ask.photo, ask.before), shot(ask.photo, ask.after))
        return {"before": str(before), "after": str(after)}

    def close_up(ask: CloseUpQuestion) -> dict[str, str]:
        before, after = (studio.advice.close_up(shot(ask.photo, mends), ask.box) for mends in (ask.before, ask.after))
        return {"before": str(before), "after": str(after)}

    return [
        make_call("report", ReportQuestion, report),
        make_call(
            "mended", ComparisonQuestion, lambda ask: {"view": str(studio.advice.view(shot(ask.photo, ask.after)))}
        ),
        make_call("compare", ComparisonQuestion, compare),
        make_call("close_up", CloseUpQuestion, close_up),
    ]
