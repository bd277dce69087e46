"""Publishing, once, for every place: find, compare, write, verify, confirm.

A place is thin: it finds what stands in a slot and writes text into it. Everything that decides is here.

**What is compared.** The digest of what we send (title, text, attachments' digests) travels inside the body, in the
same request. It is compared with the digest of what we would send now, never with the body as the place returns it:
servers rewrite bodies on save.

**When somebody else edited.** A place with a side index (``Remote.known``: version, digest and text of our last
confirmed write) answers exactly:

===================================  ============================  ==========================================
version and text against the index   newest version made by        then
===================================  ============================  ==========================================
same version, or same text           anyone                        ours (renamed, moved, or restored to ours)
other text, other digest in it       our account                   we died before confirming: repair the index
other text, same digest in it        our account                   somebody edits with our account: conflict
other text                           anybody else                  conflict
no index                             our account                   ours: repair the index
no index                             anybody else                  conflict
digest gone from the text            anyone                        conflict
===================================  ============================  ==========================================

A conflict is left alone, reported, and explained once beside the text where the place has comments. It ends when the
text is ours again, or when its slot is named in ``adopt``.

**What never happens.** Nothing is deleted. Nothing is written to what does not prove to be ours. A write whose answer
was lost is never repeated before the place was read again. Where a place has no version lock it is read again just
before the write; an edit inside that window, a few milliseconds, is overwritten.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from shlex import quote as shell
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, Protocol
from urllib.parse import quote

from pmo_sync.clock import Clock
from pmo_sync.errors import ConflictError, PmoSyncError, TrackerError, UncertainWriteError
from reports.document import Attachment, Document, Written

Outcome = Literal["created", "updated", "unchanged", "skipped", "conflict", "failed", "orphaned"]
Writer = Callable[[Document, Mapping[str, str]], Written]

NONE: Final[Mapping[str, str]] = MappingProxyType({})
SETTLE: Final = 2.0  # seconds before a write without an answer is looked for
DIGEST_BYTES: Final = 10  # 20 hexadecimal digits: short enough for a footer, a clash in 10^12 documents is unlikely


class TakenError(PmoSyncError):
    """Something that is not ours already stands where we would create."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What a place can do; the algorithm reads this and never asks for a type."""

    version_lock: bool  # the server refuses a write on an old version
    attachments: bool
    quiet_update: bool  # an update can be kept from notifying watchers
    tree: bool  # documents stand below their parents, so a parent must be there first


@dataclass(frozen=True, slots=True)
class Item:
    """What should stand in one slot."""

    slot: str
    title: str
    text: str
    attachments: tuple[Attachment, ...] = ()
    parent: str | None = None  # slot of the document above it
    quiet: bool = True  # keep an update from notifying watchers, where the place can


class Known(NamedTuple):
    """The side index: what our last confirmed write left in the place."""

    version: int
    digest: str
    fingerprint: str  # of the text as the place held it then


@dataclass(frozen=True, slots=True)
class Remote:
    """What stands in a slot now."""

    id: str
    version: int  # grows with each change; what it counts is the place's business
    url: str  # where people read it
    title: str
    text: str  # the body without our marker, in the form ``Publisher.readable`` gives
    digest: str | None  # found in the body; None: somebody removed it
    by_us: bool  # the newest version was made by our account
    known: Known | None = None  # None: no index here, or not yet
    link: str = ""  # address for other documents of the same place, where ``url`` is not fit for it

    @property
    def fingerprint(self) -> str:
        """Of the text as the place holds it."""
        return fingerprint(self.text)


