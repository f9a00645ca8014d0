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
from studio.platforms import FileKind, Platform
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


def describe_file(kind: FileKind) -> str:
    words = [kind.container.upper(), kind.codec.upper() if kind.codec != kind.container else "", kind.profile]
    level = f"level {kind.level}" if kind.level else ""
    most = f"{kind.most_mbps:g} Mbps" if kind.most_mbps else ""
    return ", ".join(part for part in (" ".join(word for word in words if word), level, most) if part)


def describe_place(place: Platform) -> list[str]:
    files = (" or " if place.pick else " and ").join(describe_file(kind) for kind in place.files)
    most = f"{place.most_bytes / 1e6:,.0f} MB" if place.most_bytes else "any"
    loud = "as it is" if place.loudness is None else f"{place.loudness:g} LUFS"
    sound = {"needed": f"{loud}, or a silent track", "kept": loud, "none": "none"}[place.sound]
    own = " or the clip's" if place.shapes else ""
    shape = "the clip's" if place.aspect == "photo" else f"{place.aspect}{own}"
    size = f"{shape}, {place.size}"
    rates, length = f"{place.min_fps} to {place.max_fps}", f"{place.min_seconds:g} to {place.max_seconds:g} s"
    return [f"`{place.id}`", place.title, size, rates, length, files, most, sound]


def test_the_table_of_places_is_made_of_the_presets() -> None:
    assert table("Places") == [describe_place(place) for place in presets.platforms()]


def test_the_commands_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z]+)`", README)) | {"run", "test"} <= targets


def test_the_pictures_are_there() -> None:
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README)
    assert pictures
    assert [name for name in pictures if not (ROOT / name).is_file()] == []
