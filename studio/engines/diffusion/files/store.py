"""Where the files of models are on this disk, whether they are all there and whole, and which may be deleted.

Looks in the home folder's models, the user's own folders and Hugging Face's cache. Never online, and imports nothing
that runs a model: the Models tab asks for the state of every card at once.
"""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Literal, NamedTuple

from studio.cards import Checkpoint, Companion, ModelCard
from studio.config import Settings
from studio.engines.diffusion.files import manifest
from studio.engines.diffusion.files.converted_copies import (
    find_copies,
    is_whole,
    list_copy,
    list_narrowings,
    list_remains,
)
from studio.engines.diffusion.files.local_files import (
    LEDGER,
    FileSet,
    Folders,
    get_size,
    list_companion,
    list_main,
    read_ledger,
    shrink_ledger,
    walk_files,
    write_ledger,
)  # fmt: skip
from studio.engines.diffusion.files.manifest import require_checkpoint
from studio.engines.diffusion.files.safetensors_header import DamagedFile
from studio.nouns import Refusal
from studio.preferences import Preferences
from studio.system_errors import refuse_unwritten

REPO = re.compile(r"[A-Za-z0-9_][\w.-]{0,95}/[A-Za-z0-9_][\w.-]{0,95}")
REVISION = re.compile(r"[A-Za-z0-9_][\w./-]{0,200}")


class Disk(NamedTuple):
    """How a card's files are: all here and whole, some, or none; their bytes; and what is the matter, in words."""

    state: Literal["here", "partly", "missing"]
    bytes: int
    problem: str = ""


