"""Random issue lives for Hypothesis, as the lines of ``tests.store.history``: a failing example reads like a case."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st

from tests.store.history import SOURCE, moment


def share(percent: int) -> settings:
    """So many per cent of the profile's examples: a store under each costs a quarter of a second."""
    return settings(max_examples=max(1, settings.default.max_examples * percent // 100))  # type: ignore[union-attr]


START = moment("2026-01-05")
KEYS = ("PAY-1", "PAY-2", "PAY-3", "OPS-4", "OPS-5", "gl:APP-6", "gl:APP-7")
EPICS = ("PAY-1", "OPS-4")
MILESTONES = ("v1", "v2", "s1", "gl:m1")
_HOURS = st.integers(0, 12 * 24)


def moments() -> st.SearchStrategy[datetime]:
    """A moment within the twelve days that the lives take, on the hour."""
    return _HOURS.map(lambda hours: START + timedelta(hours=hours))


def _events(key: str) -> list[st.SearchStrategy[str]]:
    """What can happen to an issue, by what it is about; each line draws some of each."""
    source = key.rpartition(":")[0]
    milestones = [one.rpartition(":")[2] for one in MILESTONES if one.rpartition(":")[0] == source]
    near = [one for one in KEYS if one.rpartition(":")[0] == source]  # itself too: trackers allow odder things
    far = [one for one in KEYS if one != key]
    return [
        st.sampled_from(["todo", "doing", "done", "wontdo", "odd", "status=odd_one", "status=",
                         "resolution=Done", "resolution=Duplicate", "resolution="]),
        st.sampled_from([*(f"parent={one}" for one in near), "parent="]),
        st.sampled_from([sign + f"milestone:{one}" for one in milestones for sign in "++-"]),
        st.sampled_from([sign + f"blocks:{one}" for one in far for sign in "+-"]
                        + [f"+blocked_by:https://{one.rpartition(':')[0] or SOURCE}.example/browse/{one.rpartition(':')[2]}/"
                           for one in far]),
        st.sampled_from(["flagged=true", "flagged=", "estimate=3", "estimate=many", "estimate=", "due_on=2026-02-01",
                         "due_on=soon", "due_on=", "start_on=2026-01-07", "priority=High", "assignee=ann", "assignee=",
                         "kind=Risk", "kind=Task", "+label:mobile", "-label:mobile", "+label:Decision"]),
    ]  # fmt: skip


@st.composite
def _line(draw: st.DrawFn, key: str) -> str:
    start = draw(st.integers(0, 2 * 24))
    told = [(0, draw(st.sampled_from(["todo", "doing", ""])))]
    for words in _events(key):
        told += draw(st.lists(st.tuples(st.integers(start, 12 * 24), words), max_size=3))
    level = draw(st.sampled_from(["level=1", ""] if key in EPICS else ["", "", "", "level=1"]))
    superseded = draw(st.sampled_from(["", "", "", "", "superseded=moved"]))
    events = [f"{START + timedelta(hours=max(start, hour)):%Y-%m-%dT%H:%M} {word}" for hour, word in sorted(told)]
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
    """Issues in three tracker projects of two sources, and their milestones, as lines."""
    keys = draw(st.lists(st.sampled_from(KEYS), min_size=3, unique=True))
    lines = [draw(_line(key)) for key in keys] + [draw(_milestone(name)) for name in MILESTONES]
    return "\n".join(lines)
