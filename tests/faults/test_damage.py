"""A database with flipped bytes, in any place, at the start and while Stir runs: told, every clip is there, the rest is kept."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from studio.config import Settings
from studio.library.salvage import PAGE
from studio.nouns import Refusal
from studio.studio import Studio
from tests.fakes.drive_faults import harm
from tests.library.test_damaged_rows import fill
from tests.library.test_sorting import made, put

ROUNDS, CLIPS = 40, 60


def flip_bits(data: bytearray, chance: random.Random) -> str:
    """Do to a database what disks and cables do. Returns what it was."""
    pages = len(data) // PAGE
    match chance.choice(("header", "bits", "page", "pages", "torn")):
        case "header":
            at = chance.randrange(100)
            data[at] ^= 1 << chance.randrange(8)
            return f"bit of byte {at}"
        case "bits":
            for at in (found := [chance.randrange(len(data)) for _ in range(chance.randint(1, 8))]):
                data[at] ^= 1 << chance.randrange(8)
            return f"bits of bytes {found}"
        case "page":
            at = chance.randrange(pages)
            data[at * PAGE : (at + 1) * PAGE] = chance.randbytes(PAGE)
            return f"page {at}"
        case "pages":
            for at in (found := chance.sample(range(1, pages), pages // 2)):
                data[at * PAGE : (at + 1) * PAGE] = bytes(PAGE)
            return f"pages {found}"
        case _:
            cut = chance.randrange(len(data))
            del data[cut:]
            return f"cut at {cut}"


def use(studio: Studio) -> set[str]:
    """Everything that is listed can be asked for. The ids of the clips."""
    studio.jobs()
    studio.comparisons.find()
    for batch in studio.batches.find():
        studio.batches._table.rows(batch.id)
    studio.scores.get_all([])
    return {clip.id for clip in studio.library.find(limit=1000)}


def test_flipped_bytes_anywhere_cost_no_clip(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    seed = random.randrange(10**6)
    record_property("seed", seed)
    chance, settings = random.Random(seed), Settings(tmp_path / "home")
    studio = Studio(settings)
    fill(studio)
    put(studio, [made(number) for number in range(4, CLIPS)])
    clips = use(studio)
    studio.close()
    whole = settings.database.read_bytes()
    for _ in range(ROUNDS):
        data = bytearray(whole)
        what = f"seed {seed}, {flip_bits(data, chance)}"
        for left in settings.home.glob("stir.db*"):
            left.unlink()
        settings.database.write_bytes(data)
        for _ in range(2):  # the second time it is whole
            studio = Studio(settings)
            try:
                assert use(studio) == clips, what
            finally:
                studio.close()
        kept = [file.read_bytes() for file in settings.home.glob("stir.db.damaged-*") if not file.name.endswith(("-wal", "-shm"))]
        assert kept in ([], [bytes(data)]), f"{what}: it is kept as it was"


def test_bytes_that_flip_while_it_runs_are_told_and_a_restart_has_every_clip(settings: Settings) -> None:
    studio = Studio(settings)
    fill(studio)
    put(studio, [made(number) for number in range(4, CLIPS)])
    clips = use(studio)
    harm(studio)
    with pytest.raises(Refusal, match="database is damaged") as told:
        use(studio)
    assert "Restart Stir" in told.value.remedy
    studio.close()
    again = Studio(settings)
    assert use(again) == clips
    assert [note.what for note in again._database.notes] == ["library"] and "damaged" in again._database.notes[0].reason
    again.close()
