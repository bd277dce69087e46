"""The third-party simulator ``jira820`` with the real DURACLOUD history, as a subprocess on a free port.

Import the fixture where it is wanted: ``from tests.connectors.jira820 import jira820_url  # noqa: F401``. Each test
gets its own server, because the simulator writes changes into its state file. It asks for no token.
"""

from __future__ import annotations

import gzip
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PROJECT = "DURACLOUD"
ISSUES, DONE, VERSIONS, HISTORIES = 739, 554, 35, 4826


@contextmanager
def running(data_dir: Path, folder: Path) -> Iterator[str]:
    """The address of a simulator whose state lives in ``folder``."""
    seed = data_dir / "jira820-seed"
    state = folder / "state.json"
    with gzip.open(seed / "DURACLOUD.state.json.gz") as packed, state.open("wb") as unpacked:
        shutil.copyfileobj(packed, unpacked)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environ = {
        **os.environ,
        "JIRA820_CONFIG": str(seed / "DURACLOUD.config.yaml"),
        "JIRA820_PERSIST": str(state),
        "JIRA820_PORT": str(port),
    }
    with (folder / "jira820.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "jira820"], env=environ, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(f"{url}/rest/api/2/serverInfo", process)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        assert process.poll() is None, "jira820 ended at once; see jira820.log"
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    pytest.fail("jira820 does not answer")


@pytest.fixture
def jira820_url(data_dir: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a fresh simulator."""
    with running(data_dir, tmp_path) as url:
        yield url
