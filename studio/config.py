"""Settings, read once at the start from flags and the environment: where things live and how the page is reached, and
why.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import platformdirs

from studio.nouns import Choice, Refusal
from studio.system_errors import refuse_unwritten

ROOT = Path(__file__).resolve().parent.parent
ASSETS = ROOT / "assets"
PRESETS = ROOT / "presets"

MAX_UPLOAD_BYTES = 200_000_000
"""The largest file that is taken in. A camera raw file of 60 megapixels has some 125 MB, a JPG of 200 megapixels 30 to
90; it is read whole.
"""


@dataclass(frozen=True)
class Settings:
    """Everything that is decided before the studio starts. Folders are made by `prepare`, not here.

    `cards` are folders with the user's own model cards, besides home/cards. `visitors`: who comes to the page: "" its
    owner alone, "names" people who share it and sign in with a name, "strangers" anybody. `house` is the owner's home
    folder where `home` is a visitor's: models, model cards and preferences are the owner's. `space` is the host name
    of the Hugging Face Space that this is, "" where it is none. `mcp`: the endpoints are served as tools of an MCP
    server too. `ray` is the cluster whose workers make the clips: "auto" for one on this computer, or the address of
    its head; "" for none. `deadline`: seconds without a sign of life after which work of the studio's own has failed,
    0 for none; what follows from it for models is in jobs/deadlines.py.
    """

    home: Path
    host: str = "127.0.0.1"
    port: int = 7860
    user: str = ""
    password: str = field(default="", repr=False)
    choices: tuple[Choice, ...] = ()
    cards: tuple[Path, ...] = ()
    mcp: bool = False
    visitors: Literal["", "names", "strangers"] = ""
    ray: str = ""
    house: Path | None = None
    space: str = ""
    deadline: float = 300.0

    @property
    def is_local(self) -> bool:
        """Whether whoever opens the page sits at this computer: may name its folders, and see where things lie."""
        return not self.user and not self.visitors

    @property
    def owned(self) -> Path:
        """The owner's home folder."""
        return self.house or self.home

    @property
    def photos(self) -> Path:
        """Original photo files, named by content; never served to the page."""
        return self.home / "photos"

    @property
    def views(self) -> Path:
        """Display copies of photos, without metadata; served to the page."""
        return self.home / "views"

    @property
    def uploads(self) -> Path:
        """What the browser has uploaded and nobody has taken in yet."""
        return self.cache / "uploads"

    @property
    def clips(self) -> Path:
        """Finished clips, posters and recipes; served to the page."""
        return self.home / "clips"

    @property
    def attachments(self) -> Path:
        """Sounds and films that models are given, named by content; served to the page."""
        return self.home / "attachments"

    @property
    def thumbs(self) -> Path:
        """Small pictures of clips and photos; served to the page."""
        return self.cache / "thumbs"

    @property
    def deliveries(self) -> Path:
        """Clips as they were written for places, until room is needed; served to the page."""
        return self.cache / "deliveries"

    @property
    def served(self) -> tuple[Path, ...]:
        """The only folders of a home that the page may show files from: these, previews and downloads."""
        made = self.cache / "served", self.deliveries
        return self.views, self.clips, self.attachments, self.thumbs, *made

    @property
    def depths(self) -> Path:
        """Depth maps the user uploaded or that came inside photos, named by content."""
        return self.home / "depths"

    @property
    def mattes(self) -> Path:
        """Portrait mattes that came inside photos, named by content. Made when the first one comes."""
        return self.home / "mattes"

    @property
    def cache(self) -> Path:
        """Anything that can be made again: previews, temporary files, half-written clips."""
        return self.home / "cache"

    @property
    def models(self) -> Path:
        """Models the user has downloaded, and what has been learned of them on this machine. Made when the first one
        comes.
        """
        return self.owned / "models"

    @property
    def card_folders(self) -> tuple[Path, ...]:
        """Where the user's own model cards lie: in the home folder, and wherever --cards says."""
        return (self.owned / "cards", *self.cards)

    @property
    def preferences(self) -> Path:
        """What the user has decided instead of the studio."""
        return self.owned / "preferences.json"

    @property
    def database(self) -> Path:
        """The one SQLite database, for jobs and clips."""
        return self.home / "stir.db"

    def prepare(self) -> None:
        """Make the folders. Raises `Refusal` when the home folder can't be written."""
        try:
            for folder in (self.photos, self.views, self.clips, self.depths, self.cache, self.uploads):
                folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.home) as probe:
                probe.write(b"stir")
                probe.flush()
        except OSError as error:
            raise refuse_unwritten(error, f"The folder {self.home}") from None


