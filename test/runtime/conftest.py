"""A sink for the worker's answers, and how long the worker may catch up."""

import threading

import pytest

PATIENCE = 60.0
STEP = 33_000_000  # ns


@pytest.fixture
def catch_up(monkeypatch):
    """Lets catching up take so many seconds, whatever a frame costs on this machine."""
    return lambda limit: monkeypatch.setattr("tracker_ros.runtime.catching_up.LONGEST", limit)


class Recorder:
    """A sink that keeps what it gets."""

    def __init__(self):
        self.answers = []
        self.problems = []
        self._news = threading.Condition()
        self.on_publish = lambda answer: None

    def publish(self, answer):
        self.on_publish(answer)

    def finish(self, answer):
        with self._news:
            self.answers.append(answer)
            self._news.notify_all()

    def refuse(self, frame, state, problem):
        self.report(state, problem)

    def report(self, subject, problem):
        with self._news:
            self.problems.append((subject, problem))
            self._news.notify_all()

    def until(self, condition):
        with self._news:
            assert self._news.wait_for(condition, PATIENCE)


def stamps(sink) -> list[int]:
    return [answer.frame.stamp // STEP for answer in sink.answers]
