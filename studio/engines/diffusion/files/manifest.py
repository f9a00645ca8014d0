"""Which files of a model's repository one pipeline loads, by their names and the pipeline's index (model_index.json).

Nothing else is ever fetched, asked for or deleted. What lies on the disk is local_files.py's, what the hub says hub.py's.
diffusers' own rule is `DiffusionPipeline.download` of 0.42.1; this one is narrower: a folder that the class doesn't take, a
replaced component, code, and weights in a second format stay where they are.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from studio.cards import Checkpoint, Companion, ModelCard
from studio.nouns import Refusal

INDEXES = ("model_index.json", "modular_model_index.json")
"""What a pipeline's folder is known by."""

DENOISERS = frozenset({"transformer", "transformer_2", "unet"})
SHARD = r"-\d{5}-of-\d{5}"
WEIGHTS = re.compile(rf"(diffusion_pytorch_model|pytorch_model|model)(\.\w+)?({SHARD})?(\.\w+)?\.(safetensors|bin)")
WEIGHTS_INDEX = re.compile(r"(diffusion_pytorch_model|pytorch_model|model)\.(safetensors|bin)(\.\w+)?\.index(\.\w+)?\.json")
SMALL = frozenset({".json", ".txt", ".model", ".jinja", ".vocab", ".tiktoken", ".spm"})
WITHOUT_WEIGHTS = re.compile("Tokenizer|Processor|Extractor|Scheduler|Guidance|Guider")
PLAIN = re.compile(r"[A-Za-z0-9_][\w.-]*")


class Component(msgspec.Struct, frozen=True):
    """A component as an index names it: the folder it lies in and its class."""

    folder: str
    kind: str = ""

    @property
    def has_weights(self) -> bool:
        """Whether a component of this class has weights; tokenizers, processors, schedulers and guiders have none."""
        return not WITHOUT_WEIGHTS.search(self.kind)


def _package(pipeline: str) -> Path | None:
    """The folder of diffusers that a pipeline class is written in."""
    spec = find_spec("diffusers")
    if spec is None or not spec.submodule_search_locations:
        return None
    root = Path(spec.submodule_search_locations[0]) / "pipelines"
    text = (root / "__init__.py").read_text("utf-8")
    before, found, _ = text.partition(f'"{pipeline}"')
    rooms = re.findall(r'_import_structure\["([\w.]+)"\]', before)
    return root.joinpath(*rooms[-1].split(".")) if found and rooms else None


@cache
def _source(pipeline: str) -> tuple[str, str]:
    """The package of a pipeline class and its source from its first line on; empty where diffusers has no such class."""
    folder = _package(pipeline)
    for file in sorted(folder.rglob("*.py")) if folder else ():
        _, found, text = file.read_text("utf-8").partition(f"\nclass {pipeline}(")
        if found:
            return str(file.parent), text
    return "", ""


@cache
def takes(pipeline: str) -> frozenset[str]:
    """What the concrete class's `__init__` takes by name; empty when that can't be told (a modular class, no diffusers)."""
    signature = re.search(r"def __init__\((.*?)\)\s*(?:->[^:]+)?:\n", _source(pipeline)[1], re.DOTALL)
    names = re.findall(r"(?:^|,)\s*(\w+)\s*(?=[:,=]|$)", signature[1]) if signature else []
    return frozenset(names) - {"self"}


def is_same_family(pipeline: str, other: str) -> bool:
    """Whether two pipeline classes are the same or of one family, so that one loads what the other has saved."""
    return pipeline == other or (_source(pipeline)[0] != "" and _source(pipeline)[0] == _source(other)[0])


def find_index(names: Iterable[str], pipeline: str) -> str:
    """Which of a repository's files is the index that a pipeline class reads; empty where there is none."""
    there = set(names)
    order = reversed(INDEXES) if "Modular" in pipeline else INDEXES
    return next((name for name in order if name in there), "")


def parse_object(text: bytes) -> dict[str, Any] | None:
    """A pipeline's index, or a weights index; None when it isn't a JSON object."""
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return found if isinstance(found, dict) else None


def read_components(index: dict[str, Any]) -> dict[str, Component]:
    """The components an index names and that aren't empty, in either form: [library, class] or [library, class, where]."""
    found: dict[str, Component] = {}
    for name, value in index.items():
        if not PLAIN.fullmatch(name) or name.startswith("_") or not isinstance(value, list) or len(value) < 2:
            continue
        where = value[2] if len(value) > 2 and isinstance(value[2], dict) else {}
        hint = where.get("type_hint") or [None, None]
        kind = value[1] or (hint[1] if isinstance(hint, list) and len(hint) > 1 else None)
        folder = where.get("subfolder") or name
        if isinstance(kind, str) and isinstance(folder, str) and PLAIN.fullmatch(folder):
            found[name] = Component(folder, kind)
    return found


