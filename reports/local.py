"""The report on this machine: one self-contained HTML file a document, linked to each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from pmo_sync.errors import PmoSyncError
from pmo_sync.replacing import replace_file
from reports import backtest, compose_all
from reports.document import Document
from reports.naming import file_name
from reports.publish import fingerprint
from reports.publishers.marker import mark, read
from reports.wording import Words
from reports.writers import html

if TYPE_CHECKING:
    from datetime import date

    from pmo_sync.assessed import Assessed, Replay
    from pmo_sync.config import Config, Language


def links(documents: Iterable[Document]) -> dict[str, str]:
    """The address of each document's file, for the others beside it."""
    return {one.slot: quote(_file(one.slot)) for one in documents}


def _file(slot: str) -> str:
    return f"{file_name(slot)}.html"


def write_all(assessed: Assessed, language: Language, folder: Path) -> Iterator[Path]:
    """Each file once it is written, the portfolio last. Files of documents there are no more are removed, if nobody
    has touched them. Raises PmoSyncError where the folder cannot be written.
    """
    documents = compose_all(assessed, language)
    where = links(documents)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for document in documents:
            file = folder / _file(document.slot)
            text = html.write(document, where).text.encode("utf-8", "replace").decode()
            replace_file(file, mark(text, document.slot, fingerprint(text)).encode())
            yield file
        for file in set(folder.glob("*.html")) - {folder / _file(one.slot) for one in documents}:
            marked = read(file.read_bytes().decode("utf-8", "replace"))
            if marked.is_intact and file.name == _file(marked.slot or ""):  # a copy has another name
                file.unlink()
    except OSError as error:
        raise PmoSyncError(
            f"{error.filename or folder} cannot be written ({error.strerror}); name another folder as html_dir of [pmo]"
        ) from error


def write_backtest(replay: Replay, config: Config, today: date, folder: Path) -> Path:
    """One page of what a backtest found, whether it was kept or not. Raises PmoSyncError where it cannot be written."""
    document = backtest.compose(replay, Words(config.language, config.zone.key, today))
    file = folder / _file(document.slot)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(file, html.write(document, {}).text.encode("utf-8", "replace"))
    except OSError as error:
        raise PmoSyncError(
            f"{error.filename or folder} cannot be written ({error.strerror}); name another folder"
        ) from error
    return file
