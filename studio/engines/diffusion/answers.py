"""What a hub's refusal means to a person, and what to do about it.

Knows huggingface_hub's errors and the network's. Refuses to ask a hub anything, and to show a token or an address that holds one.
"""

from __future__ import annotations

from studio.engines.diffusion.wire import host, token
from studio.library import disk as room
from studio.nouns import Refusal


class Gone(Refusal):
    """The hub doesn't have that repository, revision or file."""


def passing(error: Exception) -> bool:
    """Whether trying again in a moment may help: a connection that broke, a hub that is overworked."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError

    if isinstance(error, HfHubHTTPError):
        return error.response.status_code in (408, 429, 500, 502, 503, 504)
    return isinstance(error, httpx2.TransportError)


def refusal(error: Exception, repo: str) -> Refusal:
    """A hub's or the network's error, met while asking for a repository, in the user's words."""
    import httpx2
    from huggingface_hub import errors

    if isinstance(error, Refusal):
        return error
    if isinstance(error, errors.OfflineModeIsEnabled):
        why = "HF_HUB_OFFLINE is set, so nothing is downloaded."
        return Refusal(why, "Unset it and start Stir again, or use an offline folder.")
    if isinstance(error, errors.HfHubHTTPError):
        return _answer(error, repo)
    if isinstance(error, httpx2.ProxyError):
        return Refusal("The proxy lets nothing through.", "Check HTTPS_PROXY, then try again.")
    if isinstance(error, httpx2.TransportError):
        why = f"{host()} can't be reached."
        return Refusal(why, "Check the connection, then try again: what has arrived is kept. Or use an offline folder.")
    if isinstance(error, OSError):
        return room.refusal(error)
    return Refusal(f"The answer of {host()} can't be understood ({type(error).__name__}).", "Try again later.")


def _answer(error: Exception, repo: str) -> Refusal:
    from huggingface_hub import errors

    page = f"{host()}/{repo}"
    if isinstance(error, errors.GatedRepoError):
        if token():
            why = f"{repo} is behind a gate, and your token hasn't been let through."
            return Refusal(why, f"Accept the licence on {page} with the token's account, and wait if it has to be granted.")
        return Refusal(f"{repo} is behind a gate.", f"Accept the licence on {page}, then set HF_TOKEN and start Stir again.")
    if isinstance(error, errors.RevisionNotFoundError):
        return Gone(f"{page} doesn't have that revision any more.", "Correct the card's revision.")
    if isinstance(error, errors.EntryNotFoundError):
        return Gone(f"{page} doesn't have a file that was asked for.", "Try again; if it stays so, correct the card's revision.")
    if isinstance(error, errors.DisabledRepoError):
        return Gone(f"{page} has been closed by the hub.", "Choose another model.")
    if isinstance(error, errors.RepositoryNotFoundError):
        return Gone(f"{host()} has no repository {repo}, or it is private.", "Check its name; for a private one set HF_TOKEN.")
    status = error.response.status_code if isinstance(error, errors.HfHubHTTPError) else 0
    if status == 401 and not token():  # what a hub says of a repository that it doesn't know, or that is private
        return Gone(f"{host()} has no repository {repo}, or it is private.", "Check its name; for a private one set HF_TOKEN.")
    if status == 401:
        return Refusal(f"{host()} doesn't accept your token.", "Set HF_TOKEN to a valid one, or unset it, and start Stir again.")
    if status == 403:
        return Refusal(f"{host()} doesn't allow {repo} to be read.", f"Look at {page}; your token may lack the permission.")
    if status == 429:
        return Refusal(f"{host()} has had too many requests from here.", "Try again in some minutes: what has arrived is kept.")
    if status >= 500:
        return Refusal(f"{host()} has trouble of its own ({status}).", "Try again later: what has arrived is kept.")
    return Refusal(f"{host()} has refused ({status}).", "Try again later.")
