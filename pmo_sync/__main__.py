"""``python -m pmo_sync``."""

from pmo_sync.cli import main

main()
