"""Weights published wider than they run, converted for good: the same numbers, whole or not at all, the source noted."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from studio.cards import ModelCard
from studio.config import Settings
from studio.engines.base import Stopped
from studio.engines.diffusion.diffusion_engine import DiffusionEngine
from studio.engines.diffusion.files.converted_copies import CONVERSION, list_narrowings
from studio.engines.diffusion.files.local_files import HubFile, Ledger, read_ledger, walk_files, write_ledger
from studio.engines.diffusion.files.safetensors_header import list_tensors
from studio.engines.diffusion.files.store import Store
from studio.engines.diffusion.memory import loader
from studio.engines.diffusion.memory.machine import Machine
from studio.engines.diffusion.memory.placement import Fit
from studio.engines.diffusion.memory.shared_components import SharedComponents
from studio.nouns import Progress, Refusal, replace
from studio.preferences import Preferences
from tests.fakes.waiting import until

Tiny = Callable[[str], ModelCard]
PUBLISHED = Fit("slowly", "", "", "resident", "published")
NAME = "a--wan@main"


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def snapshot(folder: Path) -> dict[str, str]:
    return {entry.path: digest(Path(entry.path)) for entry in walk_files(folder)}


class Home:
    """A home folder with a tiny Wan downloaded to it, its denoiser in several files; and the card that runs it in bfloat16."""

    def __init__(self, tiny: Tiny, folder: Path) -> None:
        import torch
        from diffusers import WanTransformer3DModel

        made = tiny("wan22_ti2v_5b")
        assert made.checkpoint is not None
        self.settings = Settings(folder)
        self.preferences = Preferences()
        self.store = Store(self.settings, lambda: self.preferences)
        self.main = self.store.models / NAME
        shutil.copytree(made.checkpoint.repo, self.main)
        shutil.rmtree(self.main / "transformer")
        source = Path(made.checkpoint.repo) / "transformer"
        WanTransformer3DModel.from_pretrained(source, dtype=torch.float32).save_pretrained(
            self.main / "transformer", max_shard_size="40KB"
        )
        point = replace(made.checkpoint, repo="a/wan", dtype="bfloat16", dtypes={"vae": "float32"})
        self.card = replace(made, checkpoint=point)
        names = [Path(entry.path).relative_to(self.main).as_posix() for entry in walk_files(self.main)]
        files = tuple(HubFile(name, (self.main / name).stat().st_size, digest(self.main / name)) for name in sorted(names))
        write_ledger(self.main, Ledger("a/wan", "c0ffee", "Apache-2.0", files, (self.card.id,)))

    def load(self) -> Any:
        """What a GPU would run."""
        folders = self.store.find_folders(self.card)
        return loader.load(self.card, folders, PUBLISHED, lambda progress: None, SharedComponents(), False)

    def convert(self, tick: Callable[[Progress], None] = lambda progress: None, others: tuple[ModelCard, ...] = ()) -> None:
        from studio.engines.diffusion.memory.convert_weights import convert

        convert(self.card, self.store, others, tick)

    @property
    def copies(self) -> list[Path]:
        return [folder for folder in sorted(self.store.models.iterdir()) if "--transformer." in folder.name]


@pytest.fixture
def home(tiny: Tiny, tmp_path: Path) -> Home:
    return Home(tiny, tmp_path / "home")


def assert_same(one: Any, other: Any) -> None:
    import torch

    for name in ("transformer", "text_encoder", "vae"):
        theirs = getattr(other, name).state_dict()
        for key, mine in getattr(one, name).state_dict().items():
            assert mine.dtype == theirs[key].dtype and torch.equal(mine, theirs[key]), f"{name} {key}"


def test_a_converted_model_is_the_same_and_half_as_large_and_names_its_source(home: Home) -> None:
    before, held, published = home.load(), home.store.check(home.card), snapshot(home.main)
    spared = home.store.estimate_spared(home.card)
    assert held.state == "here" and spared > 0
    seen: list[Progress] = []
    home.convert(seen.append)
    assert [one.done for one in seen] == sorted(one.done for one in seen) and seen[-1].done == seen[-1].total
    now = home.store.check(home.card)
    assert (now.state, now.problem, home.store.estimate_spared(home.card)) == ("here", "", 0)
    assert held.bytes - now.bytes == pytest.approx(spared, rel=0.25), "headers are much of files so small"
    folders = home.store.find_folders(home.card)
    assert {name for name, _ in folders.copies} == {"transformer", "text_encoder"}, "the VAE runs in float32"
    assert not list((home.main / "transformer").glob("*.safetensors")) and (home.main / "transformer" / "config.json").is_file()
    for _, folder in folders.copies:
        said = json.loads((folder / CONVERSION).read_text())
        assert (said["repo"], said["commit"], said["dtype"]) == ("a/wan", "c0ffee", "bfloat16")
        assert all(published[str(home.main / one["path"])] == one["sha256"] for one in said["sources"])
        assert all(digest(folder / one["path"]) == one["etag"] for one in said["files"])
        assert not [entry.name for entry in walk_files(folder) if entry.name.startswith(".")]
    after = home.load()
    assert_same(after, before)
    kinds = {one.dtype for file in home.copies[0].glob("*.safetensors") for one in list_tensors(file).values()}
    assert kinds == {"BF16", "F32"}, "what the class keeps in float32 stays"
    with pytest.raises(Refusal, match="no weights that are wider"):
        home.convert()
    assert home.store.delete(home.card, ()) >= now.bytes
    assert not home.copies and not home.main.exists()


def test_a_conversion_that_was_stopped_changes_nothing_and_goes_on_from_there(home: Home) -> None:
    before, published = home.load(), snapshot(home.main)

    def stop(progress: Progress) -> None:
        if list(home.store.models.glob("*--transformer*/*2-of*.safetensors")):
            raise Stopped

    from studio.engines.diffusion.memory import convert_weights

    with pytest.raises(Stopped):
        home.convert(stop)
    assert snapshot(home.main) == published
    assert [name for name, _ in home.store.find_folders(home.card).copies] == ["text_encoder"], "only what is whole counts"
    assert_same(home.load(), before)
    work = next(folder for folder in home.store.models.iterdir() if folder.name.endswith(convert_weights.UNDER_WAY))
    finished = {file.name: file.stat().st_mtime_ns for file in work.glob("*.safetensors")}
    assert finished, "it was stopped before a file was done"
    home.convert()
    copy = work.with_name(work.name.removesuffix(convert_weights.UNDER_WAY))
    assert {name: (copy / name).stat().st_mtime_ns for name in finished} == finished, "a whole file was made again"
    assert_same(home.load(), before)


def test_killed_between_the_copy_and_the_deletion_it_only_deletes(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    from studio.engines.diffusion.memory import convert_weights

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(convert_weights, "_drop_published", die)
        with pytest.raises(KeyboardInterrupt):
            home.convert()
    assert list((home.main / "transformer").glob("*.safetensors")) and home.store.estimate_spared(home.card)
    made = snapshot(home.copies[0])
    next((home.main / "transformer").glob("*2-of*.safetensors")).unlink()  # or while they were being deleted
    home.convert()
    assert snapshot(home.copies[0]) == made and not list((home.main / "transformer").glob("*.safetensors*"))
    assert home.store.check(home.card).state == "here" and not home.store.estimate_spared(home.card)


def test_two_at_once_leave_one_whole_copy(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """One has looked what there is to do, and before it has the lock another has converted all and deleted the source."""
    before, lock = home.load(), home.store.lock

    def lock_late(folders: Any) -> Any:
        monkeypatch.setattr(home.store, "lock", lock)
        home.convert()
        return lock(folders)

    monkeypatch.setattr(home.store, "lock", lock_late)
    home.convert()
    assert home.store.check(home.card).state == "here"
    assert_same(home.load(), before)


def test_what_conversions_leave_goes_with_the_model(home: Home) -> None:
    other = home.store.models / "a--wan@main--x"
    other.mkdir()

    def stop(progress: Progress) -> None:
        if progress.done and list(home.store.models.glob("*--transformer*/*.part")):
            raise Stopped

    with pytest.raises(Stopped):
        home.convert(stop)
    assert not list(home.store.models.glob("*--transformer*/*.part")), "half a file that nothing goes on from"
    book = read_ledger(home.main)
    assert book is not None
    write_ledger(home.main, msgspec.structs.replace(book, commit="decade"))
    assert not home.store.find_folders(home.card).copies, "the text encoder's copy is of another commit"
    assert {folder.name.partition("--")[2].split("--")[1] for folder in home.store.models.glob("*--*.*")} == {
        "text_encoder.bfloat16", "transformer.bfloat16.converting"
    }  # fmt: skip
    home.store.delete(home.card, ())
    assert sorted(folder.name for folder in home.store.models.iterdir()) == [".locks", other.name]


def test_nothing_is_deleted_that_is_damaged_needed_or_has_no_room(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    published = snapshot(home.main)
    usage = shutil.disk_usage(home.main)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda folder: usage._replace(free=1_000_000))
        with pytest.raises(Refusal, match="converted copy may need"):
            home.convert()
    book = read_ledger(home.main)
    assert book is not None
    other = tuple(replace(one, etag="0" * 64) if one.path.endswith("00002-of-00004.safetensors") else one for one in book.files)
    if other == book.files:
        other = tuple(replace(one, etag="0" * 64) if one.path.endswith(".safetensors") else one for one in book.files)
    write_ledger(home.main, msgspec.structs.replace(book, files=other))
    with pytest.raises(Refusal, match="isn't what was published"):
        home.convert()
    write_ledger(home.main, book)
    assert snapshot(home.main) == published and not home.store.find_folders(home.card).copies
    assert home.card.checkpoint is not None
    exact = replace(home.card, id="exact", checkpoint=replace(home.card.checkpoint, dtype="float32", dtypes={}))
    home.convert(others=(home.card, exact))
    assert home.store.check(exact).state == "here", "another card runs the published numbers"
    assert list((home.main / "transformer").glob("*.safetensors"))


def test_an_adopted_folder_stays_as_it_is_and_its_copy_counts_only_while_it_does(home: Home, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    shutil.move(home.main, mine)
    (mine / ".stir.json").unlink()
    home.preferences = Preferences(folders={home.card.id: str(mine)})
    before, published = home.load(), snapshot(mine)
    assert home.store.estimate_spared(home.card) == 0, "the copy comes on top"
    home.convert()
    assert snapshot(mine) == published
    copies = dict(home.store.find_folders(home.card).copies)
    assert set(copies) == {"transformer", "text_encoder"} and all(
        folder.parent == home.store.models for folder in copies.values()
    )
    assert_same(home.load(), before)
    (mine / "text_encoder" / "model.safetensors").touch()
    assert set(dict(home.store.find_folders(home.card).copies)) == {"transformer"}, "its source was written to since"
    home.convert()
    assert set(dict(home.store.find_folders(home.card).copies)) == {"transformer", "text_encoder"}
    shutil.rmtree(mine / "transformer")
    assert home.store.check(home.card).state == "partly"


def test_only_what_is_wide_is_listed(home: Home) -> None:
    folders = home.store.find_folders(home.card)
    assert [one.part.name for one in list_narrowings(home.card, folders, home.store.models)] == ["text_encoder", "transformer"]
    assert home.card.checkpoint is not None
    exact = replace(home.card, checkpoint=replace(home.card.checkpoint, dtype="float32"))
    assert list_narrowings(exact, folders, home.store.models) == []


def test_the_engine_offers_it_where_a_gpu_runs_the_model_and_does_it_in_the_background(home: Home) -> None:
    plenty = 64 * 10**9

    def make(device: str) -> DiffusionEngine:
        here = Machine(device, "Imaginary", plenty if device != "cpu" else 0, plenty, (9, 0), lambda: plenty, lambda: plenty)
        return DiffusionEngine(
            home.settings, here, preferences=lambda: home.preferences, cards=lambda: (home.card,), store=home.store
        )

    slow, fast = make("cpu"), make("cuda:0")
    try:
        assert slow.state(home.card).spared == 0
        with pytest.raises(Refusal, match="float32 on a processor"):
            slow.convert(home.card)
        before = fast.state(home.card)
        assert before.spared > 0 and not before.converting
        fast.convert(home.card)
        until(lambda: not fast.state(home.card).downloading)
        after = fast.state(home.card)
        assert (after.problem, after.spared, after.disk, after.converting) == ("", 0, "here", False)
        assert after.on_disk < before.on_disk
        fast.convert(home.card)
        until(lambda: not fast.state(home.card).downloading)
        assert "wider than it runs" in fast.state(home.card).problem
    finally:
        slow.close()
        fast.close()
