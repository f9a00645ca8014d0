"""Modules of diffusers' and transformers' classes whose weights are still to be read, and what is to be read into each.

The libraries decide everything but the reading: which class, names and dtype a stored tensor goes by, what is tied,
which buffers are computed. A diffusers class is built on the meta device and given empty tensors. transformers' own
`from_pretrained` takes a dictionary in the place of files: here its values stand for stored tensors, and become empty
ones when the library asks for them on a device, in a dtype (transformers 5.23, `core_model_loading._materialize_copy`).

What can't be had so raises `NeedsLibrary`: then `from_pretrained` reads the files itself.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from studio.engines.diffusion.files.safetensors_header import StoredTensor
from studio.engines.diffusion.memory.weight_reader import DTYPES, Fill, read_now

_BUILDING = threading.Lock()
"""Both libraries switch process-wide defaults while they build a module."""


class NeedsLibrary(Exception):
    """Why a component is read by its library's own `from_pretrained`."""


class EmptyModule(NamedTuple):
    """A module, what is to be read into it, and the names of its tensors that no file holds."""

    module: nn.Module
    fills: tuple[Fill, ...]
    missing: tuple[str, ...]


def build_empty(kind: type, folder: Path, stored: Mapping[str, StoredTensor], dtype: torch.dtype) -> EmptyModule:
    """A module of the class `kind`, configured by `folder`, for these stored tensors by name. Fast: it reads no weights
    but those that a library compares.

    Raises `NeedsLibrary`, ValueError for a tensor of another shape, and what the libraries raise for a configuration.
    """
    import diffusers
    import transformers

    strange = sorted({one.dtype for one in stored.values()} - set(DTYPES))
    if strange:
        raise NeedsLibrary(f"its tensors are {strange[0]}")
    ways = {diffusers.ModelMixin: _build_diffusers, transformers.PreTrainedModel: _build_transformers}
    for base, build in ways.items():
        if issubclass(kind, base):
            if _find_loader(kind) is not _find_loader(base):
                raise NeedsLibrary(f"{kind.__name__} has a from_pretrained of its own")
            with _BUILDING:
                return build(kind, folder, stored, dtype)
    raise NeedsLibrary(f"{kind.__name__} is neither diffusers' nor transformers' kind of model")


def _find_loader(kind: Any) -> Any:
    return getattr(kind.from_pretrained, "__func__", None)


# ---------------------------------------------------------------------------------------------------- diffusers


def _build_diffusers(kind: Any, folder: Path, stored: Mapping[str, StoredTensor], dtype: torch.dtype) -> EmptyModule:
    """As `ModelMixin.from_pretrained` of diffusers 0.42.1 with `low_cpu_mem_usage`."""
    import accelerate
    from diffusers.models.modeling_utils import no_init_weights

    config = kind.load_config(str(folder), local_files_only=True)
    if config.get("quantization_config"):
        raise NeedsLibrary("its weights are quantised")
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)  # buffers are computed in it
    try:
        with no_init_weights(), accelerate.init_empty_weights():
            module = kind.from_config(config)
    finally:
        torch.set_default_dtype(before)
    names: dict[str, Any] = dict(stored)
    if len({one.file for one in stored.values()}) == 1:
        module._fix_state_dict_keys_on_load(names)  # names of attention layers before 2023
    expected = module.state_dict()
    whole = kind._keep_in_fp32_modules or ()
    whole = {whole} if isinstance(whole, str) else set(whole)
    fills: dict[str, Fill] = {}
    for name, source in names.items():
        if name not in expected:
            continue
        if tuple(expected[name].shape) != source.shape:
            raise ValueError(f"{name} is {list(source.shape)} where {list(expected[name].shape)} is expected")
        own = DTYPES[source.dtype]
        wanted = own if not own.is_floating_point else torch.float32 if whole & set(name.split(".")) else dtype
        fills[name] = Fill(source, torch.empty(source.shape, dtype=wanted))
    module.load_state_dict({name: one.target for name, one in fills.items()}, strict=False, assign=True)
    module.register_to_config(_name_or_path=str(folder))
    return EmptyModule(module, tuple(fills.values()), tuple(sorted(set(expected) - set(fills))))