class Publisher(Protocol):
    """One place that holds documents. Every method raises PmoSyncError when the place does not play."""

    @property
    def name(self) -> str:
        """As configured."""
        ...

    @property
    def traits(self) -> Traits:
        """What it can do."""
        ...

    @property
    def title_prefix(self) -> str:
        """Put before each document's title."""
        ...

    @property
    def slots(self) -> frozenset[str] | None:
        """The only slots it has room for; None: any."""
        ...

    def check(self) -> str:
        """Who we are there and where we would write, in one line. Writes nothing."""
        ...

    def refuse(self, item: Item) -> str:
        """Why this cannot stand here (too long ...); empty if it can."""
        ...

    def find(self, slot: str, title: str, hint: str | None) -> Remote | None:
        """What we published in ``slot``, read anew; None if never, or deleted. Must prove that it is ours.

        ``hint`` is its id if we remember one. ``title`` only says where else to look.
        """
        ...

    def write(self, item: Item, digest: str, expected: Remote | None) -> Remote:
        """Create (``expected`` None) or replace; slot and digest travel in the same request as the text.

        Raises ConflictError if the remote is not ``expected`` any more, TakenError if something foreign stands
        there, UncertainWriteError if nobody knows.
        """
        ...

    def confirm(self, slot: str, remote: Remote) -> None:
        """Record in the side index that this is our write. No-op where there is no index."""
        ...

    def remark(self, slot: str, remote: Remote, text: str) -> None:
        """Leave ``text`` beside the document, once per conflict. No-op where nobody would see it."""
        ...

    def readable(self, text: str) -> str:
        """``text`` without what the place adds by itself, in lines: for differences and fingerprints."""
        ...


class Published(NamedTuple):
    """What became of one document."""

    place: str
    slot: str
    outcome: Outcome
    url: str
    message: str  # why, when skipped, conflict or failed; a warning otherwise
    diff: str  # unified, for the dry run; empty when unchanged
    id: str = ""  # the place's own id: the ``known`` of the next run
    link: str = ""  # for other documents of the same place


def fingerprint(text: str) -> str:
    """Of a text, regardless of white space at the ends of lines."""
    lines = (line.rstrip() for line in text.strip().splitlines())
    return blake2b("\n".join(lines).encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).hexdigest()


def digest_of(item: Item) -> str:
    """Of everything we send, before the marker goes in. Attachments count by the digest of their source."""
    hashed = blake2b(digest_size=DIGEST_BYTES)
    for part in (item.title, item.text, *(f"{one.name}\0{one.digest}" for one in item.attachments)):
        raw = part.encode("utf-8", "surrogatepass")
        hashed.update(len(raw).to_bytes(8, "big") + raw)
    return hashed.hexdigest()


def is_edited(remote: Remote) -> bool:
    """Whether somebody else's hand is in the newest version: the table at the top of this file."""
    known = remote.known
    if remote.digest is None:
        return True
    if known is None:
        return not remote.by_us
    if remote.version == known.version or remote.fingerprint == known.fingerprint:
        return False
    return not remote.by_us or remote.digest == known.digest


def publish(
    publisher: Publisher,
    items: Sequence[Item],
    *,
    write: bool,
    adopt: frozenset[str] = frozenset(),
    known: Mapping[str, str] = NONE,
    clock: Clock | None = None,
) -> list[Published]:
    """Bring each slot up to date, one after the other; one that fails does not stop the others.

    ``write`` False changes nothing and shows what would change. ``adopt`` names slots to take over although somebody
    edited or deleted them. ``known`` maps slots to the ids of earlier publications: without it everything is found
    again, except that a document deleted by hand cannot be told from one never published. ``clock`` waits for servers
    that did not answer; without one nobody waits.
    """
    return [
        _Slot(publisher, item, item.slot in adopt, known.get(item.slot), clock).settle(write=write) for item in items
    ]


