"""A miniature of each public set, as its archive unpacks, and what the reader makes of it."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tracker_ros.core.errors import SourceError
from tracker_ros.training.datasets import READERS, open_set

WIDTH, HEIGHT = 64, 48


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def picture(path: Path, brightness: int = 100) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # The encoder goes by the suffix, and knows .jpeg but not always .JPEG.
    data = cv2.imencode(".jpg", np.full((HEIGHT, WIDTH, 3), brightness, np.uint8))[1]
    path.write_bytes(data.tobytes())


def rows(*boxes: tuple) -> str:
    return "".join(",".join(map(str, box)) + "\n" for box in boxes)


def track(count: int) -> list[tuple]:
    return [(5 + i, 6, 20, 15) for i in range(count)]


def got10k(root: Path) -> None:
    names = ["GOT-10k_Train_000001", "GOT-10k_Train_000002"]
    write(root / "list.txt", "\n".join(names) + "\n")
    for name in names:
        home = root / name
        write(home / "groundtruth.txt", rows(*((x + 0.5, y, w, h) for x, y, w, h in track(4))))
        write(home / "absence.label", "0\n1\n0\n0\n")
        write(home / "cover.label", "8\n8\n0\n3\n")
        write(home / "cut_by_image.label", "0\n0\n0\n0\n")
        write(
            home / "meta_info.ini", "[META]\nurl: x\nobject_class: brown bear\nmotion_class: walk\n"
        )
        for i in range(4):
            picture(home / f"{i + 1:08}.jpg", 50 * i)


def lasot(root: Path) -> None:
    for name in ("airplane/airplane-1", "airplane/airplane-2", "bear/bear-4", "cup-3"):  # cup: flat
        home = root / name
        write(home / "groundtruth.txt", rows(*track(3)))
        write(home / "full_occlusion.txt", "0,1,0")
        write(home / "out_of_view.txt", "0,0,1")
        for i in range(3):
            picture(home / "img" / f"{i + 1:08}.jpg", 50 * i)
    write(root / "training_set.txt", "airplane-2\nbear-4\ncup-3\n")


def trackingnet(root: Path) -> None:
    for part, video in ((0, "A_b-1"), (11, "xyz")):
        write(root / f"TRAIN_{part}/anno/{video}.txt", rows(*track(12)))
        for i in range(12):
            picture(root / f"TRAIN_{part}/frames/{video}/{i}.jpg", 20 * i)


def coco(root: Path) -> None:
    annotations = [
        {"image_id": 9, "bbox": [5, 6, 20.5, 15], "category_id": 3, "iscrowd": 0},
        {"image_id": 9, "bbox": [5, 6, 20, 15], "category_id": 3, "iscrowd": 1},
        {"image_id": 9, "bbox": [5, 6, 3, 15], "category_id": 3, "iscrowd": 0},
        {"image_id": 9, "bbox": [0, 0, 60, 47], "category_id": 3, "iscrowd": 0},
        {"image_id": 11, "bbox": [1, 1, 12, 12], "category_id": 7, "iscrowd": 0},
    ]
    content = {
        "images": [
            {"id": 9, "file_name": "000000000009.jpg", "width": WIDTH, "height": HEIGHT},
            {"id": 11, "file_name": "000000000011.jpg", "width": WIDTH, "height": HEIGHT},
        ],
        "categories": [{"id": 3, "name": "car"}, {"id": 7, "name": "train"}],
        "annotations": annotations,
    }
    write(root / "annotations/instances_train2017.json", json.dumps(content))
    write(root / "annotations/instances_val2017.json", "not read, as there is a train file")
    for image in content["images"]:
        picture(root / "train2017" / image["file_name"])


def voc_xml(*objects: tuple) -> str:
    """An annotation with objects (label, trackid or None, occluded or None, box)."""
    text = f"<annotation><size><width>{WIDTH}</width><height>{HEIGHT}</height></size>\n"
    for label, track, occluded, (x, y, w, h) in objects:
        text += "<object>"
        text += f"<trackid>{track}</trackid>" if track is not None else ""
        text += f"<name>{label}</name><bndbox><xmax>{x + w}</xmax><xmin>{x}</xmin>"
        text += f"<ymax>{y + h}</ymax><ymin>{y}</ymin></bndbox>"
        text += f"<occluded>{occluded}</occluded>" if occluded is not None else ""
        text += "</object>\n"
    return text + "</annotation>\n"


def vid(root: Path) -> None:
    video = "ILSVRC2015_VID_train_0000/ILSVRC2015_train_00000000"
    for i, (x, y, w, h) in enumerate(track(4)):
        objects = [("n1", 0, int(i == 1), (x, y, w, h))]
        objects += [("n2", 1, 0, (30, 20, 18, 12))] if i >= 2 else []
        write(root / f"Annotations/VID/train/{video}/{i:06}.xml", voc_xml(*objects))
        picture(root / f"Data/VID/train/{video}/{i:06}.JPEG", 50 * i)


def det(root: Path) -> None:
    for part in ("ILSVRC2013_train/n01443537/n01443537_10048", "ILSVRC2014_train_0000/x_00000001"):
        objects = [("n1", None, None, (3, 4, 15, 16)), ("n2", None, None, (0, 0, 63, 47))]
        write(root / f"Annotations/DET/train/{part}.xml", voc_xml(*objects))
        picture(root / f"Data/DET/train/{part}.JPEG")


def youtube_bb(root: Path) -> None:
    name, text = "yt_bb_detection_train", ""
    for time in (1000, 2000, 3000, 4000):
        box = "0.25,0.75,0.25,0.75" if time != 2000 else "-1,-1,-1,-1"
        presence = "present" if time != 2000 else "absent"
        text += f"AAB6lO-XiKE,{time},0,person,0,{presence},{box}\n"
        if time != 4000:  # the download lacks the last
            picture(root / name / "0" / f"AAB6lO-XiKE_{time}_0_0.jpg", time // 50)
    text += "gone,1000,5,cat,1,present,0.1,0.9,0.1,0.9\n"
    write(root / f"{name}.csv", text)


def davis(root: Path) -> None:
    red, green = (0, 0, 128), (0, 128, 0)  # BGR of objects 1 and 2 in DAVIS's palette
    for name in ("bear", "bus"):
        for i in range(3):
            picture(root / f"JPEGImages/480p/{name}/{i:05}.jpg", 50 * i)
            mask = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
            mask[6:21, 5 + i : 25 + i] = red
            if i:
                mask[30:45, 40:55] = green
            path = root / f"Annotations/480p/{name}/{i:05}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), mask)
    write(root / "ImageSets/2017/train.txt", "bear\n")
    write(root / "ImageSets/2017/val.txt", "bus\n")


def otb(root: Path) -> None:
    text = "5,6,20,15\n6\t6\t20\t15\nnan,nan,nan,nan\n8 6 20 15\n"
    write(root / "Walking/groundtruth_rect.txt", text)
    for i in range(4):
        picture(root / f"Walking/img/{i + 1:04}.jpg", 50 * i)


SETS = {f.__name__: f for f in (got10k, lasot, trackingnet, coco, vid, det, youtube_bb, davis, otb)}


@pytest.fixture
def made(tmp_path):
    """Makes the miniature of a set and returns its folder."""

    def make(name: str) -> Path:
        SETS[name](tmp_path)
        return tmp_path

    return make


def brightness(clip, index: int) -> int:
    return round(float(clip.view(index).image.mean()))


def test_every_reader_has_a_miniature():
    assert set(SETS) == set(READERS)


@pytest.mark.parametrize("name", SETS)
def test_every_frame_of_a_miniature_decodes_around_its_box(made, name):
    clips = open_set(name, made(name))
    for clip in clips:
        assert (np.diff(clip.times) > 0).all()
        for i in range(len(clip)):
            view = clip.view(i)
            assert view.image.shape == (HEIGHT, WIDTH, 3) and view.image.dtype == np.uint8
            x, y, w, h = view.box
            assert x >= 0 and y >= 0 and x + w <= WIDTH and y + h <= HEIGHT and min(w, h) >= 10


def test_got10k_drops_absent_and_covered_frames(made):
    clips = open_set("got10k", made("got10k"))
    assert len(clips) == 2
    assert clips[0].times.tolist() == [0, 3]
    assert clips[0].boxes.tolist() == [[5.5, 6, 20, 15], [8.5, 6, 20, 15]]
    assert [brightness(clips[0], i) for i in range(2)] == [0, 150]
    assert clips[0].label == "brown bear"
    assert clips.peers(0).tolist() == [1]


def test_got10k_reads_only_what_its_list_names(made):
    root = made("got10k")
    write(root / "list.txt", "GOT-10k_Train_000002\n")
    assert [clip.folder for clip in open_set("got10k", root)] == ["GOT-10k_Train_000002"]


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
    write(root / "testing_set.txt", "airplane-1\n")
    assert [clip.label for clip in open_set("lasot", root)] == ["airplane", "bear", "cup"]


def test_trackingnet_orders_frames_by_number(made):
    clips = open_set("trackingnet", made("trackingnet"))
    assert [clip.folder for clip in clips] == ["TRAIN_0/frames/A_b-1", "TRAIN_11/frames/xyz"]
    assert [brightness(clips[1], i) for i in range(12)] == [20 * i for i in range(12)]


def test_coco_leaves_out_crowds_and_what_is_tiny_or_fills_the_picture(made):
    clips = open_set("coco", made("coco"))
    assert [(clip.label, clip.boxes.tolist()) for clip in clips] == [
        ("car", [[5, 6, 20.5, 15]]),
        ("train", [[1, 1, 12, 12]]),
    ]


def test_coco_finds_pictures_below_images_too(made):
    root = made("coco")
    (root / "images").mkdir()
    (root / "train2017").rename(root / "images" / "train2017")
    assert open_set("coco", root)[0].view(0).image.shape == (HEIGHT, WIDTH, 3)


def test_vid_makes_a_clip_of_each_track_without_occluded_frames(made):
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


def test_youtube_bb_scales_boxes_and_skips_absent_and_missing_frames(made):
    (clip,) = open_set("youtube_bb", made("youtube_bb"))
    assert clip.times.tolist() == [30, 90]  # one second is thirty frames
    assert clip.boxes.tolist() == [[16, 12, 32, 24]] * 2
    assert clip.label == "person"


def test_davis_makes_a_clip_of_each_object_of_the_training_split(made):
    first, second = open_set("davis", made("davis"))
    assert first.folder == second.folder == "JPEGImages/480p/bear"
    green, red = (first, second) if len(first) == 2 else (second, first)
    assert red.boxes.tolist() == [[5, 6, 20, 15], [6, 6, 20, 15], [7, 6, 20, 15]]
    assert green.times.tolist() == [1, 2]
    mask = green.view(0, masked=True).mask
    assert mask[30:45, 40:55].all() and mask.sum() == 15 * 15


def test_davis_2016_lists_name_files(made):
    root = made("davis")
    (root / "ImageSets/2017/train.txt").unlink()
    pair = "/JPEGImages/480p/bus/0000{0}.jpg /Annotations/480p/bus/0000{0}.png\n"
    write(root / "ImageSets/480p/train.txt", pair.format(0) + pair.format(1))
    assert {clip.folder for clip in open_set("davis", root)} == {"JPEGImages/480p/bus"}


def test_otb_drops_frames_of_nan(made):
    (clip,) = open_set("otb", made("otb"))
    assert clip.times.tolist() == [0, 1, 3]
    assert [brightness(clip, i) for i in range(3)] == [0, 50, 150]


def test_otb_reads_a_sequence_itself(made):
    (clip,) = open_set("otb", made("otb") / "Walking")
    assert len(clip) == 3


GOT, VIDEO = "GOT-10k_Train_000001", "Annotations/VID/train/ILSVRC2015_VID_train_0000"
JSON = "annotations/instances_train2017.json"
ODD = (
    '{{"images": [{{"id": 1, "file_name": "{name}", "width": 64, "height": 48}}], "categories":'
    ' [{{"id": 1, "name": "a"}}], "annotations":'
    ' [{{"image_id": 1, "category_id": 1, "bbox": [{x}, 1, 12, 12]}}]}}'
)
MALFORMED = [
    ("got10k", f"{GOT}/groundtruth.txt", "1,2,3\n", "line 1 has 3 numbers"),
    ("got10k", f"{GOT}/groundtruth.txt", rows(*track(3)), "3 lines for 4 pictures"),
    ("got10k", f"{GOT}/groundtruth.txt", rows(*track(5)), "5 lines for 4 pictures"),
    ("got10k", f"{GOT}/groundtruth.txt", "1,2,30,30\n" * 2 + "nan,1,2,3\n1,2,3,4\n", "line 3"),
    ("got10k", f"{GOT}/groundtruth.txt", "1,2,30,30\n1,2,inf,3\n", "line 2"),
    ("got10k", f"{GOT}/groundtruth.txt", "1,2,30,30\n" * 3 + "1e99,2,30,30\n", "line 4"),
    ("got10k", f"{GOT}/groundtruth.txt", None, "groundtruth.txt"),
    ("got10k", f"{GOT}/absence.label", None, "absence.label"),
    ("got10k", f"{GOT}/absence.label", "0\n1\nx\n0\n", "entry 3"),
    ("got10k", f"{GOT}/cover.label", "8\n8\n8\n", "3 entries for 4 pictures"),
    ("got10k", "list.txt", f"{GOT}\nGOT-10k_Train_9\n", "list.txt line 2"),
    ("lasot", "cup-3/full_occlusion.txt", "0,1", "2 entries for 3 pictures"),
    ("lasot", "cup-3/out_of_view.txt", "0,,1", "entry 2"),
    ("lasot", "training_set.txt", "airplane-2\nzebra-1\n", "line 2"),
    ("trackingnet", "TRAIN_0/anno/A_b-1.txt", rows(*track(11)), "11 lines for 12 pictures"),
    ("trackingnet", "TRAIN_0/anno/other.txt", rows(*track(11)), "frames/other"),
    ("coco", JSON, '{"images": [}', "line 1 column"),
    ("coco", JSON, "[]", "instances_train2017.json"),
    ("coco", JSON, ODD.format(name="x.jpg", x="1" + "0" * 400), "annotation 0"),
    ("coco", JSON, ODD.format(name="\\ud800.jpg", x=1), "annotation 0"),
    ("got10k", f"{GOT}/cover.label", "8\n" * 3 + "9" * 5000, "entry 4"),
    ("youtube_bb", "yt_bb_detection_train.csv", "a" * 200_000, "field larger"),
    ("coco", JSON, '{"images": [], "categories": [], "annotations": [{}]}', "annotation 0"),
    ("vid", f"{VIDEO}/ILSVRC2015_train_00000000/000001.xml", "<a>\n<b></a>", "line 2"),
    ("vid", f"{VIDEO}/ILSVRC2015_train_00000000/000001.xml", "<a/>", "size/width"),
    ("vid", f"{VIDEO}/ILSVRC2015_train_00000000/000001.xml",
     voc_xml(("n1", None, 0, (1, 1, 12, 12))), "object 1 has no trackid"),
    ("det", "Annotations/DET/train/a/x.xml",
     voc_xml(("n1", None, None, (1, 1, 12, 12)), ("n1", None, None, (9, 9, -4, 12))), "object 2"),
    ("youtube_bb", "yt_bb_detection_train.csv", "a,1,0,person,0,present,0,1,0\n", "line 1 has 9"),
    ("youtube_bb", "yt_bb_detection_train.csv", "a,1,0,p,0,maybe,0,1,0,1\n", "object_presence"),
    ("youtube_bb", "yt_bb_detection_train.csv", "a,1,0,p,0,present,0,1,0,nan\n", "line 1"),
    ("youtube_bb", "yt_bb_detection_train.csv", "a,x,0,p,0,present,0,1,0,1\n", "line 1"),
    ("davis", "Annotations/480p/bear/00001.png", "no picture", "00001.png is not a picture"),
    ("davis", "Annotations/480p/bear/00001.png", None, "00001.png cannot be read"),
    ("davis", "ImageSets/2017/train.txt", "bear\nyeti\n", "line 2"),
    ("otb", "Walking/groundtruth_rect.txt", "1,2,3,4\n5,6,x,8\n", "line 2"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "file", "content", "told"), MALFORMED)
def test_malformed_annotations_are_named(made, name, file, content, told):
    root = made(name)
    if content is None:
        (root / file).unlink()
    else:
        write(root / file, content)
    with pytest.raises(SourceError) as caught:
        open_set(name, root)
    assert told in str(caught.value)
    assert str(root) in str(caught.value)


@pytest.mark.parametrize("name", SETS)
def test_an_empty_or_missing_folder_is_told(tmp_path, name):
    with pytest.raises(SourceError, match=tmp_path.name):
        open_set(name, tmp_path)
    with pytest.raises(SourceError, match="nowhere is not a folder"):
        open_set(name, tmp_path / "nowhere")


def test_a_damaged_picture_is_named_when_it_is_asked_for(made):
    root = made("got10k")
    (root / GOT / "00000001.jpg").write_bytes(b"")
    (root / GOT / "00000004.jpg").write_bytes(b"\xff\xd8 not a picture")
    clip = open_set("got10k", root)[0]
    for index, name in enumerate(("00000001.jpg", "00000004.jpg")):
        with pytest.raises(SourceError, match=f"{name} is not a picture"):
            clip.view(index)
    (root / GOT / "00000001.jpg").unlink()
    with pytest.raises(SourceError, match=r"00000001.jpg cannot be read"):
        clip.view(0)


ANNOTATIONS = [
    ("got10k", f"{GOT}/groundtruth.txt"),
    ("got10k", f"{GOT}/absence.label"),
    ("got10k", "list.txt"),
    ("lasot", "cup-3/out_of_view.txt"),
    ("lasot", "training_set.txt"),
    ("trackingnet", "TRAIN_0/anno/A_b-1.txt"),
    ("coco", JSON),
    ("vid", f"{VIDEO}/ILSVRC2015_train_00000000/000001.xml"),
    ("det", "Annotations/DET/train/ILSVRC2014_train_0000/x_00000001.xml"),
    ("youtube_bb", "yt_bb_detection_train.csv"),
    ("davis", "ImageSets/2017/train.txt"),
    ("davis", "Annotations/480p/bear/00001.png"),
    ("otb", "Walking/groundtruth_rect.txt"),
]


@pytest.mark.parametrize(("name", "file"), ANNOTATIONS)
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_damaged_annotations_end_in_a_sentence_or_in_sound_clips(made, name, file, data):
    path = made(name) / file
    whole = path.read_bytes()
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(start + 20, len(whole))))
    scrap = st.binary(max_size=8) | st.sampled_from(
        [b"nan", b"-", b",", b"\n", b"1e99", b"{", b"<"]
    )
    path.write_bytes(whole[:start] + data.draw(scrap) + whole[end:])
    try:
        clips = open_set(name, path.parents[len(Path(file).parts) - 1])
    except SourceError as error:
        assert len(str(error).splitlines()) == 1
        return
    for clip in clips:
        assert len(clip) == len(clip.names) == len(clip.times)
        assert np.isfinite(clip.boxes).all() and (clip.boxes[:, 2:] >= 10).all()
