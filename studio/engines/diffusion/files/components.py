"""The components a card is put together from, as they lie on the disk, each judged before minutes are spent on loading it.

Looks at names, lengths and headers. loader.py loads them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from studio.cards import Companion, ModelCard
from studio.engines.diffusion.files import manifest
from studio.engines.diffusion.files.local_files import Folders, find_fault, get_size, read_header, read_shards
from studio.engines.diffusion.files.manifest import require_checkpoint
from studio.nouns import Refusal
from studio.preferences import Weights

AGAIN = "Download it again on the Models tab; what is whole already is kept."
RESUME = "Resume the download on the Models tab."


@dataclass(frozen=True)
class LocalComponent:
    """One component: what the pipeline calls it, its library and class ("" where only its config says), and its files.

    `weights` are the files with its weights, none for a tokenizer or a scheduler; `variant` is theirs ("fp16"), "" for plain
    ones. `gguf` says that the weights are a GGUF file, and only the config is in `folder`.
    """

    name: str
    library: str
    kind: str
    folder: Path
    weights: tuple[Path, ...] = ()
    variant: str = ""
    gguf: bool = False

    @property
    def title(self) -> str:
        """What the page calls it."""
        return _TITLES.get(self.name, self.name.replace("_", " "))

    @property
    def size(self) -> int:
        """Bytes of weights on the disk."""
        return sum(file.stat().st_size for file in self.weights)

    @property
    def numbers(self) -> int:
        """How many numbers its weights are; of a file that has no header, half its bytes."""
        return sum(_numbers(file) for file in self.weights)


_TITLES = {
    "transformer": "denoiser", "transformer_2": "second denoiser", "unet": "denoiser", "vae": "VAE", "audio_vae": "audio VAE",
    "text_encoder": "text encoder", "text_encoder_2": "second text encoder",
}  # fmt: skip


def read_index(card: ModelCard, folders: Folders) -> dict[str, Any]:
    """The pipeline's index. Raises `Refusal` when it is missing or damaged."""
    if not folders.main.is_dir():
        raise Refusal(f"{card.title} is not on this disk.", "Download it on the Models tab.")
    name = manifest.find_index([file.name for file in folders.main.iterdir()], require_checkpoint(card).pipeline)
    if not name:
        raise Refusal(f"{card.title} can't be loaded: {manifest.INDEXES[0]} is missing from {folders.main}.", RESUME)
    found = manifest.parse_object((folders.main / name).read_bytes())
    if found is None:
        raise Refusal(f"{card.title} can't be loaded: {name} is empty or damaged.", AGAIN)
    return found


def find_components(card: ModelCard, folders: Folders, weights: Weights = "published") -> tuple[LocalComponent, ...]:
    """Every component of a card, the smallest first so that a fault shows early. Raises `Refusal` for the first that isn't whole.

    With `weights` "gguf" a GGUF companion stands in for the weights of its target.
    """
    checkpoint, said = require_checkpoint(card), read_index(card, folders)
    found: dict[str, LocalComponent] = {}
    for name, piece in manifest.select_components(said, (), checkpoint).items():
        library = said[name][0] if isinstance(said[name][0], str) else ""
        found[name] = LocalComponent(name, library, piece.kind, folders.main / piece.folder)
    listed = manifest.read_components(said)
    for companion, folder in zip(checkpoint.companions, folders.companions, strict=False):
        name = companion.target
        if companion.kind == "component":
            same = not companion.kind_of or (name in listed and listed[name].kind == companion.kind_of)
            library = str(said[name][0] or "") if same and name in listed else ""
            kind = companion.kind_of or (listed[name].kind if name in listed else "")
            place = folders.main / name if folder is None else folder / companion.subfolder
            found[name] = LocalComponent(name, library, kind, place)
    instead = {one.target: one for one in checkpoint.companions if one.kind == "gguf" and weights == "gguf"}
    whole_ones = [_judged(card, part, folders, instead.get(part.name)) for part in found.values()]
    return tuple(sorted(whole_ones, key=lambda part: (part.size, part.name)))


def find_companion_file(card: ModelCard, folders: Folders, companion: Companion) -> Path:
    """Where a companion's single file (a LoRA, a GGUF) is. Raises `Refusal` when it isn't there or isn't whole."""
    place = require_checkpoint(card).companions.index(companion)
    folder = folders.companions[place] if place < len(folders.companions) else None
    if folder is None:
        raise Refusal(f"{card.title} needs the file {companion.file}, which is not on this disk.", RESUME)
    file = folder / manifest.companion_path(companion)
    why = find_fault(file)
    if why:
        raise Refusal(f"{card.title} can't be loaded: {companion.file} {why}.", RESUME if "missing" in why else AGAIN)
    return file


def _judged(card: ModelCard, part: LocalComponent, folders: Folders, gguf: Companion | None) -> LocalComponent:
    """The part with its files. Raises `Refusal` when one of them is missing, cut or damaged."""

    def refuse(why: str, remedy: str) -> Refusal:
        return Refusal(f"The {part.title} of {card.title} can't be loaded: {why}.", remedy)

    if not part.folder.is_dir():
        raise refuse(f"the folder {part.folder.name} is missing", RESUME)
    names = [file.name for file in part.folder.iterdir()]
    unfinished = [name for name in names if name.endswith(".incomplete")]
    if unfinished:
        raise refuse(f"the download of {unfinished[0].removesuffix('.incomplete')} was not finished", RESUME)
    weighs = manifest.Component(part.folder.name, part.kind).has_weights
    chosen = manifest.select_files(names, "", require_checkpoint(card).variant, weighs and gguf is None)
    if weighs and "config.json" not in names:
        raise refuse("config.json is missing", RESUME)
    for name in chosen:
        if why := find_fault(part.folder / name):
            raise refuse(f"{name} {why}", RESUME if "missing" in why else AGAIN)
        if manifest.WEIGHTS_INDEX.fullmatch(name):
            shards = read_shards(part.folder / name)
            if shards is None:
                raise refuse(f"{name} is damaged", AGAIN)
            missing = [shard for shard in shards if get_size(part.folder / shard) is None]
            if missing:
                raise refuse(f"{len(missing)} of its {len(shards)} files are missing ({missing[0]})", RESUME)
    files = tuple(part.folder / name for name in chosen if manifest.WEIGHTS.fullmatch(name))
    if gguf is not None:
        return replace(part, weights=(find_companion_file(card, folders, gguf),), gguf=True)
    if weighs and not files:
        raise refuse("its weights are missing", RESUME)
    wanted = require_checkpoint(card).variant
    variant = wanted if wanted and any(f".{wanted}." in file.name or f".{wanted}-" in file.name for file in files) else ""
    return replace(part, weights=files, variant=variant)


def _numbers(file: Path) -> int:
    if file.suffix != ".safetensors":
        return file.stat().st_size // 2
    tensors: dict[str, Any] = msgspec.json.decode(read_header(file)[8:])
    return sum(math.prod(about["shape"]) for name, about in tensors.items() if name != "__metadata__")
