"""Post to…: a made clip sent to several places at once, each file probed against what its place asks for."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from studio import presets
from studio.deliveries import Delivery, Foreseen, find_place
from studio.finish_nouns import ClipId
from studio.nouns import Id, Noun
from studio.platforms import DeliveryWish, Platform
from studio.studio import Studio
from studio.ui import theme
from studio.ui.clip_actions import ById
from studio.ui.html_part import Nothing, make_call, make_part
from studio.ui.model_facts import format_bytes
from studio.ui.queue_snapshot import show_clips

Clips = Annotated[tuple[ClipId, ...], msgspec.Meta(min_length=1, max_length=60)]
CODECS = {
    "h264": "H.264", "hevc": "HEVC", "prores": "ProRes", "vp9": "VP9", "av1": "AV1", "gif": "", "webp": "",
}  # fmt: skip


class ClipsToPost(Noun, frozen=True):
    """The clips that the sheet is opened with."""

    ids: Clips


class WantedDelivery(ClipsToPost, frozen=True):
    """The places that they go to, and how they are made fit for those where something is wished."""

    places: Annotated[tuple[Id, ...], msgspec.Meta(max_length=60)]
    wishes: Annotated[dict[Id, DeliveryWish], msgspec.Meta(max_length=60)] = msgspec.field(default_factory=dict)


class PostPanel:
    """One part, which draws nothing until a clip is opened in it."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def render(self) -> None:
        """Draw the part."""
        calls = [
            make_call("read_post_sheet", Nothing, lambda _: self.read_sheet()),
            make_call("open_post", ClipsToPost, self.open),
            make_call("foresee_delivery", WantedDelivery, self.foresee),
            make_call("start_delivery", WantedDelivery, self.start),
            make_call("look_at_delivery", ById, lambda ask: self.studio.deliveries.find(ask.id)),
            make_call("stop_delivery", ById, lambda ask: self.studio.deliveries.stop(ask.id)),
            make_call("zip_delivery", ById, lambda ask: self.pack(ask.id)),
        ]
        make_part("post_panel", elem_id="post", calls=calls)

    def read_sheet(self) -> dict[str, Any]:
        """The sheet's script and style, and the places with what each takes and covers."""
        return {**theme.read_sheet("post"), "given": {"places": [show_place(one) for one in presets.platforms()]}}

    def open(self, ask: ClipsToPost) -> dict[str, Any]:
        """The clips as the sheet shows them."""
        clips = tuple(self.studio.library.get(one) for one in ask.ids)
        return {"clips": show_clips(self.studio, clips)}

    def foresee(self, ask: WantedDelivery) -> dict[str, list[dict[str, Any]]]:
        """What will be done to the clips for each place, or why one can't go there and the finish that changes it."""
        found: dict[str, list[dict[str, Any]]] = {}
        for place in ask.places:
            foreseen = self.studio.deliveries.foresee(ask.ids, [place], ask.wishes.get(place))
            refused = [one for one in foreseen if one.reason]
            shown = refused[:1] or foreseen[:1]
            found[place] = [msgspec.to_builtins(one) | find_mend(self.studio, one) for one in shown]
        return found

    def start(self, ask: WantedDelivery) -> Delivery:
        """Begin to write them. Raises `Refusal`."""
        return self.studio.deliveries.start(ask.ids, ask.places, wishes=ask.wishes)

    def pack(self, delivery_id: str) -> dict[str, str]:
        """All that was written, as one zip."""
        file = self.studio.deliveries.zip_files(delivery_id)
        return {"path": str(file), "name": file.name}


def find_mend(studio: Studio, one: Foreseen) -> dict[str, Any]:
    """The finish after which a place takes a clip that is too short or too long for it, and what its press says."""
    place, clip = find_place(one.platform), studio.library.get(one.clip)
    least, most = place.min_seconds, place.max_seconds
    if one.reason and clip.seconds > most:
        return {"change": {"trim": {"start": 0, "end": most}}, "label": f"Cut it to {most:g} s"}
    if one.reason and clip.seconds < least:
        return {"change": {"hold": round(least - clip.seconds, 2)}, "label": f"Hold its end to {least:g} s"}
    return {}


SHOWN = ("id", "title", "kind", "aspect", "shapes", "covers")


def show_place(place: Platform) -> dict[str, Any]:
    """A place as the sheet shows it: its name, its shape, in one line what it takes, and the files to choose from."""
    names = [f"{one.container.upper()} {CODECS[one.codec]}".strip() for one in place.files]
    most = f"{place.max_seconds / 60:.3g} min" if place.max_seconds >= 120 else f"{place.max_seconds:g} s"
    words = [
        "its own shape" if place.aspect == "photo" or place.shapes else place.aspect,
        f"{place.min_seconds:g} s to {most}",
        " or ".join(dict.fromkeys(names)) if place.pick else " and ".join(dict.fromkeys(names)),
        f"up to {format_bytes(place.most_bytes)}" if place.most_bytes else "",
    ]  # fmt: skip
    containers = [[one.container, name] for one, name in zip(place.files, names, strict=True)] if place.pick else []
    return {
        **{name: msgspec.to_builtins(getattr(place, name)) for name in SHOWN},
        "words": " · ".join(filter(None, words)), "files": containers, "most_mb": round(place.most_bytes / 1e6),
    }  # fmt: skip