def select_components(index: dict[str, Any] | None, names: Iterable[str], checkpoint: Checkpoint) -> dict[str, Component]:
    """The components the pipeline loads from its main repository: what its index names, what its class takes, less what a
    companion replaces. Where the index can't be read (behind a gate) the folders' names stand in for it."""
    known = takes(checkpoint.pipeline)
    if index is None:
        folders = {name.split("/")[0] for name in names if "/" in name}
        found = {name: Component(name, "Tokenizer") for name in sorted(folders & known)}
    else:
        found = {name: part for name, part in read_components(index).items() if not known or name in known}
    replaced = {companion.target for companion in checkpoint.companions if companion.kind == "component"}
    return {name: part for name, part in found.items() if name not in replaced}


def select_files(names: Iterable[str], folder: str, variant: str, weights: bool = True) -> tuple[str, ...]:
    """The files of one component: its small files, and its weights in one format: safetensors before .bin, the variant's
    before the others. `folder` "" is the repository's root. Paths are those of the repository."""
    prefix = f"{folder}/" if folder else ""
    here = [name[len(prefix) :] for name in names if name.startswith(prefix) and "/" not in name[len(prefix) :]]
    chosen = _weights(here, variant) if weights else ()
    small = [
        name for name in here
        if PurePosixPath(name).suffix in SMALL and not WEIGHTS_INDEX.fullmatch(name) and not name.startswith(".")
        and name not in INDEXES
    ]  # fmt: skip
    return tuple(sorted(prefix + name for name in {*small, *chosen}))


def _weights(here: list[str], variant: str) -> tuple[str, ...]:
    """One complete way to load a component, out of all those that lie in its folder."""
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name in here:
        if match := WEIGHTS.fullmatch(name):
            groups[match[5], (match[2] or match[4] or "").lstrip(".")].append(name)
        elif match := WEIGHTS_INDEX.fullmatch(name):
            groups[match[2], (match[3] or match[4] or "").lstrip(".")].append(name)
    for key in (("safetensors", variant), ("safetensors", ""), ("bin", variant), ("bin", "")):
        found = groups.get(key, [])
        single = [name for name in found if WEIGHTS.fullmatch(name) and not is_shard(name)]
        shards = [name for name in found if name not in single]
        # transformers looks for the one file first, diffusers for the shards.
        whole = single or shards if any(name.startswith("model.") for name in found) else shards or single
        if any(WEIGHTS.fullmatch(name) for name in whole):
            return tuple(whole)
    return ()


def is_shard(name: str) -> bool:
    """Whether a file is one of several that a component's weights are split into."""
    return WEIGHTS.fullmatch(name) is not None and re.search(SHARD, name) is not None


def shard_index_name(name: str) -> str:
    """The weights index that a shard needs, by its own name."""
    match = WEIGHTS.fullmatch(name)
    stem, ending, variant = (match[1], match[5], match[2] or match[4] or "") if match else ("model", "safetensors", "")
    return f"{stem}.{ending}.index{variant}.json"


def select_main_files(index: dict[str, Any] | None, names: Iterable[str], checkpoint: Checkpoint, gguf: bool) -> tuple[str, ...]:
    """The files of the main repository that the card's pipeline loads. With `gguf` a GGUF companion stands in for weights."""
    names = [name for name in names if is_safe_path(name)]
    spared = gguf_targets(checkpoint) if gguf else frozenset[str]()
    found = [one for one in (find_index(names, checkpoint.pipeline),) if one]
    for name, part in select_components(index, names, checkpoint).items():
        found += select_files(names, part.folder, checkpoint.variant, (part.has_weights or index is None) and name not in spared)
    return tuple(dict.fromkeys(found))


def gguf_targets(checkpoint: Checkpoint) -> frozenset[str]:
    """The components whose weights a GGUF file can stand in for."""
    return frozenset(one.target for one in checkpoint.companions if one.kind == "gguf")


def select_companion_files(companion: Companion, names: Iterable[str], variant: str) -> tuple[str, ...]:
    """The files of a companion's repository that are loaded."""
    names = [name for name in names if is_safe_path(name)]
    if companion.kind == "component":
        return select_files(names, companion.subfolder.strip("/"), variant)
    return tuple(name for name in names if name == companion_path(companion))


def companion_path(companion: Companion) -> str:
    """A companion's file, as its path in the repository."""
    return f"{companion.subfolder.strip('/')}/{companion.file}".lstrip("/")


def is_needed(companion: Companion, gguf: bool) -> bool:
    """Whether a companion's files are needed to run: components and LoRAs always, a GGUF file only where it is preferred, an
    upscaler never (it may follow)."""
    return companion.kind in ("component", "lora") or (companion.kind == "gguf" and gguf)


def is_safe_path(name: str) -> bool:
    """Whether a repository's file name stays inside the folder it is put in, on every system."""
    steps = name.split("/")
    return all(step not in ("", ".", "..") and not set(step) & set('\\:*?"<>|\0') for step in steps)


def require_checkpoint(card: ModelCard) -> Checkpoint:
    """The card's checkpoint. Raises `Refusal` for a card that has none: its engine keeps no files."""
    if card.checkpoint is None:
        raise Refusal(f"{card.title} is built in: it has no files of its own.", "Choose a model that is downloaded.")
    return card.checkpoint
