"""Assessed readings -> documents -> the text of each place."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pmo_sync.assessed import Assessed
from reports.document import Document

if TYPE_CHECKING:
    from reports.wording import Words


def compose_all(assessed: Assessed, language: str, *, is_short: bool = False) -> list[Document]:
    """Every document of the period in ``language`` (``en`` or ``id``): the projects first, then the page that links
    to them, because a place may refuse a link to a page that is not there yet. For the same reason no project links to
    another: its page would change once more when the other one exists. ``is_short``: for a place whose pages may not
    grow with the portfolio.
    """
    from reports import index, portfolio, project
    from reports.wording import Words

    words = Words(language, assessed.zone, assessed.today)
    assessed = _discreet(assessed, words)
    projects = sorted(one.id for one in assessed.subjects.values() if one.kind == "project")
    above = index if assessed.profile == "repository" else portfolio
    page = above.compose(assessed, words, portfolio.MOST_PROJECTS if is_short else None)
    return [*(project.compose(assessed, one, words) for one in projects), page]


def _discreet(assessed: Assessed, words: Words) -> Assessed:
    """What is confidential is called so in the reader's language, wherever a page names it."""
    hidden = words.say("a confidential item")
    subjects = {
        id_: replace(one, name=hidden, url="") if one.is_confidential else one for id_, one in assessed.subjects.items()
    }
    return replace(assessed, subjects=subjects)
