"""COCO: annotations/instances_train2017.json with pictures in train2017 or images/train2017."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ...core.errors import SourceError
from ..clips import FARTHEST, Clip, make_clip
from .folder import Folder
from .imagenet import LARGEST


def read_coco(folder: Path) -> Iterator[Clip]:
    """One clip of one frame for each object; crowds and objects without surroundings left out.

    Files ``instances_train*.json``, or all ``instances_*.json`` where there is none. A file is
    parsed whole (some gigabytes of RAM for COCO 2017), once: later runs use the cached index.
    Raises SourceError naming file and annotation.
    """
    store = Folder(folder)
    home = folder / "annotations"
    files = sorted(home.glob("instances_train*.json")) or sorted(home.glob("instances_*.json"))
    if not files:
        raise SourceError(f"{home} holds no instances_*.json")
    for path in files:
        try:
            content = json.loads(path.read_bytes())
            images = {image["id"]: image for image in content["images"]}
            labels = {category["id"]: category["name"] for category in content["categories"]}
            annotations = content["annotations"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SourceError(f"{path} is no COCO annotation: {error!r}") from None
        split = path.stem.removeprefix("instances_")
        inside = f"images/{split}" if (folder / "images" / split).is_dir() else split
        for number, item in enumerate(annotations):
            try:
                image = images[item["image_id"]]
                box = np.array(item["bbox"], float)
                area = float(image["width"]) * float(image["height"])
                name, label = str(image["file_name"]), str(labels[item["category_id"]])
                if box.shape != (4,) or not (np.abs(box) <= FARTHEST).all():
                    raise ValueError(f"bbox is {item['bbox']}")
                clip = make_clip(store, [name], box, folder=inside, label=label)
            except (KeyError, TypeError, ValueError, OverflowError) as error:
                raise SourceError(f"{path} annotation {number} is malformed: {error!r}") from None
            if not item.get("iscrowd") and box[2] * box[3] < LARGEST * area:
                yield clip