class Store:
    """The models' files. `preferences` is asked each time, as the user may change them. Any thread may call."""

    def __init__(self, settings: Settings, preferences: Callable[[], Preferences]) -> None:
        self.models = settings.home / "models"
        self._preferences = preferences
        self._verdicts: dict[tuple[str, Folders], tuple[object, Disk, int]] = {}
        self._lock = threading.Lock()

    def locate(self, repo: str, revision: str) -> Path:
        """The folder a repository is downloaded to. Raises `Refusal` for a name no hub has: it might lead elsewhere."""
        if not REPO.fullmatch(repo) or not REVISION.fullmatch(revision) or ".." in repo + revision or "--" in repo:
            raise Refusal(
                f"{repo}@{revision} is not the name of a repository.",
                "Write it in the card as owner/name, or as the full path of a folder.",
            )
        return self.models / f"{repo.replace('/', '--')}@{revision.replace('/', '--')}"

    def owns(self, folder: Path) -> bool:
        """Whether a folder is one that Stir downloads to, and so may delete: in its home, no link, not adopted."""
        adopted = self._preferences().folders.values()
        return folder.parent == self.models and not folder.is_symlink() and str(folder) not in adopted

    def prefers_gguf(self, card: ModelCard) -> bool:
        """Whether the user prefers the card's GGUF file to the published weights."""
        return self._preferences().weights.get(card.id) == "gguf"

    def find_folders(self, card: ModelCard) -> Folders:
        """Where a card's files are, or would be. A companion's path is its repository's folder, in which `subfolder`
        and `file` lie; None where it isn't needed, as when the user's own folder has that component. Raises `Refusal`.
        """
        checkpoint, gguf = require_checkpoint(card), self.prefers_gguf(card)
        adopted = self._preferences().folders.get(card.id)
        main = Path(adopted) if adopted else self._find(
            checkpoint.repo, checkpoint.revision, manifest.INDEXES,
            lambda folder: list_main(checkpoint, folder, self._list_spared(checkpoint, gguf, folder)),
        )  # fmt: skip
        own = Path(adopted) if adopted else None
        beside = tuple(self._find_companion(checkpoint, one, gguf, own) for one in checkpoint.companions)
        return Folders(main, beside, find_copies(self.models, main, checkpoint))

    def list_spared(self, card: ModelCard, main: Path) -> frozenset[str]:
        """The components whose weights aren't needed in the main folder: a GGUF file or a converted copy has them."""
        return self._list_spared(require_checkpoint(card), self.prefers_gguf(card), main)

    def _list_spared(self, checkpoint: Checkpoint, gguf: bool, main: Path) -> frozenset[str]:
        copies = find_copies(self.models, main, checkpoint)
        instead = manifest.gguf_targets(checkpoint) if gguf else frozenset[str]()
        return instead | {name for name, folder in copies if is_whole(folder)}

    def _find_companion(
        self, checkpoint: Checkpoint, companion: Companion, gguf: bool, own: Path | None
    ) -> Path | None:
        """`own` is the user's folder of the whole model, which may hold the companion too."""
        if not manifest.is_needed(companion, gguf):
            return None
        if own and not Path(companion.repo).is_absolute():
            if companion.kind == "component" and _has_component(own, companion):
                return None
            if companion.kind != "component" and (own / manifest.companion_path(companion)).is_file():
                return own
        file = companion.file or manifest.resolve_companion(checkpoint, companion).config_file
        files = (f"{companion.subfolder.strip('/')}/{file}".lstrip("/"),)
        return self._find(
            companion.repo, companion.revision, files, lambda folder: list_companion(checkpoint, companion, folder)
        )

    def _find(self, repo: str, revision: str, files: tuple[str, ...], needs: Callable[[Path], FileSet]) -> Path:
        """An absolute folder as it is; else Hugging Face's cache, where all is there and isn't in the home folder
        already. Only a snapshot that has one of `files` is looked at."""
        if Path(repo).is_absolute():
            return Path(repo)
        home = self.locate(repo, revision)
        if (
            needs(home).find_fault()
            and (cached := _find_snapshot(repo, revision, files))
            and not needs(cached).find_fault()
        ):
            return cached
        return home

    def list_files(self, card: ModelCard, folders: Folders | None = None) -> tuple[FileSet, ...]:
        """What a card needs of each of its folders, the main one first, as far as can be told offline. Raises
        `Refusal`.
        """
        checkpoint, folders = require_checkpoint(card), folders or self.find_folders(card)
        beside = zip(checkpoint.companions, folders.companions, strict=True)
        return (
            list_main(checkpoint, folders.main, self.list_spared(card, folders.main)),
            *(list_copy(folder) for _, folder in folders.copies),
            *(list_companion(checkpoint, one, folder) for one, folder in beside if folder),
        )

    def check(self, card: ModelCard) -> Disk:
        """How a card's files are. Quick: it reads names, lengths and headers, and these once for as long as nothing
        changes.
        """
        return self._look(card)[0]

    def estimate_spared(self, card: ModelCard) -> int:
        """Bytes that converting a card's weights that are wider than they run would free; as quick as `check`."""
        return self._look(card)[1]

    def _look(self, card: ModelCard) -> tuple[Disk, int]:
        try:
            folders = self.find_folders(card)
        except Refusal as refused:
            return Disk("missing", 0, refused.reason), 0
        key = (card.id, folders)
        places = (folders.main, *folders.companions, *(folder for _, folder in folders.copies))
        seen = (require_checkpoint(card), self.prefers_gguf(card), *(_trace(folder) for folder in places))
        with self._lock:
            kept = self._verdicts.get(key)
        if kept is None or kept[0] != seen:
            disk = self._judge(card, folders)
            kept = (seen, disk, self._estimate_spared(card, folders) if disk.state == "here" else 0)
            with self._lock:
                self._verdicts[key] = kept
        return kept[1], kept[2]

    def _judge(self, card: ModelCard, folders: Folders) -> Disk:
        found = self.list_files(card, folders)
        held = sum({need: need.size() for need in found}.values())
        fault = next(filter(None, (need.find_fault() for need in found)), None)
        if not fault:
            return Disk("here", held)
        begun = held > 0 or any(get_size(need.folder / LEDGER) for need in found)
        return Disk("partly", held, fault.sentence) if begun or not self.owns(folders.main) else Disk("missing", 0)

    def _estimate_spared(self, card: ModelCard, folders: Folders) -> int:
        """Bytes that a conversion spares; none in a folder that isn't Stir's, where the copy comes on top."""
        if not self.owns(folders.main):
            return 0
        with suppress(Refusal, DamagedFile, FileNotFoundError):  # the last: converted ones take their place just now
            return sum(one.stored - one.coming for one in list_narrowings(card, folders, self.models))
        return 0

    def estimate_missing(self, card: ModelCard) -> int:
        """About how many bytes are still to be downloaded, told without asking: as was asked for, or as the card's
        needs say.
        """
        state, held, _ = self.check(card)
        if state == "here":
            return 0
        total = 0
        for need in self.list_files(card):
            book = read_ledger(need.folder)
            if book is None and self.owns(need.folder):
                return max(0, round(require_checkpoint(card).disk * 1e9) - held)
            wanted = set(need.files)
            total += sum(file.size for file in book.files if file.path in wanted) if book else 0
        return max(0, total - held)

    def adopt(self, card: ModelCard, folder: Path) -> Path:
        """The folder, made absolute, when it can stand in for a download of the card: what `Preferences.folders` then
        holds.

        Raises `Refusal` when it isn't a folder of that pipeline, or its files aren't whole.
        """
        checkpoint, folder = require_checkpoint(card), Path(os.path.abspath(folder.expanduser()))  # noqa: PTH100  (links stay)
        if not folder.is_dir():
            raise Refusal(
                f"There is no folder {folder}.", "Give the full path of the folder that holds model_index.json."
            )
        name = manifest.find_index((entry.name for entry in os.scandir(folder)), checkpoint.pipeline)
        index = manifest.parse_object((folder / name).read_bytes()) if name else None
        if index is None:
            raise Refusal(
                f"{folder.name} has no {name or 'model_index.json'} that can be read, so it isn't a pipeline's folder.",
                f"Choose the folder that a download of {checkpoint.repo} makes.",
            )
        _require_kin(card, index)
        own = Folders(folder, tuple(
            self._find_companion(checkpoint, one, self.prefers_gguf(card), folder) for one in checkpoint.companions
        ))  # fmt: skip
        if fault := self.list_files(card, own)[0].find_fault():
            raise Refusal(
                f"{folder.name} isn't complete: {fault.sentence}", "Copy the whole folder again, or download the model."
            )
        return folder

    def delete(self, card: ModelCard, others: Iterable[ModelCard]) -> int:
        """Delete a card's files, less those that another of the cards that is on the disk needs. Returns the bytes
        freed.

        Raises `Refusal` while they are being downloaded, and for files that Stir hasn't put there: an adopted folder's,
        Hugging Face's cache. What conversions have left goes with them.
        """
        found = [need for need in self.list_files(card) if self.owns(need.folder) and need.folder.is_dir()]
        main = self.find_folders(card).main
        remains = [FileSet(folder, ()) for folder in list_remains(self.models, main)]
        if not (found or remains) and self.check(card).bytes:
            raise Refusal(
                f"{card.title} lies in a folder that isn't Stir's ({self.find_folders(card).main}).",
                "Delete it there yourself.",
            )
        with self.lock([main, *(need.folder for need in found)]):
            kept = [self.find_claims(need.folder, card, others) for need in found]
            freed = sum(_remove(need, keep, card.id) for need, keep in zip(found, kept, strict=True))
            gone = not (self.owns(main) and main.is_dir())
            return freed + sum(_remove(need, set(), card.id) for need in remains if gone and need.folder.is_dir())

    def find_claims(self, folder: Path, card: ModelCard, others: Iterable[ModelCard]) -> set[str]:
        """The files in a folder that other cards need which are on the disk, or whose download was begun. A card whose
        own files the user has deleted claims nothing more, or two cards of one repository would protect each other for
        ever."""
        book, claimed = read_ledger(folder), set[str]()
        for other in others:
            if other.id == card.id or other.checkpoint is None or (book and other.id in book.forgotten):
                continue
            with suppress(Refusal):
                mine = [need for need in self.list_files(other) if need.folder == folder]
                if mine and (self.check(other).state == "here" or (book and other.id in book.asked)):
                    claimed.update(*(need.files for need in mine))
        return claimed

    @contextmanager
    def lock(self, folders: Iterable[Path]) -> Generator[None]:
        """Keep folders for oneself while files come or go, over all Stir processes. Raises `Refusal` where another has
        one.
        """
        from filelock import FileLock, Timeout

        locks = self.models / ".locks"
        locks.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            for folder in sorted(set(folders)):
                try:
                    stack.enter_context(FileLock(locks / f"{folder.name}.lock").acquire(blocking=False))
                except Timeout:
                    raise Refusal(
                        f"{folder.name} is being downloaded or deleted at this moment.",
                        "Stop the download, or wait for it.",
                    ) from None
            yield


