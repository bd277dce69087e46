"""How many issues a page of one project has: what GitLab could give so far. Pure."""

from __future__ import annotations


class Size:
    """Halved where a page was too much; doubled again after some good ones, later and later where that is in vain."""

    def __init__(self, largest: int) -> None:
        self.now = largest
        self._largest = largest
        self._good = 0  # pages of this size in a row
        self._wanted = 1  # of them, before the size grows
        self._has_grown = False  # and no page of this size came yet

    def shrink(self, size: int, *, is_final: bool) -> None:
        """To ``size`` at most. ``is_final``: no page may ever be larger, whatever it holds."""
        if self._has_grown:
            self._wanted *= 2
        self.now = min(self.now, size)
        self._largest = self.now if is_final else self._largest
        self._good, self._has_grown = 0, False

    def worked(self, size: int) -> None:
        """A page of that size came."""
        if size == self.now:
            self._good += 1
            self._has_grown = False

    def grow(self) -> None:
        """Perhaps."""
        if self._good >= self._wanted and self.now < self._largest:
            self.now = min(2 * self.now, self._largest)
            self._good, self._has_grown = 0, True
