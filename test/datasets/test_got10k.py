"""GOT-10k."""

import pytest

from tracker_ros.training.data.public import open_set

NAME = "GOT-10k_Train_000001"
BOX = "1,2,30,30\n"


def test_got10k_drops_absent_and_covered_frames(made, brightness):
    clips = open_set("got10k", made("got10k"))
    assert len(clips) == 2
    assert clips[0].times.tolist() == [0, 3]
    assert clips[0].boxes.tolist() == [[5.5, 6, 20, 15], [8.5, 6, 20, 15]]
    assert [brightness(clips[0], i) for i in range(2)] == [0, 150]
    assert clips[0].label == "brown bear"
    assert clips.peers(0).tolist() == [1]


def test_got10k_reads_only_what_its_list_names(made):
    root = made("got10k")
    (root / "list.txt").write_text("GOT-10k_Train_000002\n")
    assert [clip.folder for clip in open_set("got10k", root)] == ["GOT-10k_Train_000002"]


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        (f"{NAME}/groundtruth.txt", "1,2,3\n", "groundtruth.txt line 1 has 3 numbers"),
        (f"{NAME}/groundtruth.txt", BOX * 3, "groundtruth.txt has 3 lines for 4 pictures"),
        (f"{NAME}/groundtruth.txt", BOX * 5, "5 lines for 4 pictures"),
        (f"{NAME}/groundtruth.txt", BOX * 2 + "nan,1,2,3\n1,2,3,4\n", "groundtruth.txt line 3"),
        (f"{NAME}/groundtruth.txt", BOX + "1,2,inf,3\n", "groundtruth.txt line 2"),
        (f"{NAME}/groundtruth.txt", BOX * 3 + "1e99,2,30,30\n", "groundtruth.txt line 4"),
        (f"{NAME}/groundtruth.txt", None, "groundtruth.txt"),
        (f"{NAME}/absence.label", None, "absence.label"),
        (f"{NAME}/absence.label", "0\n1\nx\n0\n", "absence.label entry 3"),
        (f"{NAME}/cover.label", "8\n8\n8\n", "cover.label has 3 entries for 4 pictures"),
        (f"{NAME}/cover.label", "8\n" * 3 + "9" * 5000, "cover.label entry 4"),
        ("list.txt", f"{NAME}\nGOT-10k_Train_9\n", "list.txt line 2"),
    ],
)
def test_malformed_annotations_are_named(refusal, file, content, told):
    assert told in refusal("got10k", file, content)
