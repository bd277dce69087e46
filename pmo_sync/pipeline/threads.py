"""Work in threads, its results in this one: a bounded queue lies between, so that nobody runs ahead of the store."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

AHEAD: Final = 8  # results made but not taken yet
PATIENCE: Final = 0.2  # seconds until a thread that cannot hand over looks whether anybody still wants it

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ended:
    """A thread is done, well or with an error."""

    error: BaseException | None = None


def results(work: Mapping[str, Iterable[T]]) -> Generator[tuple[str, T | Ended]]:
    """What each iterable yields, run in a thread of its own, with its name; the last of each is ``Ended``.

    A taker that stops (close the generator) stops the threads at their next result; one that waits for a server ends
    with its answer.
    """
    made: queue.Queue[tuple[str, T | Ended]] = queue.Queue(AHEAD)
    stopped = threading.Event()
    for name, one in work.items():
        threading.Thread(target=_run, args=(name, one, made, stopped), daemon=True, name=f"pmo-sync {name}").start()
    running = len(work)
    try:
        while running:
            result = made.get()
            running -= isinstance(result[1], Ended)
            yield result
    finally:
        stopped.set()


def _run(name: str, work: Iterable[T], made: queue.Queue[tuple[str, T | Ended]], stopped: threading.Event) -> None:
    def hand_over(one: T | Ended) -> bool:
        while not stopped.is_set():
            try:
                made.put((name, one), timeout=PATIENCE)
            except queue.Full:
                continue
            return True
        return False

    error: BaseException | None = None
    try:
        for one in work:
            if not hand_over(one):
                return
    except BaseException as caught:  # noqa: BLE001 - handed over and raised where the user sees it
        error = caught
    hand_over(Ended(error))
