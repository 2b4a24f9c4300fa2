"""Who yields when two targets lie on each other."""

from tracker_ros.runtime.collisions import FRAMES, Collisions, Sight

HERE, THERE = (10.0, 10.0, 50.0, 50.0), (100.0, 10.0, 50.0, 50.0)
LIVE = ("a", "b", "c")


def look(collisions, a=HERE, b=HERE, scores=(0.9, 0.6), again=(False, False)):
    sights = [Sight("a", a, scores[0], again[0]), Sight("b", b, scores[1], again[1])]
    return collisions.yielding(sights, LIVE)


def test_the_one_whose_memory_agrees_less_yields_after_some_frames():
    for scores, loser, winner in (((0.9, 0.6), "b", "a"), ((0.6, 0.9), "a", "b")):
        collisions = Collisions()
        for _ in range(FRAMES - 1):
            assert look(collisions, scores=scores) == {}
        assert look(collisions, scores=scores) == {loser: winner}


def test_the_sum_of_the_frames_counts_not_the_last():
    collisions = Collisions()
    for _ in range(FRAMES - 1):
        look(collisions, scores=(0.9, 0.5))
    assert look(collisions, scores=(0.5, 0.6)) == {"b": "a"}


def test_those_that_only_pass_each_other_keep_their_places():
    collisions = Collisions()
    for _ in range(3):
        for _ in range(FRAMES - 1):
            assert look(collisions) == {}
        assert look(collisions, b=THERE) == {}


def test_one_that_is_found_again_on_another_yields_at_once():
    assert look(Collisions(), again=(True, False)) == {"a": "b"}
    assert look(Collisions(), again=(False, True)) == {"b": "a"}


def test_the_place_before_the_collision_is_known():
    collisions = Collisions()
    look(collisions, b=THERE)
    for _ in range(FRAMES):
        look(collisions)
    assert collisions.last_apart("b") == THERE
    assert Collisions().last_apart("b") is None


def test_of_three_on_one_place_one_stays():
    collisions = Collisions()
    sights = [Sight(one, HERE, score) for one, score in zip("abc", (0.5, 0.9, 0.7), strict=True)]
    for _ in range(FRAMES - 1):
        assert collisions.yielding(sights, LIVE) == {}
    losers = set(collisions.yielding(sights, LIVE))
    assert "b" not in losers and losers
