"""What a model's download would take, asked of a Hugging Face hub: which files, how many bytes, under which licence.

Knows the hub's answers and its refusals, and puts these into the user's words. Refuses to touch the network unless it is called,
and never shows or keeps a token: huggingface_hub reads HF_TOKEN or the one saved by `hf auth login` by itself.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from msgspec import Struct, ValidationError, convert, field

from studio.cards import Checkpoint, ModelCard, Quote
from studio.config import Settings
from studio.engines.base import Tick
from studio.engines.diffusion import answers, ledger, pieces, wire
from studio.engines.diffusion.answers import Gone
from studio.engines.diffusion.ledger import File
from studio.engines.diffusion.parcel import Parcel
from studio.engines.diffusion.store import Store, checkpoint_of
from studio.library import disk as room
from studio.nouns import Refusal

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
    def file(self) -> File:
        return File(self.path, self.lfs.size if self.lfs else self.size or 0, self.lfs.sha256 if self.lfs else self.blob)


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
    files: dict[str, File]


def free_space(folder: Path) -> int:
    """Bytes that are free on the disk that a folder is on, or will be."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


class Hub:
    """A hub, asked about cards. `free` says how many bytes are free where a folder is; `pause` is the first wait in seconds
    before a broken connection is tried again."""

    def __init__(self, settings: Settings, store: Store, free: Callable[[Path], int] = free_space, pause: float = 1.0) -> None:
        self.models = settings.home / "models"
        self.store = store
        self._free, self._pause = free, pause

    def quote(self, card: ModelCard) -> Quote:
        """What a download would take. Whatever stands in its way is said in `refused` and `remedy`; nothing is fetched."""
        checkpoint = checkpoint_of(card)
        try:
            found = self.pieces(card)
        except Refusal as refused:
            owed, free = self.store.owed(card), self._free(self.models)
            return Quote(0, owed, owed, free, card.licence, checkpoint.gated, refused.reason, refused.remedy)
        return self._sum(card, found)

    def _sum(self, card: ModelCard, found: tuple[Parcel, ...]) -> Quote:
        total = sum(file.size for parcel in found for file in parcel.files)
        missing = sum(parcel.owed for parcel in found)
        free, refused, remedy = self._free(self.models), "", ""
        gated = [parcel.repo for parcel in found if parcel.gated]
        if missing and free < missing + RESERVE:
            refused = f"The download needs {room.size(missing + RESERVE)} and the disk has {room.size(free)} left."
            remedy = f"Free {room.size(missing + RESERVE - free)}, or choose a home folder on a larger disk with --home."
        for repo in gated if missing else ():
            try:
                _ask(repo, wire.about(repo, "auth-check"))
            except Refusal as shut:
                refused, remedy = shut.reason, shut.remedy
        licence = found[0].licence if found else ""
        files = sum(len(parcel.files) for parcel in found)
        return Quote(files, total, missing, free, licence or card.licence, bool(gated), refused, remedy)

    def pieces(self, card: ModelCard) -> tuple[Parcel, ...]:
        """What to fetch, by repository: exactly the files that the card's pipeline loads. Folders that aren't Stir's own
        (adopted, absolute, in Hugging Face's cache) are left out. Raises `Refusal`."""
        checkpoint, gguf = checkpoint_of(card), self.store.gguf(card)
        folders = self.store.folders(card)
        wanted: dict[Path, tuple[Listing, dict[str, File]]] = {}

        def want(repo: str, revision: str, folder: Path, choose: Callable[[Listing], tuple[str, ...]]) -> None:
            listing = wanted[folder][0] if folder in wanted else self.listing(repo, revision, folder)
            files = {name: listing.files[name] for name in choose(listing)}
            wanted[folder] = (listing, (wanted[folder][1] if folder in wanted else {}) | files)

        if self.store.ours(folders.main):
            want(checkpoint.repo, checkpoint.revision, folders.main, lambda found: _of_main(checkpoint, found, gguf))
        for companion, folder in zip(checkpoint.companions, folders.companions, strict=True):
            if folder is not None and self.store.ours(folder):
                want(companion.repo, companion.revision, folder, lambda found, one=companion: _some(
                    found, pieces.of_companion(one, found.files, checkpoint.variant), one.file or one.subfolder or one.target
                ))  # fmt: skip
        return tuple(_parcel(listing, folder, files) for folder, (listing, files) in wanted.items())

    def listing(self, repo: str, revision: str, folder: Path) -> Listing:
        """A repository's files. A folder whose download was begun stays with the commit it began with, while that is there."""
        book = ledger.read(folder)
        if book and book.repo == repo:
            try:
                return _listing(repo, book.commit)
            except Refusal as refused:
                if not isinstance(refused, Gone):
                    raise
        return _listing(repo, revision)

    def fetch(self, card: ModelCard, tick: Tick) -> None:
        """Download what is missing, in this thread. `tick` hears how far it is in MB and raises `Stopped` to stop; what has come
        stays and is gone on with the next time. Raises `Refusal` when it can't be done, now or any more."""
        from studio.engines.diffusion.transfer import Transfer

        found = self.pieces(card)
        state, _, problem = self.store.disk(card)
        if not found and state != "here":
            raise Refusal(
                f"{card.title} lies in a folder that Stir doesn't write to, and isn't complete there: {problem}",
                "Complete that folder yourself, or let go of it in Settings and download the model.",
            )
        quote = self._sum(card, found)
        if quote.refused:
            raise Refusal(quote.refused, quote.remedy)
        with self.store.hold(one.folder for one in found):
            for one in found:
                _open(one, card)
            Transfer(tuple(replace(one, stale=frozenset()) for one in found), tick, self._pause).run()
        state, _, problem = self.store.disk(card)
        if state != "here":
            raise Refusal(f"What has arrived isn't complete: {problem}", "Download it again: only what is wrong is fetched.")


