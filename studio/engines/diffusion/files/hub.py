"""What a Hugging Face hub says of a model's repositories: files, bytes, licence, gate; and its refusals in the user's
words.

The only requests that this engine makes, and only when called. A token is never shown or kept: huggingface_hub reads
HF_TOKEN or the one saved by `hf auth login`, it goes to the hub alone, and the session takes it off when the hub sends
it on to another host. The client's own headers are not taken: huggingface_hub 2.4 fetches a list from huggingface.co to
make them, wherever HF_ENDPOINT points, and says which tools this process was started by. download.py brings the files.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from msgspec import Struct, ValidationError, convert, field

from studio.cards import Checkpoint, Companion, ModelCard, Quote
from studio.config import Settings
from studio.engines.diffusion.files import manifest
from studio.engines.diffusion.files.local_files import HubFile, get_size, is_complete, partial_path, read_ledger
from studio.engines.diffusion.files.manifest import require_checkpoint
from studio.engines.diffusion.files.store import Store
from studio.library import disk as room
from studio.nouns import Refusal
from studio.system_errors import refuse_unwritten

PATIENCE = 20.0
"""Seconds without a byte until a connection counts as broken; also the longest that a stop may take."""


def _endpoint() -> str:
    """The hub's address, read each time: HF_ENDPOINT, or Hugging Face's own."""
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def _host() -> str:
    """The hub's name, without whatever else an address may hold."""
    return urlsplit(_endpoint()).hostname or "the hub"


def api_url(repo: str, *rest: str) -> str:
    """The address of what the hub knows of a repository."""
    return "/".join((f"{_endpoint()}/api/models/{repo}", *(quote(one, safe="") for one in rest)))


def file_url(repo: str, commit: str, path: str) -> str:
    """The address of a file at a commit."""
    return f"{_endpoint()}/{repo}/resolve/{quote(commit, safe='')}/{quote(path)}"


def get(address: str) -> bytes:
    """A small answer. Raises what the client and the network raise; `explain` puts it into words."""
    from huggingface_hub.utils import get_session, hf_raise_for_status

    answer = get_session().get(address, headers=_make_headers(), timeout=PATIENCE)
    hf_raise_for_status(answer)
    return answer.content


def open_stream(address: str, first: int, last: int) -> AbstractContextManager[Any]:
    """An open answer with the bytes `first` to `last` of a file, as it is and not compressed."""
    from huggingface_hub.utils import get_session

    headers = _make_headers() | {"Accept-Encoding": "identity", "Range": f"bytes={first}-{last}"}
    return get_session().stream("GET", address, headers=headers, timeout=PATIENCE)


def _find_token() -> str | None:
    """HF_TOKEN, or the one saved by `hf auth login`, unless HF_HUB_DISABLE_IMPLICIT_TOKEN forbids it. Never shown or
    kept.
    """
    from huggingface_hub import constants, get_token

    return None if constants.HF_HUB_DISABLE_IMPLICIT_TOKEN else get_token()


def _make_headers() -> dict[str, str]:
    mine = _find_token()
    return {"User-Agent": "stir", **({"Authorization": f"Bearer {mine}"} if mine else {})}


class Gone(Refusal):
    """The hub doesn't have that repository, revision or file."""


def is_transient(error: Exception) -> bool:
    """Whether trying again in a moment may help: a connection that broke, a hub that is overworked."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError

    if isinstance(error, HfHubHTTPError):
        return error.response.status_code in (408, 429, 500, 502, 503, 504)
    return isinstance(error, httpx2.TransportError)


def explain(error: Exception, repo: str) -> Refusal:
    """A hub's or the network's error, met while asking for a repository, in the user's words."""
    import httpx2
    from huggingface_hub import errors

    if isinstance(error, Refusal):
        return error
    if isinstance(error, errors.OfflineModeIsEnabled):
        why = "HF_HUB_OFFLINE is set, so nothing is downloaded."
        return Refusal(why, "Unset it and start Stir again, or use an offline folder.")
    if isinstance(error, errors.HfHubHTTPError):
        return _explain_status(error, repo)
    if isinstance(error, httpx2.ProxyError):
        return Refusal("The proxy lets nothing through.", "Check HTTPS_PROXY, then try again.")
    if isinstance(error, httpx2.TransportError):
        why = f"{_host()} can't be reached."
        return Refusal(why, "Check the connection, then try again: what has arrived is kept. Or use an offline folder.")
    if isinstance(error, OSError):
        return refuse_unwritten(error)
    return Refusal(f"The answer of {_host()} can't be understood ({type(error).__name__}).", "Try again later.")


def _explain_gate(page: str, repo: str) -> Refusal:
    if _find_token():
        why = f"{repo} is behind a gate, and your token hasn't been let through."
        remedy = f"Accept the licence on {page} with the token's account, and wait if it has to be granted."
        return Refusal(why, remedy)
    return Refusal(
        f"{repo} is behind a gate.", f"Accept the licence on {page}, then set HF_TOKEN and start Stir again."
    )


