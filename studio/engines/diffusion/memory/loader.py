"""Loads a card's components from its files into a pipeline of the card's own class.

Each component is built without weights (empty_modules.py), then the weights of all are read, once, by several threads
(weight_reader.py). What can't be had so (GGUF, int8, .bin) its library's own `from_pretrained` reads. Dtypes, LoRAs and
the ways to store weights in less are here; only local files are read. Where the pipeline then waits and runs is
residency.py's, what several models share shared_components.py's.

`DiffusionPipeline` is never asked to find the class: for Wan, LTX-2 and others it ignores the components it is given
and loads its own (diffusers 0.42.1). The concrete class takes them, and what it took is checked here.
"""

from __future__ import annotations

import importlib
import inspect
import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import nn

from studio.cards import Checkpoint, ModelCard
from studio.engines.base import Stopped, Tick
from studio.engines.diffusion.files.components import (
    AGAIN,
    LocalComponent,
    find_companion_file,
    find_components,
    list_weight_files,
)
from studio.engines.diffusion.files.local_files import Folders
from studio.engines.diffusion.files.manifest import require_checkpoint
from studio.engines.diffusion.files.safetensors_header import list_tensors
from studio.engines.diffusion.library_setup import import_libraries
from studio.engines.diffusion.memory import fp8_products
from studio.engines.diffusion.memory.empty_modules import EmptyModule, NeedsLibrary, build_empty
from studio.engines.diffusion.memory.memory_errors import find_exhausted
from studio.engines.diffusion.memory.placement import PACKAGES, SHRINK, Fit
from studio.engines.diffusion.memory.shared_components import SharedComponents, identify
from studio.engines.diffusion.memory.weight_reader import WeightReader
from studio.nouns import Progress, Refusal
from studio.preferences import Weights

MB = 1e6
DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}
CHUNK = 64 * 1024 * 1024
"""Bytes read of a weight file between two looks at whether the load was stopped: tens of milliseconds of an SSD."""

SPARSE = 0.5
"""Share of a component's tensors that may be missing from its files (tied ones are); beyond, the files are another
model's.
"""


def estimate_sizes(card: ModelCard, folders: Folders, fit: Fit, cpu: bool) -> dict[str, int]:
    """The memory that loading a card takes, in bytes: by identity for what others may share, by component name for the
    rest.

    Raises `Refusal` for a folder that isn't whole.
    """
    checkpoint, sizes = require_checkpoint(card), dict[str, int]()
    for part in find_components(card, folders, fit.weights):
        dtype = choose_dtype(part, checkpoint, cpu)
        size = part.size if part.gguf else part.numbers * dtype.itemsize
        if part.name in checkpoint.denoisers and fit.weights in ("fp8", "fp8_fast", "int8"):
            size = round(size * SHRINK[fit.weights])
        sizes[identify(part, str(dtype)) if is_shareable(part, checkpoint) else part.name] = size
    return sizes


def choose_dtype(part: LocalComponent, checkpoint: Checkpoint, cpu: bool) -> torch.dtype:
    """What a component computes in: the card's word, and float32 on a processor, which is slow at anything shorter."""
    return torch.float32 if cpu else DTYPES[checkpoint.dtypes.get(part.name, checkpoint.dtype)]


def is_shareable(part: LocalComponent, checkpoint: Checkpoint) -> bool:
    """Whether other cards may use this very component: not denoisers, which carry LoRAs and caches, nor what has no
    weights.
    """
    return bool(part.weights) and part.name not in checkpoint.denoisers and not part.gguf


def load(card: ModelCard, folders: Folders, fit: Fit, tick: Tick, shared: SharedComponents, cpu: bool = True) -> Any:
    """The card's pipeline, in memory and not yet on a GPU. `tick` is called all along and may raise to stop.

    Progress counts megabytes of weight files. Raises `Refusal` for files that are missing, cut or damaged, and for a
    package that isn't installed; lets errors of memory through. When it raises, nothing of what it loaded stays.
    """
    checkpoint = require_checkpoint(card)
    _require_package(fit.weights, card)
    import_libraries(checkpoint.pipeline)
    loading = _Loading(card, folders, fit, tick, shared, cpu)
    try:
        for part in loading.parts:
            loading.begin(part)
        loading.read_all()
        loading.say("Putting it together")
        pipe = _assemble(card, folders, loading.loaded)
        _add_loras(card, folders, pipe)
        if fit.weights == "fp8":
            store_fp8(pipe, checkpoint)
        if fit.weights == "fp8_fast":  # those with LoRAs, which are merged
            for name in checkpoint.denoisers:
                _convert(getattr(pipe, name), checkpoint)
        return pipe
    except BaseException:
        shared.leave(card.id)
        loading.drop()  # the error's traceback holds this frame, and must not hold gigabytes with it
        raise


