"""One part of the page: a `gr.HTML` that its own script draws from a plain value, its events and server calls.

No value goes into markup: the template is a constant, because Gradio evaluates templates, and `${…}` in a photo's name
would run. Scripts write what people have written through text nodes only.
"""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any, TypeVar

import gradio as gr
import msgspec
from starlette.responses import Response

from studio.library.logbook import report_fault
from studio.nouns import Noun, Refusal

T = TypeVar("T")
Call = Callable[[Any], Any]


class Nothing(Noun, frozen=True):
    """What a question asks with that needs no more than its name."""


QUIET: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
"""How every moment of a part is listened to: at once, without Gradio's own spinner, and not as a public endpoint."""

BUSY = "the page was answered"
"""What was being done when an answer failed, in the user's words."""

_ELSEWHERE = logging.getLogger("stir")  # for parts that are built without a page, as in tests
_log: ContextVar[logging.Logger] = ContextVar("log")

Part = gr.HTML
"""A part as the panels pass it around. Not a subclass: Gradio writes a stub file beside the source of every subclass.
"""


def make_part(
    name: str,
    value: Any = None,
    events: Sequence[str] = (),
    calls: Sequence[Call] = (),
    elem_id: str = "",
    **props: Any,
) -> Part:
    """A part named after its script in assets/js. `events` can be listened to as methods; `calls` are asked by the
    script.

    Its element's id is `elem_id`, or the name without "_panel". `props` never change: they travel as one string of
    JSON, because at every event Gradio's page copies what a part has, value by value, several times over.
    """
    elem_id = elem_id or name.removesuffix("_panel")
    mount = f"Stir.mount({json.dumps(name)}, {{element, props, trigger, server, watch}}, {json.dumps(events)})"
    return gr.HTML(
        value=value,
        html_template=f'<div class="part part-{elem_id}"></div>',
        js_on_load=mount,
        apply_default_css=False,
        elem_id=elem_id,
        server_functions=list(calls),
        given=json.dumps(props),
    )


def describe_refusal(refusal: Refusal) -> dict[str, dict[str, str]]:
    """A refusal as the scripts understand it: shown where the mistake is."""
    return {"refusal": {"reason": refusal.reason, "remedy": refusal.remedy, "offer": refusal.offer}}


def log_faults_to(log: logging.Logger) -> None:
    """Where the questions and moments of the page that is built from now on write what nobody foresaw."""
    _log.set(log)


def catch_faults(does: Callable[..., Any], refused: Callable[[Refusal], Any]) -> Callable[..., Any]:
    """A moment's answer that never fails: what nobody foresaw is logged, and answered with the refusal that names the
    entry.
    """
    log = _log.get(_ELSEWHERE)

    @functools.wraps(does)
    def answer(*values: Any, **named: Any) -> Any:
        try:
            return does(*values, **named)
        except Exception as error:
            return refused(report_fault(log, BUSY, error, f"the page's {does.__name__}"))

    return answer


def make_call(name: str, takes: type[T], does: Callable[[T], Any]) -> Call:
    """A question a part may ask. What the browser sends is checked against `takes`; a `Refusal` is told, not raised.

    So is what nobody foresaw, after it was logged: a question that fails leaves the page as it was. A `Response` is
    sent as it is.
    """
    log = _log.get(_ELSEWHERE)

    def answer(value: Any) -> Any:
        try:
            found = does(msgspec.convert(value, takes))
            return found if isinstance(found, Response) else msgspec.to_builtins(found)
        except msgspec.ValidationError as error:
            log.warning("the page's %s was asked with other values than it takes", name)
            return describe_refusal(
                Refusal(f"The page sent something unexpected ({error}).", "Reload the page and try again.")
            )
        except Refusal as refusal:
            return describe_refusal(refusal)
        except Exception as error:
            return describe_refusal(report_fault(log, BUSY, error, f"the page's {name}"))

    answer.__name__, answer.__annotations__ = name, {"value": takes}
    return answer
