"""Shared by all tests: the recorded data's folder, and no way out of this machine."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

SLOW = [HealthCheck.too_slow]  # how fast a case is made up says how busy the machine is
settings.register_profile("ci", deadline=None, derandomize=True, max_examples=40, suppress_health_check=SLOW)
settings.register_profile("deep", deadline=None, max_examples=1000, suppress_health_check=SLOW)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of recorded real payloads beside the repository; its tests are skipped without it."""
    folder = Path(os.environ.get("PMO_SYNC_DATA", DATA))
    if not (folder / "MANIFEST.csv").is_file():
        pytest.skip("the folder of recorded payloads is absent")
    return folder


@pytest.fixture(autouse=True, scope="session")
def _only_loopback() -> Any:
    """Refuse every connection that leaves this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            message = f"a test tried to reach {address}"
            raise RuntimeError(message)
        return connect(self, address)

    socket.socket.connect = guarded  # type: ignore[method-assign]
    yield
    socket.socket.connect = connect  # type: ignore[method-assign]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how many real-input and browser tests ran."""
    for kind, ran, skipped in _counted(terminalreporter):
        terminalreporter.write_line(f"{kind} tests: {ran} ran, {skipped} skipped")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """With the recorded payloads at hand a skipped real-input test is a failure, and so is a skipped browser test in CI."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or exitstatus != pytest.ExitCode.OK or hasattr(session.config, "workerinput"):
        return
    must_run = {"real": (DATA / "MANIFEST.csv").is_file(), "browser": os.environ.get("CI") == "true"}
    if any(skipped and must_run[kind] for kind, _, skipped in _counted(reporter)):
        reporter.write_line("a real-input or browser test was skipped although it could run")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _counted(reporter: Any) -> list[tuple[str, int, int]]:
    return [
        (
            kind,
            sum(kind in report.keywords for report in reporter.stats.get("passed", ()) if report.when == "call"),
            sum(kind in report.keywords for report in reporter.stats.get("skipped", ())),
        )
        for kind in ("real", "browser")
    ]