def read(
    home: str | None = None,
    host: str | None = None,
    port: int | None = None,
    user: str | None = None,
    password: str | None = None,
    cards: Sequence[str | Path] = (),
    mcp: bool = False,
    ray: str | None = None,
    shared: bool = False,
) -> Settings:
    """Settings from flags, then the environment (STIR_HOME, STIR_USER, STIR_PASSWORD, STIR_RAY, STIR_DEADLINE), then
    the machine.

    `cards` are folders with the user's own model cards; `mcp` is as in `Settings`. `shared`: several people come to
    the page, each under a name of their own; on a Hugging Face Space, which SPACE_ID tells, strangers do. Raises
    `Refusal` when a folder isn't there, and when the page would be open to the network without a password.
    """
    place, why = _choose_home(home)
    user = user or os.environ.get("STIR_USER", "")
    password = password or os.environ.get("STIR_PASSWORD", "")
    folders, ray, deadline = _split_folders(cards), ray or os.environ.get("STIR_RAY", ""), _read_deadline()
    if shared or os.environ.get("SPACE_ID"):
        _require_shareable(password, user=user, mcp=mcp, ray=ray)
        host, reach = "0.0.0.0", "a page that several people share"  # noqa: S104  asked for
        choices = (Choice("home", str(place), why), Choice("address", host, reach))
        return Settings(
            place, host, port or 7860, "", password, choices, folders,
            visitors="names" if password else "strangers", space=os.environ.get("SPACE_HOST", ""), deadline=deadline,
        )  # fmt: skip
    host = host or "127.0.0.1"
    local = host in ("127.0.0.1", "localhost", "::1")
    _require_password(local, user, password)
    reach = "only this computer can reach the page" if local else "asked for with --listen; a password is set"
    choices = (Choice("home", str(place), why), Choice("address", host, reach))
    return Settings(place, host, port or 7860, user, password, choices, folders, mcp, ray=ray, deadline=deadline)


def _read_deadline() -> float:
    """Seconds that STIR_DEADLINE names. Raises `Refusal` for what is no number of them."""
    named = os.environ.get("STIR_DEADLINE", "")
    try:
        seconds = float(named or Settings.deadline)
    except ValueError:
        seconds = -1.0
    if seconds == 0 or 10 <= seconds <= 86_400:
        return seconds
    raise Refusal(
        f"STIR_DEADLINE is {named!r}, which is no deadline.", "Set it to 10 to 86400 seconds, or to 0 for none."
    )


def _require_password(local: bool, user: str, password: str) -> None:
    """Raises `Refusal` for a page on the network without a password, and for a name without one."""
    if not local and not (user and password):
        raise Refusal(
            "Stir won't listen on the network without a user name and a password.",
            "Add --user NAME and set STIR_PASSWORD, or leave out --listen.",
        )
    if user and not password:
        raise Refusal(
            "A name to sign in with needs a password.", "Set STIR_PASSWORD, or leave out --user and STIR_USER."
        )


def _require_shareable(password: str, *, user: str, mcp: bool, ray: str) -> None:
    """Raises `Refusal` for what a page with visitors can't have. Only a Space may be without a password."""
    if not password and not os.environ.get("SPACE_ID"):
        raise Refusal("A shared page needs a password that its people know.", "Set STIR_PASSWORD.")
    if user:
        raise Refusal("On a shared page everybody chooses a name of their own.", "Leave out --user and STIR_USER.")
    if mcp:
        raise Refusal("The MCP server is for a page of one's own.", "Leave out --mcp, or --shared.")
    if ray:
        raise Refusal(
            "A shared page makes its clips on its own computer.", "Leave out --ray and STIR_RAY, or --shared."
        )


def _choose_home(home: str | None) -> tuple[Path, str]:
    """The home folder and why it is that. A Space's storage that outlives its restarts is /data."""
    if home:
        place, why = Path(home), "named with --home"
    elif os.environ.get("STIR_HOME"):
        place, why = Path(os.environ["STIR_HOME"]), "named by STIR_HOME"
    elif os.environ.get("SPACE_ID") and os.access("/data", os.W_OK):
        place, why = Path("/data/stir"), "the Space's storage"
    else:
        place, why = Path(platformdirs.user_data_dir("Stir", appauthor=False)), "this system's folder for program data"
    return place.expanduser().resolve(), why


def _split_folders(names: Sequence[str | Path]) -> tuple[Path, ...]:
    found = tuple(dict.fromkeys(Path(name).expanduser().resolve() for name in names))
    for folder in found:
        if not folder.is_dir():
            raise Refusal(f"There is no folder {str(folder)!r} with model cards.", "Check the name after --cards.")
    return found
