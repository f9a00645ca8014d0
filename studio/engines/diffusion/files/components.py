"""The components a pipeline is loaded from: found on the disk and checked before minutes are spent on loading them.

Looks at names, lengths and headers. memory/loader.py loads them.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from studio.cards import Companion, Component, ModelCard
from studio.engines.diffusion.files import manifest
from studio.engines.diffusion.files.local_files import UNFINISHED, FileFault, Folders, find_fault, get_size, read_shards
from studio.engines.diffusion.files.manifest import require_checkpoint
from studio.nouns import Refusal
from studio.preferences import Weights

AGAIN = "Download it again on the Models tab; what is whole already is kept."
RESUME = "Resume the download on the Models tab."


@dataclass(frozen=True)
class LocalComponent:
    """One component: what the pipeline calls it, its library and class ("" where only its config says), and its files.

    `weights` are the files with its weights, none for a tokenizer or a scheduler; `variant` is theirs ("fp16"), "" for
    plain ones. `gguf` says that the weights are a GGUF file, and only the config is in `folder`.
    """

    name: str
    library: str
    class_name: str
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
        return sum(_count_numbers(file) for file in self.weights)


_TITLES = {
    "transformer": "denoiser", "transformer_2": "second denoiser", "unet": "denoiser",
    "vae": "VAE", "audio_vae": "audio VAE",
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


def _refuse(what: str, fault: FileFault) -> Refusal:
    return Refusal(f"{what} can't be loaded: {fault.clause}.", RESUME if fault.is_absence else AGAIN)


def find_components(card: ModelCard, folders: Folders, weights: Weights = "published") -> tuple[LocalComponent, ...]:
    """Every component of a card, the smallest first so that a fault shows early. Raises `Refusal` for the first that
    isn't whole.

    With `weights` "gguf" a GGUF companion stands in for the weights of its target.
    """
    checkpoint, index = require_checkpoint(card), read_index(card, folders)
    found = {one.name: (one, folders.main / one.folder) for one in manifest.select_components(index, (), checkpoint)}
    for companion, folder in zip(checkpoint.companions, folders.companions, strict=False):
        if companion.kind == "component":
            place = folders.main / companion.target if folder is None else folder / companion.subfolder
            found[companion.target] = (manifest.resolve_companion(checkpoint, companion, index), place)
    instead = {one.target: one for one in checkpoint.companions if one.kind == "gguf" and weights == "gguf"}
    for name, folder in folders.copies:
        if name in found and name not in instead:
            found[name] = (found[name][0], folder)
    located = [_locate(card, one, place, folders, instead.get(one.name)) for one, place in found.values()]
    return tuple(sorted(located, key=lambda part: (part.size, part.name)))


def list_weight_files(part: LocalComponent) -> tuple[Path, ...]:
    """The files a component's weights are read from: of shards, those that the weights index names."""
    files = part.weights
    if files and manifest.is_shard(files[0].name):
        named = read_shards(part.folder / manifest.shard_index_name(files[0].name))
        files = tuple(part.folder / name for name in named) if named else files
    return files


def find_companion_file(card: ModelCard, folders: Folders, companion: Companion) -> Path:
    """Where a companion's single file (a LoRA, a GGUF) is. Raises `Refusal` when it isn't there or isn't whole."""
    place = require_checkpoint(card).companions.index(companion)
    folder = folders.companions[place] if place < len(folders.companions) else None
    if folder is None:
        raise Refusal(f"{card.title} needs the file {companion.file}, which is not on this disk.", RESUME)
    file = folder / manifest.companion_path(companion)
    if fault := find_fault(file, companion.file):
        raise _refuse(card.title, fault)
    return file


def _locate(card: ModelCard, one: Component, place: Path, folders: Folders, gguf: Companion | None) -> LocalComponent:
    """A component with its files in the folder `place`. Raises `Refusal` when one is missing, cut or damaged."""
    part, weighs = LocalComponent(one.name, one.library, one.class_name, place), one.has_weights
    wanted = require_checkpoint(card).variant
    names = [file.name for file in part.folder.iterdir()] if part.folder.is_dir() else []
    chosen = manifest.select_files(names, "", wanted, weighs and gguf is None)
    files = tuple(part.folder / name for name in chosen if manifest.WEIGHTS.fullmatch(name))
    fault = _find_component_fault(part.folder, names, chosen, weighs)
    if fault is None and weighs and not files and gguf is None:
        fault = FileFault("weights")
    if fault:
        raise _refuse(f"The {part.title} of {card.title}", fault)
    if gguf is not None:
        return replace(part, weights=(find_companion_file(card, folders, gguf),), gguf=True)
    variant = (
        wanted if wanted and any(f".{wanted}." in file.name or f".{wanted}-" in file.name for file in files) else ""
    )
    return replace(part, weights=files, variant=variant)


def _find_component_fault(folder: Path, names: list[str], chosen: tuple[str, ...], weighs: bool) -> FileFault | None:
    """What is wrong in a component's folder: `names` lie there, of which those `chosen` would be loaded."""
    if not folder.is_dir():
        return FileFault("folder", folder.name)
    for name in names:
        if name.endswith(UNFINISHED):
            return FileFault("unfinished", name.removesuffix(UNFINISHED))
    if weighs and "config.json" not in names:
        return FileFault("missing", "config.json")
    return next(filter(None, (find_fault(folder / name) or _find_shard_fault(folder / name) for name in chosen)), None)


def _find_shard_fault(file: Path) -> FileFault | None:
    """What is wrong with the shards that a file names, where it is a weights index."""
    if not manifest.WEIGHTS_INDEX.fullmatch(file.name):
        return None
    shards = read_shards(file)
    if shards is None:
        return FileFault("damaged", file.name)
    missing = [shard for shard in shards if get_size(file.with_name(shard)) is None]
    return FileFault("shards", missing[0], len(shards) - len(missing), len(shards)) if missing else None


def _count_numbers(file: Path) -> int:
    """Numbers in a weight file, by its header; of one without a header that can be read, half its bytes."""
    from huggingface_hub import parse_local_safetensors_file_metadata
    from huggingface_hub.errors import SafetensorsParsingError

    if file.suffix == ".safetensors":
        with suppress(SafetensorsParsingError):  # a header of over 25 MB, which safetensors would take
            return sum(parse_local_safetensors_file_metadata(file).parameter_count.values())
    return file.stat().st_size // 2
