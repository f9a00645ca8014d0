"""The house holds: arrows go down, private libraries stay in their rooms, files and functions stay small, presets load.

It reads the source as text and never runs it, except to load the presets.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

from bench.house import House
from studio import presets
from studio.cards import ModelCard
from studio.config import PRESETS, ROOT
from studio.limits import Limits
from studio.nouns import Noun
from studio.platforms import Platform
from studio.presets import MotionPreset
from tests.rows import each_row

FLOORS = {
    "noun_base": 0, "finish_nouns": 0, "platforms": 0, "hung_threads": 0, "helper_threads": 0, "stop_signals": 0,
    "system_errors": 0, "nouns": 0, "frames": 0, "cards": 0, "hosted_cards": 0, "config": 0, "atomic_write": 0,
    "file_locks": 0, "wall_clock": 0, "clip_score": 0, "comparison": 0,
    "photo": 1, "motion": 1, "presets": 1, "preferences": 1, "clip": 1, "library": 1,
    "engines": 2, "score": 2, "finish": 2, "delivery": 3, "jobs": 3, "farm": 3.5, "hosted_demo": 3, "studio": 4, "remakes": 4,
    "score_room": 4, "finish_room": 4, "deliveries": 4,
    "shot_checks": 4, "models": 4, "spending": 4, "advice": 4, "motion_assistant": 4,
    "limits": 4, "guest": 4, "visitors": 4,
    "previews": 4, "attachments": 4, "hosted_services": 4, "exports": 4, "depth_maps": 4, "compare": 4,
    "batch": 4, "batches": 4,
    "ui": 5, "cli": 5, "__main__": 6,
}  # fmt: skip
PRIVATE = {
    "gradio": {"ui"},
    "sqlite3": {"library"},
    "torch": {"engines"}, "diffusers": {"engines"}, "transformers": {"engines"}, "huggingface_hub": {"engines"},
    "imageio_ffmpeg": {"clip"}, "av": {"clip", "finish", "photo", "hosted_demo"}, "moviepy": {"clip", "finish"},
    "icalendar": {"batch"}, "cv2": {"photo", "clip", "finish", "engines", "score"}, "onnxruntime": {"photo"},
    "tifffile": {"photo"}, "imagecodecs": {"photo"},
    "ray": {"farm"},
    "requests": set(), "httpx": set(), "urllib.request": set(),
}  # fmt: skip
MAX_FILE = 500
MAX_FUNCTION = 40

SOURCES = sorted((ROOT / "studio").rglob("*.py"))


@cache
def house() -> House:
    """The source, read and parsed once for all rules."""
    return House(ROOT)


def room(path: Path) -> str:
    """The room a file belongs to: the folder or file right under studio/."""
    return path.relative_to(ROOT / "studio").parts[0].removesuffix(".py")


@cache
def imports(path: Path) -> list[str]:
    """Every module a file imports, anywhere in it."""
    found: list[str] = []
    for node in ast.walk(house().trees.get(path) or ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            found += [f"studio.{alias.name}" for alias in node.names] if module == "studio" else [module]
    return found


def broken_arrow(path: Path, module: str) -> bool:
    """Whether importing `module` in `path` goes up, or sideways into another room."""
    if not module.startswith("studio."):
        return False
    here, there = room(path), module.split(".")[1]
    if here == there or here == "__init__":
        return False
    return FLOORS[there] > FLOORS[here] or (FLOORS[there] == FLOORS[here] != 0 and FLOORS[here] != 4)


@each_row("path", SOURCES)
def test_imports_only_go_down(path: Path) -> None:
    assert [module for module in imports(path) if broken_arrow(path, module)] == []


def test_an_upward_import_would_be_caught() -> None:
    assert broken_arrow(ROOT / "studio/photo/crop.py", "studio.jobs")
    assert broken_arrow(ROOT / "studio/photo/crop.py", "studio.clip.encode")
    assert not broken_arrow(ROOT / "studio/jobs/worker.py", "studio.photo.crop")


def test_panel_part_and_script_share_one_name() -> None:
    """Every part of the page is drawn by the script of its name, or for a silent one by its panel's; names are the page's own."""
    scripts = {path.stem: path.read_text("utf-8") for path in (ROOT / "assets/js").glob("*.js")}
    taken = {path.stem for path in SOURCES if room(path) != "ui"}
    assert not taken & scripts.keys(), "a script is called as another thing's module"
    for path in (ROOT / "studio/ui").rglob("*.py"):
        if path.stem.endswith("_panel"):
            assert path.stem in scripts, path
        for part in re.findall(r'make_part\(\s*"(\w+)"', path.read_text("utf-8")):
            homes = [name for name, text in scripts.items() if f"Stir.parts.{part} =" in text]
            assert homes in ([part], [path.stem]), f"{part} is drawn in {homes}"


def test_the_page_imports_no_engine() -> None:
    for path in (ROOT / "studio/ui").rglob("*.py"):
        assert not any(module.startswith("studio.engines") for module in imports(path)), path


@each_row("path", SOURCES)
def test_private_libraries_stay_in_their_rooms(path: Path) -> None:
    for module in imports(path):
        for library, rooms in PRIVATE.items():
            if module == library or module.startswith(library + "."):
                assert room(path) in rooms, f"{library} belongs to {rooms}"


@each_row("path", SOURCES)
def test_files_and_functions_stay_small(path: Path) -> None:
    assert house().text[path].count("\n") <= MAX_FILE
    for node in ast.walk(house().trees[path]):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= MAX_FUNCTION, f"{node.name} has {lines} lines"


@each_row("path", SOURCES)
def test_every_module_says_what_it_knows(path: Path) -> None:
    assert not house().text[path].strip() or ast.get_docstring(house().trees[path]), "no module docstring"


FEW_VALUES = {
    "limits", "inflect", "get_family", "guard_backend", "compile_patterns", "_find_component_names", "_make", "_load",
}  # fmt: skip
"""Functions whose arguments are names of files that ship and of our own code: `cache` keeps few answers of theirs."""


def test_no_cache_grows_with_what_it_is_asked() -> None:
    found = {
        one.name
        for tree in house().trees.values()
        for one in ast.walk(tree)
        if isinstance(one, ast.FunctionDef) and one.args.args
        if any(ast.unparse(mark) in ("cache", "functools.cache", "lru_cache(None)") for mark in one.decorator_list)
    }
    assert found == FEW_VALUES, "give it an lru_cache with a bound"


def test_modules_import_each_other_in_no_circle() -> None:
    """Wherever the import stands in a file. Raises `CycleError`, which names the circle."""
    importers = house().importers
    TopologicalSorter(importers).prepare()
    assert len(importers) == len(SOURCES)


def test_a_name_serves_one_module() -> None:
    assert house().shared_names() == []


CALLED_FROM_OUTSIDE = {
    "set_postfix", "handleError", "auth_flow", "log_message", "_update_config", "_update_value_in_config",
}  # fmt: skip
"""Methods that only tqdm, logging, httpx2, http.server and Gradio call."""


def dead_names(root: Path) -> list[str]:
    """Functions, classes, methods and constants of the product that neither it nor its tests name, as vulture finds them.

    Classes of families are found by the name a card gives.
    """
    tree = [name for name in ("studio", "app.py", "bench", "tests") if (root / name).exists()]
    done = subprocess.run([sys.executable, "-m", "vulture", *tree], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 3), done.stderr  # 3: something was found
    found = re.findall(r"^(studio/\S+):\d+: unused (function|class|method|property|variable) '(\w+)'", done.stdout, re.M)
    return [
        f"{file}: {name}"
        for file, kind, name in found
        if (kind != "variable" or name.isupper()) and name not in CALLED_FROM_OUTSIDE
        if (Path(file).parent.name, kind) != ("families", "class")
    ]


def test_no_public_name_is_dead(tmp_path: Path) -> None:
    (tmp_path / "studio").mkdir()
    (tmp_path / "studio/crop.py").write_text("LEAST = 1\nMOST = 2\n\ndef cut(): ...\n\ndef fit(): return cut(), MOST\n", "utf-8")
    assert dead_names(tmp_path) == ["studio/crop.py: LEAST", "studio/crop.py: fit"]
    assert dead_names(ROOT) == []


def test_tests_use_no_mocks() -> None:
    for path in (ROOT / "tests").rglob("*.py"):
        assert not any(module.startswith("unittest.mock") for module in imports(path)), path


@each_row("name", sorted(str(path.relative_to(PRESETS)) for path in PRESETS.rglob("*.toml")))
def test_every_preset_loads(name: str) -> None:
    kinds: dict[str, type[Noun]] = {"limits": Limits, "models": ModelCard, "motions": MotionPreset, "platforms": Platform}
    assert presets.load(PRESETS / name, kinds[Path(name).parts[0]])


def test_importing_the_studio_is_light() -> None:
    """No heavy library is loaded until a room needs it."""
    code = (
        "import sys, studio.studio, studio.cli.main;"
        "print(sorted({'torch','gradio','cv2','PIL','diffusers','transformers','moviepy','ray'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_nouns_are_read_without_building_their_types() -> None:
    """msgspec builds what it knows of a type when it is first read, and two threads that both do crash the process."""
    code = (
        "import msgspec, msgspec._utils as utils\n"
        "import studio.cards as cards, studio.nouns as nouns, studio.preferences as kept\n"
        "def late(obj): raise AssertionError(f'{obj} is built late')\n"
        "utils.get_class_annotations.__code__ = late.__code__\n"
        "photo = nouns.Photo('4' * 64, 8, 8)\n"
        "job = nouns.Job('a', nouns.Shot(photo), nouns.Running(nouns.Progress()), 1.0, 2.0)\n"
        "msgspec.json.decode(msgspec.json.encode(job), type=nouns.Job)\n"
        "msgspec.json.decode('{}', type=kept.Preferences)\n"
        "for noun in (nouns.Clip, cards.ModelCard, cards.Plan, cards.ModelState): msgspec.json.Decoder(noun)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
