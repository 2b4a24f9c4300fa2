"""Places over time: what fits is taken in, what jumps is refused and named."""

import numpy as np
import pytest

from tracker_ros.core.errors import InputError
from tracker_ros.runtime.follow.camera import Camera
from tracker_ros.runtime.follow.depth import Surface
from tracker_ros.runtime.follow.follower import Follower, Limits
from tracker_ros.runtime.follow.following import Depth, Following
from tracker_ros.runtime.follow.kalman import ConstantVelocity
from tracker_ros.runtime.follow.messages import Boxed

CAMERA = Camera(500.0, 500.0, 319.5, 239.5, 640, 480)
LIMITS = Limits(gate=4.0, process_noise=0.5, size_change=1.5, forget_after=5.0)
BOX = (300.0, 200.0, 60.0, 90.0)
STEP = 33_333_333  # ns


def surface(depth):
    return Surface(depth, 0.01 * depth, 500)


def walk(follower, frames, depths=lambda i: [3.0], first=0):
    return [
        follower.follow(10**9 + (first + i) * STEP, BOX, [surface(d) for d in depths(i)], CAMERA)
        for i in range(frames)
    ]


def test_filter_learns_a_velocity_and_predicts_with_it():
    one = ConstantVelocity(np.zeros(3), 1e-4 * np.eye(3), 0.01)
    for step in range(1, 60):
        one.predict(0.1)
        one.correct(np.array([0.05 * step, 0.0, -0.02 * step]), 1e-4 * np.eye(3))
    np.testing.assert_allclose(one.state[3:], (0.5, 0, -0.2), atol=0.01)
    before = one.position.copy()
    one.predict(1.0)
    np.testing.assert_allclose(one.position - before, (0.5, 0, -0.2), atol=0.01)
    np.testing.assert_allclose(one.covariance, one.covariance.T)
    assert np.linalg.eigvalsh(one.covariance).min() > 0


def test_a_target_that_comes_nearer_is_followed():
    follower = Follower(LIMITS)
    answers = []
    for i in range(90):
        depth = 4.0 - 0.03 * i  # 0.9 m/s
        side = 60 * 4.0 / depth
        box = (330 - side / 2, 245 - side / 2, side, side)
        answers.append(follower.follow(10**9 + i * STEP, box, [surface(depth)], CAMERA))
    place, reason = answers[-1]
    assert reason is None
    assert place.position[2] == pytest.approx(4.0 - 0.03 * 89, rel=0.02)
    assert place.size == pytest.approx((60 * 4 / 500,) * 2, rel=0.02)
    assert np.linalg.eigvalsh(place.covariance).min() > 0


def test_a_jump_to_the_background_is_refused_and_named():
    follower = Follower(LIMITS)
    walk(follower, 20)
    for place, reason in walk(follower, 100, lambda i: [6.0], first=20):
        assert place is None
        assert reason.startswith("the depth in the box jumped from 3.0")
        assert " to 6.00 m" in reason


def test_a_jump_is_refused_by_size_after_long_when_the_place_is_no_longer_known():
    follower = Follower(LIMITS)
    walk(follower, 20)
    _, reason = follower.follow(10**9 + 20 * STEP + 4 * 10**9, BOX, [surface(6.0)], CAMERA)
    assert "2.00 times as large as before (size_change 1.5)" in reason


def test_the_target_behind_an_occluder_is_taken_not_the_occluder():
    follower = Follower(LIMITS)
    walk(follower, 20)
    place, reason = walk(follower, 1, lambda i: [1.5, 3.0, 6.0], first=20)[0]
    assert reason is None
    assert place.position[2] == pytest.approx(3.0, rel=0.01)


def test_without_a_past_the_nearest_surface_is_the_target():
    place, _ = walk(Follower(LIMITS), 1, lambda i: [3.0, 6.0])[0]
    assert place.position[2] == pytest.approx(3.0)


def test_place_and_size_are_found_anew_after_long_without_a_good_measurement():
    follower = Follower(LIMITS)
    walk(follower, 20)
    answers = walk(follower, 200, lambda i: [6.0], first=20)
    refused = [reason is not None for _, reason in answers]
    assert refused == [True] * 150 + [False] * 50
    assert answers[-1][0].position[2] == pytest.approx(6.0)


def boxed(target_id, x=300.0):
    return Boxed(target_id, "cup", 0.9, (x, 200.0, 60.0, 60.0))


def depth_of(metres=3.0, shape=(480, 640)):
    return Depth(np.full(shape, metres, np.float32), 1.0, "camera")


@pytest.fixture
def following():
    return Following(LIMITS, min_points=20, max_range=10.0)


def frame(following, i, targets, depth, newest=None):
    """The answer to frame ``i``; ``newest``: that of the newest depth, if it is another one."""
    stamp, reach = (10**9 + one * STEP for one in (i, i if newest is None else newest))
    return following.frame(stamp, targets, depth, CAMERA, reach)


def test_each_id_has_a_filter_of_its_own(following):
    left, right = boxed("a", 100.0), boxed("b", 400.0)
    depth = depth_of(3.0)
    depth.values[:, 320:] = 5.0
    for i in range(5):
        found, problems = frame(following, i, [left, right], depth)
        assert problems == []
    assert [seen.id for seen in found] == ["a", "b"]
    assert [seen.place.position[2] for seen in found] == pytest.approx([3.0, 5.0], rel=0.01)


