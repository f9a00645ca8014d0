"""The owner's tokens of hosted services: found, kept for this process or in the system's keyring, and never shown.

Order: the environment (REPLICATE_API_TOKEN, FAL_KEY), what was typed into the page (this process's memory only), the
keyring when the keyring package is installed and has a backend that encrypts. A token is never written anywhere else,
and what is shown of it are its last four characters.
"""

from __future__ import annotations

import importlib
import os
import threading
from dataclasses import dataclass, field
from typing import Any, Literal

from studio.nouns import Refusal

VARIABLES = {"replicate": "REPLICATE_API_TOKEN", "fal": "FAL_KEY"}
"""Where a service's token is looked for first."""

SHORTEST, LONGEST = 8, 400
"""Characters of a token: Replicate's have 40, fal's some 70."""

PATIENCE = 3.0
"""Seconds that the keyring may take: a locked one asks its owner, and nobody may be looking."""

_TYPED: dict[str, Token] = {}
_RINGS: dict[str, Token | None] = {}
_LOCK = threading.Lock()


@dataclass(frozen=True)
class Token:
    """A token, with where it is from. Its text is in no repr, and it can't be pickled."""

    text: str = field(repr=False)
    source: Literal["environment", "session", "keyring"] = "session"

    @property
    def hint(self) -> str:
        """What may be shown: "…abcd"."""
        return f"…{self.text[-4:]}" if len(self.text) >= 2 * SHORTEST else "…"

    def __reduce__(self) -> Any:
        raise TypeError("a token isn't written anywhere")


def is_off() -> bool:
    """Whether STIR_NO_HOSTED removes hosted models altogether."""
    return os.environ.get("STIR_NO_HOSTED", "").strip() not in ("", "0")


def find_token(service: str) -> Token | None:
    """The token of a service; None without one, and where hosted models are switched off. What the environment holds
    and can't be one counts as none.
    """
    if is_off():
        return None
    if text := _clean(os.environ.get(VARIABLES[service], "")):
        return Token(text, "environment")
    with _LOCK:
        typed = _TYPED.get(service)
    return typed or _read_keyring(service)


def keep_token(service: str, text: str, in_keyring: bool = False) -> Token:
    """Keep what was typed, until the process ends or in the keyring. Raises `Refusal` for what can't be a token, and
    where the keyring won't keep it: then nothing is kept.
    """
    clean = _clean(text)
    if not clean:
        raise Refusal("That isn't a token.", "Copy it whole from the service's page: letters, figures and signs only.")
    token = Token(clean, "keyring" if in_keyring else "session")
    if in_keyring:
        _write_keyring(service, clean)
    with _LOCK:
        _TYPED[service] = token
        _RINGS.pop(service, None)
    return token


def forget_token(service: str) -> None:
    """Forget what was typed, here and in the keyring. The environment's stays: it isn't Stir's to change."""
    ring = _open_keyring() if _read_keyring(service) else None
    with _LOCK:
        _TYPED.pop(service, None)
        _RINGS[service] = None
    if ring:
        try:
            ring.delete_password(_ring_name(), service)
        except Exception as error:
            raise Refusal(
                f"The keyring doesn't let go of the token ({type(error).__name__}).",
                "Remove it there: it is called Stir.",
            ) from None


def has_keyring() -> bool:
    """Whether a keyring that encrypts is installed and working here."""
    return _open_keyring() is not None


def _clean(text: str) -> str:
    """A token as it was copied, without space around it; "" for what can't be one, nor stand in a header."""
    clean = text.strip()
    ok = SHORTEST <= len(clean) <= LONGEST and clean.isascii() and clean.isprintable() and " " not in clean
    return clean if ok else ""


def _ring_name() -> str:
    """The keyring's name for these: an imitation's tokens never take a real one's place."""
    imitated = os.environ.get("STIR_REPLICATE_URL") or os.environ.get("STIR_FAL_URL")
    return "Stir stand-in" if imitated else "Stir"


def _open_keyring() -> Any:
    """The keyring package when its backend encrypts; None without it."""
    try:
        ring = importlib.import_module("keyring")
        backend = type(ring.get_keyring())
        fit = backend.priority > 0 and not backend.__module__.startswith(("keyrings.alt", "keyring.backends.null"))
    except Exception:  # a backend fails in as many ways as there are desktops
        return None
    return ring if fit else None


def _read_keyring(service: str) -> Token | None:
    """What the keyring has, asked once in a process, and given up after `PATIENCE`."""
    with _LOCK:
        if service in _RINGS:
            return _RINGS[service]
    found: list[str] = []

    def look() -> None:
        ring = _open_keyring()
        try:
            found.append(ring.get_password(_ring_name(), service) or "" if ring else "")
        except Exception:
            found.append("")

    asking = threading.Thread(target=look, name="keyring", daemon=True)
    asking.start()
    asking.join(PATIENCE)
    text = _clean(found[0]) if found else ""
    with _LOCK:
        return _RINGS.setdefault(service, Token(text, "keyring") if text else None)


def _write_keyring(service: str, text: str) -> None:
    ring = _open_keyring()
    if ring is None:
        raise Refusal("There is no keyring here that encrypts.", "Keep the token for this session only.")
    try:
        ring.set_password(_ring_name(), service, text)
    except Exception as error:
        raise Refusal(
            f"The keyring won't keep the token ({type(error).__name__}).",
            "Unlock it, or keep the token for this session.",
        ) from None