def _explain_status(error: Exception, repo: str) -> Refusal:
    from huggingface_hub import errors

    page = f"{_host()}/{repo}"
    if isinstance(error, errors.GatedRepoError):
        return _explain_gate(page, repo)
    if isinstance(error, errors.RevisionNotFoundError):
        return Gone(f"{page} doesn't have that revision any more.", "Correct the card's revision.")
    if isinstance(error, errors.EntryNotFoundError):
        return Gone(
            f"{page} doesn't have a file that was asked for.", "Try again; if it stays so, correct the card's revision."
        )
    if isinstance(error, errors.DisabledRepoError):
        return Gone(f"{page} has been closed by the hub.", "Choose another model.")
    if isinstance(error, errors.RepositoryNotFoundError):
        return Gone(
            f"{_host()} has no repository {repo}, or it is private.", "Check its name; for a private one set HF_TOKEN."
        )
    status = error.response.status_code if isinstance(error, errors.HfHubHTTPError) else 0
    if status == 401 and not _find_token():  # what a hub says of a repository that it doesn't know, or that is private
        return Gone(
            f"{_host()} has no repository {repo}, or it is private.", "Check its name; for a private one set HF_TOKEN."
        )
    if status == 401:
        return Refusal(
            f"{_host()} doesn't accept your token.", "Set HF_TOKEN to a valid one, or unset it, and start Stir again."
        )
    if status == 403:
        return Refusal(
            f"{_host()} doesn't allow {repo} to be read.", f"Look at {page}; your token may lack the permission."
        )
    if status == 429:
        return Refusal(
            f"{_host()} has had too many requests from here.", "Try again in some minutes: what has arrived is kept."
        )
    if status >= 500:
        return Refusal(f"{_host()} has trouble of its own ({status}).", "Try again later: what has arrived is kept.")
    return Refusal(f"{_host()} has refused ({status}).", "Try again later.")


@dataclass(frozen=True)
class FetchPlan:
    """Files of a repository at one commit, and the folder they go into; `stale` are those that lie there as another
    commit has them."""

    repo: str
    commit: str
    folder: Path
    files: tuple[HubFile, ...]
    licence: str = ""
    gated: bool = False
    stale: frozenset[str] = frozenset()

    @property
    def missing(self) -> tuple[HubFile, ...]:
        """Those of the files that aren't here, or aren't whole."""
        return tuple(
            file for file in self.files if file.path in self.stale or not is_complete(self.folder / file.path, file)
        )  # fmt: skip

    @property
    def missing_bytes(self) -> int:
        """Bytes still to come: halves that are here count."""
        return sum(file.size - (get_size(partial_path(self.folder / file.path, file)) or 0) for file in self.missing)


RESERVE = 1_000_000_000
"""Bytes that stay free beside a download, for clips and the rest of the machine."""


class _Large(Struct):
    """What the hub says of a large file."""

    sha256: str
    size: int


class _Sibling(Struct):
    """What the hub says of a file."""

    path: str = field(name="rfilename")
    size: int | None = None
    blob: str = field(name="blobId", default="")
    lfs: _Large | None = None

    @property
    def file(self) -> HubFile:
        return HubFile(
            self.path, self.lfs.size if self.lfs else self.size or 0, self.lfs.sha256 if self.lfs else self.blob
        )


class _About(Struct):
    """What the hub says of a repository; much more that isn't needed here is left out."""

    sha: str
    siblings: tuple[_Sibling, ...]
    gated: bool | str | None = False
    card: dict[str, Any] | None = field(name="cardData", default=None)


@dataclass(frozen=True)
class Listing:
    """A repository as the hub lists it at one commit."""

    repo: str
    commit: str
    licence: str
    gated: bool
    files: dict[str, HubFile]


