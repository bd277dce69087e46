"""``python -m tests.e2e.drive NOW ARGUMENTS``: the command line at another moment, in a process that can be killed."""

import os
import sys
from datetime import datetime

from pmo_sync.cli import run_in_process
from pmo_sync.clock import FixedClock

if __name__ == "__main__":
    sys.exit(run_in_process(sys.argv[2:], FixedClock(datetime.fromisoformat(sys.argv[1])), dict(os.environ)))
