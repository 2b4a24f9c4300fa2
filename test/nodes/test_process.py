"""How a node's process starts and ends."""

import signal

import pytest


@pytest.mark.parametrize("arguments, words", [
    (["-p", "engine:=abacus"], "parameter engine is 'abacus', but must be one of auto"),
    (["-p", "watchdog:=2"], "parameter watchdog must be a double from 0.1 to 3600"),
    (["--params-file", "absent.yaml"], "wrong ROS arguments: "),
])  # fmt: skip
def test_wrong_arguments_end_in_one_sentence(run_node, arguments, words):
    code, output = run_node("tracker_node", *arguments).end()
    assert code == 1
    line = output.strip().splitlines()[-1]
    assert line.startswith("tracker-ros: error: ")
    assert words in line
    assert "Traceback" not in output


def test_signal_ends_a_node_whose_model_is_absent(run_node):
    node = run_node("tracker_node", "-p", "model:=absent")
    line = node.process.stdout.readline()
    assert "[ERROR]" in line
    assert "absent" in line
    code, output = node.end(signal.SIGTERM)
    assert code == 0
    assert "Traceback" not in output
