"""The text of each format, as a reader of the diff sees it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import get_args
from xml.dom import minidom

import pytest

from reports import compose_all
from reports.document import Block, Document
from reports.notice import notice
from reports.writers import gitlab_markdown, html, jira_markup, storage
from tests.reports import sample

LINKS = {"portfolio": "https://wiki.example/portfolio", "project/pay": "https://wiki.example/pay"}
SLOTS = ("portfolio", "project/pay", "project/doc")


@pytest.fixture(scope="module")
def documents() -> dict[tuple[str, str], Document]:
    return {(language, one.slot): one for language in ("en", "id") for one in compose_all(sample.assessed(), language)}


def _name(slot: str, language: str, suffix: str) -> str:
    return f"{slot.replace('/', '-')}.{language}.{suffix}"


@pytest.mark.parametrize("slot", SLOTS)
@pytest.mark.parametrize("language", ["en", "id"])
def test_gitlab_markdown(documents, golden: Callable[[str, str], None], slot, language) -> None:
    golden(_name(slot, language, "md"), gitlab_markdown.write(documents[language, slot], LINKS).text)


@pytest.mark.parametrize("slot", SLOTS)
def test_jira_markup(documents, golden: Callable[[str, str], None], slot) -> None:
    golden(_name(slot, "en", "jira"), jira_markup.write(documents["en", slot], LINKS).text)


@pytest.mark.parametrize("slot", SLOTS)
def test_storage(documents, golden: Callable[[str, str], None], slot) -> None:
    text = storage.write(documents["en", slot], LINKS).text
    golden(_name(slot, "en", "storage.xml"), minidom.parseString(storage.ROOT.format(text)).toprettyxml(indent=" "))


@pytest.mark.parametrize("slot", SLOTS)
def test_html(documents, golden: Callable[[str, str], None], slot) -> None:
    text = html.write(documents["en", slot], LINKS).text
    text = re.sub(r"(<svg[^>]*>).*?</svg>", r"\1</svg>", text, flags=re.DOTALL)  # the renderer's own figures
    golden(_name(slot, "en", "html"), re.sub(r"<style>.*?</style>", "<style></style>", text, flags=re.DOTALL))


@pytest.mark.parametrize("writer", [gitlab_markdown, jira_markup, storage])
@pytest.mark.parametrize("block", get_args(Block))
def test_every_kind_of_block_is_written(writer, block: type) -> None:
    assert callable(writer._Writer({}).method(object.__new__(block)))


NOTICES = {
    "red": ("project/pay", sample.assessed),
    "green": ("project/crm", sample.assessed),
    "grey": ("project/doc", sample.assessed),
    "portfolio": ("portfolio", sample.assessed),
    "hostile": ("project/pay", lambda: sample.hostile("@all /close [~admin] *b* {code} | ![x](http://e.example) <b>")),
}


@pytest.mark.parametrize("language", ["en", "id"])
@pytest.mark.parametrize("name", NOTICES)
def test_notices(golden: Callable[[str, str], None], name: str, language: str) -> None:
    """All that goes into trackers: a sentence and a link."""
    slot, make = NOTICES[name]
    page = next(one for one in compose_all(make(), language) if one.slot == slot)
    short = notice(page, LINKS.get(slot, ""))
    golden(f"notice-{name}.{language}.md", gitlab_markdown.write(short, {}).text)
    golden(f"notice-{name}.{language}.jira", jira_markup.write(short, {}).text)


@pytest.mark.parametrize("language", ["en", "id"])
@pytest.mark.parametrize(
    ("profile", "slot"), [("repository", "portfolio"), ("coach", "portfolio"), ("coach", "project/crm")]
)
def test_other_profiles(golden: Callable[[str, str], None], profile: str, slot: str, language: str) -> None:
    """A library compares nobody; a coach shows practice, and each project where it stands."""
    page = next(one for one in compose_all(sample.of_profile(profile), language) if one.slot == slot)
    golden(_name(f"{slot}-{profile}", language, "md"), gitlab_markdown.write(page, LINKS).text)


@pytest.mark.parametrize("language", ["en", "id"])
@pytest.mark.parametrize("slot", ["portfolio", "project/crm"])
def test_a_daily_report(golden: Callable[[str, str], None], slot: str, language: str) -> None:
    """It is about a day and counts in days."""
    page = next(one for one in compose_all(sample.daily(), language) if one.slot == slot)
    golden(_name(f"{slot}-daily", language, "md"), gitlab_markdown.write(page, LINKS).text)


def test_the_same_input_gives_the_same_bytes() -> None:
    """Publishing compares digests: nothing of the moment may enter."""
    one, two = ([html.write(page, LINKS).text for page in compose_all(sample.assessed(), "id")] for _ in range(2))
    assert one == two
