"""The report on this machine: each document has a file of its own, and every link leads to one."""

from __future__ import annotations

import dataclasses
import itertools
import re
from pathlib import Path
from urllib.parse import urljoin
from urllib.request import urlopen

from reports import local
from reports.naming import file_name
from tests.reports import sample

IDS = ("gitlab:group/app", "a/b", "a--b", "a/-b", "a-/b", "100%", "50%25", "ünï çödé", "#1?x", "~x&y=z+w")


def test_every_link_leads_to_its_page(tmp_path: Path) -> None:
    base = sample.assessed()
    projects = [one for one in base.subjects.values() if one.kind == "project"]
    named = {one.id: f"project:{id_}" for one, id_ in zip(projects, IDS, strict=False)}
    subjects = [
        dataclasses.replace(one, id=named.get(one.id, one.id), parent=named.get(one.parent or "", one.parent))
        for one in base.subjects.values()
    ]
    assessed = dataclasses.replace(
        base,
        subjects={one.id: one for one in subjects},
        changes=(),
        waits=(),
        decisions=(),
        burnup={},
        cumulative_flow={},
    )
    files = list(local.write_all(assessed, "en", tmp_path))
    assert len({*files}) == len(projects) + 1 == len({*tmp_path.iterdir()})
    pages = {one.name: f"<h1>{one.name}: project status" for one in projects}
    table = files[-1].read_text(encoding="utf-8").partition("All projects")[2]
    opened = dict(re.findall(r'<a href="([^":]+)"><bdi>([^<]+)</bdi></a>', table))
    assert sorted(opened.values()) == sorted(pages)
    for address, name in opened.items():
        with urlopen(urljoin(files[-1].as_uri(), address)) as page:
            assert pages[name] in page.read().decode()


def test_no_two_slots_share_a_file() -> None:
    slots = ["".join(one) for length in range(1, 7) for one in itertools.product("-/.%a", repeat=length)]
    names = {file_name(one) for one in slots}
    assert len(names) == len(slots)
    assert not [one for one in names if "/" in one or one.startswith(".")]
    assert file_name("project/pay") == "project--pay"
