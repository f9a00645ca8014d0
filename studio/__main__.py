"""`python -m studio`: the studio from the command line."""

from __future__ import annotations

import signal
import sys

from studio.cli.main import main

signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever is told to end stops as with Ctrl+C
sys.exit(main())
