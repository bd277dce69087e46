"""Golden files: compared by default, written anew with ``pytest tests/reports --update-golden`` (then read the diff)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", default=False, help="Write the golden files of reports.")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """``golden(name, text)``: the text is what the file holds."""
    update = request.config.getoption("--update-golden", default=False)

    def check(name: str, text: str) -> None:
        file = GOLDEN / name
        if update:
            file.write_text(text, encoding="utf-8", newline="\n")
        assert text == file.read_text(encoding="utf-8"), (
            f"{name} differs; if it should: pytest tests/reports --update-golden"
        )

    return check
