"""What each kind of PMO shows, and to whom: a library compares nobody, a coach names nobody beside another."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from pmo_sync.assessed import Assessed
from reports import compose_all
from reports.document import Document, Heading, Items, Status, Table
from reports.portfolio import MOST_PROJECTS
from reports.practice import FEWEST
from reports.publishers.confluence import LARGEST
from reports.writers import storage
from tests.reports import sample

STEERING = ("Next 6 weeks", "Decide", "Waiting", "Capacity")


def pages(profile: str, assessed: Assessed | None = None) -> dict[str, Document]:
    made = dataclasses.replace(assessed or sample.assessed(), profile=profile)
    return {one.slot: one for one in compose_all(made, "en")}


def blocks(page: Document) -> Iterator[object]:
    """All, also those in columns."""
    for one in page.blocks:
        yield one
        for column in getattr(one, "columns", ()):
            yield from column if isinstance(column, tuple) and not hasattr(column, "align") else ()


def headings(page: Document) -> list[str]:
    return [one.text for one in blocks(page) if isinstance(one, Heading)]


def section(page: Document, heading: str) -> Table:
    found = list(blocks(page))
    place = next(place for place, one in enumerate(found) if isinstance(one, Heading) and one.text == heading)
    table = found[place + 1]
    assert isinstance(table, Table)
    return table


def cells(row: tuple[tuple[object, ...], ...]) -> list[str]:
    return ["".join(one.text for one in line if hasattr(one, "text")) for line in row]


def test_leaders_steer_by_the_enterprise_page_alone() -> None:
    shown = {profile: headings(pages(profile)["portfolio"]) for profile in ("repository", "coach", "enterprise")}
    for start in STEERING:
        assert [any(one.startswith(start) for one in shown[profile]) for profile in shown] == [False, False, True]
    assert ["Practice" in shown[profile] for profile in shown] == [False, True, False]
    assert ["Changed since 15 Nov 2026" in shown[profile] for profile in shown] == [False, True, True]


def test_a_library_shows_no_colour_beside_another() -> None:
    page = pages("repository")["portfolio"]
    lines = [line for one in blocks(page) if isinstance(one, Table) for row in one.rows for line in row]
    lines += [line for one in blocks(page) if isinstance(one, Items) for line in one.lines]
    assert not [one for line in lines for one in line if isinstance(one, Status)]
    names = [cells(row)[0] for row in section(page, "All projects").rows]
    assert len(names) == len(sample.PROJECTS)
    assert names == sorted(names, key=str.casefold)
    assert "off track" not in "".join(one.text for one in page.summary).lower()


def test_a_librarys_project_page_is_all_that_its_readers_get_elsewhere() -> None:
    assert pages("repository")["project/pay"] == pages("enterprise")["project/pay"]


def test_where_a_project_stands_is_told_without_names() -> None:
    base = sample.assessed()
    days = {f"project:{id_}": float(number) for number, (id_, *_) in enumerate(sample.PROJECTS)}
    readings = {
        key: one._replace(value=days[key[0]]) if key[1:] == ("FL-3", "p50") else one
        for key, one in base.readings.items()
    }
    made = pages("coach", dataclasses.replace(base, readings=readings))
    for number, (id_, *_) in enumerate(sample.PROJECTS):
        table = section(made[f"project/{id_}"], "Among all projects")
        row = cells(table.rows[0])
        others = [value for one, value in days.items() if one != f"project:{id_}"]
        assert row[1] == f"{number}"
        assert row[2] == "5.5", "the middle of 0 to 11"
        assert row[3] == f"less than {sum(value > number for value in others)} of {len(others)} others"
        told = " ".join(cell for row in table.rows for cell in cells(row))
        assert not [name for _, name, *_ in sample.PROJECTS if name in told]


@pytest.mark.parametrize("known", [FEWEST - 1, FEWEST])
def test_among_few_nothing_is_compared(known: int) -> None:
    base = sample.assessed()
    some = {f"project:{id_}" for id_, *_ in sample.PROJECTS[:known]}
    readings = {key: one for key, one in base.readings.items() if key[0] in some}
    page = pages("coach", dataclasses.replace(base, readings=readings))["project/pay"]
    tables = [one for one in blocks(page) if isinstance(one, Table) and one.columns[-1].name == "Less is better"]
    assert bool(tables) == (known == FEWEST)


def test_practice_is_counted() -> None:
    rows = {cells(row)[0]: cells(row)[1:] for row in section(pages("coach")["portfolio"], "Practice").rows}
    assert rows["Payments Gateway"] == ["23%", "1%", "11%", "1 of 2", "2 of 2"]
    assert rows["Document Archive"][-1] == "0 of 1", "its forecast was refused"


@pytest.mark.parametrize(("profile", "most"), [("repository", MOST_PROJECTS), ("coach", MOST_PROJECTS // 2)])
def test_where_pages_may_not_grow_every_table_is_short(profile: str, most: int) -> None:
    name = "项目" * 60
    grown = sample.grown(500, name, f"https://gitlab.example/{'group/' * 40}-/milestones/10")
    page = compose_all(dataclasses.replace(grown, profile=profile), "en", is_short=True)[-1]
    links = {
        f"project/{id_.removeprefix('project:')}": f"https://wiki.example/1/{quote(name)}" for id_ in grown.subjects
    }
    assert max(len(one.rows) for one in blocks(page) if isinstance(one, Table)) == most
    assert len(storage.write(page, links).text.encode()) < 0.9 * LARGEST
    whole = compose_all(dataclasses.replace(grown, profile=profile), "en")[-1]
    assert max(len(one.rows) for one in blocks(whole) if isinstance(one, Table)) == 500


@pytest.mark.parametrize("profile", ["repository", "coach"])
def test_a_portfolio_of_nothing_is_a_page(profile: str) -> None:
    (page,) = pages(profile, sample.empty()).values()
    assert headings(page)
