"""The cookie that says who somebody is: a random or derived id and when it was given, signed with the house's key.

HMAC-SHA256 (RFC 2104) over "id.time", compared in constant time. The key is 32 random bytes in a file that only its
owner may read, mixed with the password where there is one: a new password ends every session. Who has no key can make
no cookie, and a cookie names nothing but a folder of this house, or its owner.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import unicodedata
from contextlib import suppress
from pathlib import Path

from studio.atomic_write import write_whole

KEY_BYTES = 32

MOST_ENDS = 10_000
"""Sign-outs that are remembered; the oldest go first."""

_COOKIE = re.compile(r"([0-9a-f]{32})\.([0-9]{1,12})\.([0-9a-f]{64})")


def read_key(file: Path, password: str = "") -> bytes:
    """The house's key, made when there is none: 32 bytes, mode 0600. Two processes that begin at once end with one."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        _make_key(file)
    key = file.read_bytes()
    return hmac.new(key, password.encode(), hashlib.sha256).digest() if password and len(key) >= KEY_BYTES else key


def _make_key(file: Path) -> None:
    """Write a new key, unless one is there by then."""
    fresh = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as sink:
        sink.write(secrets.token_bytes(KEY_BYTES))
    try:
        os.link(fresh, file)  # never replaces a key that is there
    except FileExistsError:
        pass
    except OSError:  # a disk without hard links
        fresh.replace(file)
    finally:
        fresh.unlink(missing_ok=True)


class CookieSigner:
    """Writes and reads cookies. A key that is too short signs nothing: `ValueError`. `ends` is the file in which it is
    kept who has signed out, and when.
    """

    def __init__(self, key: bytes, ends: Path | None = None) -> None:
        if len(key) < KEY_BYTES:
            raise ValueError("the key of the visitors' cookies is too short")
        self._key, self._file, self._seen = key, ends, (0, 0)
        self._ends: dict[str, int] = {}
        self._newest = 0  # second of all cookies that were given: the clock may be set back

    def _look(self) -> None:
        """Read who has signed out where another process has written that since the last look."""
        with suppress(OSError, ValueError, TypeError, AttributeError):
            about = self._file.stat() if self._file else None
            if self._file and about and (about.st_ino, about.st_mtime_ns) != self._seen:
                for visitor, second in json.loads(self._file.read_text("utf-8")).items():
                    self._ends[visitor] = max(self._ends.get(visitor, 0), int(second))
                self._seen = about.st_ino, about.st_mtime_ns

    def sign(self, visitor: str, now: float) -> str:
        """The cookie of a visitor: id, the second it was given, and the signature of both."""
        self._look()
        given = max(int(now), self._ends.get(visitor, 0))
        self._newest = max(self._newest, given)
        words = f"{visitor}.{given}"
        return f"{words}.{self._find_mac(words)}"

    def read(self, cookie: str, now: float, longest: float) -> str:
        """Whose cookie it is; "" where it isn't one of ours, is older than `longest` seconds, or was given before its
        visitor signed out.
        """
        found = _COOKIE.fullmatch(cookie)
        if found is None or not hmac.compare_digest(found[3], self._find_mac(f"{found[1]}.{found[2]}")):
            return ""
        self._look()
        given = int(found[2])
        self._newest = max(self._newest, given)
        return found[1] if now - given <= longest and given >= self._ends.get(found[1], 0) else ""

    def end(self, visitor: str, now: float) -> None:
        """Let every cookie that the visitor has been given until now count no more, on whichever computer and in
        every process of this home folder. Where that can't be written, until a restart.
        """
        self._look()
        self._ends.pop(visitor, None)
        self._ends[visitor] = max(int(now), self._newest) + 1
        while len(self._ends) > MOST_ENDS:
            del self._ends[next(iter(self._ends))]
        if self._file:
            with suppress(OSError):
                write_whole(self._file, json.dumps(self._ends).encode())

    def _find_mac(self, words: str) -> str:
        return hmac.new(self._key, words.encode(), hashlib.sha256).hexdigest()


def make_id() -> str:
    """A new stranger's id: 128 random bits in hexadecimal digits."""
    return secrets.token_hex(16)


def find_id(name: str) -> str:
    """The id of a person by name: the same however it is spaced, composed or capitalised."""
    plain = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
    return hashlib.sha256(f"name: {plain}".encode()).hexdigest()[:32]
