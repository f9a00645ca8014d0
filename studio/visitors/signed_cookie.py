"""The cookie that says who a visitor is: a random or derived id and when it was given, signed with the house's key.

HMAC-SHA256 (RFC 2104) over "id.time", compared in constant time. The key is 32 random bytes in a file that only its
owner may read; who has no key can make no cookie, and a cookie names nothing but a folder of this house.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import unicodedata
from contextlib import suppress
from pathlib import Path

KEY_BYTES = 32

_COOKIE = re.compile(r"([0-9a-f]{32})\.([0-9]{1,12})\.([0-9a-f]{64})")


def read_key(file: Path) -> bytes:
    """The house's key, made when there is none: 32 bytes, mode 0600. Two processes that begin at once end with one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        fresh = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as sink:
            sink.write(secrets.token_bytes(KEY_BYTES))
        try:
            os.link(fresh, file)  # never replaces a key that is there
        finally:
            fresh.unlink()
    return file.read_bytes()


class CookieSigner:
    """Writes and reads cookies. A key that is too short signs nothing: `ValueError`."""

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_BYTES:
            raise ValueError("the key of the visitors' cookies is too short")
        self._key = key

    def sign(self, visitor: str, now: float) -> str:
        """The cookie of a visitor: id, the second it was given, and the signature of both."""
        words = f"{visitor}.{int(now)}"
        return f"{words}.{self._find_mac(words)}"

    def read(self, cookie: str, now: float, longest: float) -> str:
        """Whose cookie it is; "" where it isn't one of ours, or is older than `longest` seconds."""
        found = _COOKIE.fullmatch(cookie)
        if found is None or not hmac.compare_digest(found[3], self._find_mac(f"{found[1]}.{found[2]}")):
            return ""
        return found[1] if now - int(found[2]) <= longest else ""

    def _find_mac(self, words: str) -> str:
        return hmac.new(self._key, words.encode(), hashlib.sha256).hexdigest()


def make_id() -> str:
    """A new stranger's id: 128 random bits in hexadecimal digits."""
    return secrets.token_hex(16)


def find_id(name: str) -> str:
    """The id of a person by name: the same however it is spaced, composed or capitalised."""
    plain = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
    return hashlib.sha256(f"name: {plain}".encode()).hexdigest()[:32]