class _Slot:
    """One slot on its way to being up to date."""

    def __init__(
        self, publisher: Publisher, item: Item, is_adopted: bool, hint: str | None, clock: Clock | None
    ) -> None:
        self._place = publisher
        self._item = item
        self._is_adopted = is_adopted
        self._hint = hint
        self._clock = clock
        self._digest = digest_of(item)
        self._remote: Remote | None = None
        self._warning = ""

    def settle(self, *, write: bool) -> Published:
        """Find, compare, write."""
        if self._place.slots is not None and self._item.slot not in self._place.slots:
            message = f"{self._place.name} has no room for it; add it to the issues of place.{self._place.name}"
            return self._outcome("skipped", message)
        try:
            if why := self._place.refuse(self._item):
                return self._outcome("failed", why)
            return self._settle(write=write)
        except PmoSyncError as error:
            return self._outcome("failed", str(error))

    def _settle(self, *, write: bool) -> Published:
        self._remote = remote = self._find(self._hint)
        edited = remote is not None and is_edited(remote)
        if not self._is_adopted and (edited or (remote is None and self._hint is not None)):
            return self._conflict(write=write)
        if remote is not None and remote.digest == self._digest and not edited:
            if write:
                self._confirm(remote)
            return self._outcome("unchanged")
        if not write:
            return self._outcome("skipped", f"would {'update' if remote else 'create'} {self._item.title!r}")
        if remote is not None and not edited:
            self._confirm(remote)  # repair first: what we find must be known before it is replaced
        try:
            written = self._write()
        except ConflictError:
            self._remote = self._again(remote)
            return self._conflict(write=write)
        self._verify(written)
        return self._outcome("updated" if remote else "created", self._warning)

    def _find(self, hint: str | None) -> Remote | None:
        return self._place.find(self._item.slot, self._item.title, hint)

    def _again(self, expected: Remote | None) -> Remote | None:
        return self._find(self._hint if expected is None else expected.id)

    def _write(self) -> Remote:
        """Write once; where that fails read first, and write a second time only onto what we have read and is ours.

        Raises ConflictError where somebody edited or deleted it meanwhile; a new title or place is no edit.
        """
        expected = self._remote
        for is_last in (False, True):
            try:
                self._look_again(expected)
                return self._place.write(self._item, self._digest, expected)
            except (ConflictError, TakenError, UncertainWriteError) as error:
                if isinstance(error, UncertainWriteError) and self._clock is not None:
                    self._clock.sleep(SETTLE)
                now = self._again(expected)
                if now is not None and self._landed(now, expected):
                    return now
                if isinstance(error, TakenError):
                    raise
                if not _same(now, expected) and (now is None or is_edited(now)):
                    raise ConflictError(f"{self._item.slot}: changed while we were publishing") from None
                if is_last and isinstance(error, ConflictError):
                    raise TrackerError(f"{self._item.slot}: does not stand still; publish again") from None
                if is_last:
                    raise
                expected = now
        raise AssertionError(self._item.slot)

    def _look_again(self, expected: Remote | None) -> None:
        """Just before a write that the place itself does not guard."""
        if not self._place.traits.version_lock and not _same(self._again(expected), expected):
            raise ConflictError(f"{self._item.slot}: changed while we were publishing")

    def _landed(self, now: Remote, expected: Remote | None) -> bool:
        """Whether what stands there now is the write we were not sure of."""
        return now.by_us and now.digest == self._digest and not _same(now, expected)

    def _verify(self, written: Remote) -> None:
        """Read back; only what was read back enters the index."""
        self._remote = now = self._find(written.id)
        if now is None or now.digest != self._digest:
            self._remote = now or written
            raise TrackerError(f"{self._item.slot}: written, but reading it back shows something else; publish again")
        if now.version == written.version:
            self._confirm(now)

    def _confirm(self, remote: Remote) -> None:
        """A lost index entry is repaired by the next run: worth a warning, not a failure."""
        known = remote.known
        if known is not None and known.version == remote.version and known.digest == remote.digest:
            return
        try:
            self._place.confirm(self._item.slot, remote)
        except PmoSyncError as error:
            self._warning = f"the side index could not be written; the next run repairs it ({error})"

    def _conflict(self, *, write: bool) -> Published:
        remote, slot = self._remote, self._item.slot
        adopt = f"pmo-sync publish --adopt {shell(f'{self._place.name}:{slot}')}"
        if remote is None:
            return self._outcome("conflict", f"somebody deleted or archived it; {adopt} to publish it anew")
        if remote.digest is None:
            what = "somebody removed our mark from it"
        elif remote.by_us:
            what = "somebody edited it with our account"
        else:
            what = "somebody edited it"
        advice = f"restore our last version, or take it over: {adopt}"
        warning = ""
        if write:
            try:
                self._place.remark(slot, remote, f"pmo-sync has stopped updating this text: {what}. To go on, {advice}")
            except PmoSyncError as error:
                warning = f" (and no remark could be left there: {error})"
        return self._outcome("conflict", f"{what}; left alone: {advice}{warning}")

    def _outcome(self, outcome: Outcome, message: str = "") -> Published:
        remote, item = self._remote, self._item
        return Published(
            place=self._place.name,
            slot=item.slot,
            outcome=outcome,
            url=remote.url if remote else "",
            message=message or self._warning,
            diff=self._diff() if outcome in ("skipped", "conflict") else "",
            id=remote.id if remote else "",
            link=(remote.link or remote.url) if remote else "",
        )

    def _diff(self) -> str:
        """Unified, from what stands there to what we would send."""
        old = self._remote.text.splitlines() if self._remote else []
        new = self._place.readable(self._item.text).splitlines()
        names = (f"{self._place.name}: {self._item.slot} (now)", f"{self._place.name}: {self._item.slot} (new)")
        return "\n".join(difflib.unified_diff(old, new, *names, lineterm=""))


