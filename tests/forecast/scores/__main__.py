"""``python -m tests.forecast.scores FOLDER [dates|late|prior] [--variants] [--json FILE]``: see the package."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from tests.forecast.scores import data, late, prior, protocol, table

parser = argparse.ArgumentParser(prog="python -m tests.forecast.scores", description="The score of our forecasts.")
parser.add_argument("folder", type=Path, help="the folder of recorded data")
parser.add_argument("what", nargs="?", choices=("dates", "late", "prior"), help="both tables when left out")
parser.add_argument("--variants", action="store_true", help="with the variants tried, and the choice among them")
parser.add_argument("--json", type=Path, metavar="FILE", help="keep all figures")
asked = parser.parse_args()

found: dict[str, Any] = {}
if asked.what != "late":
    histories = data.histories(asked.folder / "resolved-dates-tawos")
    if asked.what == "prior":
        print(*prior.lines(histories), sep="\n")
    else:
        found["dates"] = table.measured(protocol.board(histories), with_variants=asked.variants)
        print(*table.lines(found["dates"]), sep="\n")
if asked.what in (None, "late"):
    found["late"] = late.measured(asked.folder)
    print(*late.lines(found["late"]), sep="\n")
if asked.json:
    asked.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
