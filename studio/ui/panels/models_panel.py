"""The models tab: which models are on this computer, and downloading, loading, placing and deleting them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import msgspec

from studio import presets
from studio.nouns import FilePath, Id, Noun, Refusal, Short, Size
from studio.preferences import Look, Placement, Preferences, Weights
from studio.studio import Studio
from studio.ui.clip_actions import ById
from studio.ui.html_part import Call, Nothing, make_call, make_part
from studio.ui.model_facts import format_bytes


class Folder(Noun, frozen=True):
    """A folder on this computer that holds a model's files already."""

    id: Id
    folder: FilePath


class Override(Noun, frozen=True):
    """What the user decides for one model instead of the studio: where its weights wait, and what they are made of."""

    id: Id
    placement: Placement = "auto"
    weights: Weights = "auto"


class Wish(Noun, frozen=True):
    """A change of what the user prefers for all models; what is None stays as it is."""

    attention: Id | None = None
    idle_minutes: int | None = None
    ram_gb: float | None = None
    preview: bool | None = None
    assistant: Short | None = None
    size: Size | None = None
    fps: int | None = None
    place: Id | None = None
    look: Look | None = None
    remake_limit: int | None = None


def change_preferences(studio: Studio, wanted: Wish) -> Preferences:
    """Change what the wish names. Raises `Refusal` for a value out of range and a place that isn't known."""
    if wanted.place and all(one.id != wanted.place for one in presets.platforms()):
        known = ", ".join(one.id for one in presets.platforms())
        raise Refusal(f"There is no place called {wanted.place!r}.", f"Choose one of: {known}.")
    named = {name: value for name, value in msgspec.structs.asdict(wanted).items() if value is not None}
    return studio.models.alter(lambda now: msgspec.structs.replace(now, **named))


def override_model(studio: Studio, wanted: Override) -> Preferences:
    """Decide for one model, or leave it to the studio again."""
    model = studio.models.card(wanted.id).id

    def decide(now: Preferences) -> Preferences:
        placement = {**now.placement, model: wanted.placement}
        weights = {**now.weights, model: wanted.weights}
        return msgspec.structs.replace(
            now,
            placement={name: value for name, value in placement.items() if value != "auto"},
            weights={name: value for name, value in weights.items() if value != "auto"},
        )

    return studio.models.alter(decide)


class ModelsPanel:
    """Its part draws each model's status; nothing is fetched, loaded or deleted without being asked for."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def render(self) -> None:
        """Draw the part."""
        local = self.studio.settings.is_local
        self.part = make_part(
            "models_panel", None, calls=self.calls(local), local=local,
            placements=get_args(Placement), weights=get_args(Weights),
        )  # fmt: skip

    def calls(self, local: bool) -> list[Call]:
        """What may be asked; folders of this computer are named only from this computer."""
        studio, models = self.studio, self.studio.models
        calls = [
            make_call("quote_model", ById, lambda ask: self.quote(ask.id)),
            make_call("download_model", ById, lambda ask: models.download(ask.id)),
            make_call("convert_model", ById, lambda ask: models.convert(ask.id)),
            make_call("stop_download", ById, lambda ask: models.stop_download(ask.id)),
            make_call("load_model", ById, lambda ask: models.load(ask.id)),
            make_call("unload_model", ById, lambda ask: models.unload(ask.id)),
            make_call("delete_model", ById, lambda ask: {"freed": format_bytes(models.delete(ask.id))}),
            make_call("forget_folder", ById, lambda ask: self.forget(ask.id)),
            make_call("override_model", Override, lambda wanted: override_model(studio, wanted)),
            make_call("ask_models", Nothing, lambda _: self.about()),
        ]
        return [*calls, make_call("adopt_model", Folder, self.adopt)] if local else calls

    def about(self) -> dict[str, Any]:
        """The user's cards that can't be used, and what the user prefers."""
        models = self.studio.models
        problems = [[one.value, one.reason] for one in models.problems()]
        return {
            "problems": problems,
            "preferences": models.preferences(),
            "cards": str(self.studio.settings.home / "cards"),
        }

    def quote(self, model: str) -> dict[str, Any]:
        """What a download would take, in words."""
        quote = self.studio.models.quote(model)
        card = self.studio.models.card(model)
        return {
            "total": format_bytes(quote.total), "missing": format_bytes(quote.missing),
            "free": format_bytes(quote.free), "files": quote.files, "resumes": quote.missing < quote.total,
            "licence": quote.licence or card.licence, "limits": card.licence_limits,
            "gated": quote.gated, "refused": quote.refused, "remedy": quote.remedy,
            "repo": card.checkpoint.repo if card.checkpoint else "",
        }  # fmt: skip

    def adopt(self, ask: Folder) -> None:
        """Use a folder as it is; it is never written to or deleted."""
        self.studio.models.adopt(ask.id, Path(ask.folder.strip()).expanduser())

    def forget(self, model: str) -> None:
        """Stop using a folder; its files stay where they are."""

        def without(now: Preferences) -> Preferences:
            kept = {name: folder for name, folder in now.folders.items() if name != model}
            return msgspec.structs.replace(now, folders=kept)

        self.studio.models.alter(without)
