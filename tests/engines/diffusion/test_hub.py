"""Downloads from a hub: what is asked for, what comes, and what is said when it doesn't. The hub is tests/fakes/hub.py."""

from __future__ import annotations

import hashlib
import json
import resource
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from studio.cards import Companion, ModelCard
from studio.config import ROOT, Settings
from studio.engines.base import Stopped
from studio.engines.diffusion.files import local_files, manifest
from studio.engines.diffusion.files.download import fetch
from studio.engines.diffusion.files.hub import Hub
from studio.engines.diffusion.files.store import Store
from studio.nouns import Progress, Refusal
from studio.preferences import Preferences
from tests.fakes import repos
from tests.fakes.hub import LARGE, blob, sha256
from tests.fakes.hub import Hub as Fake

GB = 1_000_000_000
REPO = "Wan-AI/Wan-Tiny"


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Fake]:
    """A hub, which HF_ENDPOINT points at; no token and no cache of the user's."""
    with Fake() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))  # for processes that a test starts
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield hub


@pytest.fixture
def store(settings: Settings) -> Store:
    return Store(settings, Preferences)


@pytest.fixture
def hub(settings: Settings, store: Store) -> Hub:
    return Hub(settings, store, free=lambda _: 100 * GB, pause=0.001)


def ignore(_: Progress) -> None:
    """Somebody who doesn't want to know how far it is."""


def here(folder: Path) -> set[str]:
    """The files of a folder, but the ledger."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {local_files.LEDGER}


def stop_at(count: int, fake: Fake) -> Callable[[Progress], None]:
    """Somebody who stops the download once the hub has served that many bytes of weights."""

    def tick(_: Progress) -> None:
        if fake.bytes_of(".safetensors") >= count:
            raise Stopped

    return tick


def halves(folder: Path) -> int:
    """Bytes in half-arrived files."""
    return sum(path.stat().st_size for path in folder.rglob("*.incomplete"))


def test_a_quote_tells_files_and_bytes_and_fetches_nothing(fake: Fake, hub: Hub, store: Store) -> None:
    files = fake.put(REPO, repos.wan(), licence="apache-2.0").files
    quote = hub.quote(repos.card(REPO))
    assert (quote.files, quote.total) == (len(repos.LOADED), sum(len(files[name]) for name in repos.LOADED))
    assert (quote.missing, quote.free, quote.licence) == (quote.total, 100 * GB, "apache-2.0")
    assert not quote.gated
    assert not quote.refused
    assert fake.bytes_of(".safetensors") == 0
    assert not store.models.exists()


def test_a_download_brings_exactly_what_the_pipeline_loads(fake: Fake, hub: Hub, store: Store) -> None:
    fake.put(REPO, repos.wan())
    heard: list[Progress] = []
    fetch(hub, repos.card(REPO), heard.append)
    folder = store.find_folders(repos.card(REPO)).main
    assert folder == store.models / "Wan-AI--Wan-Tiny@main"
    assert here(folder) == repos.LOADED
    assert all((folder / name).read_bytes() == fake.repos[REPO].files[name] for name in repos.LOADED)
    assert store.check(repos.card(REPO)).state == "here"
    assert heard[-1].stage == "load"
    assert heard[-1].note.startswith("25 kB of 25 kB")
    again = hub.quote(repos.card(REPO))
    assert (again.missing, again.files) == (0, len(repos.LOADED))


def test_a_quote_after_a_restart_knows_what_is_here(fake: Fake, hub: Hub, settings: Settings) -> None:
    fake.put(REPO, repos.wan())
    fetch(hub, repos.card(REPO), ignore)
    (hub.models / "Wan-AI--Wan-Tiny@main" / "vae/diffusion_pytorch_model.safetensors").unlink()
    anew = Hub(settings, Store(settings, Preferences), free=lambda _: 100 * GB)
    assert anew.quote(repos.card(REPO)).missing == len(repos.wan()["vae/diffusion_pytorch_model.safetensors"])


def test_only_the_concrete_class_decides_what_is_loaded(fake: Fake, hub: Hub) -> None:
    """The index names a component that the class doesn't take; and it was saved by another class of the family."""
    files = repos.wan(safety_checker=["transformers", "CLIPModel"], class_name="WanPipeline")
    fake.put(REPO, files)
    (parcel,) = hub.plan(repos.card(REPO))
    assert {file.path for file in parcel.files} == repos.LOADED


