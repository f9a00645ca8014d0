"""Where models' files are, whether they are whole, and what may be deleted: told without the network and without torch."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import diffusers
import pytest
import torch
import transformers
from diffusers.guiders.guider_utils import BaseGuidance
from diffusers.schedulers.scheduling_utils import SchedulerMixin
from transformers.image_processing_base import ImageProcessingMixin as BaseImageProcessor
from transformers.tokenization_utils_base import PreTrainedTokenizerBase

from studio import presets
from studio.cards import Companion, Component, ModelCard
from studio.config import ROOT, Settings
from studio.engines.diffusion.files import local_files, manifest
from studio.engines.diffusion.files.local_files import FaultKind, FileFault
from studio.engines.diffusion.files.store import Store
from studio.nouns import Refusal
from studio.preferences import Preferences
from tests.fakes import repos

FOLDER = "Wan-AI--Wan-Tiny@main"
LORA = Companion("lora", "other/Fast", "transformer", file="fast.safetensors")


@pytest.fixture
def store(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))  # for processes that a test starts
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    return Store(settings, Preferences)


def lay(folder: Path, files: dict[str, bytes] | None = None) -> Path:
    """Put a repository's files into a folder, as a download leaves them, without a ledger."""
    wanted = files or {name: what for name, what in repos.wan().items() if name in repos.LOADED}
    for name, what in wanted.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(what)
    return folder


def adopting(settings: Settings, **folders: Path) -> Store:
    return Store(settings, lambda: Preferences(folders={name: str(folder) for name, folder in folders.items()}))


def test_nothing_is_there_at_first(store: Store) -> None:
    assert store.check(repos.card()) == ("missing", 0, "")
    assert store.find_folders(repos.card()).main == store.models / FOLDER
    assert store.estimate_missing(repos.card()) == 30_000, "as the card's needs say"
    assert not store.models.exists()


def test_a_whole_folder_is_here_with_its_bytes(store: Store) -> None:
    folder = lay(store.models / FOLDER)
    assert store.check(repos.card()) == ("here", sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()), "")
    assert store.estimate_missing(repos.card()) == 0


@pytest.mark.parametrize("name", sorted(name for name in repos.LOADED if not name.startswith("tokenizer/")))
def test_any_missing_file_is_seen_though_nothing_lists_it(store: Store, name: str) -> None:
    (lay(store.models / FOLDER) / name).unlink()
    state, _, problem = store.check(repos.card())
    assert state == "partly"
    alone = re.fullmatch(r"(\w+)/\w+\.safetensors", name)
    assert problem == (f"The weights of {alone[1]} are missing." if alone else f"{name} is missing.")


def spoil(how: str, file: Path) -> None:
    """Make a file unusable in one of the ways that files become so."""
    whole = file.read_bytes()
    spoilt = {
        "cut short": whole[:-100],
        "too long": whole + b"more",
        "empty": b"",
        "damaged": b"\xff" * 8 + whole[8:],
        "Git LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 10\n",
    }
    file.write_bytes(spoilt[how])


@pytest.mark.parametrize("how", ["cut short", "too long", "empty", "damaged", "Git LFS pointer"])
@pytest.mark.parametrize("name", ["vae/diffusion_pytorch_model.safetensors", "text_encoder/model-00002-of-00002.safetensors"])
def test_a_corrupt_file_is_named_with_what_is_wrong(store: Store, how: str, name: str) -> None:
    folder = lay(store.models / FOLDER)
    assert store.check(repos.card()).state == "here"
    spoil(how, folder / name)
    state, _, problem = store.check(repos.card())
    assert state == "partly"
    assert problem.startswith(name)
    assert how in problem
    shutil.copy(lay(store.models.parent / "again") / name, folder / name)
    assert store.check(repos.card()).state == "here", "mended, it is seen at once"


