import os
import subprocess
import sys

import numpy as np
import pytest

from test.domains import own_domain
from tracker_ros.sources import open_source

pytest.importorskip("rclpy", reason="ROS 2 is not here")

ENVIRONMENT = os.environ | own_domain()

# Receives images until the player's last one, whose stamp it is told, and prints each.
LISTENER = """
import sys
import rclpy
from sensor_msgs.msg import Image
from tracker_ros.nodes import qos
from tracker_ros.nodes.process import dds
from tracker_ros.conversions.images import image_to_bgr
from tracker_ros.conversions.stamps import stamp_to_ns

dds.use_profile()
rclpy.init()
node = rclpy.create_node("listener")
seen = []

def receive(message):
    seen.append(stamp_to_ns(message.header.stamp))
    print(seen[-1], int(image_to_bgr(message).sum()), flush=True)

node.create_subscription(Image, "image", receive, qos.RELIABLE)
while len(seen) < int(sys.argv[1]):
    rclpy.spin_once(node)
"""


def play(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "tracker_ros", "play", *map(str, arguments)],
        capture_output=True, text=True, timeout=240, env=ENVIRONMENT,
    )  # fmt: skip


def test_every_frame_arrives_and_the_command_ends(sequence):
    folder = sequence(5)
    listener = subprocess.Popen(
        [sys.executable, "-c", LISTENER, "5"], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT
    )
    try:
        patient = ("--wait", "200", "--acknowledge-timeout", "200")
        done = play(folder, "--rate", "10", "--stamps", "source", *patient)
        output, _ = listener.communicate(timeout=240)
    finally:
        listener.kill()
    assert done.returncode == 0, done.stderr
    received = [tuple(map(int, line.split())) for line in output.splitlines()]
    frames = list(open_source(folder, rate=10))
    assert [total for _, total in received] == [int(np.sum(f.image)) for f in frames]
    stamps = np.array([stamp for stamp, _ in received])
    np.testing.assert_array_equal(np.diff(stamps), [100_000_000] * 4)


@pytest.mark.parametrize("name", [b"b\xffg", "\U0001f3a5 b\u00fcg".encode()])
def test_a_source_of_any_name_is_played(sequence, name):
    folder = sequence(3)  # OpenCV writes to no other names
    folder = folder.rename(folder.with_name(os.fsdecode(name)))
    picture = next((folder / "img").iterdir())  # which may be of any name, too
    picture.rename(picture.with_name(os.fsdecode(b"0\xff.png")))
    done = play(folder, "--wait", "0.1")
    assert done.returncode == 0, done.stderr
    assert "played 3 frames" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments, sentence",
    (
        (["no/clip.mp4"], "no/clip.mp4 does not exist"),
        (["{folder}", "--init-bbox", "1,2,3"], "init_bbox"),
        (["{folder}", "--rate", "-1"], "rate"),
        (["{folder}", "--tracker", "bad name"], "parameter tracker is 'bad name', but must be"),
        ([os.fsdecode(b"b\xffg")], "b\\udcffg does not exist"),
        (["{folder}", "--frame-id", os.fsdecode(b"b\xffg")], "frame_id is 'b\\udcffg', but ROS 2"),
    ),
)
def test_what_stops_it(sequence, arguments, sentence):
    done = play(*(a.format(folder=sequence(3)) if "{" in a else a for a in arguments))
    assert done.returncode == 1
    assert "error: " in done.stderr and sentence in done.stderr
    assert "Traceback" not in done.stderr
