"""Readings -> a file for people who calculate on: .xlsx, .csv, .json, .parquet.

Names come from trackers, so nothing may become a formula: cells of a workbook are written as text, and in CSV a text
that a spreadsheet would calculate gets an apostrophe before it (OWASP, CSV injection).
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pmo_sync.errors import PmoSyncError
from pmo_sync.replacing import replace_file

if TYPE_CHECKING:
    import pandas as pd

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
KINDS: Final = (".csv", ".json", ".parquet", ".xlsx")


def write(frame: pd.DataFrame, file: Path) -> None:
    """Write ``frame`` in the format the file's ending names. Raises PmoSyncError for any other ending, and where the
    file cannot be written.
    """
    if file.suffix not in KINDS:
        msg = f"{file}: cannot write {file.suffix or 'a file without ending'}; use one of {', '.join(KINDS)}"
        raise PmoSyncError(msg)
    content = _content(frame, file.suffix)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(file, content)
    except OSError as error:
        raise PmoSyncError(f"{file} cannot be written ({error}); name another file") from error


def _content(frame: pd.DataFrame, kind: str) -> bytes:
    made = BytesIO()
    if kind == ".csv":
        _harmless(frame).to_csv(made, index=False, encoding="utf-8")
    elif kind == ".json":
        frame.to_json(made, orient="records", force_ascii=False, indent=1, date_format="iso")
    elif kind == ".parquet":
        frame.to_parquet(made, index=False)
    else:
        _workbook(frame, made)
    return made.getvalue()


def _harmless(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**{str(name): frame[name].map(_as_text) for name in frame.columns})


def _as_text(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def _workbook(frame: pd.DataFrame, file: BytesIO) -> None:
    import xlsxwriter

    options = {
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "nan_inf_to_errors": True,
    }
    with xlsxwriter.Workbook(file, options) as book:
        sheet = book.add_worksheet("Readings")
        rows = frame.astype(object).where(frame.notna(), None).to_numpy().tolist()
        sheet.add_table(
            0, 0, max(len(rows), 1), len(frame.columns) - 1,
            {"name": "readings", "style": "Table Style Light 1", "data": rows, "columns": [{"header": str(one)} for one in frame.columns]},
        )  # fmt: skip
        sheet.freeze_panes(1, 2)
        sheet.autofit()
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
