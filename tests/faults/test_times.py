"""Whatever clock and zone the tracker has, and whatever ours: the store is the same."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pmo_sync.certificate import SourceCertificate
from pmo_sync.demo.servers import jira_cloud, jira_dc
from tests import proxy
from tests.faults.pmo import CHAPTERS, Pmo, always
from tests.faults.test_faults import undisturbed
from tests.paging import small_pages
from tests.proxy import Headers

STAMP = re.compile(rb'(?<=")\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z(?=")')


@pytest.mark.parametrize("minutes", [-10, 10])
def test_our_clock_is_wrong(dialect: str, minutes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_pages(monkeypatch, dialect)
    expected = undisturbed(dialect)
    with Pmo(dialect, tmp_path, timedelta(minutes=minutes)) as pmo:
        for number, chapter in enumerate(CHAPTERS):
            chapter(pmo.life)
            certificate = pmo.pull()
            assert certificate.clock_skew_seconds == -60.0 * minutes
            assert _timeless(certificate) == _timeless(expected.certificates[number])
            assert pmo.content() == expected.contents[number]


def _timeless(certificate: SourceCertificate) -> SourceCertificate:
    """Without what our clock has said."""
    projects = tuple(replace(one, read_at=None, swept_at=None) for one in certificate.projects)
    return replace(certificate, pulled_at=None, clock_skew_seconds=None, projects=projects)


@pytest.mark.parametrize("zone", ["Asia/Jakarta", "America/Los_Angeles"])
def test_the_server_lives_elsewhere(dialect: str, zone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Jira's zone is that of our account, in answers and in questions. A GitLab writes its own into answers."""
    small_pages(monkeypatch, dialect)
    expected = undisturbed(dialect)
    monkeypatch.setattr(jira_cloud, "ZONE", zone)
    monkeypatch.setattr(jira_dc, "ZONE", zone)
    there = ZoneInfo(zone)

    def local(headers: Headers, data: bytes) -> tuple[Headers, bytes]:
        return headers, STAMP.sub(lambda found: _moved(found[0], there), data)

    plan = always(proxy.rewritten(local)) if dialect.startswith("gitlab") else None
    with Pmo(dialect, tmp_path) as pmo:
        for number, chapter in enumerate(CHAPTERS):
            chapter(pmo.life)
            assert pmo.pull(plan) == expected.certificates[number]
            assert pmo.content() == expected.contents[number]


def _moved(stamp: bytes, zone: ZoneInfo) -> bytes:
    moment = datetime.fromisoformat(stamp.decode()).replace(tzinfo=UTC)
    return moment.astimezone(zone).isoformat(timespec="milliseconds").encode()
