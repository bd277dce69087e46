"""What goes wrong between us and a tracker, for every kind of tracker: the store ends as if nothing had, and where a
run could not get through, its certificate says so and the next run does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import pytest

from pmo_sync.certificate import SourceCertificate
from tests import proxy
from tests.e2e.test_life import DEEP
from tests.faults.pmo import CHAPTERS, Content, Pmo, always, between, once_each, stuck
from tests.paging import small_pages
from tests.proxy import Fault, Plan

DATED: Final = {"Retry-After": "Mon, 02 Mar 2026 09:00:07 GMT", "Date": "Mon, 02 Mar 2026 09:00:00 GMT"}
LOGIN: Final = b"<!DOCTYPE html><html><body><form action=/login>Please log in</form></body></html>"


class Undisturbed(NamedTuple):
    """What there is after each chapter when nothing goes wrong."""

    certificates: list[SourceCertificate]
    contents: list[Content]
    requests: list[int]


@cache
def undisturbed(dialect: str) -> Undisturbed:
    found = Undisturbed([], [], [])
    with TemporaryDirectory() as folder, Pmo(dialect, Path(folder)) as pmo:
        for chapter in CHAPTERS:
            chapter(pmo.life)
            found.certificates.append(pmo.pull())
            found.contents.append(pmo.content())
            found.requests.append(len(pmo.proxy.log))
    return found


@pytest.fixture
def pmo(dialect: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pmo]:
    small_pages(monkeypatch, dialect)
    undisturbed(dialect)
    with Pmo(dialect, tmp_path) as made:
        yield made


PASSING: Final[dict[str, Callable[[], Plan]]] = {
    "429 with seconds": lambda: once_each(proxy.status(429, {"Retry-After": "7"})),
    "429 with a date": lambda: once_each(proxy.status(429, DATED)),
    "500": lambda: once_each(proxy.status(500)),
    "502": lambda: once_each(proxy.status(502, {"Content-Type": "text/html"}, b"<html>Bad gateway</html>")),
    "503": lambda: once_each(proxy.status(503, {"Retry-After": "3"})),
    "504": lambda: once_each(proxy.status(504)),
    "reset": lambda: once_each(proxy.reset()),
    "reset after the answer": lambda: once_each(proxy.reset_after()),
    "reset within the answer": lambda: once_each(proxy.reset_within()),
    "shorter than announced": lambda: once_each(proxy.truncate()),
    "slow drip": lambda: always(proxy.drip(0.0005)),
}


@pytest.mark.parametrize("fault", list(PASSING))
def test_what_passes_leaves_no_trace(pmo: Pmo, dialect: str, fault: str) -> None:
    for number, chapter in enumerate(CHAPTERS):
        chapter(pmo.life)
        certificate = pmo.pull(PASSING[fault]())
        assert len(pmo.proxy.faults()) >= undisturbed(dialect).requests[number] > 10
        assert certificate == undisturbed(dialect).certificates[number]
        assert pmo.content() == undisturbed(dialect).contents[number]


def _tells(certificate: SourceCertificate) -> object:
    return certificate.error or (*certificate.problems, *certificate.notes, *certificate.skipped)


STAYING: Final[dict[str, Fault]] = {
    "503": proxy.status(503),
    "429 for an hour": proxy.status(429, {"Retry-After": "3600"}),
    "reset": proxy.reset(),
    "log-in page": proxy.status(200, {"Content-Type": "text/html"}, LOGIN),
    "cut JSON": proxy.cut(),
    "redirect to another host": proxy.status(302, {"Location": "http://127.0.0.1:9/login"}),
    "token expired": proxy.status(401),
}
MOMENTS: Final = (0.2, 0.5, 0.85)  # of a run's requests


@pytest.mark.parametrize("lasting", [None, 1], ids=["for good", "once"])
@pytest.mark.parametrize("turn", range(3) if DEEP else [1])  # each meets every moment, in another chapter
@pytest.mark.parametrize("fault", list(STAYING))
def test_what_ends_a_run_is_said_and_the_next_run_mends_it(
    pmo: Pmo, dialect: str, fault: str, turn: int, lasting: int | None
) -> None:
    for number, chapter in enumerate(CHAPTERS):
        chapter(pmo.life)
        start = 1 + int(undisturbed(dialect).requests[number] * MOMENTS[(number + turn) % 3])
        certificate = pmo.pull(between(STAYING[fault], start, lasting))
        assert pmo.proxy.faults()
        expected = undisturbed(dialect).contents[number]
        if certificate != undisturbed(dialect).certificates[number]:
            assert _tells(certificate), certificate
            pmo.pull()
        assert pmo.content() == expected


def test_a_page_that_comes_again_is_no_page(pmo: Pmo, dialect: str) -> None:
    for number, chapter in enumerate(CHAPTERS):
        chapter(pmo.life)
        certificate = pmo.pull(stuck())
        if certificate != undisturbed(dialect).certificates[number]:
            assert _tells(certificate), certificate
            pmo.pull()
        assert pmo.content() == undisturbed(dialect).contents[number]
