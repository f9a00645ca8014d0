"""Which files of a model's repository one pipeline loads, by their names and the pipeline's index (model_index.json).

Nothing else is ever fetched, asked for or deleted. What lies on the disk is local_files.py's, what the hub says
hub.py's. diffusers' own rule is `DiffusionPipeline.download` of 0.42.1; this one is narrower: a folder that the class
doesn't take, a replaced component, code, and weights in a second format stay where they are.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from pathlib import PurePosixPath
from typing import Any

import msgspec

from studio import presets
from studio.cards import Checkpoint, Companion, Component, ModelCard
from studio.nouns import Refusal

INDEXES = ("model_index.json", "modular_model_index.json")
"""What a pipeline's folder is known by."""

DENOISERS = frozenset({"transformer", "transformer_2", "unet"})
SHARD = r"-\d{5}-of-\d{5}"
WEIGHTS = re.compile(rf"(diffusion_pytorch_model|pytorch_model|model)(\.\w+)?({SHARD})?(\.\w+)?\.(safetensors|bin)")
WEIGHTS_INDEX = re.compile(
    r"(diffusion_pytorch_model|pytorch_model|model)\.(safetensors|bin)(\.\w+)?\.index(\.\w+)?\.json"
)
SMALL = frozenset({".json", ".txt", ".model", ".jinja", ".vocab", ".tiktoken", ".spm"})
PLAIN = re.compile(r"[A-Za-z0-9_][\w.-]*")


def _pipeline_class(name: str) -> type | None:
    """A pipeline's class. Imports diffusers and torch, which takes seconds."""
    found = getattr(importlib.import_module("diffusers"), name, None)
    return found if isinstance(found, type) and found.__module__.startswith("diffusers.pipelines.") else None


@cache
def _find_component_names(pipeline: str) -> frozenset[str]:
    """The components a pipeline may have, by name: of the cards that ship for it, else the arguments of the class
    itself; empty where neither can be told (a modular class)."""
    shipped = [card.checkpoint for card in presets.cards() if card.checkpoint and card.checkpoint.pipeline == pipeline]
    if shipped:
        return frozenset(one.name for checkpoint in shipped for one in checkpoint.components)
    found = None if "Modular" in pipeline else _pipeline_class(pipeline)
    return frozenset(inspect.signature(found).parameters) if found else frozenset()


def component_names(checkpoint: Checkpoint) -> frozenset[str]:
    """The names of the components a checkpoint may have: the card's, else those known of its pipeline; empty when
    unknown.
    """
    return frozenset(one.name for one in checkpoint.components) or _find_component_names(checkpoint.pipeline)


def is_same_family(pipeline: str, other: str) -> bool:
    """Whether two pipeline classes are the same or of one package of diffusers, so that one loads what the other has
    saved.
    """
    if pipeline == other:
        return True
    one, two = _pipeline_class(pipeline), _pipeline_class(other)
    return (
        one is not None and two is not None and one.__module__.rpartition(".")[0] == two.__module__.rpartition(".")[0]
    )


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
    """The components an index names that aren't empty, in either form: [library, class] or [library, class, where]."""
    found: dict[str, Component] = {}
    for name, value in index.items():
        if not PLAIN.fullmatch(name) or name.startswith("_") or not isinstance(value, list) or len(value) < 2:
            continue
        where = value[2] if len(value) > 2 and isinstance(value[2], dict) else {}
        hint = where.get("type_hint") or [None, None]
        kind = value[1] or (hint[1] if isinstance(hint, list) and len(hint) > 1 else None)
        folder = where.get("subfolder") or name
        if isinstance(kind, str) and isinstance(folder, str) and PLAIN.fullmatch(folder):
            found[name] = Component(name, kind, value[0] if isinstance(value[0], str) else "", folder)
    return found


def select_components(
    index: dict[str, Any] | None, names: Iterable[str], checkpoint: Checkpoint
) -> tuple[Component, ...]:
    """The components loaded from the main repository: those of the card, as the index has them, less what a companion
    replaces.

    Where the index can't be read (behind a gate) they are those whose folders are among the repository's file `names`.
    """
    known = component_names(checkpoint)
    replaced = {companion.target for companion in checkpoint.companions if companion.kind == "component"}
    if index is not None:
        found = [one for one in read_components(index).values() if not known or one.name in known]
    else:
        folders = {name.split("/")[0] for name in names if "/" in name}
        listed = checkpoint.components or tuple(Component(name) for name in sorted(known))
        found = [one for one in listed if one.folder in folders]
    return tuple(one for one in found if one.name not in replaced)


def resolve_companion(checkpoint: Checkpoint, companion: Companion, index: dict[str, Any] | None = None) -> Component:
    """The component that a companion brings: the class it says, else the one of the main repository's index or of the
    card.
    """
    saved = read_components(index).get(companion.target) if index else None
    listed = next((one for one in checkpoint.components if one.name == companion.target), None)
    known = [one for one in (saved, listed) if one and companion.kind_of in ("", one.class_name)]
    kind, library = (known[0].class_name, known[0].library) if known else (companion.kind_of, "")
    return Component(companion.target, kind, library, companion.subfolder)


def select_files(names: Iterable[str], folder: str, variant: str, weights: bool = True) -> tuple[str, ...]:
    """The files of one component: its small files, and its weights in one format: safetensors before .bin, the
    variant's before the others. `folder` "" is the repository's root. Paths are those of the repository."""
    prefix = f"{folder}/" if folder else ""
    here = [name[len(prefix) :] for name in names if name.startswith(prefix) and "/" not in name[len(prefix) :]]
    chosen = _choose_weights(here, variant) if weights else ()
    small = [
        name for name in here
        if PurePosixPath(name).suffix in SMALL and not WEIGHTS_INDEX.fullmatch(name) and not name.startswith(".")
        and name not in INDEXES
    ]  # fmt: skip
    return tuple(sorted(prefix + name for name in {*small, *chosen}))


def _choose_weights(here: list[str], variant: str) -> tuple[str, ...]:
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


def select_main_files(
    index: dict[str, Any] | None, names: Iterable[str], checkpoint: Checkpoint, spared: frozenset[str]
) -> tuple[str, ...]:
    """The files of the main repository that the card's pipeline loads. Of the components `spared` no weights are
    needed: a GGUF file or a converted copy stands in for them.
    """
    names = [name for name in names if is_safe_path(name)]
    found = [one for one in (find_index(names, checkpoint.pipeline),) if one]
    for part in select_components(index, names, checkpoint):
        found += select_files(names, part.folder, checkpoint.variant, part.has_weights and part.name not in spared)
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
    """Whether a companion's files are needed to run: components and LoRAs always, a GGUF file only where it is
    preferred, an upscaler never (it may follow)."""
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
