"""Word lists are data: every list is read by the module its file is named after, and holds words as prompts are compared."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from studio.config import ROOT
from studio.motion.ambient_effects import EFFECTS
from studio.motion.vocabulary import BASE
from tests.rows import each_row

FOLDER = ROOT / "studio/motion/words"
TABLES = {"camera_moves", "ambient_effects"}  # typed rows: studio.motion.camera_moves and ambient_effects refuse what isn't one
LISTS = sorted(path.stem for path in FOLDER.glob("*.toml") if path.stem not in TABLES | {"verbs"})


def source(name: str) -> str:
    """The text of the module that a file of lists belongs to."""
    found = [path for path in (ROOT / "studio/motion").rglob("*.py") if path.stem == name]
    assert len(found) == 1
    return found[0].read_text("utf-8")


def check(text: str) -> None:
    words = text.split()
    assert words and len(words) == len(set(words)), "a word stands twice"
    assert all(word == word.lower() and not re.search(r"[-_,.;]", word) for word in words if word != "lens-flare")


@each_row("name", LISTS)
def test_every_list_is_read_and_every_list_that_is_read_is_there(name: str) -> None:
    tables = tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8"))
    assert set(tables) <= {"words", "verbs"}
    listed = [key for table in tables.values() for key in table]
    assert sorted(listed) == sorted(set(re.findall(r'_LISTS\["(\w+)"\]', source(name)))), "a list is unread, or isn't there"
    for table in tables.values():
        for text in table.values():
            check(text)


def test_verbs_are_base_forms_each_once_and_so_are_the_effects_verbs() -> None:
    verbs = tomllib.loads((FOLDER / "verbs.toml").read_text("utf-8"))
    check(verbs["verbs"])
    check(verbs["states"])
    assert set(verbs["irregular"]) <= BASE
    for row in EFFECTS.values():
        check(row.verbs)


def test_reading_the_lists_takes_no_time() -> None:
    """In a process of its own, after the interpreter has started: all files of lists, parsed."""
    code = (
        "import time, tomllib; from pathlib import Path; began = time.process_time();"
        "[tomllib.loads(path.read_text('utf-8')) for path in Path('studio/motion/words').glob('*.toml')];"
        "print(time.process_time() - began)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert float(done.stdout) < 0.25


def test_the_folder_holds_nothing_else() -> None:
    assert {path.suffix for path in FOLDER.iterdir()} == {".toml"}
    assert Path(FOLDER / "camera_moves.toml").exists()
