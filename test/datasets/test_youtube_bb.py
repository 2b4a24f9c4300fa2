"""YouTube-BB."""

import pytest

from tracker_ros.training.data.public import open_set


def test_youtube_bb_scales_boxes_and_skips_absent_and_missing_frames(made):
    (clip,) = open_set("youtube_bb", made("youtube_bb"))
    assert clip.times.tolist() == [30, 90]  # one second is thirty frames
    assert clip.boxes.tolist() == [[16, 12, 32, 24]] * 2
    assert clip.label == "person"


GOOD = "a,1,0,person,0,absent,-1,-1,-1,-1\n"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("a,1,0,person,0,present,0,1,0\n", "line 1 has 9 columns"),
        (GOOD + "a,1,0,p,0,maybe,0,1,0,1\n", "line 2: object_presence"),
        (GOOD * 2 + "a,1,0,p,0,present,0,1,0,nan\n", "line 3"),
        ("a,x,0,p,0,present,0,1,0,1\n", "line 1 is malformed"),
        ("a,1_0,0,p,0,present,0,1,0,1\n", "line 1 is malformed"),
        ("a,1,0,p,0,present,0.5,0.1,0,1\n", "line 1: ['0.5', '0.1', '0', '1'] is no box"),
        ("a" * 200_000, "field larger"),
    ],
)
def test_malformed_annotations_are_named(refusal, content, told):
    message = refusal("youtube_bb", "yt_bb_detection_train.csv", content)
    assert "yt_bb_detection_train.csv" in message and told in message
