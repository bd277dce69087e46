"""Both languages say everything, in the forms of their locale."""

from __future__ import annotations

import ast
import re
import string
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from pmo_sync.assessed import Change, Reason
from reports.sentences import CHANGES, FIXES, REASONS
from reports.wording import CODES, Words
from tests.reports.msgids import REPORTS, used

ROOT = REPORTS.parent
PARAMS = {
    "p": 0.31, "due_on": date(2026, 12, 15), "required": 14.02, "actual": 7.8, "best": 12, "remaining": 3, "days": 9,
    "percent": 22, "count": 2, "items": 23, "reported": "green", "now": "amber", "before": "red", "name": "Go-live",
    "rag": "red", "total": 7, "red": 2, "amber": 3, "have": 7, "need": 25, "weeks": 30, "of": 12, "most": 4,
    "per_week": 2.5, "pace": 4.0, "ahead": 4, "share": 0.34,
    "ratio": 2.6, "keys": "PAY-1, CORE-2", "source": "bank-jira", "p50_on": date(2027, 1, 3), "on": date(2026, 11, 20), "reasons": (),
    "until": date(2027, 3, 24),
}  # fmt: skip

STATES = {"projects_by_status": {"red": 2, "amber": 3}}


def _catalogue(language: str):
    with (REPORTS / "locale" / language / "LC_MESSAGES" / "pmo_sync.po").open("rb") as file:
        return read_po(file, locale=language)


def test_everything_is_translated_and_nothing_is_left_over() -> None:
    there = {one.id: one.string for one in _catalogue("id") if one.id}
    wanted = used()
    assert len(wanted) > 150
    assert set(there) == wanted
    assert all(all(text) if isinstance(text, tuple) else text for text in there.values())


def test_english_is_the_message_itself() -> None:
    assert not [one for one in _catalogue("en") if one.id]


def test_a_translation_has_the_fields_of_its_message() -> None:
    for one in _catalogue("id"):
        many = one.id[-1] if isinstance(one.id, tuple) else one.id
        texts = one.string if isinstance(one.string, tuple) else (one.string,)
        if many:
            for text in texts:
                assert _fields(text) == _fields(many), text


def _fields(text: str) -> set[tuple[str | None, str | None]]:
    return {(name, kind) for _, name, kind, _ in string.Formatter().parse(text) if name}


def test_no_literal_escapes_translation() -> None:
    """Every call of say and count has literal texts, or comes from a table of marked ones."""
    for file in sorted(REPORTS.rglob("*.py")):
        if file.name == "wording.py":
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "say":
                assert isinstance(node.args[0], ast.Constant), f"{file.name}:{node.lineno}"