class _Loading:
    """One load: the components there are, those whose weights are still to be read, and how far it is."""

    def __init__(
        self, card: ModelCard, folders: Folders, fit: Fit, tick: Tick, shared: SharedComponents, cpu: bool
    ) -> None:
        self.card, self.folders, self.fit, self.tick, self.shared, self.cpu = card, folders, fit, tick, shared, cpu
        self.parts = find_components(card, folders, fit.weights)
        self.loaded: dict[str, Any] = {}
        self._empty: list[tuple[LocalComponent, EmptyModule, int]] = []
        self._total, self._done = max(1, sum(part.size for part in self.parts)), 0

    def say(self, note: str, read: int = 0) -> None:
        """Tell how far it is, `read` bytes further than what is done. May raise to stop."""
        done, total = ((self._done + read) / MB, self._total / MB)
        self.tick(Progress("load", round(min(done, total)), max(1, round(total)), note))

    def begin(self, part: LocalComponent) -> None:
        """Take a component that is in memory, or build one; its weights may be read with all others'."""
        self.say(f"Preparing the {part.title}")
        who = self._identify(part)
        component = self.shared.take(who, self.card.id, part.name) if who else None
        if component is None:
            with _explain(self.card, part):
                made = _build(part, self._choose_weights(part), self._choose_dtype(part))
                if made is not None:
                    self.loaded[part.name] = made.module
                    read = sum(fill.source.size for fill in made.fills)
                    self._empty.append((part, made, read))
                    self._done += part.size - read  # what isn't read, as nothing of the class takes it
                    return
                component = self._read_by_library(part)
            self._finish(part, component)
        self.loaded[part.name] = component
        self._done += part.size

    def read_all(self) -> None:
        """Read the weights of what was built, the smallest component first."""
        batches = [list(made.fills) for _, made, _ in self._empty]
        modules = [(part, made.module, len(made.missing)) for part, made, _ in self._empty]
        self._empty.clear()
        with WeightReader(batches) as reader:
            for number, (part, module, missing) in enumerate(modules):
                note = f"Loading the {part.title}"
                with _explain(self.card, part):
                    reader.wait(number, lambda note=note: self.say(note, reader.done))
                    _require_whole(module, missing)
                batches[number].clear()  # or weights that are narrowed now would stay beside the narrow ones
                self._finish(part, module)
        self._done = self._total

    def drop(self) -> None:
        """Let go of everything."""
        self.loaded.clear()
        self._empty.clear()

    def _choose_weights(self, part: LocalComponent) -> Weights:
        return self.fit.weights if part.name in require_checkpoint(self.card).denoisers else "published"

    def _choose_dtype(self, part: LocalComponent) -> torch.dtype:
        return choose_dtype(part, require_checkpoint(self.card), self.cpu)

    def _identify(self, part: LocalComponent) -> str:
        """What others may know a component by; empty for one that isn't shared."""
        shareable = is_shareable(part, require_checkpoint(self.card))
        return identify(part, str(self._choose_dtype(part))) if shareable else ""

    def _read_by_library(self, part: LocalComponent) -> Any:
        _read_ahead(part.weights, lambda read: self.say(f"Loading the {part.title}", read))
        return _read_component(self.card, part, self._choose_weights(part), self.folders, self._choose_dtype(part))

    def _finish(self, part: LocalComponent, component: Any) -> None:
        checkpoint = require_checkpoint(self.card)
        denoiser = part.name in checkpoint.denoisers
        if self.fit.weights == "fp8" and denoiser and not _has_lora(checkpoint, part.name):
            _narrow(component, self._choose_dtype(part))  # at once, so that only one denoiser is ever there whole
        if self.fit.weights == "fp8_fast" and denoiser and not _has_lora(checkpoint, part.name):
            _convert(component, checkpoint)
        if who := self._identify(part):
            self.shared.put(who, component, self.card.id)


@contextmanager
def _explain(card: ModelCard, part: LocalComponent) -> Generator[None]:
    """Say of an error what couldn't be loaded, in the user's words."""
    try:
        yield
    except (Refusal, Stopped):
        raise
    except Exception as error:
        if find_exhausted(error):
            raise
        if isinstance(error, ImportError):
            raise Refusal(f"The {part.title} of {card.title} needs a package that isn't installed: {_shorten(error)}",
                          "Install it, and load the model again.") from error  # fmt: skip
        raise Refusal(f"The {part.title} of {card.title} can't be loaded ({_shorten(error)}).", AGAIN) from error


