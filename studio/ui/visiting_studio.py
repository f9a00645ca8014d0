"""The Studio that a page with visitors is drawn for: at each question it is the Studio of whoever asks.

Panels hold one studio and ask it when a request comes. Which visitor sent that request stands in its ASGI scope, where
visitor_gate.py has put it after reading the signed cookie; Gradio hands every function of the page its own request and
takes it away afterwards. Outside of a request there is no visitor: what is then asked of a room raises `LookupError`,
so that nothing of one visitor can be bound into a page that all of them see.
"""

from __future__ import annotations

from typing import Any

from gradio.context import LocalContext

from studio.hosted_services import HostedServices
from studio.ui.html_part import Call, Nothing, make_call
from studio.visitors.house import VisitorHouse

VISITOR = "stir.visitor"
"""The key of an ASGI scope under which a visitor's id stands."""


def find_visitor() -> str:
    """The id of the visitor whose request is answered now; "" outside of requests."""
    asked: Any = LocalContext.request.get(None)
    request = getattr(asked, "request", None) or asked  # Gradio's own wrapper, or the request itself
    return str(getattr(request, "scope", {}).get(VISITOR, "")) if request is not None else ""


class VisitingStudio:
    """Has every attribute of a `Studio`. While a page is built only settings, models, hosted services and the log can
    be read, which are the house's; a room is looked up again at each use.
    """

    def __init__(self, house: VisitorHouse) -> None:
        self._house = house
        self._shared = {
            "settings": house.settings, "models": house.models, "hosted": HostedServices(house.settings),
            "log": house.log,
        }  # fmt: skip

    def __getattr__(self, name: str) -> Any:
        visitor = find_visitor()
        if visitor:
            return getattr(self._house.find(visitor), name)
        return self._shared[name] if name in self._shared else _Room(self, name)


class _Room:
    """One attribute of the visiting studio, named while no request is answered."""

    def __init__(self, studio: VisitingStudio, name: str) -> None:
        self._studio, self._name = studio, name

    def __getattr__(self, name: str) -> Any:
        if not find_visitor():
            raise LookupError(f"nobody asks for {self._name}.{name}: it may be used only while a request is answered")
        return getattr(getattr(self._studio, self._name), name)


def make_visitor_call(house: VisitorHouse) -> Call:
    """Who the page is for, and what is told of it: the name, and how long files are kept, in hours, 0 for ever."""

    def describe(_: dict[str, str]) -> dict[str, Any]:
        some = house.limits
        words = f"Up to {some.photos} photos, {some.waiting} clips at a time, {some.seconds:g} s and {some.size}."
        return {"name": house.name(find_visitor()), "kept": some.kept_hours, "limits": words}

    return make_call("ask_visitor", Nothing, describe)
