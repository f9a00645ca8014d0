"""What Gradio's MCP server needs to serve this studio's endpoints: answers in JSON, and a client of its own that
reads no files and is let past the sign-in.

The server itself, its transports and the list of tools are Gradio's (`launch(mcp_server=True)`); the tools are the
public endpoints of `endpoints`. Needs the package mcp (requirements-mcp.txt).
"""

from __future__ import annotations

import functools
import json
from typing import Any

import gradio as gr
from gradio.processing_utils import add_root_url
from gradio_client import Client

from studio.config import Settings
from studio.ui.sign_in import INSIDE


def prepare_mcp(page: gr.Blocks, settings: Settings) -> None:
    """Make a served page's MCP server ready for calls; nothing where it has none."""
    server = page.mcp_server_obj
    if server is None:
        return
    server.postprocess_output_data = _write_answers
    server._get_or_create_client = functools.cache(  # pyright: ignore[reportPrivateUsage]
        functools.partial(_make_client, page.local_url or "", INSIDE if settings.user else "")
    )


def _make_client(url: str, authorization: str) -> Client:
    """The client by which Gradio's MCP server calls its own endpoints. It uploads nothing: Gradio's would read every
    file of this computer that a call names.
    """
    headers = {"x-gradio-user": "mcp", **({"authorization": authorization} if authorization else {})}
    client = Client(
        url, download_files=False, verbose=False, analytics_enabled=False, _skip_components=False, headers=headers
    )
    for endpoint in client.endpoints.values():
        endpoint.process_input_files = _hand_on
    return client


def _hand_on(*values: Any) -> tuple[Any, ...]:
    return values


def _write_answers(data: Any, root_url: str) -> list[Any]:
    """What a tool has answered, as JSON with whole addresses. Gradio itself would write Python's notation."""
    from mcp.types import TextContent

    whole = add_root_url(data, root_url, None)
    return [TextContent(type="text", text=json.dumps(one, ensure_ascii=False)) for one in whole]
