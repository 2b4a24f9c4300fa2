"""A miniature of each public set, as its archive unpacks."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from tracker_ros.core.errors import SourceError
from tracker_ros.training.data.public import open_set

WIDTH, HEIGHT = 64, 48


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


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
        {"image_id": 9, "bbox": [5, 6, 20.5, 15], "category_id": 3, "iscrowd": 0,
         "segmentation": [[5, 6, 25.5, 6, 25.5, 21, 5, 21]]},
        {"image_id": 9, "bbox": [5, 6, 20, 15], "category_id": 3, "iscrowd": 1},
        {"image_id": 9, "bbox": [5, 6, 3, 15], "category_id": 3, "iscrowd": 0},
        {"image_id": 9, "bbox": [0, 0, 60, 47], "category_id": 3, "iscrowd": 0},
        {"image_id": 11, "bbox": [1, 1, 12, 12], "category_id": 7, "iscrowd": 0},
    ]  # fmt: skip
    content = {
        "images": [
            {"id": 9, "file_name": "000000000009.jpg", "width": WIDTH, "height": HEIGHT},
            {"id": 11, "file_name": "000000000011.jpg", "width": WIDTH, "height": HEIGHT},
        ],
        "categories": [{"id": 3, "name": "café"}, {"id": 7, "name": "train"}],
        "annotations": annotations,
    }
    text = json.dumps(content, ensure_ascii=False)
    write(root / "annotations/instances_train2017.json", text)
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


@pytest.fixture(scope="session")
def names():
    """The sets that have a miniature."""
    return tuple(SETS)


@pytest.fixture
def refusal(made):
    """What ``open_set`` says where one file of a miniature has another content or is gone."""

    def ask(name: str, file: str, content: str | None) -> str:
        root = made(name)
        if content is None:
            (root / file).unlink()
        else:
            write(root / file, content)
        with pytest.raises(SourceError) as caught:
            open_set(name, root)
        message = str(caught.value)
        assert str(root) in message and len(message.splitlines()) == 1
        return message

    return ask


@pytest.fixture
def brightness():
    """The mean of a clip's frame, by which the miniatures' frames are told apart."""
    return lambda clip, index: round(float(clip.view(index).image.mean()))