def test_a_variant_is_preferred_where_there_is_one(fake: Fake, hub: Hub) -> None:
    fake.put(REPO, repos.wan())
    (parcel,) = hub.plan(repos.card(REPO, variant="fp16"))
    weights = {file.path for file in parcel.files if file.path.endswith((".safetensors", ".bin"))}
    assert weights == {
        "image_encoder/model.fp16.safetensors",
        "text_encoder/model-00001-of-00002.safetensors", "text_encoder/model-00002-of-00002.safetensors",
        "transformer/diffusion_pytorch_model.fp16.safetensors", "vae/diffusion_pytorch_model.fp16.safetensors",
    }  # fmt: skip


def test_pickles_are_taken_only_where_there_is_nothing_else(fake: Fake, hub: Hub) -> None:
    files = repos.wan()
    for name in [name for name in files if name.startswith("vae/") and name.endswith(".safetensors")]:
        del files[name]
    fake.put(REPO, files)
    (parcel,) = hub.plan(repos.card(REPO))
    assert {file.path for file in parcel.files if file.path.endswith(".bin")} == {"vae/diffusion_pytorch_model.bin"}


def test_a_component_without_weights_is_refused_before_anything_is_fetched(fake: Fake, hub: Hub) -> None:
    fake.put(REPO, {name: what for name, what in repos.wan().items() if not name.startswith("vae/diff")})
    assert "no weights for vae" in hub.quote(repos.card(REPO)).refused


def test_what_a_companion_replaces_is_not_fetched(fake: Fake, hub: Hub, store: Store) -> None:
    fake.put(REPO, repos.wan())
    fake.put("other/Denoiser", {
        "config.json": b"{}", "README.md": b"#", "notes/long.txt": b"no",
        **repos.sharded("diffusion_pytorch_model", 3, 700, 50), "diffusion_pytorch_model.fp16.safetensors": repos.tensors(5),
    })  # fmt: skip
    fake.put("other/Fast", {"loras/fast.safetensors": repos.tensors(300, 7), "loras/slow.safetensors": repos.tensors(300, 8)})
    card = repos.card(REPO, companions=(
        Companion("component", "other/Denoiser", "transformer"),
        Companion("lora", "other/Fast", "transformer", file="loras/fast.safetensors"),
        Companion("upscaler", "other/Large"),
    ))  # fmt: skip
    fetch(hub, card, ignore)
    folders = store.find_folders(card)
    assert here(folders.main) == {name for name in repos.LOADED if not name.startswith("transformer/")}
    denoiser, fast, upscaler = folders.companions
    assert denoiser
    assert fast
    assert upscaler is None
    assert here(denoiser) == {"config.json", *repos.sharded("diffusion_pytorch_model", 3, 700, 50)}
    assert here(fast) == {"loras/fast.safetensors"}
    assert store.check(card).state == "here"


def test_gguf_instead_of_the_published_weights_only_where_it_is_preferred(fake: Fake, settings: Settings) -> None:
    fake.put(REPO, repos.wan())
    fake.put("other/Small", {"q5.gguf": b"GGUF" + bytes(100), "q8.gguf": b"GGUF" + bytes(200)})
    card = repos.card(REPO, companions=(Companion("gguf", "other/Small", "transformer", file="q5.gguf"),))
    for weights in ("auto", "gguf"):
        preferences = Preferences(weights={card.id: weights})
        found = Hub(settings, Store(settings, lambda chosen=preferences: chosen)).plan(card)
        names = {file.path for parcel in found for file in parcel.files}
        assert ("q5.gguf" in names) is (weights == "gguf")
        assert ("transformer/diffusion_pytorch_model-00001-of-00002.safetensors" in names) is (weights == "auto")
        assert "transformer/config.json" in names


