"""TrackingNet."""

import pytest

from tracker_ros.training.data.public import open_set


def test_trackingnet_orders_frames_by_number(made, brightness):
    clips = open_set("trackingnet", made("trackingnet"))
    assert [clip.folder for clip in clips] == ["TRAIN_0/frames/A_b-1", "TRAIN_11/frames/xyz"]
    assert [brightness(clips[1], i) for i in range(12)] == [20 * i for i in range(12)]


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("TRAIN_0/anno/A_b-1.txt", "5,6,20,15\n" * 11, "A_b-1.txt has 11 lines for 12 pictures"),
        ("TRAIN_0/anno/A_b-1.txt", "5,6,20,15\n" * 7 + "5 6 x 15\n", "A_b-1.txt line 8"),
        ("TRAIN_0/anno/other.txt", "5,6,20,15\n", "frames/other"),
    ],
)
def test_malformed_annotations_are_named(refusal, file, content, told):
    assert told in refusal("trackingnet", file, content)
