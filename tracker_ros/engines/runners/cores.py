"""Work that several threads share; no core waits while there is work left."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from threading import Lock
from typing import Any


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Task:
    """Some work, done once by one thread: see ``Sharing``."""

    def __init__(self, work: Callable[..., Any], given: tuple):
        self._work, self._given = work, given
        self._busy = Lock()  # held until the work has ended; cheaper than an event
        self._busy.acquire()
        self._answer: Any = None
        self._error: BaseException | None = None

    @property
    def ended(self) -> bool:
        """Whether there is an answer, or an error."""
        return not self._busy.locked()

    def run(self) -> None:
        """Do the work."""
        try:
            self._answer = self._work(*self._given)
        except BaseException as error:  # for whoever asks for the answer
            self._error = error
        self._busy.release()

    def answer(self) -> Any:
        """What the work returned, as soon as it has ended. Raises what it raised."""
        with self._busy:
            pass
        if self._error is not None:
            raise self._error
        return self._answer


class Later:
    """What some work returns, done by a pool's thread meanwhile, or by whoever asks first."""

    def __init__(self, work: Callable[[], Any], pool: ThreadPoolExecutor):
        self._left: tuple | None = work, pool.submit(work), os.getpid()
        self._asking = Lock()
        self._value: Any = None

    def __call__(self) -> Any:
        """What the work returned, as soon as it has ended. Raises what it raised."""
        with self._asking:
            if self._left:
                work, future, process = self._left
                # The thread that has begun it does not come along into a forked process.
                begun = process == os.getpid() and not future.cancel()
                self._value = future.result() if begun else work()
                self._left = None  # what the work was given is needed no more
        return self._value


class Sharing(AbstractContextManager):
    """Tasks that a pool's threads and the caller take in order.

    The caller works, too: what it does itself need not wait for another thread to wake up. Use it
    in a ``with`` statement; when that ends, no task is running.

    Args:
        pool: its threads help. helpers: at most so many of them; 0: the caller does everything.
    """

    def __init__(self, pool: ThreadPoolExecutor | None = None, helpers: int = 0):
        self._pool, self._helpers = pool, helpers
        self._waiting: deque[Task] = deque()
        self._helping: list[Future] = []

    def later(self, work: Callable[[], Any]) -> Callable[[], Any]:
        """A function that returns what ``work`` returns. With helpers one of them does it.

        It may go on when the ``with`` statement has ended.
        """
        if self._helpers:
            assert self._pool is not None
            return Later(work, self._pool)
        value = work()
        return lambda: value

    def __exit__(self, *_: object) -> None:
        self._waiting.clear()
        for helper in self._helping:
            if not helper.cancel():  # it has begun
                helper.result()

    def begin(self, work: Callable[..., Any], *given: Any, away: bool = False) -> Task:
        """Have ``work(*given)`` done by the first thread that has time.

        ``away``: the caller goes on with something else; otherwise it is to do one of the tasks
        itself, and one helper less is called.
        """
        task = Task(work, given)
        self._waiting.append(task)
        wanted = min(len(self._waiting) - (not away), self._helpers)
        if wanted > len(self._helping):
            self._helping = [helper for helper in self._helping if not helper.done()]
            for _ in range(wanted - len(self._helping)):
                assert self._pool is not None  # there are helpers
                self._helping.append(self._pool.submit(self.work))
        return task

    def answer(self, task: Task) -> Any:
        """What a task returned. Raises what it raised."""
        while not task.ended and self._one():
            pass
        return task.answer()

    def work(self, left: int = 0) -> None:
        """Do tasks until at most ``left`` of them have not been begun."""
        while len(self._waiting) > left and self._one():
            pass

    def _one(self) -> bool:
        """Do one task, if one waits."""
        try:
            task = self._waiting.popleft()
        except IndexError:
            return False
        task.run()
        return True
