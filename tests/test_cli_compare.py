"""`compare`: the true engine on small clips; what is printed, what is kept, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from PIL import Image as Picture

from studio.clip.formats import read_outcome
from studio.config import ASSETS, Settings
from studio.nouns import replace
from studio.studio import Studio

PHOTO = ASSETS / "samples" / "stream.jpg"
SMALL = ("--size", "240p", "--seconds", "1", "--fps", "16")
Say = Callable[..., tuple[int, str, str]]


def test_a_grid_is_made_and_shown_again(stir: Say, tmp_path: Path) -> None:
    axes = ("--axis", "amount=0.3,0.9", "--axis", "move=dolly in + tilt up|orbit left")
    code, out, err = stir("compare", PHOTO, *axes, "--baseline", "--blind", "--name", "two ways", *SMALL, "--json")
    assert code == 0, err
    assert err.startswith("5 clips, about ")
    told = json.loads(out)
    assert (told["name"], told["blind"], [axis["values"] for axis in told["axes"]]) == (
        "two ways", True, [["0.3", "0.9"], ["dolly in + tilt up", "orbit left"]],
    )  # fmt: skip
    cells = told["cells"]
    assert [(cell["label"], cell["state"]) for cell in cells][:2] == [("baseline", "done"), ("0.3, dolly in + tilt up", "done")]
    assert all(Path(cell["path"]).is_file() for cell in cells)
    assert all(cell["clip"]["memory"] > 0 for cell in cells)
    assert stir("compare", "--list", "two")[1] == f"{told['id'][:8]}  5 of 5 done  two ways\n"
    code, out, _ = stir("compare", "--show", told["id"][:8])
    assert out.splitlines()[1] == f"  baseline\tdone\t{cells[0]['path']}"
    code, out, err = stir("compare", "--retry", told["id"])
    assert (code, "Nothing in this comparison can be made again." in err) == (2, True)
    studio = Studio(Settings(tmp_path / "home"))
    (one,) = studio.comparisons.find("tilt")
    assert [cell.baseline for cell in one.cells] == [True, False, False, False, False]
    studio.library.trash(cells[2]["clip"]["id"])
    studio.library.empty_trash()
    shot = one.cells[1].shot
    assert shot
    studio.comparisons.extend(one.id, replace(shot, seed=7))  # it waits for a process that has ended
    studio.close()
    code, out, err = stir("compare", "--retry", told["id"], "--json")
    assert code == 0, err
    assert [(cell["state"], cell["attempts"]) for cell in json.loads(out)["cells"]] == [
        ("done", 1 + (at == 2)) for at in range(6)
    ]


def test_what_cannot_be_made_is_said_and_stops_no_other(stir: Say, tmp_path: Path) -> None:
    grid, sheet = tmp_path / "new" / "grid.mp4", tmp_path / "sheet.png"
    sheet.write_text("mine")
    axes = ("--models", "parallax,wan22-ti2v-5b", "--axis", "amount=0.3,0.9")
    code, out, err = stir("compare", PHOTO, *axes, *SMALL, "--grid", grid, "--sheet", sheet)
    assert code == 0
    assert "Note: wan22-ti2v-5b, 0.3; wan22-ti2v-5b, 0.9:" in err
    assert [line.split("\t")[0] for line in out.splitlines()] == ["parallax, 0.3", "parallax, 0.9", "grid", "sheet"]
    film = read_outcome(grid)
    assert (film.num_frames, film.fps, film.width > film.height) == (24, 24, True)
    assert sheet.read_text() == "mine"
    with Picture.open(tmp_path / "sheet-2.png") as picture:
        assert picture.width > 1000
    bad = ("--axis", "seed=1,2", "--grid", "film.mov")
    code, out, err = stir("compare", "--retry", stir("compare", "--list")[1][:8])
    assert (code, out, err.count("Note: wan22-ti2v-5b")) == (2, "", 2), "it still isn't here"
    for words in (("--axis", "amount=0.3,far"), ("--axis", "mood=grim,gay"), (), ("--axis", "depth=auto,none.png"), bad):
        code, out, err = stir("compare", PHOTO, *words, *SMALL)
        assert (code, out, err.count("\n")) == (2, "", 1)
    code, out, err = stir("compare", PHOTO, "--axis", "seed=1-4", "--effect", "rain", "--estimate", "--json", *SMALL)
    told = json.loads(out)
    assert (code, told["clips"], len(told["cells"])) == (0, 4, 4)
    assert told["bytes"] > 0