def _codes_in(file: Path) -> set[str]:
    """Codes given to Reason and Change, and those a function chooses as ``code``."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Reason", "Change"):
            place = 0 if node.func.id == "Reason" else 1
            found |= {one.value for one in ast.walk(node.args[place]) if isinstance(one, ast.Constant)}
        elif isinstance(node, ast.Assign) and any(getattr(one, "id", "") == "code" for one in node.targets):
            found |= {
                one.value for one in ast.walk(node.value) if isinstance(one, ast.Constant) and one.value != "grey"
            }
    return {one for one in found if isinstance(one, str)}


def test_every_code_of_policy_and_forecast_has_a_wording() -> None:
    files = [ROOT / "pmo_sync" / "policy.py", *sorted((ROOT / "pmo_sync" / "forecast").glob("*.py"))]
    found = {code for file in files for code in _codes_in(file)}
    assert {"p_hit_low", "rag_worse", "forecast_later"} <= found
    assert found <= CODES, found - CODES


def test_every_parameter_of_a_sentence_is_given_where_the_code_is_made() -> None:
    """Where the parameters are written out beside their code, none is missing."""
    checked = 0
    for file in (ROOT / "pmo_sync" / "policy.py", *sorted((ROOT / "pmo_sync" / "forecast").glob("*.py"))):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or getattr(node.func, "id", "") not in ("Reason", "Change"):
                continue
            table, place = (REASONS, 0) if node.func.id == "Reason" else (CHANGES, 1)
            code = getattr(node.args[place], "value", None)
            given = node.args[place + 1] if len(node.args) > place + 1 else None
            if code in table and isinstance(given, ast.Dict):
                sentence = table[code] if isinstance(table[code], str) else table[code][1]
                keys = {getattr(key, "value", None) for key in given.keys}
                assert {name for name, _ in _fields(sentence)} <= keys, (file.name, code, keys)
                checked += 1
    assert checked > 15


@pytest.mark.parametrize("language", ["en", "id"])
def test_every_sentence_is_filled(language: str) -> None:
    words = Words(language, "Asia/Jakarta")
    texts = [words.reason(Reason(code, {**PARAMS, **STATES.get(code, {})})) for code in REASONS]
    for code in (*CHANGES, "due_moved"):
        moved = {"before": 0.7, "now": 0.3} if code == "p_hit_moved" else {}
        texts.append(words.change(Change("x", code, {**PARAMS, **moved}, 1.0)))
    for text in texts:
        assert text
        assert not re.search(r"[{}–]|None", text), text  # noqa: RUF001 - the dash of a field that was not given
    assert all(words.fix(Reason(code)) for code in FIXES)


def test_the_fields_of_a_sentence_that_counts_are_counted() -> None:
    for table in (REASONS, CHANGES):
        for sentence in table.values():
            if not isinstance(sentence, str):
                one, many, field = sentence
                assert field in {name for name, _ in _fields(many)}, (one, field)


def test_an_unknown_code_is_still_readable() -> None:
    words = Words("en", "UTC")
    text = words.reason(Reason("moon_is_full", {"days": 3, "secret": {"a": 1}, "name": "<b>\n/close"}))
    assert text == "moon is full, days 3, name <b> /close"


def test_a_field_nobody_gave_is_a_dash() -> None:
    assert Words("en", "UTC").reason(Reason("p_hit_low", {"p": 0.4})) == "40% chance to make –"  # noqa: RUF001


def test_braces_of_a_tracker_are_only_braces() -> None:
    text = Words("en", "UTC").reason(Reason("milestone", {"name": "{0.__class__} {days}", "rag": "red"}))
    assert text == "{0.__class__} {days}: off track"


def test_numbers_and_days_are_the_locales() -> None:
    english, indonesian = Words("en", "Europe/Berlin"), Words("id", "Asia/Jakarta")
    assert (english.number(1234.56, 1), indonesian.number(1234.56, 1)) == ("1,234.6", "1.234,6")
    assert (english.signed(-3), indonesian.signed(2), english.signed(0)) == ("−3", "+2", "±0")  # noqa: RUF001
    assert english.day(date(2026, 10, 5)) == "5 Oct 2026"
    assert indonesian.day(date(2026, 10, 5)) == "5 Okt 2026"
    assert english.moment(datetime(2026, 11, 22, 17, tzinfo=UTC)) == "Sun 22 Nov 2026, 18:00 CET"
    assert indonesian.moment(datetime(2026, 11, 22, 17)) == "Sen 23 Nov 2026, 00:00 WIB"  # noqa: DTZ001 - naive is UTC
    assert Words("en", "America/Sao_Paulo").moment(datetime(2026, 1, 1, tzinfo=UTC)).endswith("21:00 UTC-03")


def test_a_far_date_is_no_sharper_than_its_forecast() -> None:
    today = date(2026, 11, 22)
    words = Words("en", "UTC", today)
    said = [
        words.finish(one, today)
        for one in (date(2026, 12, 3), date(2027, 2, 21), date(2027, 2, 22), date(2027, 8, 1), None)
    ]
    assert said == ["3 Dec", "21 Feb 2027", "Feb 2027", "Q3 2027", "–"]  # noqa: RUF001


def test_a_forecast_in_the_news_is_as_blunt_as_in_the_table() -> None:
    words = Words("en", "UTC", date(2026, 11, 22))
    change = Change("x", "forecast_later", {"days": 9, "p50_on": date(2027, 3, 29)}, 1)
    assert words.change(change) == "likely finish 9 days later, Mar 2027"


def test_a_share_is_rounded_down() -> None:
    """What has not reached a threshold does not look as if it had; what has it does not look as if it had not."""
    words = Words("en", "UTC")
    shares = (0.996, 0.796, 0.8, 0.29, 0.57, 1.0, 0.0)
    assert [words.percent(one) for one in shares] == ["99%", "79%", "80%", "29%", "57%", "100%", "0%"]


def test_one_and_many() -> None:
    english, indonesian = Words("en", "UTC"), Words("id", "UTC")
    one, many = Reason("slip", {"days": 1, "percent": 2}), Reason("slip", {"days": 4, "percent": 2})
    assert english.reason(one).startswith("1 day later")
    assert english.reason(many).startswith("4 days later")
    assert indonesian.reason(many) == "mundur 4 hari dari garis dasar (+2%)"


def test_a_moved_due_date_says_in_which_direction() -> None:
    words = Words("en", "UTC")
    params = {"due_on": date(2026, 12, 1)}
    assert "3 days earlier" in words.change(Change("x", "due_moved", {"days": -3, **params}, 1))
    assert "3 days later" in words.change(Change("x", "due_moved", {"days": 3, **params}, 1))


@pytest.mark.parametrize(
    ("days", "english", "indonesian"),
    [
        ((0, 1, 2, 3, 4), "Monday to Friday", "Senin sampai Jumat"),
        ((0, 1, 2, 3, 6), "Sunday to Thursday", "Minggu sampai Kamis"),
        ((0, 1, 2, 3, 4, 5), "Monday to Saturday", "Senin sampai Sabtu"),
        ((0, 1, 3, 4), "Monday, Tuesday, Thursday, Friday", "Senin, Selasa, Kamis, Jumat"),
        ((2,), "Wednesday", "Rabu"),
        ((0, 1, 2, 3, 4, 5, 6), "every day", "setiap hari"),
    ],
)
def test_the_days_of_a_week(days: tuple[int, ...], english: str, indonesian: str) -> None:
    assert [Words(language, "UTC").weekdays(days) for language in ("en", "id")] == [english, indonesian]
