"""Charts: readings -> Vega-Lite specification -> PNG and SVG, without a browser and without a network.

A specification holds its data and is a plain dictionary; its digest names the picture, because the bytes of a picture
change with its renderer. Days are drawn in UTC, so the machine's time zone cannot move them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import Any, Final

import vl_convert
from babel import Locale

from pmo_sync.errors import PmoSyncError

SCALE: Final = 2.0  # pixels per point: sharp on a dense screen and in print
_VERSION: Final = "6.1"


def digest(spec: Mapping[str, Any]) -> str:
    """16 hexadecimal characters that stand for the specification."""
    return hashlib.blake2b(_canonical(spec).encode(), digest_size=8).hexdigest()


def png(spec: Mapping[str, Any]) -> bytes:
    """The chart as PNG at twice its size. The renderer brings its own font. Raises PmoSyncError where it fails."""
    return _png(_canonical(spec))


@lru_cache(maxsize=128)  # two places show the same picture
def _png(canonical: str) -> bytes:
    with _drawing():
        made: bytes = vl_convert.svg_to_png(_svg(canonical), scale=SCALE)
    return made


@lru_cache(maxsize=512)  # the local report has drawn it already
def _svg(canonical: str) -> str:
    with _drawing():
        made: str = vl_convert.vegalite_to_svg(**_options(json.loads(canonical)))
    return made


def _canonical(spec: Mapping[str, Any]) -> str:
    return json.dumps(spec, sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def svg(spec: Mapping[str, Any]) -> str:
    """The chart as SVG, as the renderer writes it; `reports.svg` makes it safe to inline. Raises PmoSyncError."""
    return _svg(_canonical(spec))


@contextmanager
def _drawing() -> Iterator[None]:
    try:
        yield
    except ValueError as error:  # all that the renderer raises
        why = " ".join(str(error).split())[:200]
        raise PmoSyncError(f"a chart cannot be drawn ({why}); this is a fault of pmo-sync, please report it") from error


def _options(spec: Mapping[str, Any]) -> dict[str, Any]:
    time_locale, number_locale = _locales(spec.get("usermeta", {}).get("locale", "en_GB"))
    return {
        "vl_spec": dict(spec),
        "vl_version": _VERSION,
        "allowed_base_urls": [],
        "time_format_locale": time_locale,
        "format_locale": number_locale,
    }


@cache
def _locales(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Babel's locale as d3 wants it."""
    locale = Locale.parse(name)
    days, months = locale.days["format"], locale.months["format"]
    sunday_first = (6, 0, 1, 2, 3, 4, 5)
    time_locale = {
        "dateTime": "%a %-d %b %Y %X",
        "date": "%d/%m/%Y",
        "time": "%H:%M",
        "periods": ["AM", "PM"],
        "days": [days["wide"][one] for one in sunday_first],
        "shortDays": [days["abbreviated"][one] for one in sunday_first],
        "months": [months["wide"][one] for one in range(1, 13)],
        "shortMonths": [months["abbreviated"][one] for one in range(1, 13)],
    }
    symbols = locale.number_symbols["latn"]
    number_locale = {
        "decimal": symbols["decimal"],
        "thousands": symbols["group"],
        "grouping": [3],
        "currency": ["", ""],
    }
    return time_locale, number_locale
