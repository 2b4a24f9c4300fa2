"""Work that several cores share: answers, errors, and who does what."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tracker_ros.engines.runners.cores import Sharing

PATIENCE = 60.0  # seconds; only a failing test waits so long


@pytest.fixture
def pool():
    with ThreadPoolExecutor(2) as threads:
        yield threads


def test_every_task_is_done_once_whoever_does_it(pool):
    for helpers in (0, 1, 2):
        done = []

        def work(number, done=done):
            done.append(number)
            return number * number

        with Sharing(pool if helpers else None, helpers) as share:
            tasks = [share.begin(work, number) for number in range(20)]
            assert [share.answer(task) for task in tasks] == [n * n for n in range(20)]
        assert sorted(done) == list(range(20))


def test_what_the_caller_sends_away_goes_on_without_it(pool):
    with Sharing(pool, 1) as share:
        met = threading.Event()
        task = share.begin(lambda: (met.set(), threading.get_ident())[1], away=True)
        assert met.wait(PATIENCE)
        assert share.answer(task) != threading.get_ident()


def test_one_task_waits_for_the_caller(pool):
    with Sharing(pool, 2) as share:
        assert share.answer(share.begin(threading.get_ident)) == threading.get_ident()


def test_the_caller_does_what_busy_helpers_have_not_begun(pool):
    hold = threading.Event()
    blocked = [pool.submit(hold.wait, PATIENCE) for _ in range(2)]
    with Sharing(pool, 2) as share:
        tasks = [share.begin(threading.get_ident) for _ in range(3)]
        assert [share.answer(task) for task in tasks] == 3 * [threading.get_ident()]
    hold.set()
    assert all(one.result() for one in blocked)


def test_work_leaves_as_many_as_it_is_told():
    done = []
    with Sharing() as share:
        for number in range(5):
            share.begin(done.append, number)
        share.work(left=2)
        assert done == [0, 1, 2]
    assert done == [0, 1, 2]  # what nobody asked for is dropped


def test_an_error_comes_to_who_asks_and_the_rest_is_dropped(pool):
    def fail():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"), Sharing(pool, 1) as share:
        tasks = [share.begin(fail), share.begin(fail)]
        share.answer(tasks[0])
    assert pool.submit(int).result(PATIENCE) == 0  # its threads are free