BROKEN: dict[str, tuple[Callable[[bytes], bytes], FaultKind]] = {
    "a header cut off": (lambda whole: whole[:30], "damaged"),
    "a header that is a list": (lambda _: (5).to_bytes(8, "little") + b"[1,2]", "damaged"),
    "zeros": (lambda whole: bytes(len(whole)), "damaged"),
    "seven bytes": (lambda whole: whole[:7], "damaged"),
    "a hole between tensors": (lambda _: _header({"a": (0, 4), "b": (8, 12)}) + bytes(12), "damaged"),
    "a byte too few": (lambda whole: whole[:-1], "cut"),
    "a byte too many": (lambda whole: whole + b"x", "long"),
    "nothing": (lambda _: b"", "empty"),
    "a pointer": (lambda _: b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 10\n", "pointer"),
}


def _header(tensors: dict[str, tuple[int, int]]) -> bytes:
    facts = {
        name: {"dtype": "U8", "shape": [end - begin], "data_offsets": [begin, end]} for name, (begin, end) in tensors.items()
    }
    text = json.dumps(facts).encode()
    return len(text).to_bytes(8, "little") + text


@pytest.mark.parametrize("how", BROKEN)
def test_what_safetensors_would_not_open_is_a_fault_of_one_kind(tmp_path: Path, how: str) -> None:
    spoilt, kind = BROKEN[how]
    file, whole = tmp_path / "x.safetensors", repos.tensors(500)
    file.write_bytes(whole)
    assert local_files.find_fault(file) is None
    file.write_bytes(spoilt(whole))
    fault = local_files.find_fault(file)
    assert fault
    assert (fault.kind, fault.name, fault.is_absence) == (kind, "x.safetensors", False)
    assert (fault.have, fault.need) == ((file.stat().st_size, len(whole)) if kind in ("cut", "long") else (0, 0))
    file.unlink()
    gone = FileFault("missing", "vae/x.safetensors")
    assert local_files.find_fault(file, "vae/x.safetensors") == gone
    assert gone.is_absence


@pytest.mark.parametrize("kind", get_args(FaultKind))
def test_every_kind_of_fault_is_a_sentence(kind: FaultKind) -> None:
    fault = FileFault(kind, "vae/config.json", 2, 5, "Input/output error")
    assert fault.sentence.endswith(".")
    assert fault.sentence[:-1].lower() == fault.clause.lower()
    assert "vae/config.json" in fault.clause or kind == "partial"


def test_ten_gigabytes_are_judged_by_their_header_alone(tmp_path: Path) -> None:
    size = 10_000_000_000
    file = tmp_path / "large.safetensors"
    with file.open("wb") as handle:
        handle.write(_header({"w": (0, size)}))
        handle.truncate(handle.tell() + size)  # a hole: it takes no room on the disk
    local_files.find_fault(file)  # brings the libraries
    for less, kind in ((0, None), (1, "cut")):
        os.truncate(file, file.stat().st_size - less)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert timed(lambda: local_files.find_fault(file)) < 0.5
        fault = local_files.find_fault(file)
        assert (fault.kind if fault else None) == kind
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000, "read into memory"


@pytest.mark.parametrize("name", ["model_index.json", "transformer/config.json", "text_encoder/model.safetensors.index.json"])
def test_damaged_json_is_named(store: Store, name: str) -> None:
    (lay(store.models / FOLDER) / name).write_bytes(b'{"half": ')
    assert store.check(repos.card()).problem.startswith(f"{name} is damaged")


def test_an_index_that_points_elsewhere_is_damaged(store: Store) -> None:
    folder = lay(store.models / FOLDER)
    index = folder / "text_encoder/model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "../../../../etc/passwd"}}))
    assert "is damaged" in store.check(repos.card()).problem


def test_a_component_whose_folder_is_gone(store: Store) -> None:
    shutil.rmtree(lay(store.models / FOLDER) / "text_encoder")
    assert store.check(repos.card()).problem == "text_encoder/config.json is missing."


def test_a_companion_that_is_missing_makes_it_half(store: Store) -> None:
    lay(store.models / FOLDER)
    card = repos.card(companions=(LORA,))
    assert store.check(card).state == "partly"
    assert store.check(card).problem == "fast.safetensors is missing."
    lay(store.models / "other--Fast@main", {"fast.safetensors": repos.tensors(9)})
    assert store.check(card).state == "here"
    assert store.find_folders(card).companions == (store.models / "other--Fast@main",)


def test_cards_of_one_repository_share_a_folder_and_revisions_do_not(store: Store) -> None:
    one, two = repos.card(id="one"), repos.card(id="two")
    assert store.find_folders(one) == store.find_folders(two)
    assert store.find_folders(repos.card(revision="refs/pr/1")).main == store.models / "Wan-AI--Wan-Tiny@refs--pr--1"


@pytest.mark.parametrize(
    ("repo", "revision"),
    [("../x", "main"), ("../../etc/passwd", "main"), ("a/..", "main"), ("./a", "main"), ("a/b/c", "main"), ("a\\b/c", "main"),
     ("a/b", "../../x"), ("a/b", "/etc"), ("a--b/c", "main"), ("a/b\x00", "main"), ("~/models", "main"), ("a", "main")],
)  # fmt: skip
def test_a_repository_s_name_never_leads_out_of_the_home(store: Store, repo: str, revision: str) -> None:
    card = repos.card(repo, revision=revision)
    with pytest.raises(Refusal, match="not the name of a repository"):
        store.find_folders(card)
    assert store.check(card).state == "missing"
    assert "not the name" in store.check(card).problem
    with pytest.raises(Refusal):
        store.delete(card, ())


def test_an_absolute_folder_is_used_in_place(store: Store, tmp_path: Path) -> None:
    card = repos.card(str(lay(tmp_path / "mine")))
    assert store.find_folders(card).main == tmp_path / "mine"
    assert store.check(card).state == "here"
    with pytest.raises(Refusal, match="isn't Stir's"):
        store.delete(card, ())
    gone = repos.card(str(tmp_path / "elsewhere"))
    assert store.check(gone).state == "partly"
    assert "model_index.json is missing" in store.check(gone).problem


def test_a_complete_snapshot_of_hugging_face_s_cache_is_used_in_place(store: Store, tmp_path: Path) -> None:
    cache = tmp_path / "cache/models--Wan-AI--Wan-Tiny"
    blobs = lay(cache / "blobs")
    snapshot = cache / "snapshots/0123abcd"
    for name in repos.LOADED:
        (snapshot / name).parent.mkdir(parents=True, exist_ok=True)
        (snapshot / name).symlink_to(blobs / name)
    (cache / "refs").mkdir()
    (cache / "refs/main").write_text("0123abcd")
    assert store.find_folders(repos.card()).main == snapshot
    assert store.check(repos.card()).state == "here"
    with pytest.raises(Refusal, match="isn't Stir's"):
        store.delete(repos.card(), ())
    (snapshot / "vae/config.json").unlink()
    assert store.find_folders(repos.card()).main == store.models / FOLDER, "an incomplete one isn't"
    assert store.check(repos.card()).state == "missing"


def test_a_companion_s_files_are_found_in_hugging_face_s_cache_too(store: Store, tmp_path: Path) -> None:
    brings = Companion("component", "other/Processor", "image_processor", subfolder="sub", kind_of="CLIPImageProcessor")
    cache = tmp_path / "cache"
    lora = lay(cache / "models--other--Fast/snapshots" / ("a" * 40), {"fast.safetensors": repos.tensors(9)})
    processor = lay(cache / "models--other--Processor/snapshots/abc", {"sub/preprocessor_config.json": b"{}"})
    for folder, commit in ((lora, "a" * 40), (processor, "abc")):
        (folder.parents[1] / "refs").mkdir()
        (folder.parents[1] / "refs/main").write_text(commit)
    assert store.find_folders(repos.card(companions=(brings, LORA))).companions == (processor, lora)
    pinned = Companion("lora", "other/Fast", "transformer", revision="a" * 40, file="fast.safetensors")
    assert store.find_folders(repos.card(companions=(pinned,))).companions == (lora,), "by its commit"
    for odd in (Companion("lora", "other/Fast.git", "transformer", file="fast.safetensors"), Companion("upscaler", "a/b")):
        assert store.find_folders(repos.card(companions=(odd,))).companions[0] in (None, store.locate("other/Fast.git", "main"))


def test_an_offline_folder_is_adopted_when_it_is_one_of_that_pipeline(store: Store, settings: Settings, tmp_path: Path) -> None:
    folder = lay(tmp_path / "usb/wan")
    (tmp_path / "link").symlink_to(folder)
    for way in (folder, tmp_path / "link"):
        assert store.adopt(repos.card(), way) == way
    own = adopting(settings, tiny=folder)
    assert own.check(repos.card()).state == "here"
    assert own.find_folders(repos.card()).main == folder
    with pytest.raises(Refusal, match="isn't Stir's"):
        own.delete(repos.card(), ())
    assert (folder / "model_index.json").is_file()


def test_a_folder_saved_by_another_class_of_the_family_is_adopted(store: Store, tmp_path: Path) -> None:
    files = {**repos.wan(class_name="WanPipeline")}
    assert store.adopt(repos.card(), lay(tmp_path / "t2v", files))


def test_a_folder_that_is_something_else_is_not_adopted(store: Store, tmp_path: Path) -> None:
    def refused(folder: Path, words: str) -> None:
        with pytest.raises(Refusal, match=words) as no:
            store.adopt(repos.card(), folder)
        assert no.value.remedy

    refused(tmp_path / "nowhere", "no folder")
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", "isn't a pipeline's folder")
    (tmp_path / "file").write_bytes(b"x")
    refused(tmp_path / "file", "no folder")
    refused(
        lay(tmp_path / "other", repos.wan(class_name="SkyReelsV2ImageToVideoPipeline")), "holds a SkyReelsV2ImageToVideoPipeline"
    )
    two = repos.wan(transformer_2=["diffusers", "WanTransformer3DModel"])
    refused(lay(tmp_path / "a14b", two), "another model of the family")
    half = lay(tmp_path / "half")
    (half / "vae/diffusion_pytorch_model.safetensors").unlink()
    refused(half, "isn't complete")


def test_an_adopted_folder_brings_its_own_component_instead_of_a_companion(settings: Settings, tmp_path: Path) -> None:
    card = repos.card(companions=(Companion("component", "other/Encoder", "text_encoder", subfolder="text_encoder"), LORA))
    folder = lay(tmp_path / "whole")
    (folder / "fast.safetensors").write_bytes(repos.tensors(5))
    own = adopting(settings, tiny=folder)
    assert own.find_folders(card).companions == (None, folder)
    assert own.check(card).state == "here"


def test_deleting_frees_the_bytes_and_leaves_nothing(store: Store) -> None:
    folder = lay(store.models / FOLDER)
    (folder / "vae/model.safetensors.0123.incomplete").write_bytes(bytes(50))
    (folder / "README.md").write_bytes(bytes(7))
    held = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert store.delete(repos.card(), ()) == held
    assert not folder.exists()
    assert store.check(repos.card()).state == "missing"
    assert store.delete(repos.card(), ()) == 0, "twice does no harm"


def test_deleting_keeps_what_another_card_on_the_disk_needs(store: Store) -> None:
    """Two cards of one repository; the second brings its own denoiser and so needs all but the first one's."""
    base = repos.card(id="base")
    turbo = repos.card(id="turbo", companions=(Companion("component", "other/Denoiser", "transformer"), LORA))
    folder = lay(store.models / FOLDER)
    lay(store.models / "other--Fast@main", {"fast.safetensors": repos.tensors(90)})
    lay(store.models / "other--Denoiser@main", {"config.json": b"{}", "diffusion_pytorch_model.safetensors": repos.tensors(800)})
    local_files.write_ledger(folder, local_files.Ledger("Wan-AI/Wan-Tiny", "c" * 40, asked=("base", "turbo")))
    assert store.check(base).state == store.check(turbo).state == "here"
    freed = store.delete(base, (base, turbo))
    denoiser = {name for name in repos.LOADED if name.startswith("transformer/")}
    assert freed == sum(len(repos.wan()[name]) for name in denoiser)
    assert store.check(turbo).state == "here"
    assert store.check(base).state == "partly"
    assert store.delete(turbo, (base, turbo)) > 0
    assert [path for path in store.models.rglob("*") if path.is_file() and ".locks" not in path.parts] == []


def test_two_cards_of_the_same_files_do_not_protect_each_other_for_ever(store: Store) -> None:
    one, two = repos.card(id="one"), repos.card(id="two")
    folder = lay(store.models / FOLDER)
    local_files.write_ledger(folder, local_files.Ledger("Wan-AI/Wan-Tiny", "c" * 40, asked=("one",)))
    assert store.delete(one, (one, two)) == 0, "the other is on the disk too, with the same files"
    assert store.check(two).state == "here"
    assert store.delete(two, (one, two)) > 0
    assert not folder.exists()


def test_a_card_that_is_not_on_the_disk_protects_nothing(store: Store) -> None:
    folder = lay(store.models / FOLDER)
    fast = repos.card(id="fast", companions=(LORA,))
    assert store.check(fast).state == "partly"
    assert store.delete(repos.card(), (fast,)) > 0
    assert not folder.exists()


def test_a_folder_that_another_card_has_adopted_is_never_deleted(settings: Settings, store: Store) -> None:
    folder = lay(store.models / FOLDER)
    with pytest.raises(Refusal, match="isn't Stir's"):
        adopting(settings, other=folder).delete(repos.card(), ())
    (folder.parent / "real").mkdir()
    shutil.move(folder, folder.parent / "real")
    folder.symlink_to(folder.parent / "real" / FOLDER)
    with pytest.raises(Refusal, match="isn't Stir's"):
        store.delete(repos.card(), ())
    assert (folder / "model_index.json").is_file()


def test_nothing_is_deleted_while_it_is_being_downloaded(store: Store) -> None:
    folder = lay(store.models / FOLDER)
    with store.lock([folder]), pytest.raises(Refusal, match="at this moment"):
        store.delete(repos.card(), ())
    assert store.delete(repos.card(), ()) > 0


def test_real_checkpoints_of_every_family_are_judged_right(
    store: Store, tiny: Callable[[str], ModelCard], tmp_path: Path
) -> None:
    for name in ("wan22_a14b", "ltx2_condition", "svd", "hunyuan15_i2v"):
        card = tiny(name)
        assert card.checkpoint
        assert store.check(card).state == "here", name
        assert store.adopt(card, Path(card.checkpoint.repo))
        copied = tmp_path / name
        shutil.copytree(card.checkpoint.repo, copied)
        weights = max(copied.rglob("*.safetensors"), key=lambda path: path.stat().st_size)
        weights.write_bytes(weights.read_bytes()[:-1])
        with pytest.raises(Refusal, match="is cut short"):
            store.adopt(card, copied)


def timed(work: Callable[[], object]) -> float:
    """Seconds that a piece of work takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


@pytest.mark.parametrize("card", [card for card in presets.cards() if card.checkpoint], ids=lambda card: card.id)
def test_every_card_that_ships_has_a_place(store: Store, card: ModelCard) -> None:
    checkpoint = card.checkpoint
    assert checkpoint
    folders = store.find_folders(card)
    needed = [one for one in checkpoint.companions if manifest.is_needed(one, gguf=False)]
    assert [folder for folder in folders.companions if folder] == [store.locate(one.repo, one.revision) for one in needed]
    assert store.check(card) == ("missing", 0, "")


def accepts(hints: tuple[Any, ...], component: Component) -> bool:
    """Whether a pipeline's argument of these types takes a component: a module by its class; what has no weights by its sort, as
    pipelines name one scheduler and are published with another."""
    libraries = {"diffusers": diffusers, "transformers": transformers}
    library = libraries.get(component.library) or getattr(diffusers.pipelines, component.library)
    given = getattr(library, component.class_name)
    if issubclass(given, torch.nn.Module):
        return component.has_weights and any(issubclass(given, hint) for hint in hints)
    sorts = {"scheduler": SchedulerMixin, "guider": BaseGuidance, "tokenizer": PreTrainedTokenizerBase}
    sort = sorts.get(component.name.removesuffix("_2"), BaseImageProcessor)
    return not component.has_weights and issubclass(given, sort)


@pytest.mark.parametrize("card", [card for card in presets.cards() if card.checkpoint], ids=lambda card: card.id)
def test_a_card_s_components_are_those_that_its_pipeline_class_takes(card: ModelCard) -> None:
    """Held against the real class: nothing that it doesn't take, all that it can't do without, each of a class that fits."""
    checkpoint = card.checkpoint
    assert checkpoint
    pipeline: Any = getattr(diffusers, checkpoint.pipeline)
    types = pipeline._get_signature_types()
    modules = {name for name, hints in types.items() if not {bool, int, float, str} & set(hints)}
    listed = [one.name for one in checkpoint.components]
    assert sorted(set(listed)) == listed, "sorted, and each once"
    assert modules - set(pipeline._optional_components) <= set(listed) <= modules
    assert [one for one in checkpoint.components if not accepts(types[one.name], one)] == []
    assert {*checkpoint.denoisers, *checkpoint.encoders} <= set(listed)
    assert {one.target for one in checkpoint.companions} <= set(listed)
    assert manifest.component_names(checkpoint) == set(listed)


def test_a_card_of_the_user_s_that_lists_no_components_takes_what_is_known_of_its_pipeline() -> None:
    """Cards written before cards listed them: of a pipeline that ships, what its cards list; else the class's arguments."""
    shipped, other = repos.card().checkpoint, repos.card(pipeline="LTXImageToVideoPipeline").checkpoint
    assert shipped
    assert other
    assert manifest.component_names(shipped) == set(repos.WAN)
    assert manifest.component_names(other) == {"scheduler", "vae", "text_encoder", "tokenizer", "transformer"}
    index = {name: ["diffusers", f"A{name}"] for name in ("vae", "transformer", "safety_checker")}
    for checkpoint in (shipped, other):
        assert {one.name for one in manifest.select_components(index, (), checkpoint)} == {"vae", "transformer"}
    with pytest.raises(ValueError, match="`components` lacks transformer"):
        repos.card(components=(Component("vae", "AutoencoderKLWan"), Component("text_encoder")))


def test_a_gated_card_s_components_are_told_by_its_folders_and_classes() -> None:
    """Where the index is behind the gate: the weights of what has weights, and none of what has none or isn't listed."""
    svd = presets.card("svd-xt").checkpoint
    assert svd
    names = ["unet/config.json", "unet/diffusion_pytorch_model.fp16.safetensors", "scheduler/scheduler_config.json",
             "scheduler/model.safetensors", "other/config.json"]  # fmt: skip
    assert manifest.select_main_files(None, names, svd, frozenset()) == (
        "scheduler/scheduler_config.json", "unet/config.json", "unet/diffusion_pytorch_model.fp16.safetensors",
    )  # fmt: skip


def test_the_models_tab_does_not_wait(store: Store) -> None:
    """Twenty cards, all of them on the disk: no file's content is read twice, so asking again takes a part of the time."""
    cards = [repos.card(f"owner/model-{number}", id=f"model-{number}") for number in range(20)]
    for number in range(20):
        lay(store.models / f"owner--model-{number}@main", repos.wan())
    first_time = timed(lambda: [store.check(card) for card in cards])
    assert [store.check(card).state for card in cards] == ["here"] * 20
    again = [timed(lambda: [store.check(card) for card in cards]) for _ in range(5)]
    assert min(again) < first_time / 2


def test_the_store_needs_no_heavy_library() -> None:
    code = (
        "import sys, studio.engines.diffusion.files.store as s, studio.engines.diffusion.files.download;"
        "from tests.fakes import repos; from studio.engines.diffusion.files import manifest;"
        "manifest.component_names(repos.card().checkpoint);"
        "print(sorted({'torch', 'diffusers', 'transformers', 'huggingface_hub', 'safetensors', 'PIL', 'cv2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
