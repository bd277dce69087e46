"""A folder of the file system: the reference implementation of a place.

One folder per slot, ``project/pay`` -> ``project--pay/``, holding ``index.html``, its attachments and ``pmo-sync.json``,
the side index. A folder without that index is not ours and is never written to. Files are replaced in one step, so a
reader sees the old text or the new one. The file system has no authors and no versions: an edit shows in the mark's
fingerprint, the version is a counter in the index.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from pmo_sync.config import PlaceConfig
from pmo_sync.errors import ConfigError, PmoSyncError
from pmo_sync.http.network import Network
from pmo_sync.replacing import replace_file
from reports.naming import file_name
from reports.publish import Item, Known, Remote, TakenError, Traits, Writer, fingerprint
from reports.publishers.marker import mark, read
from reports.writers import html

TEXT: Final = "index.html"
INDEX: Final = "pmo-sync.json"


def open_place(place: PlaceConfig, network: Network) -> tuple[FolderPublisher, Writer]:  # noqa: ARG001 - no server
    """See ``reports.publishers.open_place``."""
    if place.path is None:
        raise ConfigError([f"place.{place.name}.path: missing"])
    return FolderPublisher(place.name, place.path), html.write


class FolderPublisher:
    """Documents as files under ``root``. Raises PmoSyncError where files cannot be read or written."""

    traits = Traits(version_lock=False, attachments=True, quiet_update=True, tree=False)
    title_prefix = ""
    slots = None

    def __init__(self, name: str, root: Path) -> None:
        self.name = name
        self._root = root

    def check(self) -> str:
        """Whether the folder can be written, or made."""
        nearest = next(one for one in (self._root, *self._root.parents) if one.exists())
        if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
            why = "cannot be written" if nearest.is_dir() else "is a file, not a folder"
            raise PmoSyncError(
                f"{self.name}: {nearest} {why}; choose another path for [place.{self.name}] or change its permissions"
            )
        return f"folder {self._root} can be written{'' if self._root.exists() else ', it will be made'}"

    def refuse(self, item: Item) -> str:
        """Attachments share the folder with our own files and may not leave it."""
        for one in item.attachments:
            if one.name != Path(one.name).name or one.name in (TEXT, INDEX, "", ".", ".."):
                return f"an attachment cannot be called {one.name!r}"
        return ""

    def find(self, slot: str, title: str, hint: str | None) -> Remote | None:  # noqa: ARG002 - the slot says where
        """The text in the slot's folder; None if it is gone or was never there."""
        index = self._index(slot)  # None: not ours, unless the mark in the text says so
        file = self._folder(slot) / TEXT
        try:
            body = file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise PmoSyncError(f"{self.name}: {file} cannot be read ({error})") from error
        marked = read(body)
        if index is None and marked.slot != slot:
            return None
        known = _known(index or {})
        text = self.readable(marked.text)
        version = 1 if known is None else known.version + (fingerprint(text) != known.fingerprint)
        return Remote(
            id=self._folder(slot).name,
            version=version,
            url=file.resolve().as_uri(),
            title=title,
            text=text,
            digest=marked.digest if marked.slot == slot else None,
            by_us=marked.is_intact,
            known=known,
            link=f"../{quote(self._folder(slot).name)}/{TEXT}",
        )

    def write(self, item: Item, digest: str, expected: Remote | None) -> Remote:
        """Attachments first, then the text that uses them."""
        folder = self._folder(item.slot)
        try:
            if expected is None:
                self._claim(item.slot)
            for one in item.attachments:
                file = folder / one.name
                if not file.is_file() or file.read_bytes() != one.content:
                    replace_file(file, one.content)
            text = item.text.encode("utf-8", "replace").decode()  # half surrogate pairs cannot be written
            replace_file(folder / TEXT, mark(text, item.slot, digest).encode())
        except OSError as error:
            raise PmoSyncError(f"{self.name}: {folder} cannot be written ({error})") from error
        written = self.find(item.slot, item.title, None)
        if written is None:
            raise PmoSyncError(f"{self.name}: {folder} vanished while it was written")
        return written

    def confirm(self, slot: str, remote: Remote) -> None:
        """The side index."""
        entry = {"slot": slot, "version": remote.version, "digest": remote.digest, "fingerprint": remote.fingerprint}
        try:
            replace_file(self._folder(slot) / INDEX, _json(entry))
        except OSError as error:
            raise PmoSyncError(f"{self.name}: {self._folder(slot) / INDEX} cannot be written ({error})") from error

    def remark(self, slot: str, remote: Remote, text: str) -> None:
        """Files have no comments; the run's report says it."""

    def readable(self, text: str) -> str:
        """Files are kept as they are sent."""
        return text.strip()

    def _folder(self, slot: str) -> Path:
        return self._root / file_name(slot)

    def _index(self, slot: str) -> dict[str, Any] | None:
        """The slot's side index; None if the folder is not ours, an empty one if only its contents are lost."""
        file = self._folder(slot) / INDEX
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise PmoSyncError(f"{self.name}: {file} cannot be read ({error})") from error
        except ValueError:
            return {}
        if not isinstance(found, dict) or found.get("slot") not in (None, slot):
            return None
        return found

    def _claim(self, slot: str) -> None:
        """Make the slot's folder with its index in one step, so that an unfinished one is known to be ours."""
        folder = self._folder(slot)
        if self._index(slot) is not None:
            return
        if folder.exists() or folder.is_symlink():
            raise TakenError(f"{self.name}: {folder} is there already and not ours; move it away")
        self._root.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix=".pmo-sync-", dir=self._root))
        new.chmod(0o755)
        replace_file(new / INDEX, _json({"slot": slot}))
        new.rename(folder)


def _known(index: dict[str, Any]) -> Known | None:
    match index:
        case {"version": int(version), "digest": str(digest), "fingerprint": str(text)}:
            return Known(version, digest, text)
    return None


def _json(entry: dict[str, Any]) -> bytes:
    return json.dumps(entry, indent=1, sort_keys=True).encode() + b"\n"
