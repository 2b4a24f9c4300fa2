"""The node whose page lets somebody draw the target, with the tracker node, over DDS and HTTP."""

import array
import re
import signal

import cv2
import numpy as np
import pytest

from test.pages import Page


@pytest.fixture
def select(tracker, run_node):
    """Starts the node beside the tracker; the process and its page."""

    def start(*arguments):
        node = run_node("select_node", "-r", "__ns:=/camera1", "-p", "port:=0", *arguments)
        node.wait_for("drag a box")
        return node, Page(re.search(r"open (http://\S+)", node.output)[1])

    return start


def seen(tracker, page, image, condition, what, **fields):
    """Send an image until the page's view fulfils the condition; the view, with its picture."""

    def look():
        tracker.send(image, **fields)
        tracker.spin(0.05)  # not less than between the stamps: the tracker keeps seconds of them
        view, picture = page.look()
        return view | {"picture": picture} if condition(view) else None

    return tracker.until(look, what)


def stamp_of(view) -> int:
    """The stamp of the image that the view is of."""
    return int(view["key"].split()[0])


def pictured(tracker, page, image):
    """A view of an image that the tracker has, too: the two nodes hear of a camera one by one."""

    def known(view):
        return view.get("size") and tracker.statuses[stamp_of(view)]

    return seen(tracker, page, image, known, "a picture")


def asked(tracker, page, path, content):
    """What the page answers, once its node has found the tracker."""

    def ask():
        status, said = page.send(path, content)
        assert status == 200 or "is the tracker running?" in said, said
        return said if status == 200 else None

    return tracker.until(ask, f"an answer to {path}")


def test_a_box_that_is_drawn_starts_the_tracker_in_its_image(tracker, scene, select):
    node, page = select()
    view = pictured(tracker, page, scene.frame(0))
    assert view["targets"] == [] and view["several"] is True
    said = asked(tracker, page, "/target", {"key": view["key"], "box": list(scene.box(0))})
    assert said.startswith("asked /camera1/tracker_node to start on ")
    # On the very image, however many have come since.
    name = tracker.started(stamp_of(view), scene.box(0))
    view = seen(tracker, page, scene.frame(0), lambda v: v["targets"] and v["targets"][0]["box"],
                "the target on the page")  # fmt: skip
    (target,) = view["targets"]
    assert target["name"] == name and target["words"].startswith("TRACKING ")
    np.testing.assert_allclose(target["box"], scene.box(0), atol=8)
    assert asked(tracker, page, "/reset", {}) == "target dropped"
    seen(tracker, page, scene.frame(0), lambda v: v["targets"] == [], "no target")
    assert node.end(signal.SIGINT)[0] == 0


def test_what_the_tracker_refuses_is_said_on_the_page(tracker, scene, select):
    _, page = select()
    view = seen(tracker, page, scene.frame(0), lambda v: v.get("size"), "a picture")
    asked(tracker, page, "/target", {"key": view["key"], "box": [5, 5, 0.5, 30]})
    seen(tracker, page, scene.frame(0), lambda v: "smaller than 2 pixels" in v["message"],
         "the tracker's sentence")  # fmt: skip
    status, said = page.send("/target", {"key": "1", "box": [5, 5, 30, 30]})
    assert status == 400 and "too old" in said
    # One beside others goes the way of several.
    view = pictured(tracker, page, scene.frame(0))
    content = {"key": view["key"], "box": list(scene.box(0)), "beside": True}
    asked(tracker, page, "/target", content)
    tracker.started(stamp_of(view), scene.box(0))
    asked(tracker, page, "/reset", {})


def test_what_is_over_is_not_shown(tracker, scene, select):
    """A box of an image that came long ago would be a lie."""
    _, page = select("-p", "tracker:=nobody")
    view = seen(tracker, page, scene.frame(0), lambda v: v.get("size"), "a picture")
    assert "nobody says nothing: is it running?" in view["message"]
    status, said = page.send("/target", {"key": view["key"], "box": [5, 5, 30, 30]})
    assert status == 400 and "nobody listens on /camera1/nobody/init_target" in said
    status, said = page.send("/reset", {})
    assert status == 400 and "there is no service /camera1/nobody/reset" in said
    tracker.until(lambda: "no image for a while" in page.look()[0]["message"], "the camera's end")
    view, picture = page.look()
    assert "size" not in view and picture == b""


