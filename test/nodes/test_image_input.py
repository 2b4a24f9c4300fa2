"""Which images a node takes: topic, quality of service, what is lost, who else publishes."""

import itertools
import time
from types import SimpleNamespace

import pytest

from test.nodes.conftest import PATIENCE


@pytest.fixture
def graph(ros):
    """Makes nodes that are spun together, and takes them away again."""
    import rclpy
    from rclpy.executors import SingleThreadedExecutor

    executor, nodes = SingleThreadedExecutor(context=ros), []

    def node(name: str, *arguments: str, context=None):
        made = rclpy.create_node(name, namespace="/eye", context=context or ros,
                                 cli_args=["--ros-args", *arguments])  # fmt: skip
        nodes.append(made)
        if context is None:
            executor.add_node(made)
        return made

    def until(condition):
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end
            executor.spin_once(timeout_sec=0.05)

    def drop(publisher):
        assert any(made.destroy_publisher(publisher) for made in nodes)

    yield SimpleNamespace(node=node, until=until, drop=drop)
    executor.shutdown()
    for made in nodes:
        made.destroy_node()


@pytest.fixture
def listener(graph):
    """Makes an ImageInput, whose messages and problems are kept."""
    from tracker_ros.nodes.inputs.image import ImageInput

    node, got, problems, made = graph.node("listener"), [], [], []
    node.create_timer(0.5, lambda: [images.rematch() for images in made])

    def listen(transport: str = "raw", profile: str = "AUTO"):
        images = ImageInput(node, transport, profile, got.append, lambda *p: problems.append(p))
        made.append(images)
        images.got, images.problems = got, problems
        return images

    yield listen
    for images in made:
        images.destroy()


@pytest.mark.parametrize("first", ("RELIABLE", "BEST_EFFORT"))
def test_messages_come_from_publishers_of_either_kind(graph, first):
    from std_msgs.msg import String

    from tracker_ros.nodes import qos
    from tracker_ros.nodes.inputs.message import MessageInput

    got, node, sender = [], graph.node("listener"), graph.node("sender")
    messages = MessageInput(node, String, "detections", lambda m: got.append(m.data))
    for name in (first, "RELIABLE", "BEST_EFFORT"):
        publisher = sender.create_publisher(String, "detections", getattr(qos, name))
        graph.until(publisher.get_subscription_count)
        sent = itertools.count()

        def arrived():
            publisher.publish(String(data=f"{name} {next(sent)}"))  # noqa: B023
            return any(data.startswith(name) for data in got)  # noqa: B023

        graph.until(arrived)
        got.clear()
    messages.destroy()
    graph.until(lambda: not publisher.get_subscription_count())


def publish(graph, name: str, kind=None, topic: str = "image", context=None, **policies):
    from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
    from sensor_msgs.msg import Image

    reliability = ReliabilityPolicy[policies.get("reliability", "RELIABLE")]
    durability = DurabilityPolicy[policies.get("durability", "VOLATILE")]
    profile = QoSProfile(depth=5, reliability=reliability, durability=durability)
    node = graph.node(name, context=context)
    return node.create_publisher(kind or Image, topic, profile)


@pytest.fixture
def other_process(ros):
    """A context of its own: in one, a topic has one type."""
    import rclpy
    from rclpy.context import Context

    context = Context()
    rclpy.init(context=context)
    yield context
    rclpy.shutdown(context=context)


def described(images) -> str:
    from tracker_ros.nodes import qos

    return qos.describe(images.profile)


