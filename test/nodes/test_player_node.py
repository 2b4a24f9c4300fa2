"""The player node over DDS: alone, and with the tracker node."""

import signal

import cv2
import numpy as np
import pytest

from test import bags
from tracker_ros.conversions.images import to_bgr
from tracker_ros.conversions.stamps import ns_to_stamp, stamp_to_ns

FRAMES = 10  # as many as wait for a reader that is slow: none gets lost, however late it is
FIRST = 1_000_000_000  # ns; stamp of a file's first frame


@pytest.fixture(scope="module")
def folder(scene, tmp_path_factory):
    """An OTB sequence whose target is absent in its first and in its sixth picture."""
    path = tmp_path_factory.mktemp("sequence")
    truth = [",".join(map(str, scene.box(i))) for i in range(FRAMES)]
    truth[0] = truth[5] = "nan,nan,nan,nan"
    (path / "groundtruth_rect.txt").write_text("\n".join(truth) + "\n")
    (path / "img").mkdir()
    for i in range(FRAMES):
        cv2.imwrite(str(path / "img" / f"{i + 1:04d}.png"), scene.frame(i))
    return path


def options(**values) -> list[str]:
    """Of a player that waits for the others however slow the machine is, but for ``values``."""
    values = {"wait": 600.0, "acknowledge_timeout": 600.0} | values
    return [word for key, value in values.items() for word in ("-p", f"{key}:={value}")]


@pytest.fixture
def subscribe(tracker):
    """Records a topic of the camera's namespace for the length of a test."""
    made = []

    def record(kind, topic: str) -> list:
        found = []
        made.append(tracker.node.create_subscription(kind, topic, found.append, 10))
        return found

    yield record
    for subscription in made:
        tracker.node.destroy_subscription(subscription)


def test_every_frame_of_a_sequence_is_tracked_from_its_first_truth(
    tracker, scene, folder, run_node, subscribe
):
    from sensor_msgs.msg import Image
    from vision_msgs.msg import Detection2DArray

    # The player waits for subscribers of the images alone: the test is one, and was found on the
    # topic of the truth before, since it subscribed to that first.
    truths = subscribe(Detection2DArray, "player_node/ground_truth")
    subscribe(Image, "image")
    before = len(tracker.order)
    player = run_node("player_node", "-r", "__ns:=/camera1", *options(
        source=folder, mode="acknowledged", acknowledge_timeout=30.0, stamps="source",
        publish_init="true", rate=25.0, subscribers=2, frame_id="left"))  # fmt: skip
    stamps = [FIRST + i * 40_000_000 for i in range(FRAMES)]
    tracker.until(lambda: player.process.poll() is not None, "the player's end")
    code, output = player.end()
    assert code == 0, output
    assert f"played {FRAMES} frames" in output
    tracker.until(lambda: stamps[-1] in tracker.order[before:], "the last answer")
    # An answer to an image of before, whose stamps are far later, may have come late; and the box
    # to start on after its image, which is then answered twice.
    answered = (stamp for stamp in tracker.order[before:] if stamp <= stamps[-1])
    assert list(dict.fromkeys(answered)) == stamps

    counts = [len(tracker.detections[stamp][-1].detections) for stamp in stamps]
    assert counts == [0] + [1] * (FRAMES - 1)
    start = tracker.detections[stamps[1]][-1]
    assert tracker.overlap(start, scene.box(1)) > 0.999
    assert start.header.frame_id == "left"
    for i in range(2, FRAMES):
        assert tracker.overlap(tracker.detections[stamps[i]][-1], scene.box(i)) > 0.5
    dropped = {values["dropped_frames"] for s in stamps for values in tracker.statuses[s]}
    assert len(dropped) == 1  # as many at the end as in the beginning

    # The player does not wait for subscribers of the truth, so its first messages may be missed.
    tracker.until(
        lambda: truths and stamp_to_ns(truths[-1].header.stamp) == stamps[-1], "the last truth"
    )
    boxes = {stamp_to_ns(truth.header.stamp): truth for truth in truths}
    for i, stamp in enumerate(stamps):
        if stamp in boxes and i in (0, 5):
            assert not boxes[stamp].detections
        elif stamp in boxes:
            assert tracker.overlap(boxes[stamp], scene.box(i)) > 0.999


def test_loop_that_jumps_back_starts_anew_each_time(tracker, scene, folder, run_node):
    tracker.start(scene.frame(0), scene.box(0))
    last = int(tracker.start(scene.frame(0), scene.box(0)))
    player = run_node("player_node", "-r", "__ns:=/camera1", *options(
        source=folder, mode="acknowledged", acknowledge_timeout=30.0,
        stamps="source_repeated", loop="true",
        init_bbox=f"'{','.join(map(str, scene.box(0)))}'"))  # fmt: skip
    first = tracker.statuses[FIRST]

    def restarts() -> list[str]:
        ids = [values["target_id"] for values in first if values["target_id"]]
        return [target for target in ids if int(target) >= last + 3]

    tracker.until(restarts, "a third start")
    code, output = player.end(signal.SIGTERM)
    assert code == 0, output
    assert "Traceback" not in output


