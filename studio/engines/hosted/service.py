"""The contract of a hosted service: what it is asked, what it answers, and its refusals by kind.

A service runs models on its own machines for the owner of a token. A create costs money, so it is sent once and never
repeated; everything else may be asked again. Times are seconds since 1970, durations are seconds.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from mimetypes import guess_extension
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from studio.nouns import Refusal

Status = Literal["starting", "running", "succeeded", "failed", "canceled", "aborted"]
"""How far a request is: waiting for a machine, at work, or over. aborted: the service gave it up before it began, or at
its deadline."""

ENDED: tuple[Status, ...] = ("succeeded", "failed", "canceled", "aborted")

FaultKind = Literal[
    "no_token", "bad_token", "no_credit", "forbidden", "not_found", "invalid_input", "rate_limited",
    "service", "unreachable", "uncertain", "too_large", "foreign", "wrong_content",
]  # fmt: skip
"""Why a service didn't do what it was asked.

no_token: nothing was sent; bad_token 401; no_credit 402; forbidden 403; not_found 404; invalid_input 400 and 422, with
the fields; rate_limited 429, with when; service: it has trouble of its own, or its answer can't be understood.
unreachable: no connection, so nothing was sent. uncertain: a create whose answer was lost, so it may be running and
may be billed. too_large, wrong_content: what it made isn't a clip that can be kept. foreign: it points to an address
where nothing is fetched.
"""


INLINE = 256 * 1024
"""Bytes of a file that goes into the request itself; Replicate's limit for data URIs."""


class ServiceRefusal(Refusal):
    """A hosted service's refusal, or the network's. `fields` are those of the model that it found fault with, `wait`
    the seconds until it may be asked again, 0.0 where it didn't say.
    """

    def __init__(
        self, kind: FaultKind, reason: str, remedy: str, fields: tuple[str, ...] = (), wait: float = 0.0
    ) -> None:
        super().__init__(reason, remedy)
        self.kind: FaultKind = kind
        self.fields = fields
        self.wait = wait

    @property
    def is_transient(self) -> bool:
        """Whether asking the same again later may help, where asking costs nothing."""
        return self.kind in ("rate_limited", "service", "unreachable")


class Endpoint(NamedTuple):
    """A model at a service, as `cards.Way` names it too: `ref` "owner/name" or fal's path, `version` a hash or ""."""

    ref: str
    version: str = ""


class Addressed(Protocol):
    """Anything that names a model at a service: a card's `Way`, or an `Endpoint`."""

    @property
    def ref(self) -> str:
        """Its name there: "owner/name", or fal's path."""
        ...

    @property
    def version(self) -> str:
        """The hash of a community model's version, or ""."""
        ...


@dataclass(frozen=True)
class File:
    """A file that a model is given: its bytes, or where it lies on the disk; its own name is never sent."""

    content: bytes | Path
    media_type: str

    def read(self) -> bytes:
        """The bytes. Raises `OSError` when the file has gone."""
        return self.content.read_bytes() if isinstance(self.content, Path) else self.content

    def read_inline(self) -> str:
        """A small file as a data URI, which services don't store; "" for one of more than 256 kB."""
        size = self.content.stat().st_size if isinstance(self.content, Path) else len(self.content)
        return f"data:{self.media_type};base64,{b64encode(self.read()).decode()}" if size <= INLINE else ""

    @property
    def neutral_name(self) -> str:
        """A name that says nothing but the kind: "input.jpg"."""
        return f"input{guess_extension(self.media_type) or '.bin'}"


@dataclass(frozen=True)
class Uploaded:
    """A file as a field takes it: an https address, or a data URI. `id` is what `delete` needs, "" for a data URI."""

    value: str = field(repr=False)
    id: str = ""


@dataclass(frozen=True)
class Account:
    """Whose token it is, "" where the service doesn't say."""

    name: str = ""


@dataclass(frozen=True)
class LiveField:
    """A field of a model as the service declares it now; `values` are its choices, () for any. None: no limit, no
    default."""

    kind: str
    values: tuple[Any, ...] = ()
    least: float | None = None
    most: float | None = None
    required: bool = False
    default: Any = None


@dataclass(frozen=True)
class LiveSchema:
    """What a model takes now, by field, and its present version, "" where the service has none."""

    fields: dict[str, LiveField]
    version: str = ""


@dataclass(frozen=True)
class LivePrice:
    """What a service asks for a unit of a model's work now: "second", "video", "megapixel" and such, in its words."""

    amount: float
    unit: str
    currency: str = "USD"


@dataclass(frozen=True)
class Remote:
    """A request as the service knows it.

    `output` is what it made: the address of a film, or a language model's words; "" until then. `error` is the
    service's own sentence, shown to people and never read by code. `progress` is 0 to 1, None where it isn't known.
    `seconds` is how long the model ran, 0.0 where it isn't said. `ref` and `inputs` (without files) are what
    `list_recent` tells of a request, to know one's own again.
    """

    id: str
    status: Status
    output: str = field(default="", repr=False)
    error: str = ""
    progress: float | None = None
    made_at: float = 0.0
    seconds: float = 0.0
    ref: str = ""
    inputs: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.status in ENDED


Going = Callable[[int, int | None], None]
"""Called while a film arrives with the bytes so far and in all (None: not said). What it raises stops the download."""


class Service(Protocol):
    """One hosted service. Every method raises `ServiceRefusal`; any thread may call. Nothing is sent without a token.

    `name` is its id ("replicate", "fal"); `is_stand_in` is true when it is an imitation on this computer, which
    `title` then says too. `can_list`: `list_recent` can find a lost request. `billing_page`: where its owner sees what
    was started. `kept` says in a sentence how long the service keeps what it is sent.
    """

    name: str
    title: str
    is_stand_in: bool
    can_list: bool
    billing_page: str
    kept: str

    def account(self) -> Account:
        """Ask whose token it is; costs nothing."""
        ...

    def schema(self, way: Addressed) -> LiveSchema:
        """What a model takes now. kind not_found: the service has it no more."""
        ...

    def price(self, way: Addressed) -> LivePrice | None:
        """What a model costs now; None where the service tells no prices."""
        ...

    def upload(self, file: File) -> Uploaded:
        """Put a file where the model can read it. At most 256 kB go into the request itself instead."""
        ...

    def create(self, way: Addressed, fields: dict[str, Any], deadline: float) -> Remote:
        """Start a paid request, once. `deadline`: seconds after which the service itself ends it."""
        ...

    def poll(self, way: Addressed, remote_id: str) -> Remote:
        """How far a request is."""
        ...

    def cancel(self, way: Addressed, remote_id: str) -> Remote:
        """Ask for an end, and how the request stands then: it may have succeeded before."""
        ...

    def download(self, remote: Remote, to: Path, going: Going) -> None:
        """Fetch what a request made into a file that is whole or isn't there."""
        ...

    def delete(self, uploaded: Uploaded) -> None:
        """Remove an upload, where the service can; else it expires there."""
        ...

    def list_recent(self, since: float) -> tuple[Remote, ...]:
        """The account's requests since a time, newest first; () where `can_list` is false."""
        ...
