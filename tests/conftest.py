"""What every test shares: a studio home of its own, and the photographs that ship."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.config import ASSETS, Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with a fresh home folder, its folders made."""
    made = Settings(tmp_path / "home")
    made.prepare()
    return made


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of sample photographs that ship with Stir."""
    return ASSETS / "samples"
