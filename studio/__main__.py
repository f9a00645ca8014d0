"""`python -m studio`: the studio from the command line."""

from __future__ import annotations

import sys

from studio.cli.main import main
from studio.stop_signals import handle_stop_signals

handle_stop_signals()
sys.exit(main())
