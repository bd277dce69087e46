"""Codes, numbers and moments in the reader's words: gettext catalogues, Babel's locales, the PMO's time zone."""

from __future__ import annotations

import gettext
import io
import math
import string
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from babel import Locale, dates, numbers
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from pmo_sync.assessed import Change, Part, Rag, Reason
from reports.document import printable
from reports.sentences import CAUSES, CHANGES, DOUBTS, FIXES, REASONS, RULES, VARIANTS, Sentence, mark

CODES: Final = frozenset({*REASONS, *CHANGES, "better_once", "due_moved"})
DOMAIN: Final = "pmo_sync"
_LOCALES: Final = {"en": "en_GB", "id": "id_ID"}  # day before month, 24 hours: what both readers expect
RAG_WORDS: Final[Mapping[Rag, str]] = {
    "green": mark("on track"),
    "amber": mark("at risk"),
    "red": mark("off track"),
    "grey": mark("not enough data"),
}
NOTHING: Final = "–"  # noqa: RUF001 - a dash as wide as a digit


def sharpness(day: date, today: date) -> Literal["day", "month", "quarter"]:
    """How sharp a forecast of that distance is: a day within 13 weeks, a month within 26, then a quarter."""
    if day <= today + timedelta(weeks=13):
        return "day"
    return "month" if day <= today + timedelta(weeks=26) else "quarter"


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    """The catalogue of ``language``, read from its .po once: the package ships no compiled files."""
    text = files("reports").joinpath("locale", language, "LC_MESSAGES", f"{DOMAIN}.po").read_bytes()
    compiled = io.BytesIO()
    write_mo(compiled, read_po(io.BytesIO(text), locale=language, domain=DOMAIN))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