def test_a_start_beyond_the_end_is_told(tracker, folder, run_node):
    player = run_node("player_node", "-r", "__ns:=/camera1", *options(
        source=folder, rate=100.0, stamps="source", init_bbox="'10,10,20,20'",
        init_frame=999))  # fmt: skip
    code, output = player.end()
    assert code == 1
    assert f"init_frame is 999, but {folder} ended after {FRAMES} frames" in output
    assert "Traceback" not in output


def test_the_frame_of_a_box_that_is_not_given_is_told(folder, run_node):
    code, output = run_node("player_node", *options(source=folder, init_frame=3)).end()
    assert code == 1
    assert output.endswith("init_frame is 3, but init_bbox, which it is about, is empty\n")
    assert "Traceback" not in output


def test_what_has_no_effect_is_told(folder, run_node):
    code, output = run_node("player_node", *options(
        source=folder, wait=0.0, mode="acknowledged", acknowledge_timeout=0.1, jpeg_quality=50,
        longest_pause=9.0, rate=9.0)).end()  # fmt: skip
    assert code == 0
    for words in (
        "parameter jpeg_quality is 50, but has no effect without image_transport: compressed",
        "parameter longest_pause is 9.0, but has no effect without mode: real_time",
        "parameter rate is 9.0, but has no effect without mode: real_time or stamps: source or ",
    ):
        assert words in output


@pytest.mark.parametrize("transport", ["raw", "compressed"])
def test_video_is_published_frame_by_frame(
    tracker, scene, tmp_path, run_node, subscribe, transport
):
    """In another namespace than the tracker's, so that the player waits for this subscriber."""
    from sensor_msgs.msg import CompressedImage, Image

    from tracker_ros.sources.writer import VideoWriter

    with VideoWriter(tmp_path / "clip.avi", 50) as video:
        for i in range(FRAMES):
            video.write(scene.frame(i))
    raw = transport == "raw"
    kind, topic = (Image, "image") if raw else (CompressedImage, "image/compressed")
    images = subscribe(kind, f"/alone/{topic}")
    player = run_node("player_node", "-r", "__ns:=/alone", *options(
        source=tmp_path / "clip.avi", image_transport=transport))  # fmt: skip
    tracker.until(lambda: len(images) == FRAMES, "every frame")
    code, output = player.end()
    assert code == 0, output
    stamps = [stamp_to_ns(image.header.stamp) for image in images]
    assert stamps == sorted(set(stamps))
    for i, image in enumerate(images):
        difference = np.abs(to_bgr(image).astype(int) - scene.frame(i))
        assert difference.mean() < 8


@pytest.fixture
def jumps(scene, tmp_path):
    """A bag whose stamps jump ahead by an hour, once for one image and once for good.

    The first begins a new pass: images that come far too late are not waited for.
    """
    hour = 3_600_000_000_000
    stamps = [bags.START + i * bags.PERIOD for i in range(FRAMES)]
    stamps = [stamp + hour * (i == 4 or i >= 8) for i, stamp in enumerate(stamps)]
    images = [bags.image(scene.frame(i), i) for i in range(FRAMES)]
    for image, stamp in zip(images, stamps, strict=True):
        image.header.stamp = ns_to_stamp(stamp, bags.make)
    return bags.write_bag(tmp_path / "jumps", {"/image": images}), stamps


def test_stamps_that_jump_are_neither_sat_out_nor_changed(tracker, run_node, subscribe, jumps):
    from sensor_msgs.msg import Image

    path, stamps = jumps
    images = subscribe(Image, "/jumps/image")
    player = run_node("player_node", "-r", "__ns:=/jumps", *options(
        source=path, stamps="source", longest_pause=0.5))  # fmt: skip
    tracker.until(lambda: len(images) == FRAMES, "every frame")
    code, output = player.end()
    assert code == 0, output
    assert [stamp_to_ns(image.header.stamp) for image in images] == stamps
    warnings = [line for line in output.splitlines() if "[WARN]" in line]
    assert [warning.partition("/image#")[2] for warning in warnings] == [
        "4: the stamps jump ahead by 3600.04 s, which are left out",
        "5: the stamps jump back by 3599.96 s, and pacing begins anew",
        "8: the stamps jump ahead by 3600.04 s, which are left out",
    ]


