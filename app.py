"""Stir: settings, a studio or a house of visitors, its page. `python app.py --help` says what can be set."""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from contextlib import suppress

from studio.config import Settings, read
from studio.helper_threads import share_pools
from studio.nouns import Refusal
from studio.stop_signals import end_in_time, handle_stop_signals
from studio.system_errors import allow_many_files


def main(argv: list[str] | None = None) -> int:
    """Open the studio in the browser until Ctrl+C stops it. Returns 2 when it can't start, with the remedy."""
    flags = _parse(argv)
    share_pools()
    allow_many_files()
    handle_stop_signals()
    try:
        if os.environ.get("SPACES_ZERO_GPU"):  # it wants to be imported before torch
            with suppress(ImportError):
                import spaces  # noqa: F401  # pyright: ignore
        host = "0.0.0.0" if flags.listen else None  # noqa: S104  asked for
        settings = read(
            flags.home,
            host,
            flags.port,
            flags.user,
            cards=flags.cards,
            mcp=flags.mcp,
            ray=flags.ray,
            shared=flags.shared,
        )
        choose_mcp(settings)
        from studio.ui.page import require_port

        require_port(settings)
        return _open_house(settings) if settings.visitors else _open_studio(settings, flags.open)
    except KeyboardInterrupt:  # before the page stood; later, it closes as it should
        return 0
    except Refusal as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 2


def _parse(argv: list[str] | None) -> argparse.Namespace:
    say = argparse.ArgumentParser("app.py", description="Stir turns photographs into video, on this computer.")
    say.add_argument("--home", help="the folder everything is kept in (or STIR_HOME)")
    say.add_argument(
        "--cards", metavar="FOLDER", action="append", default=[], help="a folder with your own model cards too"
    )
    say.add_argument("--port", type=int, help="the page's port, 7860 unless told otherwise")
    say.add_argument(
        "--listen", action="store_true", help="let the network reach the page; needs --user and STIR_PASSWORD"
    )
    say.add_argument("--user", help="the name to sign in with (or STIR_USER)")
    say.add_argument(
        "--shared",
        action="store_true",
        help="let several people on the network in, each with a desk of their own; needs STIR_PASSWORD",
    )
    say.add_argument(
        "--mcp", action="store_true", help="serve the endpoints as tools of an MCP server too, at /gradio_api/mcp/"
    )
    say.add_argument(
        "--ray", metavar="auto|ADDRESS", help="have the workers of a Ray cluster make the clips (or STIR_RAY)"
    )
    say.add_argument("--open", action="store_true", help="open the page in the browser")
    return say.parse_args(argv)


def _open_studio(settings: Settings, in_browser: bool) -> int:
    from studio.studio import Studio
    from studio.ui.mcp_server import prepare_mcp
    from studio.ui.page import build, launch_options, refuse_taken_port

    studio = Studio(settings)
    studio.start()
    try:
        page = build(studio)
        with refuse_taken_port(settings):
            page.launch(inbrowser=in_browser, prevent_thread_lock=True, **launch_options(studio))
        sys.stdout.write(f"Stir is at http://127.0.0.1:{settings.port} · Ctrl+C stops it\n")
        prepare_mcp(page, settings)
        page.block_thread()
    finally:
        studio.close()
    return 0


def _open_house(settings: Settings) -> int:
    from studio.limits import limits, name_kind
    from studio.ui.page import build_for_visitors, launch_options_for_visitors, refuse_taken_port
    from studio.visitors.house import VisitorHouse

    house = VisitorHouse(settings, limits(name_kind(settings)))
    house.start()
    sys.stdout.write(f"Stir is at port {settings.port} of this computer, for all who share it · Ctrl+C stops it\n")
    try:
        with refuse_taken_port(settings):
            build_for_visitors(house).launch(**launch_options_for_visitors(house))
    finally:
        house.close()
    return 0


def choose_mcp(settings: Settings) -> None:
    """Let Gradio import the package mcp, or keep it from that: it takes a quarter of a second. Raises `Refusal` where
    it is asked for and not installed.
    """
    if not settings.mcp:
        sys.modules.setdefault("mcp", None)  # type: ignore[arg-type]  # which Python reads as: it can't be imported
    elif importlib.util.find_spec("mcp") is None:
        raise Refusal("--mcp needs the package mcp.", "Install it: pip install -r requirements-mcp.txt")


if __name__ == "__main__":
    status = main()
    end_in_time()
    sys.exit(status)
