"""Whatever a tracker holds comes out as text, in every format."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports import compose_all, portfolio, project
from reports.document import Column, Document, Items, Link, Paragraph, Table, Text, printable
from reports.wording import Words
from reports.writers import gitlab_markdown, html, jira_markup, storage
from tests.reports import sample

LINKS = {"portfolio": "portfolio.html", "project/pay": "pay.html"}
ANY_TEXT = st.text(st.characters(), max_size=60) | st.sampled_from([one[:500] for one in sample.HOSTILE])


def _document(text: str) -> Document:
    """The text in every place a writer writes text."""
    link, plain, strong = Link(text, f"https://jira.example/{text}"), Text(text), Text(text, strong=True)
    table = Table(
        (Column(text), Column("x", "right")),
        (((link,), (plain, strong)), ((Text(""),), (Text(text, muted=True),))),
        text,
    )
    return Document("portfolio", text, "en", (Paragraph((plain,)), Items(((plain, link), (strong,))), table))


class _Page(HTMLParser):
    """Every element and attribute a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def _check_html(text: str) -> None:
    page = _Page()
    page.feed(text)
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "img", "iframe", "object", "embed", "form", "base", "ac:structured-macro"}
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "style"], (tag, attributes)
        where = attributes.get("href") or attributes.get("src") or ""
        assert where == "" or where.startswith(("https://jira.example/", "portfolio.html", "pay.html")), where
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\u202a-\u202e\u2066-\u2069\ufffe\uffff]", text)


ALLOWED_MACROS = {"status", "info", "warning", "details", "expand"}


def _check_storage(text: str) -> None:
    root = ET.fromstring(storage.ROOT.format(text))
    name = "{http://atlassian.com/content}name"
    macros = {one.get(name) for one in root.iter("{http://atlassian.com/content}structured-macro")}
    assert macros <= ALLOWED_MACROS
    assert not [one for one in root.iter() if one.tag in ("script", "img", "{http://atlassian.com/content}link")]
    for one in root.iter("a"):
        assert (one.get("href") or "").startswith(("https://jira.example/", "portfolio.html", "pay.html"))


def _check_markdown(text: str) -> None:
    bare = re.sub(r"\]\(<[^<>\s]*>\)", "]", text)  # addresses apart
    bare = re.sub(r"`[^`\n]*`", "", bare)
    for line in bare.split("\n"):
        assert not re.match(r"[\s>|*-]*/", line), line
    # a sign of a reference is escaped and has a joiner between it and what it would refer to
    assert not re.search(r"(?<!\\)[@~$%!](?=[\w\[])", bare.replace("&amp;", "")), bare
    assert not re.search(r"(?m)(?<!\\)#(?=\w)", bare)
    assert not re.search(r"[@#!%~$&](?=\w)", re.sub(r"&(amp|lt|gt|quot|#x27);", "", bare)), bare
    tags = set(re.findall(r"(?<!\\)<(/?\w+)", bare))
    assert tags <= {"details", "/details", "summary", "/summary"}, tags
    for where in re.findall(r"\]\(<([^>]*)>\)", text):
        assert where.startswith(("https://jira.example/", "portfolio.html", "pay.html")), where
    assert not re.search(r"(?<!\\)\]\((?!<)", text)


def _check_jira(text: str) -> None:
    assert len(text) < 30_000
    assert not re.search(r"(?<!\\)[{}]", text)
    assert "[~" not in text
    for where in re.findall(r"(?<!\\)\[(?:\\.|[^\]\\])*\]", text):
        assert re.fullmatch(
            r"\[(?:\\.|[^|\\])+\|(https://jira\.example/|portfolio\.html|pay\.html)[^\]|\s]*\]", where
        ), where
    assert not re.search(r"(?<!\\)!\w", text)
    assert "\\\\" not in text


@settings(max_examples=40)
@given(ANY_TEXT)
def test_any_text_is_harmless_in_each_format(text: str) -> None:
    document = _document(text)
    _check_html(html.write(document, LINKS).text)
    _check_storage(storage.write(document, LINKS).text)
    _check_markdown(gitlab_markdown.write(document, LINKS).text)
    _check_jira(jira_markup.write(document, LINKS).text)


@pytest.mark.parametrize("text", sample.HOSTILE, ids=range(len(sample.HOSTILE)))
def test_hostile_titles_are_harmless_on_whole_pages(text: str) -> None:
    assessed = sample.hostile(text)
    words = Words("en", assessed.zone, assessed.today)
    for document in (portfolio.compose(assessed, words), project.compose(assessed, "project:pay", words)):
        _check_html(html.write(document, LINKS).text)
        written = storage.write(document, LINKS)
        _check_storage(written.text)
        assert all(one.name in written.text for one in written.attachments)
        _check_markdown(gitlab_markdown.write(document, LINKS).text)
        _check_jira(jira_markup.write(document, LINKS).text)
        assert len(written.text) < 400_000


def test_a_link_that_is_not_a_web_address_is_text() -> None:
    bad = (
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.example/",
        "file:///etc/passwd",
        "http://[bad",
        "https:///x",
    )
    document = Document("p", "t", "en", (Paragraph(tuple(Link("text", url) for url in bad)),))
    assert "<a " not in html.write(document, {}).text
    assert "<a " not in storage.write(document, {}).text
    assert "](" not in gitlab_markdown.write(document, {}).text
    assert "[" not in jira_markup.write(document, {}).text


def test_a_link_to_a_gitlab_issue_leaves_no_note_on_it() -> None:
    link = Link("group/app#12", "https://gitlab.example/group/app/-/issues/12")
    text = gitlab_markdown.write(Document("p", "t", "en", (Paragraph((link,)),)), {}).text
    assert "`group/app#12`" in text
    assert "https://" not in text


def test_a_confidential_issue_counts_and_says_nothing() -> None:
    """It is one of four blocked items; neither its key, its title nor its address is anywhere."""
    for language in ("en", "id"):
        for document in compose_all(sample.assessed(), language):
            for write in (html.write, storage.write, gitlab_markdown.write, jira_markup.write):
                text = write(document, LINKS).text
                assert "Salary" not in text
                assert "777" not in re.sub(r"<svg.*?</svg>", "", text, flags=re.DOTALL)
    words = Words("en", "Asia/Jakarta")
    page = gitlab_markdown.write(project.compose(sample.assessed(), "project:pay", words), {}).text
    assert "Blocked: 4" in page
    assert "a confidential item" in page


def test_no_raw_id_reaches_a_reader() -> None:
    for document in compose_all(sample.assessed(), "en"):
        for write in (html.write, storage.write, gitlab_markdown.write, jira_markup.write):
            page = _Page()
            page.feed(re.sub(r"<style>.*?</style>", "", write(document, LINKS).text, flags=re.DOTALL))
            assert not re.search(r"(milestone|project|programme):\w", page.text), document.slot


@given(st.text(st.characters()))
def test_printable_is_one_visible_line(text: str) -> None:
    line = printable(text, 40)
    assert len(line) <= 40
    assert line == line.strip()
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", line)
    line.encode("utf-8")


def test_printable_keeps_what_people_write() -> None:
    for text in ("🚀 launch 👩‍👩‍👧", "مערכת التقارير", "می‌خواهم", "naïve “quoted” 100 %", "日本語"):
        assert printable(text) == text