def _has_component(folder: Path, companion: Companion) -> bool:
    """Whether a folder of a whole model has the component that a companion would bring, of the same class."""
    index = (
        manifest.parse_object((folder / manifest.INDEXES[0]).read_bytes())
        if get_size(folder / manifest.INDEXES[0])
        else None
    )
    part = manifest.read_components(index).get(companion.target) if index else None
    return part is not None and companion.kind_of in ("", part.class_name) and (folder / part.folder).is_dir()


def _require_kin(card: ModelCard, index: dict[str, object]) -> None:
    """Raises `Refusal` for the index of another pipeline: another family's, or one with other denoisers."""
    checkpoint, theirs = require_checkpoint(card), index.get("_class_name")
    if not isinstance(theirs, str) or not manifest.is_same_family(checkpoint.pipeline, theirs):
        held = theirs if isinstance(theirs, str) else "different pipeline"
        raise Refusal(
            f"This folder holds a {held}, not a {checkpoint.pipeline}.", f"Choose a copy of {checkpoint.repo}."
        )
    replaced = {one.target for one in checkpoint.companions if one.kind == "component"}
    there = (set(manifest.read_components(index)) & manifest.DENOISERS) - replaced
    if there != set(checkpoint.denoisers) - replaced:
        raise Refusal(
            f"This folder has {' and '.join(sorted(there)) or 'no denoiser'} where {card.title} has "
            f"{' and '.join(checkpoint.denoisers)}: it is another model of the family.",
            f"Choose a copy of {checkpoint.repo}.",
        )  # fmt: skip