def test_a_tracker_that_does_not_track_any_more_has_no_targets(tracker, scene, select):
    """Its diagnoses go on; what it said of targets is over, and a box of another image a lie."""
    from std_srvs.srv import SetBool, Trigger

    _, page = select()
    tracker.start(scene.frame(0), scene.box(0))
    seen(tracker, page, scene.frame(0), lambda v: v["targets"] and v["targets"][0]["box"],
         "the target on the page")  # fmt: skip
    tracker.call(SetBool, "enable", SetBool.Request(data=False))
    last, boxed = tracker.stamp, {0}

    def over(view):
        boxed.update(stamp_of(view) for one in view["targets"] if one["box"])
        return view.get("size") and not view["targets"] and "nothing" not in view["message"]

    seen(tracker, page, scene.frame(0), over, "no target")
    assert max(boxed) <= last
    tracker.call(SetBool, "enable", SetBool.Request(data=True))
    tracker.call(Trigger, "reset", Trigger.Request())


def test_a_camera_that_began_behind_its_shutter_is_seen(tracker, scene, select):
    """Of 16 bits the shutter has few values, and what comes after it all others."""
    _, page = select()

    def thermal(pixels: np.ndarray) -> dict:
        data = array.array("B", pixels.astype("<u2").tobytes())
        return {"encoding": "mono16", "step": 640, "data": data}

    heat = scene.frame(0).sum(2, dtype=np.uint16)
    seen(tracker, page, scene.blank, lambda v: v.get("size"), "a shutter", **thermal(heat % 4))
    last = tracker.stamp
    view = seen(tracker, page, scene.blank, lambda v: v.get("size") and stamp_of(v) > last,
                "a picture", **thermal(heat + 7000))  # fmt: skip
    picture = cv2.imdecode(np.frombuffer(view["picture"], np.uint8), cv2.IMREAD_GRAYSCALE)
    assert 50 < np.median(picture) < 200


def test_a_camera_whose_stamps_stand_still_is_seen(tracker, scene, select):
    _, page = select()
    first = seen(tracker, page, scene.frame(0), lambda v: v.get("size"), "a picture")["key"]

    def look():
        tracker.send(scene.frame(0), stamp=tracker.stamp)
        tracker.spin(0.05)
        keys.add(page.look()[0]["key"])
        return len(keys) > 3

    keys = {first}
    tracker.until(look, "other pictures of one stamp")


def test_an_image_is_converted_once_however_often_the_page_looks(ros, scene):
    """A compressed one costs milliseconds, and each open page looks some fifteen times a second."""
    from rclpy.parameter import Parameter
    from std_msgs.msg import Header

    from tracker_ros.conversions.images import bgr_to_image
    from tracker_ros.nodes.select_node import SelectNode

    node = SelectNode(
        context=ros, namespace="/looked_at", parameter_overrides=[Parameter("port", value=0)]
    )
    try:
        node._on_image(bgr_to_image(scene.frame(0), Header()))
        first, again = node._view(), node._view()
        assert (first.key, first.image.tobytes()) == ("0 1", scene.frame(0).tobytes())
        assert again.image is first.image
        node._on_image(bgr_to_image(scene.frame(1), Header()))
        assert node._view().image.tobytes() == scene.frame(1).tobytes()
    finally:
        node.release()
        node.destroy_node()


@pytest.mark.parametrize(
    "parameter, words",
    [
        ("port:=70000", "parameter port is 70000, but must be an integer from 0 to 65535"),
        ("host:=nowhere.invalid", "cannot listen on 'nowhere.invalid', port 8080: "),
        ("tracker:=''", "parameter tracker is '', but must be the name of a node"),
    ],
)
def test_a_wrong_parameter_is_told(run_node, parameter, words):
    code, output = run_node("select_node", "-p", parameter).end()
    assert code == 1 and words in output and "Traceback" not in output
