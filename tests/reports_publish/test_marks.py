"""The marks inside texts: they come back from whatever text they stand in, and from nothing else."""

from __future__ import annotations

from html import escape

from hypothesis import given
from hypothesis import strategies as st

from reports.publish import fingerprint
from reports.publishers import marker, storage_mark

DIGEST = "0123456789abcdef0123"
slots = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=40)
texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=200)


@given(slots, texts)
def test_a_comment_comes_back(slot: str, text: str) -> None:
    found = marker.read(marker.mark(text, slot, DIGEST))
    assert (found.slot, found.digest, found.is_intact) == (slot, DIGEST, True)
    assert fingerprint(found.text) == fingerprint(text)


@given(slots, texts)
def test_an_edited_text_is_not_intact(slot: str, text: str) -> None:
    assert not marker.read(marker.mark(text, slot, DIGEST) + "\nand more").is_intact
    assert not marker.read("and more " + marker.mark(text, slot, DIGEST)).is_intact


@given(slots, texts, texts)
def test_a_macro_comes_back(slot: str, text: str, title: str) -> None:
    body = f"<p>{escape(text)}</p>"
    found = storage_mark.read(storage_mark.mark(body, slot, DIGEST, title))
    assert found == (body, slot, DIGEST, fingerprint(title))


def test_somebodys_text_is_no_mark() -> None:
    whole = storage_mark.mark("", "project/pay", DIGEST, "Payments")
    for text in (
        f"<ac:plain-text-body><![CDATA[{whole}]]></ac:plain-text-body>",
        f"<p>{escape(whole)}</p>",
        whole.replace(">pmo-sync<", ">status<"),
        whole.replace('ac:name="details"', 'ac:name="panel"'),
    ):
        assert storage_mark.read(text).slot is None, text
    quoted = f"<![CDATA[{storage_mark.mark('', 'other', 'f' * 20, 'x')}]]>"
    found = storage_mark.read(storage_mark.mark(f"<p>{quoted}</p>", "project/pay", DIGEST, "Payments"))
    assert (found.slot, found.text) == ("project/pay", f"<p>{quoted}</p>")


def test_other_page_properties_stay_apart() -> None:
    """A visible details macro with a status inside stands before ours; ours is found, theirs stays in the text."""
    theirs = (
        '<ac:structured-macro ac:name="details" ac:macro-id="1"><ac:rich-text-body><table><tbody><tr><th>slot</th><td>'
        '<ac:structured-macro ac:name="status"><ac:parameter ac:name="title">x</ac:parameter></ac:structured-macro>'
        "</td></tr></tbody></table></ac:rich-text-body></ac:structured-macro>"
    )
    found = storage_mark.read(storage_mark.mark(theirs, "portfolio", DIGEST, "P"))
    assert (found.slot, found.text) == ("portfolio", theirs)
