"""README tells the truth: its file tree, its tables and its commands are compared with the code."""

from __future__ import annotations

import re
import subprocess
from typing import get_args

from msgspec import structs

from studio import presets
from studio.advice.systems import list_systems
from studio.config import ROOT
from studio.motion.ambient_effects import EFFECTS
from studio.motion.camera_moves import MOVES
from studio.nouns import Format
from studio.score.scoring import RULES

README = (ROOT / "README.md").read_text("utf-8")


def table(heading: str) -> list[list[str]]:
    """The rows of the first table under a heading, without its head."""
    part = README.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


def tracked() -> set[str]:
    """Files in git, or waiting to be added."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return {name for name in listed if (ROOT / name).is_file()}


def tree() -> set[str]:
    """Every path the README's tree names, folders ending in a slash."""
    block = README.split("\n## The house\n", 1)[1].split("```", 2)[1]
    found: set[str] = set()
    folders: list[str] = []
    for line in block.splitlines()[1:]:
        if not line.strip():
            continue
        depth = (len(line) - len(line.lstrip())) // 2
        name = line.split()[0]
        folders[depth:] = [name]
        found.add("".join(folders[: depth + 1]))
    return found


def test_every_path_in_the_tree_exists() -> None:
    missing = {path for path in tree() if not (ROOT / path).exists()}
    assert missing == set()


def test_every_module_is_in_the_tree() -> None:
    modules = {name for name in tracked() if name.startswith("studio/") and name.endswith(".py")}
    modules = {name for name in modules if (ROOT / name).read_text("utf-8").strip()}
    assert modules - tree() == set()


def test_the_table_of_measures_is_the_code_s() -> None:
    assert [[row[0], row[2]] for row in table("Score")] == [[name, rule.unit] for name, rule in RULES.items()]


def test_the_table_of_moves_is_the_code_s() -> None:
    assert [row[:2] for row in table("Camera moves")] == [[info.title, info.sees] for info in MOVES.values()]


def test_the_table_of_effects_is_the_code_s() -> None:
    assert [row[:2] for row in table("What can move by itself")] == [[info.title, info.sees] for info in EFFECTS.values()]


def test_the_table_of_models_is_made_of_the_cards() -> None:
    found, own = table("Models"), [card for card in presets.cards() if not card.hosted]
    assert [[*row[:2], *row[3:]] for row in found] == [[card.title, card.where, card.summary, card.licence] for card in own]
    for row, card in zip(found, own, strict=True):
        if card.checkpoint:
            needs = card.checkpoint.needs
            assert row[2] == f"{needs.vram:g} GB GPU, {needs.ram:g} GB memory, {card.checkpoint.disk:.0f} GB disk"


def test_the_table_of_systems_is_made_of_the_cards() -> None:
    assert table("Systems") == [list(structs.astuple(row)) for row in list_systems(presets.cards())]


def test_the_table_of_formats_names_every_format() -> None:
    assert [row[0].strip("`") for row in table("Formats")] == list(get_args(Format))


def test_the_commands_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z]+)`", README)) | {"run", "test"} <= targets


def test_the_pictures_are_there() -> None:
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README)
    assert pictures
    assert [name for name in pictures if not (ROOT / name).is_file()] == []
