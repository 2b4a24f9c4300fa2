"""COCO: objects, and their masks as polygons and as run lengths."""

import json

import numpy as np
import pytest

from tracker_ros.core.errors import SourceError
from tracker_ros.datasets.formats.segments import decode_counts, rasterise
from tracker_ros.training.data.public import open_set


def test_coco_leaves_out_crowds_and_what_is_tiny_or_fills_the_picture(made):
    clips = open_set("coco", made("coco"))
    assert [(clip.label, clip.boxes.tolist()) for clip in clips] == [
        ("café", [[5, 6, 20.5, 15]]),
        ("train", [[1, 1, 12, 12]]),
    ]


def test_coco_finds_pictures_below_images_too(made):
    root = made("coco")
    (root / "images").mkdir()
    (root / "train2017").rename(root / "images" / "train2017")
    assert open_set("coco", root)[0].view(0).image.shape == (48, 64, 3)


JSON = "annotations/instances_train2017.json"


def test_a_polygon_is_a_mask_from_the_index_too(made, tmp_path):
    root = made("coco")
    for clips in (open_set("coco", root), open_set("coco", root, tmp_path / "cache")):
        assert clips.masked
        mask = clips[0].view(0, masked=True).mask
        assert mask.shape == (48, 64) and mask[6:21, 5:25].all()
        assert mask[:, 27:].sum() == mask[23:].sum() == 0
        assert clips[1].view(0, masked=True).mask is None  # that one has no segmentation
    small = clips[0].view(0, masked=True, detail=8)
    assert small.mask.shape == small.image.shape[:2] == (24, 32)
    assert small.mask[4:10, 3:12].all() and small.box == (2.5, 3, 10.25, 7.5)


def test_run_lengths_go_by_columns():
    # A pixel in the corner, and rows 1 to 3 of columns 2 to 5; the coding is pycocotools'.
    wanted = np.zeros((5, 7), bool)
    wanted[0, 0] = wanted[1:4, 2:6] = True
    counts = [0, 1, 10, 3, 2, 3, 2, 3, 2, 3, 6]
    assert decode_counts("01:2H000004") == counts
    for coded in (counts, "01:2H000004"):
        mask = rasterise({"size": [5, 7], "counts": coded}, 5, 7)
        assert (mask == wanted).all()


def test_long_and_falling_run_lengths():
    # 20020 needs three characters; from the fourth number on differences, some negative.
    assert decode_counts("dac0R4V200XLTNT3l1") == [20020, 130, 70, 130, 70, 10, 10, 110, 70]


def test_polygons_are_joined():
    squares = [[1, 1, 4, 1, 4, 4, 1, 4], [3, 3, 8, 3, 8, 8, 3, 8]]
    mask = rasterise(squares, 10, 10)
    assert mask[1:5, 1:5].all() and mask[3:9, 3:9].all() and not mask[1, 8]


@pytest.mark.parametrize(
    "outline",
    [
        {"size": [48, 64], "counts": [5, 6]},
        {"size": [48, 64], "counts": [-5, 48 * 64 + 5]},
        {"size": [64, 48], "counts": [48 * 64]},
        {"size": [48, 64], "counts": "é"},
        {"size": [48, 64], "counts": "Z"},
        {"size": 3, "counts": [1]},
        {"size": [48, 64], "counts": ["3_072"]},
        [[1, 2, 3, 4, 5, "x"]],
        [[1, 2, 3, 4, 5, "1_0"]],
        [[1, 2, 3, 4, 5, 1e9]],
    ],
)
def test_a_damaged_outline_is_named_when_it_is_asked_for(made, outline):
    root = made("coco")
    content = json.loads((root / JSON).read_text())
    content["annotations"][0]["segmentation"] = outline
    (root / JSON).write_text(json.dumps(content))
    clip = open_set("coco", root)[0]
    with pytest.raises(SourceError, match=r"instances_train2017.json: the segmentation at byte"):
        clip.view(0, masked=True)
    assert clip.view(0).image.shape == (48, 64, 3)


def one(name="x.jpg", x="1", more="") -> str:
    return (
        f'{{"images": [{{"id": 1, "file_name": "{name}", "width": 64, "height": 48}}], "categories"'
        ': [{"id": 1, "name": "a"}], "annotations":'
        f' [{{"image_id": 1, "category_id": 1, "bbox": [{x}, 1, 12, 12]{more}}}]}}'
    )


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"images": [}', "line 1 column 13"),
        ('{"images": [', "line 1 column 13"),
        ('{"images": [], "categories" [', "line 1 column 29"),
        ('{"images": []\n "categories": []}', "line 2 column 2"),
        ("[]", "is no COCO annotation"),
        ('{"images": {}, "categories": [], "annotations": []}', "images"),
        ('{"images": [], "categories": [], "annotations": [{}]}', "annotation 0"),
        (one(x="1" + "0" * 400), "annotation 0 is malformed"),
        (one(x='"1_0"'), "annotation 0 is malformed"),
        (one().replace("64", '"64"'), "annotation 0 is malformed"),
        (one(name="\\ud800.jpg"), "annotation 0 is malformed"),
        (one(more=', "segmentation": [[1, 2, 3]]'), "annotation 0 is malformed"),
        (one(more=', "segmentation": "x"'), "annotation 0 is malformed"),
        (one(more=', "segmentation": {"counts": []}'), "annotation 0 is malformed"),
        (one().replace("64", "6400000000"), "annotation 0 is malformed"),
    ],
)
def test_malformed_annotations_are_named(refusal, content, told):
    message = refusal("coco", JSON, content)
    assert "instances_train2017.json" in message and told in message


def test_what_tools_leave_among_annotations_costs_no_more_than_itself(made, caplog):
    root = made("coco")
    whole = json.loads((root / JSON).read_text())
    first = whole["annotations"][0]
    sound = first["segmentation"]
    first["segmentation"] = [[1, 2, 3, 4], [], *sound]  # a line and nothing
    orphan = dict(first, id=98, image_id=987654321)
    odd = dict(first, id=99, category_id=987654321)
    whole["annotations"] = [orphan, *whole["annotations"], odd]
    (root / JSON).write_text(json.dumps(whole), encoding="utf-8-sig")  # with a mark
    clips = open_set("coco", root)
    assert [clip.label for clip in clips] == ["café", "train"]
    mask = clips[0].view(0, masked=True).mask
    assert mask[6:21, 5:25].all() and mask[:, 27:].sum() == mask[23:].sum() == 0
    assert "2 annotations are of no picture or category" in caplog.text
    first["segmentation"] = [[1, 2, 3, 4], []]
    (root / JSON).write_text(json.dumps(whole))
    assert open_set("coco", root)[0].view(0, masked=True).mask is None
