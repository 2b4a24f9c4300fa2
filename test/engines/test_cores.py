"""Work that several cores share: answers, errors, and who does what."""

import gc
import subprocess
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from tracker_ros.engines.runners.cores import Later, Sharing

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


def test_what_is_asked_for_later_is_done_once_by_a_helper(pool):
    done = []
    with Sharing(pool, 1) as share:
        later = share.later(lambda: done.append(threading.get_ident()) or 5)
    assert (later(), later()) == (5, 5)
    assert len(done) == 1
    with Sharing() as share:  # without helpers at once
        later = share.later(lambda: done.append(threading.get_ident()) or 6)
        assert done[1:] == [threading.get_ident()]
        assert later() == 6


def test_who_asks_does_itself_what_no_helper_has_begun(pool):
    hold = threading.Event()
    blocked = [pool.submit(hold.wait, PATIENCE) for _ in range(2)]
    assert Later(threading.get_ident, pool)() == threading.get_ident()
    hold.set()
    assert all(one.result() for one in blocked)


def test_its_error_comes_to_everyone_who_asks(pool):
    later = Later(lambda: {}["no"], pool)
    for _ in range(2):
        with pytest.raises(KeyError, match="no"):
            later()


def test_what_it_was_given_is_let_go_with_the_answer(pool):
    class Given:
        pass

    given = Given()
    gone = weakref.ref(given)
    later = Later(lambda given=given: 1, pool)
    del given
    later()
    pool.submit(int).result(PATIENCE)  # its threads have let go of it, too
    pool.submit(int).result(PATIENCE)
    gc.collect()
    assert gone() is None


def test_a_forked_process_does_itself_what_a_thread_had_begun():
    code = """
import os, signal, threading
from concurrent.futures import ThreadPoolExecutor
from tracker_ros.engines.runners.cores import Later

begun, hold = threading.Event(), threading.Event()
later = Later(lambda: (begun.set(), hold.wait(), 3)[-1], ThreadPoolExecutor(1))
begun.wait()
child = os.fork()
hold.set()
if not child:
    signal.alarm(30)
    os._exit(later())
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == later() == 3
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=120)