class Words:
    """One reader's language (``en`` or ``id``), time zone (``Asia/Jakarta``) and, to leave out this year, today."""

    def __init__(self, language: str, zone: str, today: date | None = None) -> None:
        self.language = language
        self.today = today
        self.zone = ZoneInfo(zone)
        self.locale = Locale.parse(_LOCALES[language])
        self._texts = _catalogue(language)
        self._fill = _Filler(self)

    def say(self, message: str, /, **params: Any) -> str:
        """``message`` translated, its fields filled in by `value`. ``message`` is an English literal."""
        return self._fill.vformat(self._texts.gettext(message) if message else "", (), params)

    def count(self, one: str, many: str, number: int, /, **params: Any) -> str:
        """The sentence for ``number`` things, in the plural form of the language."""
        return self._fill.vformat(self._texts.ngettext(one, many, number), (), params)

    def reason(self, reason: Reason) -> str:
        """Why, as part of a sentence. An unknown code is shown as its own words."""
        code = reason.code
        if code == "better_once":
            code = f"better_once_{reason.params.get('period', 'week')}"
        return self._sentence(REASONS, code, reason.params)

    def reasons(self, reasons: Sequence[Reason]) -> str:
        """Several reasons as one line."""
        return "; ".join(self.reason(one) for one in reasons)

    def fix(self, reason: Reason) -> str:
        """What would lift a grey status; empty where nobody can do anything."""
        return self.say(FIXES.get(reason.code, ""))

    def change(self, change: Change) -> str:
        """What is new, without its subject."""
        code, params = change.code, dict(change.params)
        if code == "due_moved":
            code = "due_moved_later" if params.get("days", 0) > 0 else "due_moved_earlier"
        if isinstance(params.get("days"), int):
            params["days"] = abs(params["days"])  # the sentence says in which direction
        text = self._sentence(CHANGES, code, params)
        why = [one for one in params.get("reasons", ()) if code == "rag_worse"]
        return f"{text} ({self.reason(why[0])})" if why else text

    def doubt(self, what: str, items: int) -> str:
        """What can hardly be as the tracker says, and of how many items."""
        return self._sentence(DOUBTS, what, {"items": items})

    def rule(self, code: str) -> str:
        """The name of a warning."""
        return self.say(RULES[code])

    def variant(self, code: str) -> str:
        """How a variant of the forecast makes its dates."""
        return self.say(VARIANTS[code])

    def cause(self, part: Part, points: bool) -> str:
        """What one cause makes of a forecast's change: in days, or in percentage points of its chance."""
        return f"{self._move(part, points)}: {self.why(part)}"

    def main_cause(self, part: Part, points: bool) -> str:
        """The same, to stand behind the change in one sentence with it."""
        return self.say("main cause: {why} ({move})", why=self.why(part), move=self._move(part, points))

    def why(self, part: Part) -> str:
        """The cause alone."""
        return self._sentence(CAUSES, part.cause, {"count": part.items})

    def _move(self, part: Part, points: bool) -> str:
        number = (part.p_hit_points if points else part.p50_days) or 0
        if points:
            return self.count("{points:signed} point", "{points:signed} points", abs(number), points=number)
        return self.count("{days:signed} day", "{days:signed} days", abs(number), days=number)

    def _sentence(self, table: Mapping[str, Sentence], code: str, params: Mapping[str, Any]) -> str:
        sentence = table.get(code)
        if sentence is None:
            known = [
                f"{name} {self.value(one)}" for name, one in params.items() if isinstance(one, (str, int, float, date))
            ]
            return ", ".join([printable(code.replace("_", " ")), *known])
        if isinstance(sentence, str):
            return self.say(sentence, **params)
        one, many, field = sentence
        number = params.get(field)
        return self.count(one, many, round(number) if isinstance(number, (int, float)) else 0, **params)

    def value(self, value: Any, kind: str = "") -> str:
        """A field of a sentence: by ``kind`` where given, else by its type. None is a dash, text one visible line."""
        if value is None:
            return NOTHING
        if kind == "rag":
            return self.rag(value)
        if kind == "percent":
            return self.percent(value)
        if kind == "share":
            return self.percent(value / 100)
        if kind == "signed":
            return self.signed(value)
        if kind == "finish":
            return self.finish(value, self.today or value)
        if isinstance(value, datetime):
            return self.moment(value)
        if isinstance(value, date):
            return self.near(value)
        if isinstance(value, (int, float)):
            return self.number(value, 1 if kind == "pace" else 0)
        return printable(str(value))

    def rag(self, rag: Rag) -> str:
        """The word for a status, in lower case."""
        return self.say(RAG_WORDS[rag])

    def label(self, rag: Rag) -> str:
        """The word for a status where it stands alone."""
        word = self.rag(rag)
        return word[:1].upper() + word[1:]

    def number(self, value: float, places: int = 0) -> str:
        """A number with at most ``places`` decimals."""
        pattern = "#,##0." + "#" * places if places else "#,##0"
        return numbers.format_decimal(round(value, places), pattern, locale=self.locale)

    def signed(self, value: float) -> str:
        """A difference: +4, -2 (with a minus as wide as the plus), ±0."""
        sign = "+" if value > 0 else "−" if value < 0 else "±"  # noqa: RUF001 - a minus as wide as the plus
        return sign + self.number(abs(value))

    def percent(self, value: float) -> str:
        """A share (0 to 1) in whole percent, rounded down: 99.6 % is not all, and 79.6 % has not reached 80 %."""
        whole = math.floor(100 * value + 1e-6)  # 0.29 * 100 is a little less than 29
        return numbers.format_percent(whole / 100, "#,##0%", locale=self.locale)

    def day(self, day: date) -> str:
        """23 Nov 2026."""
        return dates.format_date(day, "d MMM y", locale=self.locale)

    def short_day(self, day: date) -> str:
        """23 Nov."""
        return dates.format_date(day, "d MMM", locale=self.locale)

    def near(self, day: date) -> str:
        """23 Nov this year, 23 Nov 2027 in another."""
        return self.short_day(day) if self.today is not None and day.year == self.today.year else self.day(day)

    def weekday(self, day: date) -> str:
        """Mon 23 Nov 2026."""
        return dates.format_date(day, "EEE d MMM y", locale=self.locale)

    def weekdays(self, some: Sequence[int]) -> str:
        """Monday to Friday; Sunday to Thursday; Monday, Tuesday, Thursday. Monday is 0."""
        names = self.locale.days["stand-alone"]["wide"]
        if len(some) == 7:
            return self.say("every day")
        starts = [one for one in some if (one - 1) % 7 not in some]
        if len(starts) > 1 or len(some) < 3:
            return ", ".join(names[one] for one in some)
        return self.say("{first} to {last}", first=names[starts[0]], last=names[(starts[0] + len(some) - 1) % 7])

    def moment(self, moment: datetime) -> str:
        """Mon 23 Nov 2026, 06:00 WIB: in the PMO's zone. A moment without a zone is UTC."""
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        local = aware.astimezone(self.zone)
        zone = local.strftime("%Z")
        return f"{self.weekday(local.date())}, {local:%H:%M} {zone if zone[:1].isalpha() else 'UTC' + zone}"

    def finish(self, day: date | None, today: date) -> str:
        """A forecast date no sharper than it is."""
        if day is None:
            return NOTHING
        sharp = sharpness(day, today)
        if sharp == "day":
            return self.near(day)
        if sharp == "month":
            return dates.format_date(day, "MMM y", locale=self.locale)
        return self.say("Q{quarter} {year}", quarter=(day.month + 2) // 3, year=str(day.year))


class _Filler(string.Formatter):
    """``str.format`` whose fields are worded by `Words.value`; a field nobody gave is a dash."""

    def __init__(self, words: Words) -> None:
        self._words = words

    def get_value(self, key: int | str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:  # noqa: ARG002
        return kwargs.get(str(key))

    def format_field(self, value: Any, format_spec: str) -> str:
        return self._words.value(value, format_spec)
