"""The report on this machine: one self-contained HTML file a document, linked to each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from pmo_sync.errors import PmoSyncError
from pmo_sync.replacing import replace_file
from reports import compose_all
from reports.document import Document
from reports.naming import file_name
from reports.writers import html

if TYPE_CHECKING:
    from pmo_sync.assessed import Assessed
    from pmo_sync.config import Language


def links(documents: Iterable[Document]) -> dict[str, str]:
    """The address of each document's file, for the others beside it."""
    return {one.slot: quote(f"{file_name(one.slot)}.html") for one in documents}


def write_all(assessed: Assessed, language: Language, folder: Path) -> Iterator[Path]:
    """Each file once it is written, the portfolio last. Raises PmoSyncError where the folder cannot be written."""
    documents = compose_all(assessed, language)
    where = links(documents)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for document in documents:
            file = folder / f"{file_name(document.slot)}.html"
            replace_file(file, html.write(document, where).text.encode("utf-8", "replace"))
            yield file
    except OSError as error:
        raise PmoSyncError(
            f"{error.filename or folder} cannot be written ({error.strerror}); name another folder as html_dir of [pmo]"
        ) from error