def _build(part: LocalComponent, weights: Weights, dtype: torch.dtype) -> EmptyModule | None:
    """A component whose weights are still to be read; None where its library has to read them, or there are none."""
    kind = find_class(part)
    if not (part.weights and isinstance(kind, type) and issubclass(kind, nn.Module)):
        return None
    try:
        if part.gguf or weights == "int8":
            raise NeedsLibrary(f"its weights are {'a GGUF file' if part.gguf else 'made int8 as they are read'}")
        if any(file.suffix != ".safetensors" for file in part.weights):
            raise NeedsLibrary("its weights are in PyTorch's own format")
        stored = {name: one for file in list_weight_files(part) for name, one in list_tensors(file).items()}
        made = build_empty(kind, part.folder, stored, dtype)
    except NeedsLibrary as why:
        logging.getLogger(__name__).info("%s is read by its library: %s", part.class_name or part.name, why)
        return None
    made.module.eval()
    return made


def _require_whole(module: nn.Module, missing: int) -> None:
    """Raises ValueError for a module of whose tensors too many aren't in its files."""
    tensors = len(module.state_dict())
    if missing > SPARSE * max(1, tensors) or any(one.is_meta for one in module.parameters()):
        raise ValueError(f"its files hold another model: {missing} of {tensors} tensors are missing")


def _read_ahead(files: tuple[Path, ...], report: Callable[[int], None]) -> None:
    """Bring weight files that a library reads into the system's file cache, reporting how many bytes are read.

    A library's own reading can be neither watched nor stopped within a component.
    """
    read, buffer = 0, bytearray(min(CHUNK, max((file.stat().st_size for file in files), default=0)))
    for file in files:
        with file.open("rb", buffering=0) as handle:
            while count := handle.readinto(buffer):
                read += count
                report(read)


def _read_component(
    card: ModelCard, part: LocalComponent, weights: Weights, folders: Folders, dtype: torch.dtype
) -> Any:
    kind = find_class(part)
    if not (isinstance(kind, type) and issubclass(kind, nn.Module)):
        return kind.from_pretrained(str(part.folder), local_files_only=True)
    options: dict[str, Any] = {"dtype": dtype, "local_files_only": True}
    if part.gguf:
        from diffusers.quantizers.quantization_config import GGUFQuantizationConfig

        single: Any = kind
        quantised = GGUFQuantizationConfig(compute_dtype=dtype)
        return single.from_single_file(
            str(part.weights[0]),
            config=str(folders.main),
            subfolder=part.folder.name,
            quantization_config=quantised,
            **options,
        ).eval()
    if part.variant:
        options["variant"] = part.variant
    if weights == "int8":
        from diffusers.quantizers.quantization_config import TorchAoConfig
        from torchao.quantization import Int8WeightOnlyConfig  # pyright: ignore[reportMissingImports]

        options["quantization_config"] = TorchAoConfig(Int8WeightOnlyConfig(version=2))
    loader: Any = kind
    module, about = loader.from_pretrained(str(part.folder), output_loading_info=True, **options)
    _require_whole(module, len(about.get("missing_keys", ())))
    return module.eval()


def find_class(part: LocalComponent) -> Any:
    """The class of a component, by library and name. Only diffusers' and transformers' own: a repository's code is
    never run.
    """
    import diffusers
    import transformers

    local = getattr(diffusers.pipelines, part.library, None) if part.library.isidentifier() else None
    name = part.class_name or _read_class_name(part)
    places: dict[str, tuple[Any, ...]] = {"diffusers": (diffusers,), "transformers": (transformers,)}
    for place in places.get(part.library, (local, diffusers, transformers)):
        kind = getattr(place, _resolve_renamed(name), None) or getattr(place, name, None)
        if kind is not None:
            return kind
    raise ValueError(f"neither diffusers nor transformers has a class {name or '?'}")


def _read_class_name(part: LocalComponent) -> str:
    """The class a component's own config names, for one that no index names."""
    import msgspec

    with suppress(OSError, msgspec.DecodeError):
        config: dict[str, Any] = msgspec.json.decode((part.folder / "config.json").read_bytes())
        return str(config.get("_class_name") or next(iter(config.get("architectures") or ()), ""))
    return ""


def _resolve_renamed(name: str) -> str:
    """transformers has renamed classes that published repositories still name (CLIPFeatureExtractor): diffusers knows
    which.
    """
    from diffusers.utils.deprecation_utils import (
        _maybe_remap_transformers_class,  # pyright: ignore[reportPrivateUsage] - there is no public door to this table
    )

    return _maybe_remap_transformers_class(name) or name


