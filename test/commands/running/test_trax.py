import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

SERVER = [sys.executable, "-m", "tracker_ros", "trax", "--engine", "onnx"]
BOX = (5.0, 20.0, 20.0, 20.0)


def serve(requests, **variables):
    """What the server says to raw requests, in the protocol's own words."""
    told = {"env": os.environ | variables, "input": requests}
    return subprocess.run(SERVER, **told, capture_output=True, text=True, timeout=240)


def test_a_client_drives_our_tracker(sequence):
    pytest.importorskip("trax", reason="the client is in vot-trax, which is not installed here")
    from tracker_ros import load_tracker

    folder = sequence(10, size=(96, 128)) / "img"
    polygon = (11, 22, 29, 19, 32, 38, 12, 41)
    arguments = [",".join(map(str, region)) for region in (BOX, polygon)]
    client = Path(__file__).with_name("trax_client.py")
    done = subprocess.run(
        [sys.executable, client, folder, *arguments, *SERVER],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["name"], said["regions"], said["status"]) == ("dastm", ["rectangle"], 0)

    tracker, expected = load_tracker(engine="onnx"), []
    for i, path in enumerate(sorted(folder.iterdir())):
        image, score = cv2.imread(str(path)), 1.0
        if i in (0, 6):
            tracker.init(image, BOX if i == 0 else (11, 19, 21, 22))
        else:
            score = tracker.update(image).score
        expected.append([*tracker.last_box, score])
    np.testing.assert_allclose(said["answers"], expected, atol=1e-3)
    assert len({tuple(row) for row in expected}) == 10  # it moved: each answer is its own frame's


@pytest.mark.parametrize(
    ("requests", "sentence"),
    (
        (
            '@@TRAX:initialize "5,5,9,9"\n@@TRAX:frame "file:///nowhere.png"\n',
            "/nowhere.png cannot be read",
        ),
        (
            '@@TRAX:initialize "5,5,9,5,9,9"\n@@TRAX:frame "file:///nowhere.png"\n',
            "the target's region is a Polygon, not a Rectangle",
        ),
    ),
)
def test_what_goes_wrong_is_one_sentence(requests, sentence):
    pytest.importorskip("trax", reason="the server needs vot-trax, which is not installed here")
    done = serve(requests)
    assert done.returncode == 1
    assert done.stdout.startswith("@@TRAX:hello ")
    assert done.stderr.startswith("tracker-ros: error: ") and done.stderr.count("\n") == 1
    assert sentence in done.stderr
    assert sentence in done.stdout  # the client learns the reason


@pytest.mark.parametrize(
    "requests",
    (
        "",
        "@@TRAX:init",
        "@@TRAX:initialize\n",  # without its arguments
        "@@TRAX:initialize ",
        '@@TRAX:initialize "5,5',
        '@@TRAX:initialize "5,5\\',
        '@@TRAX:initialize "5,5,9,9"\n',
        '@@TRAX:initialize "5,5,9,9"\n@@TRAX:frame "file:///now',
        "@@TRAX:quit",
    ),
)
def test_a_client_that_ends_within_a_message_is_told(requests):
    pytest.importorskip("trax", reason="the server needs vot-trax, which is not installed here")
    done = serve(requests)
    assert done.returncode == 1
    assert done.stderr.startswith("tracker-ros: error: the TraX client is gone")
    assert done.stderr.count("\n") == 1


def test_a_socket_without_a_client_is_told():
    """The library tries for ever; and a client that listens may let in but one."""
    pytest.importorskip("trax", reason="the server needs vot-trax, which is not installed here")
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    for told, sentence in (
        (str(port), f"nobody listens on port {port} of this machine, which TRAX_SOCKET names"),
        ("localhost:80", "TRAX_SOCKET is 'localhost:80', not the number of a port, 1 to 65535"),
        ("70000", "TRAX_SOCKET is '70000', not the number of a port, 1 to 65535"),
        ("", "TRAX_SOCKET is '', not the number of a port, 1 to 65535"),
    ):
        done = serve("", TRAX_SOCKET=told)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"tracker-ros: error: {sentence}\n"
    variables = os.environ | {"TRAX_SOCKET": str(port)}
    with (
        socket.create_server(("127.0.0.1", port), backlog=1) as client,
        subprocess.Popen(SERVER, env=variables) as process,
    ):
        client.settimeout(240)
        with client.accept()[0] as connection, connection.makefile("rb") as told:
            assert told.read(12) == b"@@TRAX:hello"  # it may come in pieces
            connection.sendall(b'@@TRAX:initialize "5,5,9,9"\n')
        assert process.wait(240) == 1  # the client is gone


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_whatever_the_client_said(number):
    pytest.importorskip("trax", reason="the server is in vot-trax, which is not installed here")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(SERVER, **pipes, text=True) as process:
        assert process.stdout.readline().startswith("@@TRAX:hello")
        process.stdin.write("@@TRAX:hello trax.version=1\n")
        process.stdin.flush()
        process.send_signal(number)
        try:
            assert process.wait(240) == -number
        finally:
            process.kill()


def test_a_missing_package_is_named():
    script = (
        "import sys; sys.modules['trax'] = None; from tracker_ros.commands import main\n"
        "sys.exit(main(['trax']))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.endswith("which is not here: pip install vot-trax\n")
