"""Targets that come to lie on each other."""

from tracker_ros.core.geometry.boxes import overlap
from tracker_ros.runtime.requests import Start, Starts

from ..conftest import STEP


def test_one_of_two_targets_on_one_thing_yields(stage):
    stage.show()
    x, y, w, h = stage.party.box(0, 0)
    loose = Start((x - 5, y - 5, w + 8, h + 8), STEP, id="loose")
    stage.ask(Starts((stage.start(0, id="good"), loose)))
    answers = [stage.show() for _ in range(8)]
    states = [sorted(one.state == "LOST" for one in a.targets) for a in answers]
    assert states[0] == [False, False] and states[-1] == [False, True]
    problem = stage.problems("targets")[0]
    assert "lay on each other" in problem and "was given up as lost" in problem


def test_two_look_alikes_that_cross_do_not_end_as_one(stage):
    """The same picture twice; they meet in the middle, the second passes in front."""

    def places(index):
        return (60.0 + 8 * index, 150.0, 60.0, 60.0), (360.0 - 8 * index, 158.0, 60.0, 60.0)

    def image(index):
        return stage.party.frame(0, boxes=[(0, box) for box in places(index)])

    stage.show(image(0))
    stage.ask(Starts(tuple(Start(box, STEP, id=one) for one, box in zip("ab", places(0),
                                                                        strict=True))))  # fmt: skip
    together = 0
    for index in range(1, 36):
        answer = stage.show(image(index))
        boxes = [one.box for one in answer.targets if one.box]
        on_each_other = len(boxes) == 2 and overlap(*boxes) > 0.7
        together = together + 1 if on_each_other else 0
        assert together <= 5
    # Both pictures have a target, or the one that lost its own says so.
    assert all(max(overlap(box, place) for place in places(35)) > 0.5 for box in boxes)
    assert len(boxes) == 2 or "given up as lost" in " ".join(stage.problems("targets"))
