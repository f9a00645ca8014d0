"""A row that can't be read is set aside, whole, and the page goes on; it comes back when it can be read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from starlette.responses import Response

from studio.batch.batch_nouns import Batch, BatchRow, BatchSettings
from studio.clip_score import VERSION
from studio.config import Settings
from studio.nouns import Shot
from studio.studio import Studio
from studio.ui.batch_snapshot import show_batch
from studio.ui.panels.batch_panel import BatchPanel, BatchWords
from studio.ui.panels.compare_panel import ComparePanel, ComparisonSearch
from studio.ui.panels.library_panel import ClipSearch, LibraryPanel
from studio.ui.panels.queue_panel import QueuePanel, Seen
from tests.fakes.gradient import photograph
from tests.library.test_sorting import made, put

HARMS = {"cut short": b'{"id": "', "of another shape": b'{"film": 35}', "wrong bytes": b'{"id\xff": \xc3\x28}', "empty": b""}
JSON = {"clips": "clip", "jobs": "shot", "comparisons": "comparison", "batches": "batch", "batch_rows": "row"}


def fill(studio: Studio) -> None:
    """Two of everything."""
    put(studio, [made(1), made(2), made(3)])
    photo = studio.photos.take_in(photograph(studio.settings.home), "one.png")
    for seed in range(2):
        studio.queue.submit(Shot(photo, seed=seed))
        studio.comparisons.start_from_clips([made(1).id, made(2).id])
    for name in ("one", "two"):
        rows = tuple(BatchRow(f"{name}{number}", f"{number}.jpg", "", is_read=True) for number in range(2))
        studio.batches._table.keep(Batch(name, name, BatchSettings(), 1.0), rows, "")


def harm(studio: Studio, bad: bytes, table: str, column: str, key: str = "id") -> str:
    """Write nonsense into the first row of a table, as a tool that knows no better. Returns its key."""
    with closing(sqlite3.connect(studio.settings.database)) as rows:
        (hurt,) = rows.execute(f"SELECT {key} FROM {table} ORDER BY {key} LIMIT 1").fetchone()
        rows.execute(f"UPDATE {table} SET {column} = CAST(? AS TEXT) WHERE {key} = ?", (bad, hurt))
        rows.commit()
    return str(hurt)


def list_rows(studio: Studio) -> dict[str, list[list[object]]]:
    """Every row of the tables; times to the millisecond, for JSON keeps fifteen digits of them."""
    found = {table: studio._database.read(f"SELECT * FROM {table} ORDER BY id") for table in JSON}
    return {
        table: [[round(one, 3) if isinstance(one, float) else one for one in row] for row in rows]
        for table, rows in found.items()
    }


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    one = Studio(Settings(tmp_path / "home"))
    fill(one)
    yield one
    one.close()


@pytest.mark.parametrize("bad", HARMS.values(), ids=HARMS)
def test_a_damaged_row_of_any_table_leaves_the_page_to_the_others(studio: Studio, bad: bytes) -> None:
    hurt = {table: harm(studio, bad, table, column) for table, column in JSON.items()}
    (studio.settings.clips / f"{hurt['clips']}.json").unlink()  # nothing to put the clip's row right by
    (studio.settings.photos / f"{studio.queue.jobs()[0].shot.photo.id}.json").write_bytes(bad)
    answer = QueuePanel(studio).watch(Seen())
    assert isinstance(answer, Response)
    board = msgspec.json.decode(answer.body)["board"]
    found = LibraryPanel(studio).find(ClipSearch())
    listed = ComparePanel(studio).find(ComparisonSearch())
    batches = BatchPanel(studio).find(BatchWords())
    assert (len(board["jobs"]), len(board["recent"]), board["kept"]) == (1, 2, 2)
    assert (len(found["clips"]), found["count"], len(found["comparisons"]), listed["count"]) == (2, 2, 1, 1)
    assert [one["id"] for one in batches] == ["two"]
    assert show_batch(studio, studio.batches.get("two"), "all", 0)["counts"]["all"] == 2
    assert studio.batches._table.rows("one")[0].id == "one1"
    assert hurt["clips"] not in [clip.id for clip in studio.library.find()]
    told = sorted(one.title for one in studio.library.list_damaged())
    assert told == ["batch", "clip", "comparison", "job in the queue", "photo of a batch"]
    assert studio.queue.take_next(True) is not None
    log = (studio.settings.home / "logs" / "stir.log").read_text("utf-8")
    assert [log.count(f"a row of {table} can't be read") for table in JSON] == [1] * len(JSON)


def test_what_was_set_aside_comes_back_as_it_was_when_it_can_be_read(studio: Studio) -> None:
    before = list_rows(studio)
    whole = {table: str(before[table][0][-1 if table != "jobs" else 7]) for table in JSON}
    for table, column in JSON.items():
        hurt = harm(studio, HARMS["of another shape"], table, column)
        (studio.settings.clips / f"{hurt}.json").unlink(missing_ok=True)
    ids = [studio.queue.jobs(), studio.library.find(), studio.comparisons.find(), studio.batches.find()]
    studio.batches._table.rows("one")
    assert [len(some) for some in ids] == [1, 2, 1, 1]
    studio.close()
    with closing(sqlite3.connect(studio.settings.database)) as rows:
        for table, column in JSON.items():
            sql = "UPDATE damaged_rows SET columns = json_set(columns, ?, ?) WHERE origin = ?"
            rows.execute(sql, (f"$.{column}", whole[table], table))
        rows.commit()
    again = Studio(studio.settings)
    assert list_rows(again) == before
    assert again.library.list_damaged() == ()
    again.close()


def test_a_clips_row_is_put_right_by_the_recipe_beside_it_and_a_score_is_made_again(studio: Studio) -> None:
    clip = studio.library.find()[-1]
    studio.library.rate(clip.id, 4)
    studio._database.read("INSERT INTO scores VALUES (?, ?, '{')", (clip.id, VERSION))
    harm(studio, HARMS["wrong bytes"], "clips", "clip")
    assert studio.scores.get_all([clip.id]) == {}
    assert studio._database.read("SELECT * FROM scores") == []
    assert studio.library.get(clip.id).rating == 4
    assert studio.library.count() == len(studio.library.find()) == 3
    assert studio.library.list_damaged() == ()


def test_a_wrong_byte_in_a_name_is_a_wrong_letter(studio: Studio) -> None:
    text = str(studio._database.read("SELECT clip FROM clips ORDER BY id LIMIT 1")[0][0])
    harm(studio, text.replace("IMG_10", "IM\u00c3G").encode("latin-1"), "clips", "clip")
    assert "IM\ufffdG.jpg" in [clip.shot.photo.name for clip in studio.library.find()]
    assert studio.library.list_damaged() == ()


def test_a_row_that_says_another_id_than_its_own_hides_no_clip(studio: Studio) -> None:
    """Nobody could ask for such a clip; the next start finds it by its recipe, under its own."""
    before = studio.library.find()
    with closing(sqlite3.connect(studio.settings.database)) as rows:
        rows.execute("UPDATE clips SET id = 'f' || substr(id, 2) WHERE id = ?", (before[0].id,))
        rows.commit()
    assert studio.library.find() == before[1:] and [one.title for one in studio.library.list_damaged()] == ["clip"]
    studio.close()
    with closing(Studio(studio.settings)) as again:
        assert again.library.find() == before and again.library.get(before[0].id) == before[0]
    log = (studio.settings.home / "logs" / "stir.log").read_text("utf-8")
    assert log.count("a row of clips can't be read") == 1, "it isn't put back to be set aside again"
