"""Times booked in a simulated company, for the harnesses of its trackers."""

from __future__ import annotations

from datetime import timedelta

from pmo_sync.demo.company import Booking, Company, Item, Tracker
from pmo_sync.model import Worklog

FIRST_ID = 880_000


def book_some(company: Company, items: list[Item]) -> None:
    """Three times on each of these issues, in their first days."""
    worker = company.workers[0].id
    for place, item in enumerate(items):
        for number in range(3):
            started_at = item.created_at + timedelta(hours=7 * number)
            id_ = FIRST_ID + 10 * place + number
            changed_at = min(started_at + timedelta(hours=2), company.now)
            item.bookings.append(Booking(id_, started_at, 1800 * (number + 1), worker, changed_at))


def rebook(company: Company, items: list[Item]) -> None:
    """An hour later something is booked, something corrected, and something taken back."""
    company.now += timedelta(hours=1)
    first, second, third, *_ = items
    worker = company.workers[0].id
    first.bookings.append(Booking(FIRST_ID + 999, company.now - timedelta(hours=9), 900, worker, company.now))
    second.bookings[0].seconds += 60
    second.bookings[0].changed_at = company.now
    third.bookings[0].removed_at = company.now


def worklogs(company: Company, source: str, tracker: Tracker, project: str) -> frozenset[Worklog]:
    """What is booked on the issues of a project now."""
    return frozenset(
        Worklog(f"{source}:{one.id}", source, f"{source}:{item.id}", one.started_at, one.seconds)
        for item in company.visible(tracker, project)
        for one in item.bookings
        if one.removed_at is None or one.removed_at > company.now
    )
