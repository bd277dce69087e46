"""What a reference to a former parent can mean."""

from __future__ import annotations

import pytest

from connectors.gitlab.parents import places


@pytest.mark.parametrize(
    ("reference", "owner", "is_group", "expected"),
    [
        ("&4", "a/b/app", False, ["group a/b 4", "group a 4"]),
        ("&4", "a/b", True, ["group a/b 4", "group a 4"]),
        ("a&4", "a/b/app", False, ["group a 4", "group a/b/a 4", "group a/a 4"]),
        ("#7", "a/app", False, ["project a/app 7", "group a 7"]),
        ("other#7", "a/app", False, ["project other 7", "project a/other 7", "group other 7", "group a/other 7"]),
        ("nonsense", "a/app", False, []),
    ],
)
def test_places(reference: str, owner: str, is_group: bool, expected: list[str]) -> None:
    assert [" ".join(one) for one in places(reference, owner, is_group=is_group)] == expected
