"""Plain OTB folders."""

import pytest

from tracker_ros.training.data.public import open_set


def test_otb_drops_frames_of_nan(made, brightness):
    (clip,) = open_set("otb", made("otb"))
    assert clip.times.tolist() == [0, 1, 3]
    assert [brightness(clip, i) for i in range(3)] == [0, 50, 150]


def test_otb_reads_a_sequence_itself(made):
    (clip,) = open_set("otb", made("otb") / "Walking")
    assert len(clip) == 3


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("Walking/groundtruth_rect.txt", "1,2,3,4\n5,6,x,8\n", "groundtruth_rect.txt line 2"),
        (
            "Walking/groundtruth_rect.txt",
            "1,2,30,40\n" * 3,
            "groundtruth_rect.txt has 3 lines for 4 pictures",
        ),
    ],
)
def test_malformed_annotations_are_named(refusal, file, content, told):
    assert told in refusal("otb", file, content)
