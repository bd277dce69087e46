"""people export, people erase: what is kept about a person, told and forgotten.

For a request of access or erasure (GDPR, articles 15 and 17; Indonesia's Law 27 of 2022, articles 6 to 8). Kept are a
pseudonym, a name and who was assigned to what, in the database alone; ``person_months`` ends that by itself. A person
has a pseudonym in each source.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from pmo_sync.errors import PmoSyncError
from pmo_sync.pipeline.workspace import Workspace, writing
from pmo_sync.result import Result
from pmo_sync.store import people as stored

if TYPE_CHECKING:
    from pmo_sync.clock import Clock
    from pmo_sync.config import Config
    from pmo_sync.store import Store
    from pmo_sync.store.people import Kept

ELSEWHERE: Final = (
    "recordings of `pull --record`, exports and copies of the state folder are your own files: what they hold of "
    "these people stays until you delete it"
)


def expire(workspace: Workspace) -> None:
    """Let what is kept about people go that is older than ``person_months``."""
    config = workspace.config
    stored.expire(workspace.store, _months_before(workspace.now, config.person_months), config.status_map)


def _months_before(moment: datetime, months: int) -> datetime:
    """The same day and hour so many months earlier, or the last day of that month."""
    years, month = divmod(moment.year * 12 + moment.month - 1 - months, 12)
    day = moment.day
    while True:
        try:
            return moment.replace(year=years, month=month + 1, day=day)
        except ValueError:  # 31 February
            day -= 1


def people_export(config: Config, clock: Clock, *, people: Sequence[str] = ()) -> Result:
    """All that is kept about these people, named by pseudonym or name; without any, who they are.

    Assignments to confidential issues are only counted: whoever runs this, and whoever asked, need not be among those
    who may know of the issue (GDPR, article 15 (4): a copy must not harm others' rights). The number says that there
    is more, and the tracker shows it to those it lets in.
    """
    with writing(
        config, clock, "people export", is_new_fine=False
    ) as workspace:  # which first ends an erasure that was killed
        store = workspace.store
        if people:
            told = [_everything(store, one) for one in _named(store, people)]
        else:
            told = [one._asdict() for one in stored.kept(store)]
    lines = [line for one in told for line in _lines(one)]
    return Result({"people": told}, lines or ["nothing is kept about anybody"])


def people_erase(config: Config, clock: Clock, people: Sequence[str]) -> Result:
    """Forget these people for good: the record remembers their pseudonyms, so that no pull brings them back."""
    with writing(config, clock, "people erase", is_new_fine=False) as workspace:
        store = workspace.store
        found = _named(store, people)
        with workspace.record.run(workspace.part("erased")) as run:
            run.write("erased_person", [{"person_id": one.person_id, "erased_at": workspace.now} for one in found])
        stored.erase(store, {one.person_id for one in found})
    erased = [{"person_id": one.person_id, "stays": one.stays} for one in found]
    lines = [f"erased {one.person_id}: name, {one.stays} assignments; no pull takes them in again" for one in found]
    return Result({"erased": erased, "elsewhere": ELSEWHERE}, [*lines, ELSEWHERE])


def _named(store: Store, people: Sequence[str]) -> list[Kept]:
    """Those meant, each once. Raises PmoSyncError with every name that means nobody, or several."""
    kept = stored.kept(store)
    found: dict[str, Kept] = {}
    problems = []
    for wanted in people:
        meant = [one for one in kept if wanted == one.person_id] or [one for one in kept if wanted == one.name]
        if len(meant) == 1:
            found[meant[0].person_id] = meant[0]
        elif meant:
            several = ", ".join(one.person_id for one in meant)
            problems.append(f"{wanted!r} is the name of {len(meant)} pseudonyms: {several}; say which are meant")
        else:
            problems.append(f"nothing is kept about {wanted!r}; `pmo-sync people export` lists everybody")
    if problems:
        raise PmoSyncError("\n".join(problems))
    return list(found.values())


def _everything(store: Store, person: Kept) -> dict[str, Any]:
    rows = stored.assignments(store, person.person_id)
    shown = [
        {"key": key, "url": url, "from": since, "until": until}
        for key, url, since, until, is_confidential in rows
        if not is_confidential
    ]
    return {
        **person._asdict(),
        "assignments": shown,
        "assignments_to_confidential_issues": len(rows) - len(shown),
    }


def _lines(one: dict[str, Any]) -> list[str]:
    lines = [f"{one['person_id']}  {one['name'] or '(no name)'}  {one['stays']} assignments"]
    if "assignments" not in one:
        return lines
    lines += [
        f"  {stay['key']:<16} {stay['from']:%Y-%m-%d %H:%M} to "
        f"{'now' if stay['until'] is None else format(stay['until'], '%Y-%m-%d %H:%M')} UTC  {stay['url']}"
        for stay in one["assignments"]
    ]
    hidden = one["assignments_to_confidential_issues"]
    return [*lines, f"  and {hidden} of confidential issues, not named here"] if hidden else lines
