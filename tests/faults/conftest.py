"""Every test here runs once for each kind of tracker."""

from __future__ import annotations

import pytest

from tests.e2e.test_life import DIALECTS


@pytest.fixture(params=list(DIALECTS))
def dialect(request: pytest.FixtureRequest) -> str:
    """Its name."""
    return str(request.param)