def see(following, i, *ids):
    """Boxes of these targets in frame ``i``; returns those that have a place."""
    found, _ = frame(following, i, [boxed(one, 100.0 * len(one)) for one in ids], depth_of())
    return [seen.id for seen in found]


def tell(following, i, **starts):
    """What the tracker says that it has in frame ``i``."""
    following.tracked(10**9 + i * STEP, starts)


def test_the_first_is_the_one_followed_for_longest(following):
    assert following.first == ""
    see(following, 0, "old")
    for i in (1, 2, 149):
        see(following, i, "newer", *["old"] * (i == 1))
        assert following.first == "old"  # hidden, not gone
    see(following, 200, "newer")
    assert following.first == "newer"


def test_one_that_the_tracker_has_no_longer_makes_room_at_once(following):
    for i in range(3):
        see(following, i, "old")
        tell(following, i, old="a")
    see(following, 3, "newer")
    tell(following, 2, old="a")  # it comes late
    assert following.first == "old"
    tell(following, 3, newer="b")
    assert following.first == "newer"


def test_one_that_the_tracker_has_lost_keeps_its_turn(following):
    see(following, 0, "lost")
    for i in range(1, 400):
        see(following, i, "newer")
        tell(following, i, lost="a", newer="b")
    assert following.first == "lost"


def test_what_has_boxes_in_later_frames_than_the_tracker_tells_of_stays(following):
    for i in range(5):
        see(following, i, "anna")
    for i in (3, 4):
        tell(following, i)
        assert following.first == "anna"


def test_a_target_that_is_started_anew_under_its_id_has_no_past(following):
    for i in range(5):
        frame(following, i, [boxed("a")], depth_of(2.0))
        tell(following, i, a="first")
    assert frame(following, 5, [boxed("a")], depth_of(6.0))[0] == []
    tell(following, 5, a="second")
    ((seen,), problems) = frame(following, 6, [boxed("a")], depth_of(6.0))
    assert (seen.place.position[2], problems) == (pytest.approx(6.0), [])


def test_frames_answered_again_leave_what_was_followed_beyond_them_as_it_was(following):
    anna, bert = boxed("anna", 100.0), boxed("bert", 400.0)
    for i in range(10):
        frame(following, i, [anna], depth_of(2.0))
    hidden = depth_of(1.0)
    for i in range(10, 14):
        assert frame(following, i, [anna], hidden)[0] == []
    for i in (11, 12):  # bert starts in frame 11
        found, problems = frame(following, i, [bert, anna], hidden, newest=13)
        assert ([seen.id for seen in found], problems) == (["bert"], [])
        assert following.first == "anna"
    for i in (13, 14):
        found, problems = frame(following, i, [bert, anna], hidden)
        assert [seen.id for seen in found] == ["bert"]
        assert problems[0].startswith("target anna: the depth in the box jumped from 2.0")
    found, _ = frame(following, 15, [bert, anna], depth_of(2.0))
    assert "anna" in [seen.id for seen in found]
    assert following.first == "anna"


@pytest.mark.parametrize("length", [2, 60, 300])  # frames of a bag
def test_all_begin_anew_where_stamps_of_boxes_and_depth_go_back(following, length):
    for i in range(length):
        frame(following, i, [boxed("a")], depth_of(3.0))
    assert frame(following, 0, [boxed("a")], depth_of(3.0), newest=length - 1) == ([], [])
    for i in range(2):  # now the depth, too, is of the second pass
        (seen,), problems = frame(following, i, [boxed("a")], depth_of(6.0))
        assert (seen.place.position[2], problems) == (pytest.approx(6.0), [])


def test_a_target_without_a_place_does_not_take_the_others_theirs(following):
    depth = depth_of()
    depth.values[:, :320] = 0
    found, (problem,) = frame(following, 0, [boxed("a", 100.0), boxed("b", 400.0)], depth)
    assert [seen.id for seen in found] == ["b"]
    assert problem.startswith("target a: 0 of ")


def test_bad_frames_are_said_in_a_sentence(following):
    with pytest.raises(InputError, match="two detections have the id 'a'"):
        frame(following, 0, [boxed("a"), boxed("a")], depth_of())
    with pytest.raises(
        InputError, match="has 320x480 pixels, but camera_info or cloud 640x480, whi"
    ):
        frame(following, 0, [boxed("a")], depth_of(shape=(480, 320)))


@pytest.mark.parametrize("shape", [(960, 1280), (240, 320), (151, 201)])
def test_registered_depth_may_have_another_scale_than_the_image(following, shape):
    depth = depth_of(6.0, shape)
    across, down = shape[1] / 640, shape[0] / 480
    depth.values[
        round(200 * down) : round(260 * down), round(300 * across) : round(360 * across)
    ] = 2
    ((seen,), problems) = frame(following, 0, [boxed("a")], depth)
    assert problems == []
    np.testing.assert_allclose(seen.place.position, CAMERA.view(330.0, 230.0).locate(2.0))
    assert seen.place.size == pytest.approx((0.24, 0.24))
