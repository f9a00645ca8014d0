"""Gradio's theme: the colours that show before our styles arrive, and the order of the page's styles and scripts.

The look itself is in assets/css; nothing is fetched from anywhere.
"""

from __future__ import annotations

import re

from gradio.themes import Base

from studio.config import ASSETS

STYLES = (
    "look", "controls", "page_layout", "photo_panel", "report_panel", "camera_panel", "effects_panel", "output_panel",
    "words_panel", "presets_panel", "clip_panel", "dock", "variations_panel", "new_comparison_panel", "recommend_panel",
    "model_guide", "assist_panel", "library_panel", "compare_panel", "model_picker", "models_panel",
    "hosted_inputs", "checkout", "services_panel", "workers_panel",
)  # fmt: skip
SCRIPTS = (
    "core", "undo", "page_header", "model_status", "clip_tiles", "crop_frame", "end_box", "brush", "subject_mark",
    "file_drop", "before_after", "mend_chips", "report_panel", "film_strip", "platform_row", "uploads", "photo_panel",
    "ending", "preset_preview", "presets_panel", "camera_scene", "camera_panel", "slots_panel", "unplaced_effects",
    "effects_panel", "sentence_check", "prompt_fold", "promise_line", "words_panel", "assist_panel", "recommend_panel",
    "model_guide", "model_picker", "voice_recorder", "hosted_inputs", "checkout",
    "advanced_settings", "platform_misfits", "output_panel", "variations_panel",
    "axis_widgets", "new_comparison_panel", "dock", "phone_draft", "clip_panel", "queue_panel", "clip_details",
    "library_cards", "card_window", "library_panel",
    "compare_frames", "compare_players", "compare_clock", "compare_cells", "compare_table", "compare_transport",
    "compare_export", "compare_panel",
    "batch_panel", "finish_panel", "post_panel",
    "model_dialogs", "models_panel", "kernel_table", "settings_panel", "services_panel", "workers_panel",
)  # fmt: skip
SHEETS = {
    "batch": ("batch_form", "batch_drop", "batch_rows", "batch_sheet"),
    "finish": (
        "finish_stage", "finish_timeline", "finish_tools", "finish_sound", "finish_titles", "finish_reel",
        "finish_sheet",
    ),
    "post": ("post_sheet",),
}  # fmt: skip
"""Sheets that only some open: the scripts of each, which come when it is first opened. Its style has its last script's
name."""
FONTS = [
    "-apple-system",
    "BlinkMacSystemFont",
    "Segoe UI",
    "Inter",
    "Cantarell",
    "Ubuntu",
    "Roboto",
    "system-ui",
    "sans-serif",
]


def make_theme() -> Base:
    """Gradio's base theme on our grounds, with the system's own fonts."""
    return Base(font=FONTS, font_mono=["ui-monospace", "monospace"]).set(
        body_background_fill="#f6f5f2",
        body_background_fill_dark="#101113",
        body_text_color="#1d1c1a",
        body_text_color_dark="#ece8e1",
        background_fill_primary="#ffffff",
        background_fill_primary_dark="#17181b",
        border_color_primary="#dedbd4",
        border_color_primary_dark="#2b2d32",
        block_background_fill="#ffffff",
        block_background_fill_dark="#17181b",
        input_background_fill="#ffffff",
        input_background_fill_dark="#101113",
        button_primary_background_fill="#b04a00",
        button_primary_background_fill_dark="#ff8a3c",
        button_primary_background_fill_hover="#a84600",
        button_primary_background_fill_hover_dark="#ff9c5b",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="#17130f",
        loader_color="#b04a00",
        loader_color_dark="#ff8a3c",
    )


def make_head(has_visitors: bool = False) -> str:
    """Every style and script of the page, inline: they are there before the first part is drawn."""
    more = ("visitor_menu",) if has_visitors else ()
    styles = "\n".join(_read_slim(f"css/{name}.css") for name in (*STYLES, *more))
    scripts = "\n".join(_read_slim(f"js/{name}.js") for name in (*SCRIPTS, *more))
    return f"<style>{styles}</style><script>{scripts}</script>"


def read_sheet(name: str) -> dict[str, str]:
    """The style and the script of one of `SHEETS`."""
    scripts = SHEETS[name]
    return {
        "style": _read_slim(f"css/{scripts[-1]}.css"),
        "script": "\n".join(_read_slim(f"js/{script}.js") for script in scripts),
    }


_ASIDE = re.compile(r"^[ \t]*/\*(?:(?!\*/).)*\*/[ \t]*\n|^[ \t]+", re.MULTILINE | re.DOTALL)


def _read_slim(name: str) -> str:
    """A style or a script without its indentation and the comments that have lines of their own, a sixth of it all; no
    text in backquotes may go over lines.
    """
    return _ASIDE.sub("", (ASSETS / name).read_text("utf-8"))
