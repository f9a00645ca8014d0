"""The page: its tabs and columns, which panels stand in them, and how it is served.

Gradio gives the frame: tabs, columns, events, uploads, sign-in. The content is `gr.HTML` parts drawn by scripts of our
own in assets/js (`html_part`): no stock component locks a crop to its aspect, the stock image editor sends whole
pictures where four fractions say it, and a job has to outlive a reload of the page, so the studio owns the queue and
the page only watches it. Panel, part, script and style of one thing share one name: `photo_panel.py` draws the part
"photo_panel" with photo_panel.js and photo_panel.css.
"""

from __future__ import annotations

import errno
import functools
import http.client
import logging
import os
import shutil
import socket
import sys
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import gradio as gr
from fastapi.exceptions import RequestValidationError
from gradio.routes import App

from studio.config import ASSETS, MAX_UPLOAD_BYTES, Settings
from studio.nouns import Refusal
from studio.studio import Studio
from studio.ui import request_guard, theme, thumbnails, wrong_calls
from studio.ui.batch_uploads import sweep_batch_uploads
from studio.ui.endpoints import Endpoints
from studio.ui.html_part import Part, log_faults_to, make_part
from studio.ui.library_messages import keep_terminal_quiet
from studio.ui.panels.assist_panel import AssistPanel
from studio.ui.panels.batch_panel import BatchPanel
from studio.ui.panels.camera_panel import CameraPanel
from studio.ui.panels.clip_panel import ClipPanel
from studio.ui.panels.compare_panel import ComparePanel
from studio.ui.panels.effects_panel import EffectsPanel
from studio.ui.panels.finish_panel import FinishPanel
from studio.ui.panels.library_panel import LibraryPanel
from studio.ui.panels.models_panel import ModelsPanel
from studio.ui.panels.new_comparison_panel import NewComparisonPanel
from studio.ui.panels.output_panel import OutputPanel
from studio.ui.panels.photo_panel import PhotoPanel
from studio.ui.panels.post_panel import PostPanel
from studio.ui.panels.presets_panel import PresetsPanel
from studio.ui.panels.queue_panel import QueuePanel
from studio.ui.panels.recommend_panel import RecommendPanel
from studio.ui.panels.services_panel import ServicesPanel
from studio.ui.panels.settings_panel import SettingsPanel
from studio.ui.panels.variations_panel import VariationsPanel
from studio.ui.panels.words_panel import WordsPanel
from studio.ui.panels.workers_panel import WorkersPanel
from studio.ui.request_bodies import refuse_misfit
from studio.ui.sessions import keep_little
from studio.ui.shot_form import PARTS
from studio.ui.visiting_studio import VisitingStudio, make_visitor_call
from studio.visitors.house import VisitorHouse
from studio.wall_clock import measure_age

STALE = 3600
"""Seconds after which an upload that nobody took in is left over: another page on this home may still be uploading."""

A_DAY = 86_400
"""The same while the studio runs: a batch of thousands of photos may take hours to arrive."""

MOST_WAITING = 256
"""Requests of programs that wait for an answer at once."""
QUEUE_PAUSE = 0.02
"""Seconds between two looks of Gradio's queue for an event or a progress; by itself it looks 1,100 times a second."""


def build_for_visitors(house: VisitorHouse) -> gr.Blocks:
    """One page for all visitors of a house: it asks the Studio of whoever sends a request."""
    return build(cast(Studio, VisitingStudio(house)), house)


def build(studio: Studio, house: VisitorHouse | None = None) -> gr.Blocks:
    """The whole page for one studio, or for the visitors of a house: these see nothing of the owner's."""
    _quiet_gradio(studio)
    log_faults_to(studio.log)
    if house is None:
        sweep_left_files(studio)
    recommend = RecommendPanel(studio)
    with gr.Blocks(title="Stir", analytics_enabled=False, fill_width=True, delete_cache=(3600, 86400)) as page:
        shared = [make_visitor_call(house)] if house else []
        make_part(
            "page_header",
            elem_id="header",
            calls=shared,
            visitors=studio.settings.visitors or ("owner" if studio.settings.user else ""),
        )
        FinishPanel(studio).render()
        PostPanel(studio).render()
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("Create", id="create", elem_id="create"):
                _draw_create(studio, recommend)
                QueuePanel(studio).render()
            with gr.Tab("Compare", id="compare", elem_id="compare-tab"):
                ComparePanel(studio).render()
            with gr.Tab("Batch", id="batch", elem_id="batch-tab"):
                BatchPanel(studio).render()
            with gr.Tab("Library", id="library", elem_id="library-tab"):
                LibraryPanel(studio).render()
            several = len(studio.models.cards) > 1  # else there is nothing to choose from
            with gr.Tab("Models", id="models", elem_id="models-tab", visible=several):
                if house is None:
                    ModelsPanel(studio).render()
                recommend.render_guide()
            if house is None:
                _draw_settings(studio)
        Endpoints(studio).publish()
    wrong_calls.check_values(page)
    page.queue(api_open=False, max_size=MOST_WAITING)
    queue = page._queue  # pyright: ignore[reportPrivateUsage]
    queue.sleep_when_free = queue.progress_update_sleep_when_free = QUEUE_PAUSE
    return page


def _draw_settings(studio: Studio) -> None:
    with gr.Tab("Settings", id="settings", elem_id="settings-tab"):
        if studio.farm:
            WorkersPanel(studio).render()
        SettingsPanel(studio).render()
        if studio.hosted:
            ServicesPanel(studio).render()


