"""One cleaning for every tracker's texts: what is stored does not depend on where it came from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.files import normalize as files
from connectors.gitlab import values as gitlab
from connectors.jira import values as jira
from pmo_sync import loading
from pmo_sync.text import clean


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a\0b", "ab"),
        ("\ud83d half", "\ufffd half"),
        ("\ud83d\ude00", "\U0001f600"),
        ("\ud83d\0\ude00", "\U0001f600"),
        ("Ünïcode", "Ünïcode"),
        ("", ""),
        (7, "7"),
    ],
)
def test_what_is_kept_of_a_text(text: object, kept: str) -> None:
    assert clean(text) == kept


@given(st.text(st.characters(codec=None) | st.sampled_from("\0\ud83d\ude00")))
def test_every_way_into_the_store_keeps_the_same(text: str) -> None:
    kept = clean(text)
    kept.encode()
    assert clean(kept) == kept
    assert gitlab.text(text) == files.clean(text) == jira.clean(text) == kept
    assert loading.ids([text]).column("id").to_pylist() == [kept]
