"""PNGs of the report pages of the sample portfolio, to be looked at: ``python -m tests.pages pages-out``."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

from playwright.sync_api import sync_playwright

from pmo_sync.config import Language
from reports import local
from tests.reports import sample

CHROMIUM = Path("/usr/bin/chromium")
WIDTHS = (1280, 1920)
_ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@contextmanager
def browser() -> Iterator[Any]:
    """Headless Chromium with a fresh profile."""
    with tempfile.TemporaryDirectory() as profile, sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=str(CHROMIUM), headless=True, args=list(_ARGUMENTS), offline=True
        )
        try:
            yield context
        finally:
            context.close()


def save(folder: Path, language: Language) -> list[Path]:
    """Every page of the sample in ``language``."""
    return list(local.write_all(sample.assessed(), language, folder / language))


def main(folder: Path) -> None:
    with browser() as context:
        page = context.new_page()
        for language in get_args(Language):
            made = {one.stem: one for one in save(folder, language)}
            for name in ("portfolio", "project--pay", "project--doc"):
                for width in WIDTHS:
                    page.set_viewport_size({"width": width, "height": 1000})
                    page.goto(made[name].resolve().as_uri())
                    target = folder / f"{name}-{language}-{width}.png"
                    page.screenshot(path=str(target), full_page=True)
                    print(target)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
