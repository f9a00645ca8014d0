"""Where the studio works: --home and --cards, which may be given before or after the command.

Knows how flags become settings. Refuses to open anything before it is asked to.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from studio import config

if TYPE_CHECKING:
    from studio.studio import Studio


def open_studio(flags: argparse.Namespace) -> Studio:
    """A studio on the home folder and the card folders that the flags name; close it. Raises `Refusal`."""
    from studio.studio import Studio

    return Studio(config.read(home=flags.home, cards=[*flags.cards, *flags.more_cards]))
