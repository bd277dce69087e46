"""The HTML pages as a browser shows them: nothing runs over, nothing lies on another, the first screen holds the seven blocks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from reports import local
from reports.writers import html
from tests import pages
from tests.reports import sample

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not pages.CHROMIUM.is_file(), reason="Chromium is absent"),
]

# Boxes of all visible text, those of charts included.
TEXTS = """() => {
  const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!node.textContent.trim() || !node.parentElement.checkVisibility({checkOpacity: true})) continue;
    if (node.parentElement.closest('details:not([open]) > :not(summary)')) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects())
      if (box.width > 1 && box.height > 1)
        found.push({text: node.textContent.trim().slice(0, 40), left: box.left, right: box.right,
                    top: box.top + window.scrollY, bottom: box.bottom + window.scrollY});
  }
  return found;
}"""
OVERLAPS = """texts => {
  const found = [];
  for (let i = 0; i < texts.length; i++)
    for (let j = i + 1; j < texts.length; j++) {
      const a = texts[i], b = texts[j];
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (wide > 2 && high > 4) found.push([a.text, b.text, wide, high]);
    }
  return found;
}"""
CLIPPED = """() => [...document.querySelectorAll('main *')]
  .filter(one => !one.closest('svg') && one.checkVisibility() && !one.closest('details:not([open]) > :not(summary)'))
  .filter(one => getComputedStyle(one).display !== 'inline' && one.scrollWidth > one.clientWidth + 1)
  .map(one => one.tagName + ': ' + one.textContent.trim().slice(0, 60))"""


@pytest.fixture(scope="module")
def context() -> Any:
    with pages.browser() as one:
        yield one


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("pages")
    for language in ("en", "id"):
        pages.save(target, language)
    return target


def _open(context: Any, file: Path, width: int, height: int = 1000) -> Any:
    page = context.new_page()
    page.set_viewport_size({"width": width, "height": height})
    page.goto(file.resolve().as_uri())
    return page


NAMES = ("portfolio", "project--pay", "project--doc", "project--core")


@pytest.mark.parametrize("width", pages.WIDTHS)
@pytest.mark.parametrize("language", ["en", "id"])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_clipped_and_nothing_overlaps(context, folder, name, language, width) -> None:
    page = _open(context, folder / language / f"{name}.html", width)
    texts = page.evaluate(TEXTS)
    assert len(texts) > 60
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert [one for one in texts if one["left"] < 0 or one["right"] > width] == []
    assert page.evaluate(CLIPPED) == []
    assert page.evaluate(OVERLAPS, texts) == []
    page.close()


@pytest.mark.parametrize("width", pages.WIDTHS)
@pytest.mark.parametrize("language", ["en", "id"])
def test_the_first_screen_holds_the_seven_blocks_in_their_order(context, folder, language, width) -> None:
    page = _open(context, folder / language / "portfolio.html", width)
    boxes = page.evaluate(
        "() => [...document.querySelectorAll('header, .figures, h2')].map(one => {"
        " const box = (one.closest('section:not(.lead)') || one).getBoundingClientRect();"
        " return {text: one.textContent.trim(), top: box.top, left: box.left, bottom: box.bottom, lead: !one.matches('h2')}})"
    )
    head = [one for one in boxes if one["lead"]]
    blocks = [one for one in boxes if not one["lead"]]
    assert len(head) == 2
    seven, rest = blocks[:6], blocks[6:]  # with the counts on top
    assert max(one["bottom"] for one in (*head, *seven)) <= 1000
    assert [one["text"] for one in rest] == ["All projects" if language == "en" else "Semua proyek"]
    assert seven == sorted(seven, key=lambda one: (one["top"], one["left"]))
    words = {"en": ("Changed", "Next", "Decide", "Waiting", "Capacity", "Can this"),
             "id": ("Perubahan", "6 minggu", "Putuskan", "Menunggu", "Kapasitas", "Dapatkah")}[language]  # fmt: skip
    assert all(one["text"].startswith(word) for one, word in zip(seven, words, strict=True))
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES[:2])
def test_axe_finds_no_serious_violation(context, folder, name, scheme) -> None:
    page = _open(context, folder / "en" / f"{name}.html", 1280)
    page.emulate_media(color_scheme=scheme)
    page.evaluate("() => document.querySelectorAll('details').forEach(one => one.open = true)")
    found = Axe().run(page).response["violations"]
    worst = [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")]
    assert worst == []
    page.close()


def test_hostile_titles_run_nothing_and_break_nothing(context, tmp_path) -> None:
    from reports import compose_all

    said: list[str] = []
    for number, text in enumerate(sample.HOSTILE):
        documents = compose_all(sample.hostile(text), "en")
        document = next(one for one in documents if one.slot == "portfolio")
        file = tmp_path / f"{number}.html"
        file.write_text(html.write(document, local.links(documents)).text, encoding="utf-8")
        page = context.new_page()
        page.set_viewport_size({"width": 1280, "height": 1000})
        page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: None if request.url.startswith("file:") else said.append(request.url))
        page.goto(file.as_uri())
        assert said == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 1280, text[:40]
        assert page.evaluate("document.querySelectorAll('script, img, iframe').length") == 0
        page.close()


def test_the_policy_lets_nothing_in(context, folder) -> None:
    """The page's own style applies, a foreign script and a foreign style do not."""
    page = _open(context, folder / "en" / "portfolio.html", 1280)
    assert page.evaluate("getComputedStyle(document.querySelector('.figures')).display") == "grid"
    ran = page.evaluate(
        "() => { const one = document.createElement('script'); one.textContent = 'window.ran = 1';"
        " document.body.append(one); return window.ran === 1 }"
    )
    assert ran is False
    page.close()


def test_a_narrow_screen_scrolls_only_downwards(context, folder) -> None:
    page = _open(context, folder / "en" / "portfolio.html", 420)
    assert page.evaluate("document.documentElement.scrollWidth") <= 420
    page.close()