def _find_snapshot(repo: str, revision: str, files: tuple[str, ...]) -> Path | None:
    """The snapshot of a repository in Hugging Face's cache that has one of these files, as huggingface_hub looks for
    it.
    """
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    for name in files:
        with suppress(HFValidationError):  # a name that no hub has, though it might be a folder's
            found = try_to_load_from_cache(repo, name, revision=revision)
            if isinstance(found, str):
                return Path(found).parents[name.count("/")]
    return None


def _trace(folder: Path | None) -> tuple[object, ...]:
    """What changes whenever a folder's files do: their names, lengths and times."""
    if folder is None:
        return ()
    found: list[tuple[str, int, int]] = []
    for entry in walk_files(folder):
        with suppress(OSError):
            seen = entry.stat()
            found.append((entry.path, seen.st_size, seen.st_mtime_ns))
    return tuple(sorted(found))


def _remove(need: FileSet, kept: set[str], card: str) -> int:
    """Delete a set of files but those kept, or the whole folder where none is. Returns the bytes freed."""
    folder = need.folder
    try:
        if not kept:
            freed = sum(entry.stat(follow_symlinks=False).st_size for entry in walk_files(folder))
            shutil.rmtree(folder)
            return freed
        doomed = need._replace(files=tuple(name for name in need.files if name not in kept))
        files = [*(folder / name for name in doomed.files), *doomed.partials()]
        freed = sum(get_size(file) or 0 for file in files)
        for file in files:
            file.unlink(missing_ok=True)
        if book := read_ledger(folder):
            write_ledger(folder, shrink_ledger(book, card, kept))
    except OSError as error:
        raise refuse_unwritten(error) from None
    return freed