# ---------------------------------------------------------------------------------------------------- transformers


class _Stand:
    """Stands for a stored tensor in the dictionary that transformers loads from, as a slice of safetensors does."""

    def __init__(self, source: StoredTensor, at_once: bool, made: list[Fill]) -> None:
        self._source, self._at_once, self._made = source, at_once, made

    def __getitem__(self, _: object) -> _Stand:
        return self

    def to(self, device: Any = None, dtype: torch.dtype | None = None) -> torch.Tensor:
        """An empty tensor; or a filled one, where the library looks into it."""
        own = DTYPES[self._source.dtype]
        fill = Fill(self._source, torch.empty(self._source.shape, dtype=dtype or own, device=device))
        if self._at_once:
            read_now((fill,))
        self._made.append(fill)
        return fill.target


def _build_transformers(kind: Any, folder: Path, stored: Mapping[str, StoredTensor], dtype: torch.dtype) -> EmptyModule:
    from transformers import GenerationConfig

    config = kind.config_class.from_pretrained(str(folder), local_files_only=True)
    if getattr(config, "quantization_config", None) is not None:
        raise NeedsLibrary("its weights are quantised")
    if getattr(config, "transformers_weights", None) or getattr(type(config), "extra_files", ()):
        raise NeedsLibrary("its files have names of their own")
    options: dict[str, Any] = {}
    if (folder / "generation_config.json").is_file() and kind.can_generate():
        options["generation_config"] = GenerationConfig.from_pretrained(str(folder), local_files_only=True)
    made = _load_stands(kind, config, stored, frozenset(), {"dtype": dtype, **options})
    tied = _find_tied(made.module, stored)
    if tied:  # whether they are the same is decided by their numbers
        made = _load_stands(kind, config, stored, tied, {"dtype": dtype, **options})
    made.module.config.name_or_path = made.module.name_or_path = str(folder)
    return made


def _load_stands(
    kind: Any, config: Any, stored: Mapping[str, StoredTensor], at_once: frozenset[str], options: dict[str, Any]
) -> EmptyModule:
    ready: list[Fill] = []
    empty: list[Fill] = []
    stands = {
        name: _Stand(source, name in at_once, ready if name in at_once else empty) for name, source in stored.items()
    }
    module, about = kind.from_pretrained(
        None,
        config=config,
        state_dict=stands,
        output_loading_info=True,
        local_files_only=True,
        ignore_mismatched_sizes=True,  # or its error would name none
        **options,
    )
    for name, has, needs in about.get("mismatched_keys", ()):
        raise ValueError(f"{name} is {list(has)} where {list(needs)} is expected")
    missing = {str(name) for name in about.get("missing_keys", ())}
    reached = {_locate(fill.target) for fill in (*ready, *empty)}
    for name, one in module.state_dict().items():
        if one.numel() and name not in missing and _locate(one) not in reached:
            raise NeedsLibrary(f"{kind.__name__} makes {name} out of what is stored")
    return EmptyModule(module, _match(module, empty), tuple(sorted(missing)))


def _match(module: nn.Module, fills: Iterable[Fill]) -> tuple[Fill, ...]:
    """The fills whose targets are the module's own tensors: what it left out, as tied to another, isn't read."""
    own = {_locate(one) for one in module.state_dict().values()}
    return tuple(fill for fill in fills if _locate(fill.target) in own)


def _locate(tensor: torch.Tensor) -> tuple[object, ...]:
    """Where a tensor's numbers are, and in which order."""
    return tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype


def _find_tied(module: nn.Module, stored: Mapping[str, StoredTensor]) -> frozenset[str]:
    """The stored tensors of which one may be tied to another that is stored too."""
    pairs: dict[str, str] = getattr(module, "get_expanded_tied_weights_keys", lambda **_: {})(all_submodels=True)
    found: set[str] = set()
    for pair in pairs.items():
        ends = [next((name for name in stored if f".{one}".endswith(f".{name}") or f".{name}".endswith(f".{one}")), "")
                for one in pair]  # fmt: skip
        if all(ends):
            found.update(ends)
    return frozenset(found)