def _same(one: Remote | None, other: Remote | None) -> bool:
    """Whether nothing happened between two readings."""
    if one is None or other is None:
        return one is other
    return (one.id, one.version, one.digest, one.fingerprint) == (
        other.id,
        other.version,
        other.digest,
        other.fingerprint,
    )


def publish_documents(
    publisher: Publisher,
    documents: Sequence[Document],
    writer: Writer,
    *,
    write: bool,
    adopt: frozenset[str] = frozenset(),
    known: Mapping[str, str] = NONE,
    links: Mapping[str, str] = NONE,
    quiet: bool = True,
    clock: Clock | None = None,
) -> list[Published]:
    """Write and publish documents, those that are linked to before those that link (children first).

    The addresses of documents already published are the links of the later ones; ``links`` holds those of earlier
    runs, for documents that cannot be reached now: what links to them stays as it is. In a dry run a document that does
    not exist yet gets an address under ``not-published-yet.invalid``, so that the plan is complete. In a place with a
    tree a parent that does not exist yet is created before its children, with the links there are, and completed when
    its turn comes; both together are one ``created``.
    """
    reached: dict[str, str] = {}
    first: dict[str, Published] = {}
    by_slot = {one.slot: one for one in documents}
    titles = _titles(documents, publisher.title_prefix)

    def put(document: Document) -> Published:
        try:
            made = writer(document, reached)
        except PmoSyncError as error:
            return Published(publisher.name, document.slot, "failed", "", str(error), "")
        item = Item(document.slot, titles[document.slot], made.text, made.attachments, document.parent, quiet)
        return publish(publisher, [item], write=write, adopt=adopt, known=known, clock=clock)[0]

    results = []
    for document in documents:
        parent = by_slot.get(document.parent or "")
        if write and publisher.traits.tree and parent is not None and parent.slot not in {*first, *reached}:
            first[parent.slot] = _create_ahead(publisher, parent, titles[parent.slot], put, known.get(parent.slot))
        done = put(document)
        ahead = first.get(document.slot)
        if ahead is not None and ahead.outcome == "created" and done.outcome in ("updated", "unchanged"):
            done = done._replace(outcome="created")
        results.append(done)
        if done.link:
            reached[done.slot] = done.link
        elif done.outcome == "failed" and done.slot in links:
            reached[done.slot] = links[done.slot]
        elif not write:
            reached[done.slot] = f"https://not-published-yet.invalid/{quote(done.slot)}"
    return results


def _create_ahead(
    publisher: Publisher, parent: Document, title: str, put: Callable[[Document], Published], hint: str | None
) -> Published:
    """Create a parent that is not there yet; one that is there, or cannot be read, waits for its own turn."""
    waits = Published(publisher.name, parent.slot, "skipped", "", "", "")
    try:
        found = publisher.find(parent.slot, title, hint)
    except PmoSyncError:  # its own turn reports the same
        return waits
    return waits if found is not None else put(parent)


def _titles(documents: Sequence[Document], prefix: str) -> dict[str, str]:
    """Every slot's title. A place may hold a title only once, in whatever case: where two would be the same, each ends
    with the id of its project.
    """
    titles = {one.slot: _title(prefix + one.title) for one in documents}
    times = Counter(one.casefold() for one in titles.values())
    for slot, title in titles.items():
        if times[title.casefold()] > 1:
            titles[slot] = _title(title, f" ({_line(slot.removeprefix('project/'))[-100:]})")
    return titles


def _title(text: str, end: str = "") -> str:
    """One line of at most 255 characters: the longest title Confluence takes, and long enough for anybody. What is too
    long is cut before its ``end``.
    """
    line, room = _line(text), 255 - len(end)
    return (line if len(line) <= room else f"{line[: room - 1]}…") + end


def _line(text: str) -> str:
    return " ".join("".join(one for one in text if one.isprintable() or one.isspace()).split())
