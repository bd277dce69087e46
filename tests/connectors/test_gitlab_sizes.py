"""How large a page may be."""

from __future__ import annotations

from connectors.gitlab.sizes import Size


def test_it_grows_back_step_by_step() -> None:
    size = Size(50)
    size.shrink(6, is_final=False)
    seen = []
    for _ in range(5):
        size.worked(size.now)
        size.grow()
        seen.append(size.now)
    assert seen == [12, 24, 48, 50, 50]


def test_growth_in_vain_is_tried_less_and_less() -> None:
    size = Size(50)
    tried = 0
    for _ in range(100):
        if size.now > 25:
            tried += 1
            size.shrink(25, is_final=False)
        size.worked(25)
        size.grow()
    assert 3 < tried < 8


def test_what_no_page_may_be_is_not_tried_again() -> None:
    size = Size(50)
    size.shrink(25, is_final=True)
    for _ in range(10):
        size.worked(25)
        size.grow()
    assert size.now == 25


def test_a_smaller_page_proves_nothing() -> None:
    size = Size(50)
    size.shrink(25, is_final=False)
    size.worked(10)
    size.grow()
    assert size.now == 25
