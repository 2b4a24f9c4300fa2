"""LaSOT."""

import pytest

from tracker_ros.core.errors import SourceError
from tracker_ros.training.data.public import open_set


def test_lasot_takes_the_training_split_in_both_layouts(made):
    clips = open_set("lasot", made("lasot"))
    assert [clip.folder for clip in clips] == [
        "airplane/airplane-2/img",
        "bear/bear-4/img",
        "cup-3/img",
    ]
    assert [clip.label for clip in clips] == ["airplane", "bear", "cup"]
    assert [clip.times.tolist() for clip in clips] == [[0]] * 3  # the others hidden or out of view


def test_lasot_without_a_list_is_read_whole(made):
    root = made("lasot")
    (root / "training_set.txt").unlink()
    assert len(open_set("lasot", root)) == 4
    (root / "testing_set.txt").write_text("airplane-1\n")
    assert [clip.label for clip in open_set("lasot", root)] == ["airplane", "bear", "cup"]


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("cup-3/groundtruth.txt", "5,6,20,15\n5,6,20\n", "groundtruth.txt line 2 has 3 numbers"),
        ("cup-3/groundtruth.txt", "5,6,20,15\n" * 2, "groundtruth.txt has 2 lines for 3 pictures"),
        ("cup-3/full_occlusion.txt", "0,1", "full_occlusion.txt has 2 entries for 3 pictures"),
        ("cup-3/out_of_view.txt", "0,,1", "out_of_view.txt entry 2"),
        ("cup-3/out_of_view.txt", None, "out_of_view.txt cannot be read"),
        ("training_set.txt", "airplane-2\nzebra-1\n", "training_set.txt line 2"),
    ],
)
def test_malformed_annotations_are_named(refusal, file, content, told):
    assert told in refusal("lasot", file, content)


def test_attributes_come_from_the_toolkits_folder(made):
    from tracker_ros.datasets import read_benchmark

    root = made("lasot")
    (root / "training_set.txt").unlink()
    (root / "annos/att").mkdir(parents=True)
    (root / "annos/att/bear-4.txt").write_text("0,1,0,0,0,1,0,0,1,0,0,0,1,0\n")
    found = {one.name: one.attributes for one in read_benchmark("lasot", root)[0]}
    assert found["bear-4"] == ("partial occlusion", "rotation", "scale variation", "low resolution")
    assert found["cup-3"] == ()
    (root / "annos/att/cup-3.txt").write_text("0,1,2\n")
    with pytest.raises(SourceError, match=r"cup-3.txt is not a line of 14 flags"):
        read_benchmark("lasot", root)
