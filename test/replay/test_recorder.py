"""The recorder of a session takes in all that was published, however late it is."""

import pytest


@pytest.fixture
def publish(environment):
    """Publish messages reliably; returns when all have arrived at the one subscriber."""
    import rclpy
    from rclpy.duration import Duration

    context = rclpy.Context()
    rclpy.init(args=[], context=context)
    node = rclpy.create_node("publisher", context=context)

    def publish(topic, messages):
        publisher = node.create_publisher(type(messages[0]), topic, len(messages))
        while not publisher.get_subscription_count():
            pass
        for message in messages:
            publisher.publish(message)
        assert publisher.wait_for_all_acked(Duration(seconds=60))

    yield publish
    node.destroy_node()
    context.try_shutdown()


def test_images_that_wait_behind_answers_are_taken_in(publish):
    """Each turn takes one message of each topic, and dropped images have no answer."""
    from builtin_interfaces.msg import Time
    from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
    from sensor_msgs.msg import Image
    from std_msgs.msg import Header
    from vision_msgs.msg import Detection2DArray

    from tracker_ros.replay.recorder import Recorder, Topics
    from tracker_ros.replay.session import _drain

    values = {"state": "TRACKING", "score": "1", "gate_branch": "", "publish_ms": "1"}
    entry = DiagnosticStatus(values=[KeyValue(key=k, value=v) for k, v in values.items()])
    every = [Header(stamp=Time(sec=second)) for second in range(1, 13)]
    answered = [every[0], every[-1]]
    topics = Topics("/replay", compressed=False)
    with Recorder(topics, None) as recorder:
        publish(topics.image, [Image(header=header) for header in every])
        publish(topics.detections, [Detection2DArray(header=header) for header in answered])
        publish(topics.status, [DiagnosticArray(header=h, status=[entry]) for h in answered])
        _drain(recorder)
        assert len(recorder.stamps) == len(every)
        assert sorted(recorder.outputs()) == [0, len(every) - 1]