def test_an_answer_to_the_image_before_is_none_to_the_next_of_the_same_stamp(
    tracker, scene, tmp_path, run_node, subscribe
):
    """Some cameras' stamps stand still."""
    from diagnostic_msgs.msg import DiagnosticArray
    from sensor_msgs.msg import Image

    recorded = [bags.image(scene.frame(i), 0) for i in range(3)]
    path = bags.write_bag(tmp_path / "still", {"/image": recorded})
    images = subscribe(Image, "/still/image")
    states = tracker.node.create_publisher(DiagnosticArray, "/still/tracker_node/status", 10)
    player = run_node("player_node", "-r", "__ns:=/still", *options(
        source=path, stamps="source", mode="acknowledged"))  # fmt: skip
    for count in (1, 2, 3):
        tracker.until(lambda count=count: len(images) == count, f"image {count}")
        tracker.spin(0.3)  # in which the next ones would come
        assert len(images) == count
        tracker.until(states.get_subscription_count, "the player's subscription")
        states.publish(DiagnosticArray(header=images[-1].header))
    code, output = player.end()
    tracker.node.destroy_publisher(states)
    assert code == 0, output
    assert "did not answer" not in output


def test_an_end_while_it_waits_says_nothing_of_playing(tracker, folder, run_node):
    player = run_node("player_node", "-r", "__ns:=/waiting", *options(source=folder))
    tracker.until(lambda: tracker.node.count_publishers("/waiting/image"), "the player")
    code, output = player.end(signal.SIGINT)
    assert (code, output) == (0, "")


def test_an_end_does_not_wait_for_who_takes_no_images(tracker, folder, run_node, subscribe):
    from sensor_msgs.msg import Image

    images = subscribe(Image, "/hanging/image")
    space = ("-r", "__ns:=/hanging")
    hanging = run_node("tracker_node", *space, "-p", "image_qos:=DEFAULT")
    # A node that is stopped before this one has found it is never found.
    tracker.until(lambda: tracker.node.count_subscribers("/hanging/image") == 2, "both readers")
    player = run_node("player_node", *space, *options(source=folder, rate=5.0, subscribers=2))
    tracker.until(lambda: images, "the first frame")
    hanging.process.send_signal(signal.SIGSTOP)
    tracker.until(lambda: len(images) == FRAMES, "every frame")
    code, output = player.end(signal.SIGINT)
    assert code == 0, output
    # DDS gives it up after twenty seconds, and nobody would wait any more.
    assert tracker.node.count_subscribers("/hanging/image") == 2


@pytest.mark.parametrize("values, words", [
    ({}, "parameter source is empty"),
    ({"source": "pictures", "tracker": "'bad name'"}, "parameter tracker is 'bad name', but must"),
    ({"source": "pictures", "tracker": "'a/'"}, "parameter tracker is 'a/', but must be the name"),
    ({"source": "pictures", "tracker": "''"}, "parameter tracker is '', but must be the name of"),
    ({"source": "absent.mp4"}, "absent.mp4 does not exist"),
    ({"source": "README.txt"}, "is not a video that OpenCV can decode"),
    ({"source": "pictures", "publish_init": "true"}, "has no truth to start on; give a box (the"
     " parameter init_bbox, in replay.launch.py the argument box)"),
    ({"source": "pictures", "init_bbox": "'1,2,3,4'", "wait": 0.1, "tracker": "nobody"},
     "nobody subscribes to /image, /nobody/init_target after 0.1 s"),
    ({"source": "pictures", "rate": 1e-300}, "rate is 1e-300, but frames per second must be"),
])  # fmt: skip
def test_what_cannot_be_played_is_told_in_one_sentence(scene, tmp_path, run_node, values, words):
    (tmp_path / "README.txt").write_text("no video\n")
    (tmp_path / "pictures").mkdir()
    cv2.imwrite(str(tmp_path / "pictures" / "1.png"), scene.blank)
    if "source" in values:
        values = values | {"source": tmp_path / values["source"]}
    code, output = run_node("player_node", *options(**values)).end()
    assert code == 1
    (line,) = output.strip().splitlines()
    assert line.startswith("tracker-ros: error: ")
    assert words in line


def test_a_frame_that_cannot_be_published_is_told(tmp_path, run_node):
    cv2.imwrite(str(tmp_path / "1.png"), np.zeros((2, 70_000, 3), np.uint8))
    code, output = run_node("player_node", *options(
        source=tmp_path, wait=0.0, image_transport="compressed")).end()  # fmt: skip
    assert code == 1 and "Traceback" not in output
    error = "tracker-ros: error: 1.png: .jpg does not hold a picture of 70000x2"
    assert output.splitlines()[-1] == error


def test_whatever_ends_the_playing_is_told(ros, folder, tracker):
    """As a disk that is gone, which no test can take away."""
    from rclpy.parameter import Parameter

    from tracker_ros.core.errors import TrackerError
    from tracker_ros.nodes.player_node import PlayerNode

    def read():
        raise MemoryError("out of memory")
        yield

    values = [Parameter("source", value=str(folder)), Parameter("wait", value=0.0)]
    node = PlayerNode(context=ros, namespace="/ends", parameter_overrides=values)
    node._source._read = read
    node.start()
    node._thread.join()
    assert node.done
    with pytest.raises(TrackerError, match=f"{folder} cannot be played on: MemoryError: out of"):
        node.release()
    node.destroy_node()
