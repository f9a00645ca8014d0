"""Requests to a Hugging Face hub, the only ones that this engine ever makes.

Knows the hub's addresses and its client's session, token and errors. Refuses to know what is asked for and why.
The client's own headers are not taken: huggingface_hub 2.4 fetches a list from huggingface.co to make them, wherever HF_ENDPOINT
points, and says which tools this process was started by. A token goes to the hub alone: the session takes it off when the hub
sends it on to another host.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import quote, urlsplit

PATIENCE = 20.0
"""Seconds without a byte until a connection counts as broken; also the longest that a stop may take."""


def endpoint() -> str:
    """The hub's address, read each time: HF_ENDPOINT, or Hugging Face's own."""
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def host() -> str:
    """The hub's name, without whatever else an address may hold."""
    return urlsplit(endpoint()).hostname or "the hub"


def about(repo: str, *rest: str) -> str:
    """The address of what the hub knows of a repository."""
    return "/".join((f"{endpoint()}/api/models/{repo}", *(quote(one, safe="") for one in rest)))


def file(repo: str, commit: str, path: str) -> str:
    """The address of a file at a commit."""
    return f"{endpoint()}/{repo}/resolve/{quote(commit, safe='')}/{quote(path)}"


def get(address: str) -> bytes:
    """A small answer. Raises what the client and the network raise; `answers.refusal` puts it into words."""
    from huggingface_hub.utils import get_session, hf_raise_for_status

    answer = get_session().get(address, headers=_headers(), timeout=PATIENCE)
    hf_raise_for_status(answer)
    return answer.content


def stream(address: str, first: int, last: int) -> AbstractContextManager[Any]:
    """An open answer with the bytes `first` to `last` of a file, as it is and not compressed."""
    from huggingface_hub.utils import get_session

    headers = _headers() | {"Accept-Encoding": "identity", "Range": f"bytes={first}-{last}"}
    return get_session().stream("GET", address, headers=headers, timeout=PATIENCE)


def token() -> str | None:
    """HF_TOKEN, or the one saved by `hf auth login`, unless HF_HUB_DISABLE_IMPLICIT_TOKEN forbids it. Never shown or kept."""
    from huggingface_hub import constants, get_token

    return None if constants.HF_HUB_DISABLE_IMPLICIT_TOKEN else get_token()


def _headers() -> dict[str, str]:
    mine = token()
    return {"User-Agent": "stir", **({"Authorization": f"Bearer {mine}"} if mine else {})}
