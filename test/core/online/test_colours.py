import numpy as np
import pytest

from tracker_ros.core.online.colours import MOST, NEUTRAL, Colours

BOX = (40.0, 30.0, 40.0, 30.0)
ELSEWHERE = (120.0, 30.0, 40.0, 30.0)
RED, BLUE, GREEN = (30, 40, 200), (200, 60, 30), (40, 180, 60)


def frame(*things, noise=6):
    """A green picture with a thing of a colour at each box."""
    image = np.empty((100, 200, 3))
    image[:] = GREEN
    for (x, y, w, h), colour in things:
        image[int(y) : int(y + h), int(x) : int(x + w)] = colour
    image += np.random.default_rng(0).normal(0, noise, image.shape)
    return image.clip(0, 255).astype(np.uint8)


def test_its_own_colours_elsewhere_speak_for_it():
    colours = Colours.start(frame((BOX, RED)), BOX)
    assert colours.telling > 0.8
    assert colours.speak_for(frame((ELSEWHERE, RED)), ELSEWHERE) == pytest.approx(
        colours.telling * MOST, rel=0.01
    )


def test_other_colours_speak_against():
    colours = Colours.start(frame((BOX, RED)), BOX)
    blue = colours.speak_for(frame((ELSEWHERE, BLUE)), ELSEWHERE)
    assert blue == pytest.approx(-NEUTRAL * colours.telling, rel=0.05)
    half = frame((ELSEWHERE, BLUE), ((120, 30, 20, 30), RED))
    assert blue < colours.speak_for(half, ELSEWHERE) < colours.telling * MOST


@pytest.mark.parametrize("light", [0.6, 1.2])
def test_other_light_is_no_other_colour(light):
    colours = Colours.start(frame((BOX, RED)), BOX)
    red, blue = (
        (frame((ELSEWHERE, colour)) * light).clip(0, 255).astype(np.uint8) for colour in (RED, BLUE)
    )
    assert colours.speak_for(red, ELSEWHERE) > 0.1 * colours.telling
    assert colours.speak_for(blue, ELSEWHERE) < -0.4 * colours.telling


def test_where_the_surroundings_have_its_colours_they_say_little():
    colours = Colours.start(frame((BOX, GREEN)), BOX)
    assert colours.telling < 0.1
    for other in (RED, GREEN):
        assert abs(colours.speak_for(frame((ELSEWHERE, other)), ELSEWHERE)) < 0.05


def test_what_is_followed_may_change_its_colours():
    first = Colours.start(frame((BOX, RED)), BOX)
    colours = first
    for _ in range(40):
        colours = colours.after(frame((BOX, BLUE)), BOX)
    blue, red = frame((BOX, BLUE)), frame((BOX, RED))
    assert colours.speak_for(blue, BOX) > first.speak_for(blue, BOX) + 0.2
    assert colours.speak_for(red, BOX) > first.speak_for(blue, BOX) + 0.2
    assert first.recent is first.first  # nothing was changed in place


@pytest.mark.parametrize(
    "box", [(-30, -20, 40, 30), (190, 90, 40, 30), (300, 300, 5, 5), (-50, 0, 4, 4), (50, 50, 1, 1)]
)
def test_a_box_may_leave_the_image(box):
    colours = Colours.start(frame((BOX, RED)), BOX)
    assert -NEUTRAL <= colours.speak_for(frame(), box) <= MOST
    assert np.isclose(Colours.start(frame(), box).first.sum(), 1)
