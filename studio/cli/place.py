"""--home and --cards, which may be given before or after the command, into settings and a studio."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from studio import config, presets
from studio.cards import ModelCard

if TYPE_CHECKING:
    from studio.studio import Studio


def card(flags: argparse.Namespace, model: str) -> ModelCard:
    """The card of a model, of those that ship or in the folders that flags name. Needs no studio. Raises `Refusal`."""
    settings = config.read(home=flags.home, cards=[*flags.cards, *flags.more_cards])
    own, _ = presets.own_cards(settings.card_folders)
    found = next((one for one in own if one.id == model), None)
    return found or presets.card(model)


def open_studio(flags: argparse.Namespace) -> Studio:
    """A studio on the home folder and the card folders that the flags name; close it. Raises `Refusal`."""
    from studio.studio import Studio

    return Studio(config.read(home=flags.home, cards=[*flags.cards, *flags.more_cards]))
