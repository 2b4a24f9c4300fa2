"""Miniature shards: bright noisy squares that move over dark noise."""

import io
import json
import tarfile

import cv2
import numpy as np
import pytest

SIDE = 40  # pixels of the squares


def encode(image, suffix=".png"):
    return cv2.imencode(suffix, image)[1].tobytes()


def write_tar(path, index, members):
    """A shard as the real ones are laid out: pictures and an index.json."""
    with tarfile.open(path, "w") as tar:
        for name, data in [*members.items(), ("index.json", json.dumps(index).encode())]:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def picture(rng, *boxes, size=(150, 200)):
    """Dark noise with bright noise in the boxes (x, y, w, h)."""
    image = rng.integers(0, 50, (*size, 3), np.uint8)
    for x, y, w, h in boxes:
        image[y : y + h, x : x + w] = rng.integers(190, 255, (h, w, 3), np.uint8)
    return image


def track(rng, clip, frames, masks):
    """Index entry and members of one clip."""
    entry, members = {"clip": clip, "frames": []}, {}
    x, y = (int(value) for value in rng.integers(20, 60, 2))
    for number in range(frames):
        box = (x + 6 * number, y + 3 * number, SIDE, SIDE)
        frame = {"image": f"{clip}/{number}.png", "box": list(box)}
        members[frame["image"]] = encode(picture(rng, box))
        if masks:
            frame["mask"] = f"{clip}/{number}-mask.png"
            mask = np.zeros((150, 200), np.uint8)
            cv2.circle(mask, (box[0] + SIDE // 2, box[1] + SIDE // 2), SIDE // 2 - 1, 255, -1)
            members[frame["mask"]] = encode(mask)
        entry["frames"].append(frame)
    return entry, members


@pytest.fixture(scope="session")
def shards(tmp_path_factory):
    """A folder with one shard of each kind; read only."""
    folder, rng = tmp_path_factory.mktemp("shards"), np.random.default_rng(0)
    for kind, masks in (("davis", True), ("video", False)):
        tracks = [track(rng, f"{kind}{number}", 8, masks) for number in range(3)]
        members = {name: data for _, part in tracks for name, data in part.items()}
        write_tar(folder / f"{kind}-0.tar", [entry for entry, _ in tracks], members)

    index, members = [], {}
    for number in range(4):
        box = [int(value) for value in rng.integers(30, 90, 2)] + [SIDE, SIDE]
        name = f"{number}.jpg"
        label = ("square", "block")[number % 2]
        index.append({"image": name, "objects": [{"label": label, "box": box}]})
        members[name] = encode(picture(rng, box), ".jpg")
    write_tar(folder / "voc-0.tar", index, members)

    members = {f"{number}.png": encode(picture(rng)) for number in range(3)}
    index = [{"image": name, "objects": []} for name in members]
    write_tar(folder / "imagenet1k-0.tar", index, members)
    return folder


@pytest.fixture(scope="session")
def one_clip(tmp_path_factory):
    """One clip of a moving square, to train on (shards) and to track in (an OTB sequence)."""
    shards, otb = tmp_path_factory.mktemp("clip"), tmp_path_factory.mktemp("otb")
    (otb / "square/img").mkdir(parents=True)
    rng, members, boxes = np.random.default_rng(0), {}, []
    for number in range(10):
        box = (30 + 8 * number, 40 + round(12 * np.sin(number)), 40, 34)
        members[f"a/{number}.png"] = data = encode(picture(rng, box))
        (otb / f"square/img/{number:04}.png").write_bytes(data)
        boxes.append(box)
    lines = [",".join(map(str, box)) for box in boxes]
    (otb / "square/groundtruth_rect.txt").write_text("\n".join(lines))
    frames = [{"image": name, "box": box} for name, box in zip(members, boxes, strict=True)]
    write_tar(shards / "video-0.tar", [{"clip": "a", "frames": frames}], members)
    ground = {"0.png": encode(picture(rng))}
    write_tar(shards / "imagenet1k-0.tar", [{"image": "0.png", "objects": []}], ground)
    return shards, otb


@pytest.fixture
def trainer(shards):
    """Makes trainers of tiny networks on the miniature shards, which note their losses.

    ``trainer(out)`` takes other values of the configuration by name, besides ``network`` (values
    of a tiny DASTM), ``data``, ``loss`` and the options of ``Trainer``. It dies before the step
    ``dies_at`` of ``trainer.Killed``.
    """
    pytest.importorskip("torch", reason="torch is not installed here")
    from tracker_ros.core.config import TrackingConfig
    from tracker_ros.networks.architectures.dastm import DastmConfig
    from tracker_ros.networks.presets import Preset
    from tracker_ros.training.config import LossConfig, SamplingConfig, TrainingConfig
    from tracker_ros.training.loop import Trainer
    from tracker_ros.training.losses.memory import memory_loss

    sizes = {"widths": (8, 8, 16, 24), "depths": (1, 1, 1), "channels": 16, "head_channels": 16}
    short = {"batch": 2, "steps": 6, "workers": 0, "checkpoint_every": 3}
    options = ("backbone", "start", "validate", "tensorboard")

    class Recorder(Trainer):
        def train_step(self, batch):
            if self.step == self.dies_at:
                raise Killed
            terms = super().train_step(batch)
            self.losses.append(terms["total"])
            return terms

    def make(out, *, data=shards, network=(), loss=memory_loss, tracking=(), dies_at=-1, **values):
        tracking = TrackingConfig(**{"query_size": 64, "memory_size": 48} | dict(tracking))
        design = DastmConfig(**{**sizes, "head_depth": 1, **dict(network)})
        given = {name: values.pop(name) for name in options if name in values}
        values["losses"] = LossConfig(**values.get("losses", {}))
        values["sampling"] = SamplingConfig(**values.get("sampling", {}))
        config = TrainingConfig(**short | values)
        made = Recorder(data, out, Preset("dastm", design, tracking), config, loss, **given)
        made.dies_at, made.losses = dies_at, []
        return made

    make.Killed = Killed
    return make


class Killed(BaseException):
    """What a trainer of ``trainer`` dies of."""