@pytest.mark.parametrize("reliability", ["RELIABLE", "BEST_EFFORT"])
@pytest.mark.parametrize("durability", ["VOLATILE", "TRANSIENT_LOCAL"])
@pytest.mark.parametrize("first", ["publisher", "listener"])
def test_auto_takes_what_the_publisher_offers(graph, listener, reliability, durability, first):
    from sensor_msgs.msg import Image

    wanted = f"{reliability}, {durability}".lower().replace("_", " ")
    images = None if first == "publisher" else listener()
    publisher = publish(graph, "camera", reliability=reliability, durability=durability)
    if images is None:
        graph.until(lambda: publisher.get_subscription_count() == 0)
        images = listener()
    graph.until(lambda: described(images) == wanted)
    graph.until(publisher.get_subscription_count)

    def arrived() -> bool:
        publisher.publish(Image(height=7))  # again and again: it may be before they have met
        return bool(images.got)

    graph.until(arrived)
    assert images.problems == []


def test_auto_follows_publishers_that_come_and_go(graph, listener):
    from sensor_msgs.msg import Image

    images = listener()
    assert described(images) == "best effort, volatile"
    steady = publish(graph, "steady")
    graph.until(lambda: described(images) == "reliable, volatile")
    other = publish(graph, "other", reliability="BEST_EFFORT")
    graph.until(lambda: described(images) == "best effort, volatile")
    assert images.names() == ["other", "steady"]

    turns = itertools.cycle([(steady, 1), (other, 2)])

    def both_arrive() -> bool:
        publisher, number = next(turns)  # again and again: it may be before they have met
        publisher.publish(Image(height=number))
        return {message.height for message in images.got} == {1, 2}

    graph.until(both_arrive)
    graph.drop(other)
    graph.until(lambda: described(images) == "reliable, volatile")


def test_fixed_profile_stays_and_says_what_does_not_fit(graph, listener):
    images = listener(profile="DEFAULT")
    publish(graph, "camera", reliability="BEST_EFFORT")
    graph.until(lambda: images.problems)
    subject, sentence = images.problems[0]
    assert subject == "qos"
    assert "(reliability); asked for reliable, volatile; " in sentence
    assert "camera offers sensor_msgs/msg/Image best effort, volatile" in sentence


@pytest.mark.parametrize("ours, theirs", [("raw", "compressed"), ("compressed", "raw")])
@pytest.mark.parametrize("topic", ["image", "image/compressed"])
def test_images_of_the_other_transport_are_pointed_out(
    graph, listener, other_process, ours, theirs, topic
):
    from tracker_ros.nodes.inputs.transport import IMAGE

    names = {"raw": "image", "compressed": "image/compressed"}
    images = listener(ours)
    # The end of the process that published before may still be on its way.
    graph.until(lambda: images.publishers() == "nobody publishes it")
    publish(graph, "camera", IMAGE.kind(theirs), topic, context=other_process)
    hint = f"set image_transport to {theirs}"
    if topic != names[theirs]:
        hint += f" and remap {names[theirs]} to it"
    graph.until(lambda: hint in images.publishers())
    assert f"/eye/{topic} has {theirs} images" in images.publishers()
    assert images.names() == []
    assert IMAGE.topic(images._node, ours) == images.topic == f"/eye/{names[ours]}"


@pytest.mark.parametrize("remaps, raw, compressed", [
    ([], "/eye/image", "/eye/image/compressed"),
    (["image:=/cam/image_raw"], "/cam/image_raw", "/cam/image_raw/compressed"),
    (["image:=cam/image_raw"], "/eye/cam/image_raw", "/eye/cam/image_raw/compressed"),
    (["image/compressed:=/jpeg"], "/eye/image", "/jpeg"),
    (["image:=/a", "image/compressed:=/b"], "/a", "/b"),
    (["image:=/cam/image_raw/compressed"], "/cam/image_raw/compressed",
     "/cam/image_raw/compressed"),
])  # fmt: skip
def test_remapping_the_image_remaps_the_compressed_one(graph, remaps, raw, compressed):
    from tracker_ros.nodes.inputs.transport import IMAGE

    node = graph.node("mapped", *(word for remap in remaps for word in ("-r", remap)))
    assert IMAGE.topic(node, "raw") == raw
    assert IMAGE.topic(node, "compressed") == compressed