def _assemble(card: ModelCard, folders: Folders, loaded: dict[str, Any]) -> Any:
    """The pipeline of the card's concrete class, which has taken exactly these components."""
    pipeline = require_checkpoint(card).pipeline
    kind: Any = getattr(importlib.import_module("diffusers"), pipeline, None)
    if kind is None:
        raise Refusal(f"This version of diffusers has no {pipeline}, which {card.title} needs.", "Update diffusers.")
    try:
        if hasattr(
            kind, "update_components"
        ):  # a modular pipeline: its index may name components of other repositories
            pipe = kind(pretrained_model_name_or_path=str(folders.main), local_files_only=True)
            pipe.update_components(**loaded)
        else:
            takes = set(inspect.signature(kind.__init__).parameters)
            given = {name: one for name, one in loaded.items() if name in takes}
            pipe = kind.from_pretrained(str(folders.main), local_files_only=True, **given)
            loaded = given
    except Exception as error:
        if find_exhausted(error):
            raise
        raise Refusal(f"{card.title} can't be put together ({_shorten(error)}).", AGAIN) from error
    ignored = [name for name, one in loaded.items() if getattr(pipe, name, None) is not one]
    if ignored:
        raise Refusal(
            f"{pipeline} did not take the {ignored[0]} that was loaded for it.", "Check the card's pipeline class."
        )
    return pipe


def _add_loras(card: ModelCard, folders: Folders, pipe: Any) -> None:
    """The card's LoRAs, each into its denoiser at its scale. They stay apart from the weights: rounded into them,
    they'd lose.
    """
    wanted = [companion for companion in require_checkpoint(card).companions if companion.kind == "lora"]
    if not wanted:
        return
    if find_spec("peft") is None:
        raise Refusal(
            f"{card.title} has a LoRA, which needs the Python package peft.", "Install it with: pip install peft"
        )
    scales: dict[str, dict[str, float]] = {}
    for number, companion in enumerate(wanted):
        file, name = find_companion_file(card, folders, companion), f"{companion.target or 'transformer'}_{number}"
        second = {"load_into_transformer_2": True} if companion.target == "transformer_2" else {}
        try:
            pipe.load_lora_weights(
                str(file.parent), weight_name=file.name, adapter_name=name, local_files_only=True, **second
            )
        except Exception as error:
            if find_exhausted(error):
                raise
            raise Refusal(
                f"The LoRA {companion.file} of {card.title} can't be loaded ({_shorten(error)}).", AGAIN
            ) from error
        scales.setdefault(companion.target or "transformer", {})[name] = companion.scale
    for target, adapters in scales.items():
        denoiser = getattr(pipe, target)
        if not set(adapters) <= set(getattr(denoiser, "peft_config", {})):
            raise Refusal(f"A LoRA of {card.title} fits no layer of its {target}.", "Check the card's LoRA files.")
        denoiser.set_adapters(list(adapters), list(adapters.values()))


def _has_lora(checkpoint: Checkpoint, name: str) -> bool:
    return any(one.kind == "lora" and (one.target or "transformer") == name for one in checkpoint.companions)


def store_fp8(pipe: Any, checkpoint: Checkpoint) -> None:
    """Keep the denoisers' weights in 8 bits from now on, widened layer by layer when they are used. Twice is once."""
    for name in checkpoint.denoisers:
        denoiser = getattr(pipe, name, None)
        if denoiser is not None:
            _narrow(denoiser, denoiser.dtype)


def _convert(denoiser: nn.Module, checkpoint: Checkpoint) -> None:
    """Have a denoiser's blocks multiply in fp8. Raises `Refusal` where not one of its layers can."""
    fp8_products.convert(denoiser, checkpoint.fp8_keep)
    if not fp8_products.has_products(denoiser):
        raise Refusal(
            "None of this model's layers can multiply in fp8: their sides are no multiples of 16, or all are kept.",
            "Set its weights back to automatic on the Models tab.",
        )


def _narrow(denoiser: Any, dtype: torch.dtype) -> None:
    if any(one.dtype == torch.float8_e4m3fn for one in denoiser.parameters()):
        return
    denoiser.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=dtype)


def _require_package(weights: Weights, card: ModelCard) -> None:
    package = PACKAGES.get(weights)
    if package and find_spec(package) is None:
        raise Refusal(
            f"{card.title} with {weights} weights needs the Python package {package}.",
            f"Install it with: pip install {package}. Or set its weights back to automatic in Settings.",
        )


def _shorten(error: BaseException) -> str:
    """The first line of an error, short enough for the page."""
    text = str(error).strip().splitlines()
    return (text[0][:160] if text else "") or type(error).__name__
