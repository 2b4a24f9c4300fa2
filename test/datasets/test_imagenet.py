"""ImageNet VID and DET."""

import pytest

from tracker_ros.training.data.public import open_set


def test_vid_makes_a_clip_of_each_track_without_occluded_frames(made, brightness):
    clips = open_set("vid", made("vid"))
    assert [(clip.label, clip.times.tolist()) for clip in clips] == [
        ("n1", [0, 2, 3]),
        ("n2", [2, 3]),
    ]
    assert clips[0].boxes[1].tolist() == [7, 6, 20, 15]
    assert brightness(clips[1], 0) == 100


def test_det_makes_a_clip_of_each_object_with_surroundings(made):
    clips = open_set("det", made("det"))
    assert [(clip.label, clip.boxes.tolist()) for clip in clips] == [("n1", [[3, 4, 15, 16]])] * 2


VIDEO = "Annotations/VID/train/ILSVRC2015_VID_train_0000/ILSVRC2015_train_00000000"
SIZE = "<size><width>64</width><height>48</height></size>"
BOX = "<bndbox><xmin>9</xmin><ymin>9</ymin><xmax>{}</xmax><ymax>30</ymax></bndbox>"
OBJECT = f"<object><name>n1</name>{BOX.format(30)}</object>"
TRACKED = OBJECT.replace("<name>", "<trackid>0</trackid><name>")
BACKWARDS = f"<object><name>n1</name>{BOX.format(5)}</object>"
WORDY = f"<object><name>n1</name>{BOX.format('wide')}</object>"


@pytest.mark.parametrize(
    ("name", "file", "content", "told"),
    [
        ("vid", f"{VIDEO}/000001.xml", "<a>\n<b></a>",
         "000001.xml cannot be read: mismatched tag: line 2"),
        ("vid", f"{VIDEO}/000001.xml", "<a/>", "000001.xml: size/width is None"),
        ("vid", f"{VIDEO}/000001.xml", f"<a>{SIZE}{OBJECT}</a>", "object 1 has no trackid"),
        ("vid", f"{VIDEO}/last.xml", f"<a>{SIZE}{TRACKED}</a>",
         "last.xml: the name is not the number of a frame"),
        ("det", "Annotations/DET/train/a/x.xml", f"<a>{SIZE}{OBJECT}{BACKWARDS}</a>",
         "x.xml object 2: the box ends before it begins"),
        ("det", "Annotations/DET/train/a/x.xml", f"<a>{SIZE}{WORDY}</a>",
         "x.xml object 1: bndbox/xmax is 'wide'"),
    ],
)  # fmt: skip
def test_malformed_annotations_are_named(refusal, name, file, content, told):
    assert told in refusal(name, file, content)
