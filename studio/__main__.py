"""`python -m studio`: the studio from the command line."""

from __future__ import annotations

import sys

from studio.cli.main import main
from studio.stop_signals import end_in_time, handle_stop_signals

handle_stop_signals()
status = main()
end_in_time()
sys.exit(status)
