"""The part of JQL these servers understand. What they do not understand is refused, as Jira does, never ignored.

``project``, ``key``/``id``/``issue``/``issuekey``, ``updated``, ``created``, ``sprint``, ``statusCategory`` with
``= != > >= < <= in``, joined by AND, OR, NOT and parentheses; ORDER BY key, id, created, updated.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from pmo_sync.demo.company import Item
from pmo_sync.demo.servers.jira_site import CATEGORIES, Site

Test = Callable[[Item], bool]
_TOKEN: Final = re.compile(r"""\s*(?:("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(>=|<=|!=|[=<>(),])|([^\s=<>!(),"']+))""")
_RESERVED: Final = frozenset({"and", "or", "not", "in", "is", "if", "to", "order", "by", "empty", "null"})
_COMPARE: Final[dict[str, Callable[[int], bool]]] = {
    "=": lambda sign: sign == 0,
    "!=": lambda sign: sign != 0,
    ">": lambda sign: sign > 0,
    ">=": lambda sign: sign >= 0,
    "<": lambda sign: sign < 0,
    "<=": lambda sign: sign <= 0,
}
_FORMATS: Final = ("%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y/%m/%d")


class JqlError(Exception):
    """Answered as 400 with the text Jira uses."""


class Found:
    """The items a query finds, in its order, and whether it restricts anything."""

    def __init__(self, items: list[Item], is_bounded: bool) -> None:
        self.items = items
        self.is_bounded = is_bounded


def find(site: Site, jql: str) -> Found:
    """Evaluate ``jql`` now. Raises JqlError."""
    return _Query(site, jql).run()


class _Query:
    def __init__(self, site: Site, jql: str) -> None:
        self.site = site
        self.tokens: list[tuple[str, bool]] = []  # text, whether it was quoted
        position = 0
        jql = jql.rstrip()
        while position < len(jql):
            match = _TOKEN.match(jql, position)
            if match is None:
                raise JqlError(f"Error in the JQL Query: The character '{jql[position]}' is a reserved JQL character.")
            quoted, sign, word = match.groups()
            text = re.sub(r"\\(.)", r"\1", quoted[1:-1]) if quoted else sign or word
            self.tokens.append((text, bool(quoted)))
            position = match.end()
        self.at = 0

    def run(self) -> Found:
        test: Test | None = None
        if self.at < len(self.tokens) and not self._is("order"):
            test = self._any()
        order = self._order()
        if self.at < len(self.tokens):
            raise JqlError(f"Error in the JQL Query: Expecting end of query but got '{self.tokens[self.at][0]}'.")
        items = [item for item in self.site.visible() if test is None or test(item)]
        for key, is_descending in reversed(order):
            items.sort(key=self._sort_key(key), reverse=is_descending)
        if not order:
            items.sort(key=lambda item: item.id, reverse=True)
        return Found(items, test is not None)

    def _is(self, word: str) -> bool:
        return self.at < len(self.tokens) and self.tokens[self.at] == (self.tokens[self.at][0], False) and (
            self.tokens[self.at][0].lower() == word
        )  # fmt: skip

    def _take(self, *, is_value: bool = False) -> str:
        if self.at >= len(self.tokens):
            raise JqlError("Error in the JQL Query: Expecting a value or function but reached the end of the query.")
        text, quoted = self.tokens[self.at]
        if is_value and not quoted and text.lower() in _RESERVED:
            raise JqlError(
                f"Error in the JQL Query: '{text}' is a reserved JQL word. You must surround it in quotation marks."
            )
        self.at += 1
        return text

    def _expect(self, word: str) -> None:
        if not self._is(word):
            got = self.tokens[self.at][0] if self.at < len(self.tokens) else "the end"
            raise JqlError(f"Error in the JQL Query: Expecting '{word}' but got '{got}'.")
        self.at += 1

    def _any(self) -> Test:
        tests = [self._all()]
        while self._is("or"):
            self.at += 1
            tests.append(self._all())
        return tests[0] if len(tests) == 1 else lambda item: any(test(item) for test in tests)

    def _all(self) -> Test:
        tests = [self._one()]
        while self._is("and"):
            self.at += 1
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda item: all(test(item) for test in tests)

    def _one(self) -> Test:
        if self._is("not"):
            self.at += 1
            negated = self._one()
            return lambda item: not negated(item)
        if self._is("("):
            self.at += 1
            test = self._any()
            self._expect(")")
            return test
        name = self._take(is_value=True).lower()
        maker = _FIELDS.get(name)
        if maker is None:
            raise JqlError(f"Field '{name}' does not exist or you do not have permission to view it.")
        is_negated = self._is("not")
        self.at += is_negated
        if is_negated or self._is("in"):
            self._expect("in")
            self._expect("(")
            values = [self._take(is_value=True)]
            while self._is(","):
                self.at += 1
                values.append(self._take(is_value=True))
            self._expect(")")
            tests = [maker(self.site, "=", value) for value in values]
            return lambda item: any(test(item) for test in tests) != is_negated
        operator = self._take()
        if operator not in _COMPARE:
            raise JqlError(f"Error in the JQL Query: Expecting operator but got '{operator}'.")
        return maker(self.site, operator, self._take(is_value=True))

    def _order(self) -> list[tuple[str, bool]]:
        made: list[tuple[str, bool]] = []
        if not self._is("order"):
            return made
        self.at += 1
        self._expect("by")
        while True:
            key = self._take().lower()
            if key not in _SORTABLE:
                raise JqlError(f"Field '{key}' does not exist or this field cannot be sorted.")
            is_descending = self._is("desc")
            self.at += is_descending or self._is("asc")
            made.append((key, is_descending))
            if not self._is(","):
                break
            self.at += 1
        if len(made) > 7:
            raise JqlError("The maximum number of fields to sort by is 7.")
        return made

    def _sort_key(self, name: str) -> Callable[[Item], tuple[object, ...]]:
        if name in ("key", "issuekey"):
            return lambda item: (item.project, item.number)
        if name == "id":
            return lambda item: (item.id,)
        if name == "created":
            return lambda item: (item.created_at,)
        return lambda item: (self.site.updated_at(item),)


_SORTABLE: Final = ("key", "issuekey", "id", "created", "updated")


def _project(site: Site, operator: str, value: str) -> Test:
    found = site.project(value)
    if found is None:
        raise JqlError(f"The value '{value}' does not exist for the field 'project'.")
    if operator not in ("=", "!="):
        raise JqlError(f"The operator '{operator}' is not supported by the 'project' field.")
    return lambda item: (item.project == found.key) == (operator == "=")


def _issue(site: Site, operator: str, value: str) -> Test:
    compare = _COMPARE[operator]
    if operator in ("=", "!="):
        found = site.item(value)
        if found is None:
            raise JqlError(f"An issue with key '{value}' does not exist for field 'key'.")
        return lambda item: (item.id == found.id) == (operator == "=")
    if value.isdigit():
        wanted = int(value)
        return lambda item: compare((item.id > wanted) - (item.id < wanted))
    anchor = site.by_key.get(value.upper())
    if anchor is None:
        raise JqlError(f"An issue with key '{value}' does not exist for field 'key'.")
    return lambda item: (
        item.project == anchor.project and compare((item.number > anchor.number) - (item.number < anchor.number))
    )


def _moment(site: Site, name: str, value: str) -> datetime:
    """A bare number is epoch milliseconds; a text is in the user's zone."""
    if re.fullmatch(r"\d{5,}", value):
        return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(value))
    if value == "0":
        return datetime.fromtimestamp(0, UTC)
    for layout in _FORMATS:
        try:
            return datetime.strptime(value, layout).replace(tzinfo=site.zone)
        except ValueError:
            continue
    raise JqlError(
        f"Date value '{value}' for field '{name}' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', "
        "'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'."
    )


def _updated(site: Site, operator: str, value: str) -> Test:
    bound = _moment(site, "updated", value).astimezone(UTC)
    compare = _COMPARE[operator]
    return lambda item: compare((at > bound) - (at < bound)) if (at := site.updated_at(item)) else False


def _created(site: Site, operator: str, value: str) -> Test:
    bound = _moment(site, "created", value).astimezone(UTC)
    compare = _COMPARE[operator]
    return lambda item: compare((item.created_at > bound) - (item.created_at < bound))


def _sprint(site: Site, operator: str, value: str) -> Test:
    goal = site.sprints_of(value)
    if goal is None or operator not in ("=", "!="):
        raise JqlError(f"Sprint with name '{value}' does not exist or you do not have permission to view it.")
    wanted = str(goal.id)
    return lambda item: (wanted in item.members("milestone", site.now)) == (operator == "=")


def _category(site: Site, operator: str, value: str) -> Test:
    ours = {part.lower(): name for name, (_, key, _, title) in CATEGORIES.items() for part in (key, title)}
    wanted = ours.get(value.lower())
    if wanted is None or operator not in ("=", "!="):
        raise JqlError(f"The value '{value}' does not exist for the field 'statusCategory'.")
    return lambda item: (site.statuses[item.value("status", site.now) or ""][1] == wanted) == (operator == "=")


_FIELDS: Final[dict[str, Callable[[Site, str, str], Test]]] = {
    "project": _project,
    "key": _issue,
    "id": _issue,
    "issue": _issue,
    "issuekey": _issue,
    "updated": _updated,
    "created": _created,
    "sprint": _sprint,
    "statuscategory": _category,
}
