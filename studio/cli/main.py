"""Runs the command that was typed, and turns what came of it into an exit status and one line on stderr.

Exit codes: 0 done, 1 failed, 2 refused (one line on stderr that names the remedy), 130 stopped with Ctrl+C. What
can be typed is in arguments.py, what is done about it in the other modules.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from studio.cli import (
    advice_commands,
    animate_commands,
    arguments,
    batch_command,
    compare_command,
    export_command,
    finish_command,
    hosted_command,
    hosted_demo_command,
    library_commands,
    model_commands,
    reel_command,
    score_command,
    worker_command,
)
from studio.cli.report import Failure, complain
from studio.nouns import Refusal
from studio.system_errors import explain_system_error

DONE, FAILED, REFUSED, STOPPED = 0, 1, 2, 130

COMMANDS = {
    "animate": animate_commands.animate,
    "again": animate_commands.again,
    "finish": finish_command.finish,
    "reel": reel_command.reel,
    "compare": compare_command.compare,
    "batch": batch_command.batch,
    "look": advice_commands.look,
    "check": advice_commands.check,
    "read": advice_commands.read,
    "compose": advice_commands.compose,
    "recommend": advice_commands.recommend,
    "motions": advice_commands.motions,
    "score": score_command.score,
    "models": model_commands.models,
    "hosted": hosted_command.hosted,
    "export": export_command.export,
    "recipe": library_commands.recipe,
    "machine": library_commands.machine,
    "library": library_commands.library,
    "backup": library_commands.backup,
    "worker": worker_command.worker,
    "hosted-demo": hosted_demo_command.hosted_demo,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the arguments ask (those of the process when None) and return the exit code."""
    typed = list(sys.argv[1:] if argv is None else argv)
    try:
        flags = arguments.build_parser().parse_args(typed or ["--help"])
        COMMANDS[flags.command](flags)
        sys.stdout.flush()
    except SystemExit:  # argparse, after --help
        return DONE
    except Refusal as refusal:
        complain(f"{refusal} (--open-damaged)" if refusal.offer == "open_damaged" else str(refusal))
        return REFUSED
    except Failure as failure:
        complain(str(failure))
        return FAILED
    except KeyboardInterrupt:
        complain("Stopped.")
        return STOPPED
    except BrokenPipeError:  # what we were printing to, `head` perhaps, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:
        known = explain_system_error(error)
        unforeseen = f"Something went wrong inside Stir ({type(error).__name__}). Try again, or with other settings."
        complain(str(known or unforeseen))
        return FAILED
    return DONE
