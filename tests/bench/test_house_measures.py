"""The measures of the source tree, on a small tree whose figures can be counted by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.house import House, climbs, is_participle

TREE = {
    "studio/__init__.py": "",
    "studio/nouns.py": '"""Values."""\n',
    "studio/photo/__init__.py": "",
    "studio/photo/scene.py": (
        '"""A scene. Refuses to know pages."""\nfrom studio import nouns\n\ndef asked(a, b, c, d, e, f, g): ...\n'
    ),
    "studio/photo/mask.py": '"""A mask."""\nimport studio.nouns\nfrom studio.photo.scene import asked\n',
    "studio/ui/__init__.py": "",
    "studio/ui/scene.py": '"""A page\'s scene: crane_up."""\n\nclass Scene:\n    @property\n    def drawn(self): ...\n',
    "assets/js/camera.js": "const moves = { crane_up: 1 };\n",
    "presets/motions/lift.toml": 'move = "crane_up"\n',
}


@pytest.fixture
def house(tmp_path: Path) -> House:
    for name, text in TREE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    return House(tmp_path)


def test_files_are_counted_by_who_imports_them_and_what_they_are_called(house: House) -> None:
    assert house.importers["studio.nouns"] == {"studio.photo.scene", "studio.photo.mask"}
    assert house.single() == 1 and house.importers["studio.photo.scene"] == {"studio.photo.mask"}
    assert house.shared_names() == ["scene"]
    assert house.touched("crane_up") == 2  # the page's scene and its script; a motion that uses it is none


def test_functions_are_counted_by_their_names_and_arguments(house: House) -> None:
    assert (house.participles(), house.refusals(), house.crowded()) == (1, 1, 1)
    assert is_participle("_kept_files") and is_participle("settled") and not is_participle("need") and not is_participle("read")


def test_a_walk_climbs_where_it_comes_to_a_higher_floor() -> None:
    assert climbs(["studio.py", "photo/crop.py", "engines/plan.py", "engines/draft.py", "nouns.py", "jobs/worker.py"]) == 2
