"""The user's preferences, in preferences.json of the home folder, which is written whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

import msgspec

from studio.atomic_write import write_whole
from studio.config import Settings
from studio.file_locks import hold_alone
from studio.nouns import Noun, Refusal, Size
from studio.system_errors import refuse_unwritten

Placement = Literal["auto", "resident", "managed", "grouped"]
"""Where weights wait: all on the GPU; moved there when they run; or streamed there block by block."""

Weights = Literal["auto", "published", "fp8", "fp8_fast", "int8", "gguf"]
"""What weights are made of: as published, fp8 storage (layerwise casting), fp8 products (the denoiser's blocks multiply
in fp8), torchao int8, or the card's GGUF file.
"""

Look = Literal["system", "dark", "light"]
"""The page's look: as the system says, darkroom, or lightbox."""

LARGEST = 1 << 20
"""Bytes of a file that is read: a line for each card stays far below."""

WAITING_SECONDS = 10.0
"""How long a change waits for another."""


class Preferences(Noun, frozen=True):
    """What the user has decided instead of the studio; kept in the home folder. "auto", 0 and {} leave it to the
    studio.

    `attention` is a kernel's name. `placement`, `weights` and `folders` (an offline copy of the files) go by card id.
    `assistant` is the folder of a small language or vision model that may help with words, "" none. `idle_minutes`
    without work unload every model, 0 never. `ram_gb` caps what models may hold in memory, 0 for automatic. `size`,
    `fps`, `place` (a platform's id, "" none) and `look` are what the page begins with in a new browser. `remake_limit`
    is how many times a broken clip is made again with another seed, 0 never. `agreed` are the services and makers that
    photos may be sent to ("replicate: Kuaishou"), `day_budget` is what hosted models may cost in a day in dollars, 0
    for no limit, and `hosted_at_once` how many of their jobs run at once at one service.
    """

    attention: str = "auto"
    placement: dict[str, Placement] = msgspec.field(default_factory=dict)
    weights: dict[str, Weights] = msgspec.field(default_factory=dict)
    folders: dict[str, str] = msgspec.field(default_factory=dict)
    idle_minutes: Annotated[int, msgspec.Meta(ge=0, le=1440)] = 30
    ram_gb: Annotated[float, msgspec.Meta(ge=0.0, le=4096.0)] = 0.0
    preview: bool = True
    assistant: str = ""
    size: Size = "auto"
    fps: Annotated[int, msgspec.Meta(ge=1, le=60)] = 24
    place: str = ""
    look: Look = "system"
    remake_limit: Annotated[int, msgspec.Meta(ge=0, le=5)] = 0
    agreed: tuple[str, ...] = ()
    day_budget: Annotated[float, msgspec.Meta(ge=0.0, le=1e6)] = 0.0
    hosted_at_once: Annotated[int, msgspec.Meta(ge=1, le=100)] = 4


msgspec.json.Decoder(Preferences)  # built before threads read it: see the end of nouns.py


def preferences(settings: Settings) -> Preferences:
    """What the user has decided. A file that is missing or damaged leaves everything to the studio."""
    try:
        with settings.preferences.open("rb") as file:
            return msgspec.json.decode(file.read(LARGEST), type=Preferences)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return Preferences()


def prefer(settings: Settings, wanted: Preferences) -> None:
    """Keep what the user has decided. Raises `Refusal` for a value out of range and where it can't be written."""
    try:
        checked = msgspec.convert(msgspec.to_builtins(wanted), Preferences)
    except msgspec.ValidationError as error:
        raise Refusal(f"That setting can't be used ({error}).", "Choose one within the range shown.") from None
    try:
        write_whole(settings.preferences, msgspec.json.format(msgspec.json.encode(checked), indent=1))
    except OSError as error:
        raise refuse_unwritten(error, "The file of settings") from None


def alter(settings: Settings, change: Callable[[Preferences], Preferences]) -> Preferences:
    """Keep what `change` makes of the present decisions, and return it: two changes at once both count, another
    process's too. Raises `Refusal`.
    """
    locks = settings.owned / "locks"
    try:
        locks.mkdir(exist_ok=True)
        with hold_alone(locks / settings.preferences.name, WAITING_SECONDS):
            wanted = change(preferences(settings))
            prefer(settings, wanted)
    except OSError as error:
        raise refuse_unwritten(error, "The file of settings") from None
    return wanted