def free_space(folder: Path) -> int:
    """Bytes that are free on the disk that a folder is on, or will be."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


class Hub:
    """A hub, asked about cards. `free` says how many bytes are free where a folder is; `pause` is the first wait in
    seconds before a broken connection is tried again."""

    def __init__(
        self, settings: Settings, store: Store, free: Callable[[Path], int] = free_space, pause: float = 1.0
    ) -> None:
        self.models = settings.home / "models"
        self.store = store
        self.pause = pause
        self._free = free

    def quote(self, card: ModelCard) -> Quote:
        """What a download would take. What stands in its way is said in `refused` and `remedy`; nothing is fetched."""
        checkpoint = require_checkpoint(card)
        try:
            found = self.plan(card)
        except Refusal as refused:
            owed, free = self.store.estimate_missing(card), self._free(self.models)
            return Quote(0, owed, owed, free, card.licence, checkpoint.gated, refused.reason, refused.remedy)
        return self.sum_up(card, found)

    def sum_up(self, card: ModelCard, found: tuple[FetchPlan, ...]) -> Quote:
        """What these would take, for `quote`."""
        total = sum(file.size for plan in found for file in plan.files)
        missing = sum(plan.missing_bytes for plan in found)
        free, refused, remedy = self._free(self.models), "", ""
        gated = [plan.repo for plan in found if plan.gated]
        if missing and free < missing + RESERVE:
            refused = f"The download needs {room.size(missing + RESERVE)} and the disk has {room.size(free)} left."
            remedy = (
                f"Free {room.size(missing + RESERVE - free)}, or choose a home folder on a larger disk with --home."
            )
        for repo in gated if missing else ():
            try:
                _get(repo, api_url(repo, "auth-check"))
            except Refusal as shut:
                refused, remedy = shut.reason, shut.remedy
        licence = found[0].licence if found else ""
        files = sum(len(plan.files) for plan in found)
        return Quote(files, total, missing, free, licence or card.licence, bool(gated), refused, remedy)

    def plan(self, card: ModelCard) -> tuple[FetchPlan, ...]:
        """What to fetch, by repository: exactly the files that the card's pipeline loads. Folders that aren't Stir's
        own (adopted, absolute, in Hugging Face's cache) are left out. Raises `Refusal`."""
        checkpoint, folders = require_checkpoint(card), self.store.find_folders(card)
        spared = self.store.list_spared(card, folders.main)
        wanted: dict[Path, tuple[Listing, dict[str, HubFile]]] = {}

        def want(repo: str, revision: str, folder: Path, choose: Callable[[Listing], tuple[str, ...]]) -> None:
            listing = wanted[folder][0] if folder in wanted else self.list_repo(repo, revision, folder)
            files = {name: listing.files[name] for name in choose(listing)}
            wanted[folder] = (listing, (wanted[folder][1] if folder in wanted else {}) | files)

        if self.store.owns(folders.main):
            want(
                checkpoint.repo, checkpoint.revision, folders.main, lambda repo: _choose_main(checkpoint, repo, spared)
            )
        for companion, folder in zip(checkpoint.companions, folders.companions, strict=True):
            if folder is not None and self.store.owns(folder):
                want(
                    companion.repo,
                    companion.revision,
                    folder,
                    lambda found, one=companion: _choose_companion(checkpoint, found, one),
                )
        return tuple(_make_plan(listing, folder, files) for folder, (listing, files) in wanted.items())

    def list_repo(self, repo: str, revision: str, folder: Path) -> Listing:
        """A repository's files. A folder whose download was begun stays with the commit it began with, while that is
        there.
        """
        book = read_ledger(folder)
        if book and book.repo == repo:
            try:
                return _read_listing(repo, book.commit)
            except Refusal as refused:
                if not isinstance(refused, Gone):
                    raise
        return _read_listing(repo, revision)


def _make_plan(listing: Listing, folder: Path, files: dict[str, HubFile]) -> FetchPlan:
    book = read_ledger(folder)
    before = {file.path: file.etag for file in book.files} if book else {}
    stale = frozenset(name for name, file in files.items() if before.get(name, file.etag) != file.etag)
    wanted = tuple(files[name] for name in sorted(files))
    return FetchPlan(listing.repo, listing.commit, folder, wanted, listing.licence, listing.gated, stale)


def _choose_main(checkpoint: Checkpoint, listing: Listing, spared: frozenset[str]) -> tuple[str, ...]:
    """The main repository's files, by its own index; by its folders where the index is behind a gate."""
    name = manifest.find_index(listing.files, checkpoint.pipeline)
    if not name:
        raise Refusal(
            f"{listing.repo} has no model_index.json: it isn't a pipeline that diffusers can load.",
            "Correct the card: many models have a second repository for diffusers.",
        )
    try:
        index = manifest.parse_object(_get(listing.repo, file_url(listing.repo, listing.commit, name)))
    except Refusal:
        if not listing.gated:
            raise
        index = None
    found = manifest.select_main_files(index, listing.files, checkpoint, spared)
    for part in manifest.select_components(index, listing.files, checkpoint) if index is not None else ():
        has = any(
            manifest.WEIGHTS.fullmatch(path.rsplit("/", 1)[-1]) for path in found if path.startswith(f"{part.folder}/")
        )
        if part.has_weights and part.name not in spared and not has:
            raise Refusal(
                f"{listing.repo} has no weights for {part.name} that diffusers can load.",
                "Correct the card's repository or variant.",
            )
    return found


def _choose_companion(checkpoint: Checkpoint, listing: Listing, companion: Companion) -> tuple[str, ...]:
    """The files of a companion's repository. Raises `Gone` where it has none of them."""
    names = manifest.select_companion_files(companion, listing.files, checkpoint.variant)
    if not names:
        what = companion.file or companion.subfolder or companion.target
        raise Gone(f"{listing.repo} has no {what}.", "Correct the card, or choose another model.")
    return names


def _read_listing(repo: str, revision: str) -> Listing:
    found = manifest.parse_object(_get(repo, f"{api_url(repo, 'revision', revision)}?blobs=true"))
    try:
        about = convert(found, _About)
    except ValidationError as error:
        raise explain(error, repo) from None
    files = {one.path: one.file for one in about.siblings if manifest.is_safe_path(one.path)}
    card = about.card or {}
    licence = card.get("license_name") or card.get("license")
    return Listing(repo, about.sha, licence if isinstance(licence, str) else "", bool(about.gated), files)


def _get(repo: str, address: str) -> bytes:
    """The hub's answer. Raises `Refusal` in the user's words."""
    try:
        return get(address)
    except Exception as error:
        raise explain(error, repo) from None
