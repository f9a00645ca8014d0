"""Tokens: where they are looked for and in which order, what is shown of them, and what keeps them."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.engines.hosted import tokens
from studio.engines.hosted.tokens import Token, find_token, forget_token, has_keyring, keep_token
from studio.library.logbook import scrub
from studio.nouns import Refusal

SECRET = "r8_0123456789abcdefghijSECRET"

KEYRING = """
import json, pathlib
FILE = pathlib.Path(__file__).with_name("kept.json")
class Backend:
    priority = {priority}
Backend.__module__ = "{module}"
def get_keyring(): return Backend()
def read(): return json.loads(FILE.read_text()) if FILE.exists() else {{}}
def get_password(service, name): return read().get(service + "/" + name)
def set_password(service, name, text): {lock}FILE.write_text(json.dumps(read() | {{service + "/" + name: text}}))
def delete_password(service, name): FILE.write_text("{{}}")
"""


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("REPLICATE_API_TOKEN", "FAL_KEY", "STIR_REPLICATE_URL", "STIR_FAL_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(tokens, "_TYPED", {})
    monkeypatch.setattr(tokens, "_RINGS", {})
    yield
    sys.modules.pop("keyring", None)


def install_keyring(
    folder: Path, patch: pytest.MonkeyPatch, priority: float = 5.0, module: str = "keyring.backends.SecretService", lock: str = ""
) -> Path:
    """A package of that name whose backend is of this kind, which keeps what it is told in a file."""
    (folder / "keyring").mkdir()
    (folder / "keyring/__init__.py").write_text(KEYRING.format(priority=priority, module=module, lock=lock))
    patch.syspath_prepend(str(folder))
    sys.modules.pop("keyring", None)
    return folder / "keyring/kept.json"


def test_the_environment_goes_first_then_what_was_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_token("fal") is None
    typed = keep_token("fal", f"  {SECRET}\n")
    assert (typed.source, typed.text) == ("session", SECRET)
    assert find_token("fal") == typed
    assert find_token("replicate") is None
    monkeypatch.setenv("FAL_KEY", "00000000-aaaa:bbbbbbbbbbbb")
    found = find_token("fal")
    assert found
    assert (found.source, found.hint) == ("environment", "…bbbb")
    monkeypatch.setenv("FAL_KEY", "two words and a\nline")
    assert find_token("fal") == typed
    forget_token("fal")
    assert find_token("fal") is None


@pytest.mark.parametrize(
    "text", ["", "short", "with space inside", "ctrl\x00ctrlctrl", "umläut-umläut", "x" * 401, "a\r\nX-Evil: 1"]
)
def test_what_cannot_be_a_token_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(Refusal, match="isn't a token") as refused:
        keep_token("fal", text)
    assert not text or text not in str(refused.value)
    assert find_token("fal") is None


def test_a_token_shows_its_end_alone() -> None:
    token = Token(SECRET)
    assert (token.hint, Token("12345678").hint) == ("…CRET", "…")
    for shown in (repr(token), str(token), f"{token}", repr([token])):
        assert SECRET not in shown
    with pytest.raises(TypeError):
        pickle.dumps(token)


def test_a_keyring_keeps_a_token_until_it_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = install_keyring(tmp_path, monkeypatch)
    assert has_keyring()
    assert keep_token("replicate", SECRET, in_keyring=True).source == "keyring"
    assert SECRET in kept.read_text()
    monkeypatch.setattr(tokens, "_TYPED", {})  # as after a restart
    monkeypatch.setattr(tokens, "_RINGS", {})
    found = find_token("replicate")
    assert found
    assert (found.source, found.text) == ("keyring", SECRET)
    monkeypatch.setenv("STIR_REPLICATE_URL", "http://127.0.0.1:1")
    monkeypatch.setattr(tokens, "_RINGS", {})
    assert find_token("replicate") is None  # an imitation is never shown a real one
    monkeypatch.delenv("STIR_REPLICATE_URL")
    monkeypatch.setattr(tokens, "_RINGS", {})
    forget_token("replicate")
    assert find_token("replicate") is None
    assert SECRET not in kept.read_text()


@pytest.mark.parametrize(
    ("priority", "module"), [(0.0, "keyring.backends.fail"), (0.5, "keyrings.alt.file"), (-1.0, "keyring.backends.null")]
)
def test_a_keyring_that_does_not_encrypt_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, priority: float, module: str
) -> None:
    kept = install_keyring(tmp_path, monkeypatch, priority, module)
    assert not has_keyring()
    with pytest.raises(Refusal, match="no keyring"):
        keep_token("fal", SECRET, in_keyring=True)
    assert find_token("fal") is None
    assert not kept.exists()


def test_a_locked_keyring_is_said_and_one_that_waits_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_keyring(tmp_path, monkeypatch, lock="raise RuntimeError('locked ' + text); ")
    with pytest.raises(Refusal, match="won't keep") as refused:
        keep_token("fal", SECRET, in_keyring=True)
    assert SECRET not in str(refused.value)
    assert refused.value.__suppress_context__
    code = (tmp_path / "keyring/__init__.py").read_text() + "\nimport time\ndef get_password(service, name): time.sleep(3)\n"
    (tmp_path / "keyring/__init__.py").write_text(code)
    sys.modules.pop("keyring", None)
    monkeypatch.setattr(tokens, "PATIENCE", 0.05)
    monkeypatch.setattr(tokens, "_RINGS", {})
    assert find_token("fal") is None


def test_whatever_looks_like_a_token_is_blotted_out() -> None:
    key = "0a1b2c3d-1111-2222-3333-444455556666:0123456789abcdef0123456789abcdef"
    said = f"GET /x Authorization: Bearer {SECRET}, then Key {key}; r8_abc123 and {key}"
    assert scrub(said) == "GET /x Authorization: [token], then [token]; [token] and [token]"
    assert scrub("Key features of bearer bonds") == "Key features of bearer bonds"