def _parcel(listing: Listing, folder: Path, files: dict[str, File]) -> Parcel:
    book = ledger.read(folder)
    before = {file.path: file.etag for file in book.files} if book else {}
    stale = frozenset(name for name, file in files.items() if before.get(name, file.etag) != file.etag)
    wanted = tuple(files[name] for name in sorted(files))
    return Parcel(listing.repo, listing.commit, folder, wanted, listing.licence, listing.gated, stale)


def _open(parcel: Parcel, card: ModelCard) -> None:
    """Make a folder ready: what it holds of another commit goes, and its ledger says what is to come. Raises `Refusal`."""
    try:
        for name in parcel.stale:
            (parcel.folder / name).unlink(missing_ok=True)
        book = ledger.read(parcel.folder)
        ledger.write(parcel.folder, ledger.grown(book, parcel.repo, parcel.commit, parcel.licence, parcel.files, card.id))
    except OSError as error:
        raise room.refusal(error) from None


def _of_main(checkpoint: Checkpoint, listing: Listing, gguf: bool) -> tuple[str, ...]:
    """The main repository's files, by its own index; by its folders where the index is behind a gate."""
    name = pieces.index_name(listing.files, checkpoint.pipeline)
    if not name:
        raise Refusal(
            f"{listing.repo} has no model_index.json: it isn't a pipeline that diffusers can load.",
            "Correct the card: many models have a second repository for diffusers.",
        )
    try:
        index = pieces.parse(_ask(listing.repo, wire.file(listing.repo, listing.commit, name)))
    except Refusal:
        if not listing.gated:
            raise
        index = None
    found = pieces.of_main(index, listing.files, checkpoint, gguf)
    spared = pieces.instead(checkpoint) if gguf else frozenset[str]()
    for one, part in pieces.components(index, listing.files, checkpoint).items() if index is not None else ():
        has = any(pieces.WEIGHTS.fullmatch(path.rsplit("/", 1)[-1]) for path in found if path.startswith(f"{part.folder}/"))
        if part.weighs and one not in spared and not has:
            raise Refusal(
                f"{listing.repo} has no weights for {one} that diffusers can load.", "Correct the card's repository or variant."
            )
    return found


def _some(listing: Listing, names: tuple[str, ...], what: str) -> tuple[str, ...]:
    if not names:
        raise Gone(f"{listing.repo} has no {what}.", "Correct the card, or choose another model.")
    return names


def _listing(repo: str, revision: str) -> Listing:
    found = pieces.parse(_ask(repo, f"{wire.about(repo, 'revision', revision)}?blobs=true"))
    try:
        about = convert(found, _About)
    except ValidationError as error:
        raise answers.refusal(error, repo) from None
    files = {one.path: one.file for one in about.siblings if pieces.safe(one.path)}
    card = about.card or {}
    licence = card.get("license_name") or card.get("license")
    return Listing(repo, about.sha, licence if isinstance(licence, str) else "", bool(about.gated), files)


def _ask(repo: str, address: str) -> bytes:
    """The hub's answer. Raises `Refusal` in the user's words."""
    try:
        return wire.get(address)
    except Exception as error:
        raise answers.refusal(error, repo) from None
