"""A comparison as one file: every cell in its place with its label, failures among them; blind ones say nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image as Pillow

from studio.clip.formats import read_outcome
from studio.compare.cell_tiles import Sources, make_tiles
from studio.compare.differences import find_differences, name_cell
from studio.comparison import Axis, Comparison
from studio.config import Settings
from studio.nouns import Motion, Photo, Progress, Refusal, Shot
from studio.studio import Studio
from tests.fakes.gradient import CARD, Gradient, finder, photograph
from tests.fakes.waiting import until


@pytest.fixture
def studio(settings: Settings) -> Iterator[Studio]:
    one = Studio(settings, (CARD,), finder(Gradient()))
    one.start()
    yield one
    one.close()


def start(studio: Studio, axes: list[Axis], prompt: str = "", **how: bool) -> Comparison:
    """Eight frames a cell at 240p, all of them over."""
    photo = studio.photos.take_in(photograph(studio.settings.home), "harbour.jpg")
    shot = Shot(photo, motion=Motion(prompt), model="gradient", seconds=1, fps=8, size="240p")
    one = studio.comparisons.start(shot, axes, **how)
    until(lambda: not {"waiting", "running"} & {each.state for each in studio.comparisons.stand(one).values()})
    return one


def label(studio: Studio, one: Comparison) -> list[tuple[str, ...]]:
    """The labels of all tiles in their order, the note of a tile without a picture after them."""
    sources = Sources(
        studio.comparisons.stand(one), {}, studio.library.file, lambda shot: studio.settings.home, studio.models.name
    )
    return [(*each.tile.lines, *([each.tile.note] if each.tile.note else [])) for each in make_tiles(one, sources)]


def test_a_grid_is_laid_out_as_it_was_asked_for_and_is_kept(studio: Studio, tmp_path: Path) -> None:
    one = start(studio, [Axis("amount", ("0.2", "0.8")), Axis("prompt", ("a boat passes", "refuse"))], baseline=True, photo=True)
    assert label(studio, one) == [
        ("Gradient (a stand-in) · how far 0.2 · a boat passes",), ("Gradient (a stand-in) · how far 0.8 · a boat passes",),
        ("Gradient (a stand-in) · how far 0.2 · refuse", "The stand-in was told to refuse. Tell it otherwise."),
        ("Gradient (a stand-in) · how far 0.8 · refuse", "The stand-in was told to refuse. Tell it otherwise."),
        ("Gradient (a stand-in) · how far 0.6 · none", "Baseline"), ("The photo",),
    ]  # fmt: skip
    heard: list[Progress] = []
    film = studio.exports.export_grid(one.id, tick=heard.append)
    assert all(studio.scores.get(clip.id) for clip in studio.library.find()), "they stand in the labels"
    assert (film.name, heard[-1].done, heard[-1].total) == ("harbour how far and prompt, grid.mp4", 24, 24)
    assert film.is_relative_to(studio.settings.cache)
    made = read_outcome(film)
    (width, height), (cell_width, cell_height) = (made.width, made.height), (320, 240)
    assert (made.num_frames, made.fps) == (24, 24)
    assert width == 2 * cell_width + 8
    assert 3 * cell_height < height < 3 * (cell_height + 80), "two columns, as the first axis has values; three rows"
    before = film.stat().st_mtime_ns
    assert studio.exports.export_grid(one.id).stat().st_mtime_ns == before, "the same film is not made again"
    sheet = studio.exports.export_sheet(one.id, tmp_path / "sheet.png")
    with Pillow.open(sheet) as picture:
        assert picture.width > 6 * 320
    with pytest.raises(Refusal, match="no longer"):
        studio.exports.export_grid(one.id, cells=["gone"])


def test_a_wipe_goes_from_the_winner_to_the_baseline(studio: Studio, tmp_path: Path) -> None:
    one = start(studio, [Axis("amount", ("0.2", "0.8"))], baseline=True)
    baseline, _, best = one.cells
    one = studio.comparisons.pick(one.id, best.id)
    film = studio.exports.export_grid(one.id, tmp_path / "wipe.mp4", layout="wipe", sound=best.id)
    assert film == tmp_path / "wipe.mp4"
    assert (read_outcome(film).width, read_outcome(film).height) == (320, 240)
    swapped = studio.exports.export_grid(one.id, layout="wipe", cells=[baseline.id, best.id])
    assert swapped.name == "harbour how far, wipe.mp4"
    with pytest.raises(Refusal, match="across two"):
        studio.exports.export_grid(one.id, layout="wipe", cells=[best.id])


def test_a_blind_comparison_is_exported_without_names(studio: Studio, tmp_path: Path) -> None:
    one = start(studio, [Axis("amount", ("0.2", "0.8"))], blind=True, photo=True)
    named = label(studio, one)
    assert [*named, ("The photo",)].count(("The photo",)) == 2
    assert {word for (word,) in named} < {"A", "B", "C", "The photo"}
    studio.exports.export_sheet(one.id, tmp_path / "sheet.png")
    won = studio.comparisons.pick(one.id, one.cells[0].id)
    assert ("Gradient (a stand-in) · how far 0.2",) in label(studio, won)


def test_nothing_is_exported_before_anything_is_made(studio: Studio) -> None:
    with pytest.raises(Refusal, match="None of these"):
        studio.exports.export_grid(start(studio, [Axis("seed", ("1", "2"))], prompt="refuse").id)


def test_an_export_from_the_page_is_followed_and_stopped(studio: Studio) -> None:
    from studio.ui.film_exports import ComparisonExport, FilmExports

    one = start(studio, [Axis("amount", ("0.2", "0.8"))])
    exports = FilmExports(studio)

    def end(export: str) -> dict[str, object]:
        until(lambda: not {"refusal", "path"}.isdisjoint(exports.look(export)))
        return exports.look(export)

    stopped = exports.begin(ComparisonExport(one.id))["export"]
    exports.stop(stopped)
    assert "stopped" in str(end(stopped))
    assert end(exports.begin(ComparisonExport(one.id, "wipe"))["export"])["name"] == "harbour how far, wipe.mp4"
    assert "no longer" in str(end(exports.begin(ComparisonExport(one.id, cells=("gone",)))["export"]))


def test_clips_of_several_photos_are_called_by_their_photos() -> None:
    shots = [Shot(Photo(name, 320, 240, f"{name}.jpg"), seconds=seconds) for name, seconds in (("quay", 1), ("dune", 2))]
    rows = find_differences(shots, str)
    assert [name_cell(rows[shot]) for shot in shots] == ["Quay · length 1 s", "Dune · length 2 s"]