def _draw_create(studio: Studio, recommend: RecommendPanel) -> None:
    """The three columns that a Shot is made in, and what listens to their values."""
    photo, presets, words, camera, effects = (
        PhotoPanel(studio), PresetsPanel(studio), WordsPanel(studio), CameraPanel(), EffectsPanel(),
    )  # fmt: skip
    clip, output, variations = ClipPanel(studio), OutputPanel(studio), VariationsPanel(studio)
    with gr.Row(elem_id="desk"):
        with gr.Column(elem_id="photo-column", elem_classes="column"):
            photo.render()
        with gr.Column(elem_id="motion-column", elem_classes="column"):
            make_part("phone_draft", elem_id="peek")
            presets.render()
            words.render()
            if not studio.settings.visitors:  # the assistant is a model of the owner's choice
                AssistPanel(studio).render()
            camera.render()
            words.render_slots()
            effects.render()
        with gr.Column(elem_id="clip-column", elem_classes="column"):
            clip.render()
            output.render()
            variations.render()
            NewComparisonPanel(studio).render()
            recommend.render()
    drawn = (photo.part, photo.ending, camera.part, effects.part, words.part, output.part)
    desk: dict[str, Part] = dict(zip(PARTS, drawn, strict=True))
    for panel in (output, clip, variations, recommend):
        panel.listen(desk)


def _quiet_gradio(studio: Studio) -> None:
    """Keep Gradio's own files inside the home folder, its reports to itself, and what its server says in the log."""
    keep_terminal_quiet(studio.log)
    os.environ["GRADIO_TEMP_DIR"] = str(studio.settings.uploads)
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "1"  # else 10,000, put into one table at the end of each


def sweep_left_files(studio: Studio, seconds: float = STALE) -> None:
    """Remove uploads that nobody took in, what goes with no shot, jobs of a month ago, small pictures of clips that are
    gone.
    """
    studio.attachments.sweep()
    studio.queue.forget_ended()
    sweep_uploads(studio.settings, seconds)
    sweep_batch_uploads(studio)
    thumbnails.sweep_thumbs(studio)


def sweep_uploads(settings: Settings, seconds: float = STALE) -> None:
    """Remove what was uploaded so long ago and never taken in."""
    for left in settings.uploads.glob("*"):
        with suppress(FileNotFoundError):
            if measure_age(left) > seconds:
                shutil.rmtree(left, ignore_errors=True)


def require_port(settings: Settings) -> None:
    """Raises `Refusal` when the page can't be served at its port, with who is there."""
    try:
        with socket.socket() as probe:
            if sys.platform != "win32":  # there it would share a port that is in use
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((settings.host, settings.port))
    except (OSError, OverflowError) as error:
        raise _explain_port(settings.port, getattr(error, "errno", None)) from None


def _explain_port(port: int, code: int | None) -> Refusal:
    if code == errno.EACCES:
        return Refusal(f"Port {port} is kept for the system.", "Choose one above 1023 with --port.")
    if code != errno.EADDRINUSE:
        return Refusal(f"Port {port} can't be used.", "Choose one from 1024 to 65535 with --port.")
    if _is_stir(port):
        return Refusal(
            f"Stir runs already at http://127.0.0.1:{port}.", "Open it there, or choose another port with --port."
        )
    return Refusal(f"Another program uses port {port}.", f"Choose another, as --port {port % 65535 + 1}.")


def _is_stir(port: int) -> bool:
    """Whether what answers at a port of this computer is a Stir: its page, or its sign-in."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        line.request("GET", "/", headers={"Accept": "text/html"})
        page = line.getresponse().read(1_000_000)
        return b'"og:title" content="Stir"' in page or b"<title>Stir" in page
    except (OSError, http.client.HTTPException):
        return False
    finally:
        line.close()


@contextmanager
def refuse_taken_port(settings: Settings) -> Iterator[None]:
    """While the page is launched, another program may take its port: that raises `Refusal`, as `require_port` does."""
    try:
        yield
    except OSError:
        require_port(settings)
        raise


def launch_options(studio: Studio) -> dict[str, Any]:
    """How the page is served: where, to whom, from which folders, and with which look."""
    sweep = functools.partial(sweep_left_files, studio, A_DAY)
    return _describe_launch(studio.settings, studio.settings.served, studio.log, sweep)


def launch_options_for_visitors(house: VisitorHouse) -> dict[str, Any]:
    """The same for the visitors of a house; which files are a visitor's own, visitor_gate.py says."""
    return _describe_launch(house.settings, (house.folder,), house.log, lambda: None, house)


def _describe_launch(
    settings: Settings,
    folders: tuple[Path, ...],
    log: logging.Logger,
    sweep: Callable[[], None],
    house: VisitorHouse | None = None,
) -> dict[str, Any]:
    """`folders`, and what ships, are the only ones that the page may show files from."""
    served = [str(folder) for folder in (*folders, ASSETS)]
    gr.set_static_paths([*served])
    return {
        "server_name": settings.host, "server_port": settings.port,
        "allowed_paths": served, "max_file_size": MAX_UPLOAD_BYTES, "show_error": False, "quiet": True,
        "run_history": False, "footer_links": [], "enable_monitoring": False, "ssr_mode": False, "share": False,
        "mcp_server": settings.mcp,
        "theme": theme.make_theme(), "head": theme.make_head(not settings.is_local),
        "favicon_path": str(ASSETS / "icon.png"),
        "app_kwargs": {
            "middleware": request_guard.list_middleware(settings, log, house),
            "exception_handlers": {RequestValidationError: refuse_misfit},
            "lifespan": functools.partial(_serve, settings, log, sweep),
        },
    }  # fmt: skip


@asynccontextmanager
async def _serve(settings: Settings, log: logging.Logger, sweep: Callable[[], None], app: App) -> AsyncGenerator[None]:
    """While the app is served."""
    async with request_guard.guard(settings)(app), keep_little(app, log, sweep):
        yield
