"""Calls of programs that don't fit an endpoint: too few values, names it doesn't take, an endpoint that isn't there.

Gradio raises for these before the endpoint is asked: a 500, or an error without words and a traceback in the console.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr
from starlette.requests import Request
from starlette.responses import JSONResponse

SAYS = "This endpoint doesn't take these values. /gradio_api/info says what each endpoint takes."


async def answer_wrong_call(request: Request, error: Exception) -> JSONResponse:
    """422 for a call by name whose names aren't the endpoint's; any other error goes on."""
    if not request.url.path.startswith("/gradio_api/call/"):
        raise error
    return JSONResponse({"error": SAYS}, 422)


HANDLERS: dict[type[Exception], Callable[..., Any]] = {TypeError: answer_wrong_call, KeyError: answer_wrong_call}
"""For the app's `exception_handlers`."""


def check_values(page: gr.Blocks) -> None:
    """Make a page answer a call with too few values, or with values that Gradio can't convert (a file that nobody
    uploaded), with an error that says so.
    """
    validate, preprocess = page.validate_inputs, page.preprocess_data

    def check(block_fn: Any, inputs: list[Any]) -> None:
        try:
            validate(block_fn, inputs)
        except ValueError:
            raise gr.Error(SAYS, title="Refused", print_exception=False) from None

    async def convert(*given: Any, **named: Any) -> list[Any]:
        try:
            return await preprocess(*given, **named)
        except gr.Error:
            raise
        except Exception:
            raise gr.Error(SAYS, title="Refused", print_exception=False) from None

    page.validate_inputs, page.preprocess_data = check, convert
