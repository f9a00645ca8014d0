"""Calls of programs that don't fit an endpoint: too few values, names it doesn't take, an endpoint that isn't there.

Gradio raises for these before the endpoint is asked: a 500, or an error without words and a traceback in the console.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.ui.request_bodies import MISFIT, walk

ELSEWHERE = "Stir fetches nothing from elsewhere. Upload the file first."


def check_values(page: gr.Blocks) -> None:
    """Make a page answer a call with too few values, or with values that Gradio can't convert (a file that nobody
    uploaded), with an error that says so; also one with a file at an address, which Gradio would look up and fetch.
    """
    validate, preprocess = page.validate_inputs, page.preprocess_data

    def check(block_fn: Any, inputs: list[Any]) -> None:
        try:
            validate(block_fn, inputs)
        except ValueError:
            raise gr.Error(MISFIT, title="Refused", print_exception=False) from None

    async def convert(block_fn: Any, inputs: list[Any], *given: Any, **named: Any) -> list[Any]:
        if any(_lies_elsewhere(one) for _, one in walk(inputs)):
            raise gr.Error(ELSEWHERE, title="Refused", print_exception=False)
        try:
            return await preprocess(block_fn, inputs, *given, **named)
        except gr.Error:
            raise
        except Exception:
            raise gr.Error(MISFIT, title="Refused", print_exception=False) from None

    page.validate_inputs, page.preprocess_data = check, convert


def _lies_elsewhere(value: Any) -> bool:
    """Whether Gradio takes it for a file at an address."""
    path = value.get("path") if isinstance(value, dict) else None
    return isinstance(path, str) and path[:8].lower().startswith(("http:", "https:"))