def test_diffusers_itself_fetches_the_same_and_one_folder_more(
    fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`DiffusionPipeline.download` of the installed diffusers, on the same hub: it also takes the weights of a folder that
    its index doesn't name."""
    import diffusers
    from huggingface_hub import constants, hf_api

    fake.put(REPO, repos.wan())
    # diffusers has no other way to be sent to a hub, once the client is imported.
    monkeypatch.setattr(constants, "ENDPOINT", fake.address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", fake.address + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(hf_api.api, "endpoint", fake.address)
    theirs = here(Path(diffusers.WanImageToVideoPipeline.download(REPO, cache_dir=str(tmp_path / "theirs"))))
    assert theirs == repos.LOADED | {"safety_checker/model.safetensors"}


def test_the_hub_s_own_client_takes_the_stand_in_for_a_hub(fake: Fake, tmp_path: Path) -> None:
    """A stand-in that only our own code understands would prove nothing."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError

    fake.put(REPO, repos.wan(300_000))
    snapshot_download(REPO, local_dir=tmp_path / "whole", endpoint=fake.address, allow_patterns=list(repos.LOADED))
    assert {name for name in here(tmp_path / "whole") if not name.startswith(".cache/")} == repos.LOADED
    fake.put("closed/One", repos.wan(), gate="manual")
    with pytest.raises(GatedRepoError):
        snapshot_download("closed/One", local_dir=tmp_path / "closed", endpoint=fake.address)


def test_stopped_in_the_middle_it_goes_on_where_it_was(fake: Fake, hub: Hub, store: Store) -> None:
    files = fake.put(REPO, repos.wan(400_000)).files
    fake.pace, fake.step = 0.02, 16_384
    with pytest.raises(Stopped):
        fetch(hub, repos.card(REPO), stop_at(200_000, fake))
    folder = store.find_folders(repos.card(REPO)).main
    state, held, problem = store.check(repos.card(REPO))
    assert state == "partly"
    assert "still to come" in problem
    assert halves(folder) > 0
    quote = hub.quote(repos.card(REPO))
    assert quote.missing == quote.total - held
    assert store.estimate_missing(repos.card(REPO)) == quote.missing
    fake.pace = 0
    fake.rest()
    fetch(hub, repos.card(REPO), ignore)
    assert fake.rest() - len(files["model_index.json"]) == quote.missing, "only the rest"
    assert here(folder) == repos.LOADED
    assert all((folder / name).read_bytes() == files[name] for name in repos.LOADED)


LEFT = {
    "image_encoder/model.safetensors": "3f4b7a4cf8c3",
    "text_encoder/model-00001-of-00002.safetensors": "a627f79461f2",
    "text_encoder/model-00002-of-00002.safetensors": "c3922091cce0",
    "transformer/diffusion_pytorch_model-00001-of-00002.safetensors": "4a193cc3765e",
}
"""What a download by an earlier build (20b0351) left of `repos.wan()`: 2560 bytes of each, and how the files were named."""

BOOK = "65f88d936d026b98cd52f5837b0f3e755cc9df43b85abf114a126efb8aff4092"
"""The sha256 of the ledger it left beside them."""


def test_a_download_that_an_earlier_build_began_goes_on(fake: Fake, hub: Hub, store: Store) -> None:
    files = fake.put(REPO, repos.wan(), licence="apache-2.0").files
    folder = store.models / "Wan-AI--Wan-Tiny@main"
    untouched = {"transformer/diffusion_pytorch_model-00002-of-00002.safetensors", "vae/diffusion_pytorch_model.safetensors"}
    for name in repos.LOADED - untouched:
        file = folder / (f"{name}.{LEFT[name]}.incomplete" if name in LEFT else name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(files[name][:2560] if name in LEFT else files[name])
    book = {"repo": REPO, "commit": fake.repos[REPO].commit, "licence": "apache-2.0", "files": [
        {"path": name, "size": len(files[name]), "etag": sha256(files[name]) if name.endswith(LARGE) else blob(files[name])}
        for name in sorted(repos.LOADED)
    ], "asked": ["tiny"], "forgotten": []}  # fmt: skip
    text = json.dumps(book, indent=2)
    (folder / ".stir.json").write_text(text)
    assert hashlib.sha256(text.encode()).hexdigest() == BOOK, "the ledger as it was"
    state, held, problem = store.check(repos.card(REPO))
    assert (state, problem) == ("partly", "6 of 17 files are still to come.")
    fake.rest()
    fetch(hub, repos.card(REPO), ignore)
    assert fake.rest() == sum(len(files[name]) for name in repos.LOADED) - held + len(files["model_index.json"]), "only the rest"
    assert here(folder) == repos.LOADED
    assert all((folder / name).read_bytes() == files[name] for name in repos.LOADED)
    assert (folder / ".stir.json").read_text() == text, "and as it will be"


def test_a_killed_process_leaves_a_download_that_goes_on(fake: Fake, hub: Hub, store: Store, settings: Settings) -> None:
    fake.put(REPO, repos.wan(400_000))
    fake.pace, fake.step = 0.05, 16_384
    code = """
import sys
from pathlib import Path
from studio.preferences import Preferences
from studio.config import Settings
from studio.engines.diffusion.files.download import fetch
from studio.engines.diffusion.files.hub import Hub
from studio.engines.diffusion.files.store import Store
from tests.fakes import repos
home = Settings(Path(sys.argv[1]))
fetch(Hub(home, Store(home, Preferences)), repos.card(), lambda progress: print(progress.note, flush=True))
"""
    with subprocess.Popen([sys.executable, "-c", code, str(settings.home)], cwd=ROOT, stdout=subprocess.PIPE) as other:
        assert other.stdout
        while fake.bytes_of(".safetensors") < 700_000:
            assert other.stdout.readline()
        with pytest.raises(Refusal, match="at this moment"):
            fetch(hub, repos.card(), ignore)
        with pytest.raises(Refusal, match="at this moment"):
            store.delete(repos.card(), ())
        other.kill()
    state, held, _ = store.check(repos.card())
    assert state == "partly"
    fake.pace = 0
    fake.rest()
    fetch(hub, repos.card(), ignore)
    assert fake.rest() == hub.quote(repos.card()).total - held + len(repos.wan()["model_index.json"])
    assert store.check(repos.card()).state == "here"


def test_a_dropped_connection_is_taken_up_again(fake: Fake, hub: Hub, store: Store) -> None:
    fake.put(REPO, repos.wan(400_000))
    fake.step, fake.drop_after = 16_384, [100_000, 0, 200_000, 50_000, 16_384]
    fetch(hub, repos.card(REPO), ignore)
    assert store.check(repos.card(REPO)).state == "here"
    assert fake.drop_after == []
    once = sum(len(what) for name, what in repos.wan(400_000).items() if name in repos.LOADED)
    assert fake.rest() < once + 300_000, "what had come was asked for again"


def test_a_connection_that_keeps_dropping_ends_in_words(fake: Fake, hub: Hub, store: Store) -> None:
    fake.put(REPO, repos.wan(400_000))
    fake.drop_after = [0] * 1000
    with pytest.raises(Refusal, match="can't be reached") as refused:
        fetch(hub, repos.card(REPO), ignore)
    assert "what has arrived is kept" in refused.value.remedy
    assert len(fake.drop_after) > 900
    assert store.check(repos.card(REPO)).state == "partly"


def test_a_hub_that_ignores_ranges_is_begun_again_and_not_added_to(fake: Fake, hub: Hub, store: Store) -> None:
    fake.put(REPO, repos.wan(400_000))
    fake.ranges, fake.step, fake.drop_after = False, 16_384, [100_000]
    heard: list[Progress] = []
    fetch(hub, repos.card(REPO), heard.append)
    assert store.check(repos.card(REPO)).state == "here"
    done, total = heard[-1].note.partition(",")[0].split(" of ")
    assert done == total


def test_what_arrives_damaged_is_thrown_away(fake: Fake, hub: Hub, store: Store) -> None:
    fake.put(REPO, repos.wan())
    name = "vae/diffusion_pytorch_model.safetensors"
    (parcel,) = hub.plan(repos.card(REPO))
    (file,) = (one for one in parcel.files if one.path == name)
    part = parcel.folder / f"{name}.{file.etag[:12]}.incomplete"
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(1000))
    with pytest.raises(Refusal, match=r"vae/.* has arrived damaged"):
        fetch(hub, repos.card(REPO), ignore)
    fetch(hub, repos.card(REPO), ignore)
    assert hashlib.sha256((parcel.folder / name).read_bytes()).hexdigest() == file.etag


def test_a_repository_that_moves_on_does_not_mix_two_versions(fake: Fake, hub: Hub, store: Store) -> None:
    """The commit it began with is gone: it begins with the new one, and nothing of the old is taken for new."""
    fake.put(REPO, repos.wan(400_000))
    fake.pace, fake.step = 0.02, 16_384
    with pytest.raises(Stopped):
        fetch(hub, repos.card(REPO), stop_at(200_000, fake))
    fake.pace = 0
    newer = {**repos.wan(400_000), "vae/diffusion_pytorch_model.safetensors": repos.tensors(400_000, 77)}
    fake.put(REPO, newer)
    fetch(hub, repos.card(REPO), ignore)
    folder = store.find_folders(repos.card(REPO)).main
    assert all((folder / name).read_bytes() == newer[name] for name in repos.LOADED)
    assert halves(folder) == 0
    book = local_files.read_ledger(folder)
    assert book
    assert book.commit == fake.repos[REPO].commit


def test_a_file_that_the_repository_has_changed_is_fetched_again_though_it_is_as_long(fake: Fake, hub: Hub, store: Store) -> None:
    fake.put(REPO, repos.wan())
    fetch(hub, repos.card(REPO), ignore)
    folder = store.find_folders(repos.card(REPO)).main
    (folder / "vae/config.json").unlink()
    newer = {**repos.wan(), "transformer/config.json": b'{"_class_name": "b"}'}
    fake.put(REPO, newer)
    assert hub.quote(repos.card(REPO)).missing == len(newer["vae/config.json"]) + len(newer["transformer/config.json"])
    fetch(hub, repos.card(REPO), ignore)
    assert all((folder / name).read_bytes() == newer[name] for name in repos.LOADED)


def test_a_hub_that_offers_xet_is_asked_over_plain_https(fake: Fake, hub: Hub, store: Store) -> None:
    fake.put(REPO, repos.wan())
    fake.xet = True
    fetch(hub, repos.card(REPO), ignore)
    assert store.check(repos.card(REPO)).state == "here"
    assert not [line for line in fake.asked if "xet" in line]


def test_the_hub_is_asked_nothing_but_what_is_needed(fake: Fake, hub: Hub) -> None:
    """One question for what there is, one for the index, and then the files: no telemetry, and no other host."""
    fake.put(REPO, repos.wan())
    hub.quote(repos.card(REPO))
    assert [line.split("?")[0].split(fake.repos[REPO].commit)[-1] for line in fake.asked] == [
        f"GET /api/models/{REPO}/revision/main", "/model_index.json",
    ]  # fmt: skip


def test_a_gate_is_said_with_what_to_do(fake: Fake, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    files = fake.put(REPO, repos.wan(), gate="manual", let_in={"good-token"}).files
    quote = hub.quote(repos.card(REPO, gated=True))
    assert quote.gated
    assert quote.total == sum(len(files[name]) for name in repos.LOADED), "sizes can be told through the gate"
    assert "behind a gate" in quote.refused
    assert f"/{REPO}" in quote.remedy
    assert "set HF_TOKEN" in quote.remedy
    with pytest.raises(Refusal, match="behind a gate"):
        fetch(hub, repos.card(REPO), ignore)
    monkeypatch.setenv("HF_TOKEN", "not-let-in")
    shut = hub.quote(repos.card(REPO))
    assert "hasn't been let through" in shut.refused
    assert "not-let-in" not in repr(shut)
    monkeypatch.setenv("HF_TOKEN", "good-token")
    open_now = hub.quote(repos.card(REPO))
    assert open_now.gated
    assert not open_now.refused


def test_a_token_goes_to_the_hub_and_nowhere_else(
    fake: Fake, hub: Hub, store: Store, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    fake.put(REPO, repos.wan(), gate="auto", let_in={"hf_secret"})
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with caplog.at_level("INFO"):
        fetch(hub, repos.card(REPO), ignore)
    assert fake.tokens == {"hf_secret"}
    assert fake.leaked == set(), "the store, another host, was shown the token"
    written = b"".join(path.read_bytes() for path in store.models.rglob("*") if path.is_file())
    assert b"hf_secret" not in written
    printed = capfd.readouterr()
    assert "hf_secret" not in caplog.text + printed.out + printed.err


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "doesn't accept your token"),
        (403, "doesn't allow"),
        (404, "refused"),
        (429, "too many requests"),
        (503, "trouble of its own"),
    ],
)
def test_what_the_hub_answers_is_put_into_words(
    fake: Fake, hub: Hub, status: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "of-last-year")
    fake.put(REPO, repos.wan())
    fake.status = {"/resolve/": status}
    quote = hub.quote(repos.card(REPO))
    assert words in quote.refused
    assert quote.remedy
    assert fake.address not in quote.refused + quote.remedy
    assert "of-last-year" not in repr(quote)


def test_a_repository_that_is_not_there(fake: Fake, hub: Hub) -> None:
    assert "no repository nobody/Nothing" in hub.quote(repos.card("nobody/Nothing")).refused
    fake.put(REPO, {"weights.safetensors": b"1"})
    assert "isn't a pipeline" in hub.quote(repos.card(REPO)).refused
    fake.put(REPO, repos.wan())
    assert "revision" in hub.quote(repos.card(REPO, revision="v9")).refused


def test_no_network(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
    quote = hub.quote(repos.card(REPO))
    assert "can't be reached" in quote.refused
    assert "offline folder" in quote.remedy
    assert quote.total > 0, "about what the card says it weighs"
    with pytest.raises(Refusal, match="can't be reached"):
        fetch(hub, repos.card(REPO), ignore)


def test_not_enough_room_is_said_before_anything_is_fetched(fake: Fake, settings: Settings, store: Store) -> None:
    fake.put(REPO, repos.wan())
    tight = Hub(settings, store, free=lambda _: GB)
    quote = tight.quote(repos.card(REPO))
    assert "the disk has 1.0 GB left" in quote.refused
    assert quote.remedy.startswith("Free 25 kB")
    with pytest.raises(Refusal, match=r"1\.0 GB left"):
        fetch(tight, repos.card(REPO), ignore)
    assert fake.bytes_of(".safetensors") == 0


def test_a_disk_that_fills_up_on_the_way_is_said_and_gone_on_with(fake: Fake, hub: Hub, store: Store) -> None:
    """The system's own limit on a file's length stands in for the full disk: both are met by a write that fails."""
    fake.put(REPO, repos.wan(3_000_000))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, hard))
    try:
        with pytest.raises(Refusal, match="disk is full"):
            fetch(hub, repos.card(REPO), ignore)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert halves(store.find_folders(repos.card(REPO)).main) >= 2_000_000
    fetch(hub, repos.card(REPO), ignore)
    assert store.check(repos.card(REPO)).state == "here"


def test_a_hub_cannot_write_outside_the_folder(fake: Fake, hub: Hub, settings: Settings) -> None:
    """Names of files and of components come from the network."""
    hostile = {
        **repos.wan(), "../../escape.json": b"{}", "transformer/../../../escape.json": b"{}", "vae/..\\..\\escape.json": b"{}",
        "/etc/escape.json": b"{}",
    }  # fmt: skip
    spec = json.loads(hostile["model_index.json"]) | {"../..": ["diffusers", "X"], "..": ["diffusers", "Y"]}
    fake.put(REPO, hostile | {"model_index.json": json.dumps(spec).encode()})
    fetch(hub, repos.card(REPO), ignore)
    assert not [path for path in settings.home.parent.rglob("*") if "escape" in path.name]


def test_a_tiny_real_checkpoint_comes_from_the_hub_and_runs_in_the_concrete_class(
    fake: Fake, hub: Hub, store: Store, tiny: Callable[[str], ModelCard]
) -> None:
    import diffusers
    import torch

    original = tiny("wan21_i2v").checkpoint
    assert original
    fake.put_folder(REPO, Path(original.repo))
    card = repos.card(REPO)
    assert store.check(card).state == "missing"
    fetch(hub, card, ignore)
    assert store.check(card).state == "here"
    folder = store.find_folders(card).main
    assert here(folder) == here(Path(original.repo))
    ours, theirs = (
        diffusers.WanImageToVideoPipeline.from_pretrained(place, dtype=torch.float32, local_files_only=True)
        for place in (folder, Path(original.repo))
    )
    assert card.checkpoint
    assert manifest.component_names(card.checkpoint) >= {name for name, one in ours.components.items() if one is not None}
    for name, weights in theirs.transformer.state_dict().items():
        assert torch.equal(weights, ours.transformer.state_dict()[name])
