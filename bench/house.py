"""How easily a stranger finds the way through the source: python -m bench house [--base BUILD], an older build's figures beside.

Read from the source alone with `ast`, but for the shot's walk (walk.py). An importer counts wherever in a file the import
stands. Climbs: how often, on the way of one shot from its submission to the encoder, a call goes to a room on a higher floor
(FLOORS of tests/test_house.py) than the one before; the nouns, which are on the lowest, are counted by themselves. Files that
name something: those outside tests/ in which it stands literally.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from statistics import median

from bench.clips import python_path, table
from studio.config import ROOT

FLOORS = {
    "noun_base": 0, "finish_nouns": 0, "platforms": 0,
    "nouns": 0, "frames": 0, "cards": 0, "hosted_cards": 0, "config": 0, "photo": 1, "motion": 1, "presets": 1, "preferences": 1,
    "clip": 1, "library": 1, "engines": 2, "finish": 2, "delivery": 3, "jobs": 3, "ui": 5, "cli": 5,
}  # fmt: skip
"""What isn't named is a module of the fourth floor."""

IRREGULAR = re.compile(
    "told|said|heard|kept|drawn|made|found|seen|taken|held|given|laid|left|shown|known|meant|built|sent|begun|bent|lent|lit|paid"
    "|swept|thought|thrown|worn|written|broken|chosen|driven|fallen|felt|grown|hidden|gone|done"
)
REGULAR = frozenset({"need", "feed", "seed", "speed", "exceed", "embed", "proceed", "red"})
"""Words in -ed that are no participles."""

EXAMPLES = {
    "a camera move": "crane_up",
    "a model card": "cogvideox15-5b",
    "a family": "sana",
    "a platform": "tiktok",
    "a motion": "portrait-slow-push",
}


class House:
    """The source tree of one build."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.text = {path: path.read_text("utf-8") for path in sorted((root / "studio").rglob("*.py"))}
        self.trees = {path: ast.parse(text) for path, text in self.text.items()}
        self.modules = {self._module(path): path for path in self.text}

    def _module(self, path: Path) -> str:
        return ".".join(path.relative_to(self.root).with_suffix("").parts).removesuffix(".__init__")

    @cached_property
    def importers(self) -> dict[str, set[str]]:
        """Which modules import each one."""
        found: dict[str, set[str]] = {name: set() for name in self.modules}
        for path, tree in self.trees.items():
            for name in imported(tree):
                if name in found and self.modules[name] != path:
                    found[name].add(self._module(path))
        return found

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Every function and method."""
        for tree in self.trees.values():
            yield from (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))

    def lines(self) -> list[int]:
        """The length of every file that isn't empty."""
        return [count for text in self.text.values() if (count := text.count("\n"))]

    def single(self) -> int:
        """Modules that are imported by one other."""
        return sum(len(by) == 1 for name, by in self.importers.items() if self.text[self.modules[name]])

    def shared_names(self) -> list[str]:
        """Names that serve several modules or packages."""
        inside = (path for path in self.text if path != self.root / "studio" / "__init__.py")
        names = Counter(path.parent.name if path.stem == "__init__" else path.stem for path in inside)
        return [name for name, count in names.items() if count > 1 and name != "__main__"]

    def common_functions(self) -> list[str]:
        """Public functions of modules that have the same name in three modules or more."""
        top = (node for tree in self.trees.values() for node in tree.body if isinstance(node, ast.FunctionDef))
        names = Counter(node.name for node in top if not node.name.startswith("_"))
        return [name for name, count in names.items() if count > 2]

    def participles(self) -> int:
        """Functions named by a participle; properties are values."""
        return sum(is_participle(node.name) for node in self.functions() if not is_property(node))

    def refusals(self) -> int:
        """Module docstrings that say what the module refuses to know."""
        return sum("efuses to know" in (ast.get_docstring(tree) or "") for tree in self.trees.values())

    def crowded(self) -> int:
        """Functions that take more than six arguments by position."""
        return sum(positional(node) > 6 for node in self.functions())

    def touched(self, word: str) -> int:
        """Files of the product that name something literally; motions that use it aside."""
        folders = (self.root / "studio", self.root / "assets" / "js", self.root / "assets" / "css", self.root / "presets")
        files = (path for folder in folders for path in folder.rglob("*") if path.suffix in (".py", ".js", ".css", ".toml"))
        whole = re.compile(rf"(?<![\w-]){re.escape(word)}(?![\w-])")
        uses = (path for path in files if "motions" not in path.parts or path.stem.endswith(word))
        return sum(bool(whole.search(f"{path.stem}\n{path.read_text('utf-8')}")) for path in uses)

    def walk(self) -> list[str]:
        """The modules a shot comes through."""
        with tempfile.TemporaryDirectory() as home:
            command = [
                sys.executable,
                "-P",
                str(ROOT / "bench" / "walk.py"),
                home,
                str(self.root / "assets" / "samples" / "fig.jpg"),
            ]
            place = os.environ | {"PYTHONPATH": python_path(self.root)}
            done = subprocess.run(command, cwd=self.root, env=place, stdout=subprocess.PIPE, text=True, check=True)
        return json.loads(done.stdout.splitlines()[-1])["walk"]


def imported(tree: ast.AST) -> Iterator[str]:
    """Every name that an import may mean, with what is imported from a package as a module of its own."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))


def is_participle(name: str) -> bool:
    """Whether a name begins with a word such as "drawn" or "asked"."""
    first = name.lstrip("_").split("_")[0]
    return bool(IRREGULAR.fullmatch(first)) or (first.endswith("ed") and first not in REGULAR)


def is_property(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a method is read like a value."""
    return any(getattr(one, "id", "") in ("property", "cached_property") for one in node.decorator_list)


def positional(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many arguments a function takes by position, itself aside."""
    names = [one.arg for one in (*node.args.posonlyargs, *node.args.args)]
    return len(names) - (names[:1] in (["self"], ["cls"]))


def climbs(walk: list[str]) -> int:
    """How often a walk goes up to a higher floor."""
    floors = [FLOORS.get(module.split("/")[0].removesuffix(".py"), 4) for module in walk if module != "nouns.py"]
    return sum(after > before for before, after in pairwise(floors))


def measure(root: Path) -> dict[str, str]:
    """Every figure of one build, by what it is of."""
    house = House(root)
    lines, walk = house.lines(), house.walk()
    figures = {
        "files": len(house.text), "lines": sum(lines), "median file": round(median(lines)), "longest file": max(lines),
        "modules with one importer": house.single(), "module names that serve several": len(house.shared_names()),
        "public functions of one name in three modules or more": len(house.common_functions()),
        "functions named by a participle": house.participles(), "docstrings that say what they refuse to know": house.refusals(),
        "functions of over six arguments by position": house.crowded(),
        "climbs on a shot's walk": climbs(walk), "visits to nouns on it": sum(one == "nouns.py" for one in walk),
    }  # fmt: skip
    figures |= {f"files that name {what}": house.touched(word) for what, word in EXAMPLES.items()}
    return {what: f"{figure:,}" for what, figure in figures.items()}


def run() -> None:
    """Print the table."""
    base = os.environ.get("STIR_BENCH_BASE")
    now = measure(ROOT)
    before = measure(Path(base)) if base else {}
    head = ("what", "before", "now") if before else ("what", "now")
    table("How easily the way is found", head, [(what, *([before[what]] if before else []), now[what]) for what in now])
