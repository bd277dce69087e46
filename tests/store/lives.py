"""Random issue lives for Hypothesis, as the lines of ``tests.store.history``: a failing example reads like a case."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st

from tests.store.history import moment


def share(percent: int) -> settings:
    """So many per cent of the profile's examples: a store under each costs a quarter of a second."""
    return settings(max_examples=max(1, settings.default.max_examples * percent // 100))  # type: ignore[union-attr]


START = moment("2026-01-05")
KEYS = ("PAY-1", "PAY-2", "PAY-3", "OPS-4", "OPS-5", "gl:APP-6", "gl:APP-7")
MILESTONES = ("v1", "v2", "s1", "gl:m1")
_HOURS = st.integers(0, 12 * 24)


def moments() -> st.SearchStrategy[datetime]:
    """A moment within the twelve days that the lives take, on the hour."""
    return _HOURS.map(lambda hours: START + timedelta(hours=hours))


def _words(key: str) -> st.SearchStrategy[str]:
    source = key.rpartition(":")[0]
    own = [one.rpartition(":")[2] for one in MILESTONES if one.rpartition(":")[0] == source]
    others = [one for one in KEYS if one != key]
    near = [one for one in others if one.rpartition(":")[0] == source]
    return st.one_of(
        st.sampled_from(["todo", "doing", "done", "wontdo", "odd", "status=odd_one", "status="]),
        st.sampled_from(["resolution=Done", "resolution=Duplicate", "resolution="]),
        st.sampled_from(["flagged=true", "flagged=", "estimate=3", "estimate=many", "estimate=", "due_on=2026-02-01",
                         "due_on=soon", "due_on=", "start_on=2026-01-07", "priority=High", "assignee=ann", "assignee=",
                         "kind=Risk", "kind=Task", "+label:mobile", "-label:mobile", "+label:Decision"]),
        st.sampled_from(near).map(lambda one: f"parent={one}"),
        st.just("parent="),
        st.sampled_from(own).map(lambda one: f"+milestone:{one}"),
        st.sampled_from(own).map(lambda one: f"-milestone:{one}"),
        st.sampled_from(others).map(lambda one: f"+blocks:{one}"),
        st.sampled_from(others).map(lambda one: f"+blocked_by:https://{one.rpartition(':')[0] or 'acme'}.example/browse/{one.rpartition(':')[2]}/"),
        st.sampled_from(others).map(lambda one: f"-blocks:{one}"),
    )  # fmt: skip


@st.composite
def _line(draw: st.DrawFn, key: str) -> str:
    start = draw(st.integers(0, 3 * 24))
    hours = sorted(draw(st.lists(st.integers(start, 12 * 24), max_size=8)))
    level = draw(st.sampled_from(["", "", "", "level=1"]))
    superseded = draw(st.sampled_from(["", "", "", "", "superseded=moved"]))
    events = [f"{START + timedelta(hours=start):%Y-%m-%dT%H:%M} {draw(st.sampled_from(['todo', 'doing', '']))}"]
    events += [f"{START + timedelta(hours=one):%Y-%m-%dT%H:%M} {draw(_words(key))}" for one in hours]
    return f"{key} {level} {superseded} {'  '.join(events)}"


@st.composite
def _milestone(draw: st.DrawFn, name: str) -> str:
    hours = sorted(draw(st.lists(st.integers(0, 12 * 24), min_size=1, max_size=4)))
    kind = "sprint" if name == "s1" else "version"
    project = draw(st.sampled_from(["", "project=APP" if name.startswith("gl:") else "project=PAY"]))
    words = st.sampled_from(
        ["due_on=2026-02-01", "due_on=2026-03-01", "due_on=", "state=closed", "state=open", "closed_on=2026-01-12"]
    )
    events = [f"{START + timedelta(hours=one):%Y-%m-%dT%H:%M} {draw(words)}" for one in hours]
    source, _, plain = name.rpartition(":")
    return f"{'@' + source + ':' + plain if source else '@' + plain} kind={kind} {project} {'  '.join(events)}"


@st.composite
def portfolios(draw: st.DrawFn) -> str:
    """One to seven issues in three tracker projects of two sources, and their milestones, as lines."""
    keys = draw(st.lists(st.sampled_from(KEYS), min_size=1, unique=True))
    lines = [draw(_line(key)) for key in keys] + [draw(_milestone(name)) for name in MILESTONES]
    return "\n".join(lines)
