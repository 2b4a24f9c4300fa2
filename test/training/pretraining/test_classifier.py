"""Backbone pre-training: what it reads, that it learns and goes on exactly, how it fails."""

import json
import resource

import cv2
import numpy as np
import pytest
import torch

from tracker_ros.commands import main
from tracker_ros.core.errors import ModelError, ParameterError, SourceError, TrackerError
from tracker_ros.networks.architectures.dastm import DastmConfig
from tracker_ros.networks.backbones.by_name import make_backbone
from tracker_ros.training.pretraining import classifier as module
from tracker_ros.training.pretraining.classifier import PretrainingConfig, one_cycle, pretrain
from tracker_ros.training.pretraining.pictures import LabelledPictures, augment, load
from tracker_ros.training.pretraining.sets import open_labelled
from tracker_ros.training.records import checkpoint

TINY = DastmConfig(widths=(8, 8, 16, 24), depths=(1, 1, 1))
SMALL = PretrainingConfig(epochs=1, batch=8, size=16, held_out=8, rate=0.1)


def quiet(_):
    pass


@pytest.fixture
def folder(tmp_path):
    """FOLDER/CLASS/picture: ten bright and ten dark pictures, twice as wide as high."""
    rng = np.random.default_rng(0)
    for label, (low, high) in (("bright", (160, 255)), ("dark", (0, 90))):
        (tmp_path / "set" / label).mkdir(parents=True)
        for number in range(10):
            image = rng.integers(low, high, (24, 48, 3), np.uint8)
            cv2.imwrite(str(tmp_path / "set" / label / f"{number}.png"), image)
    return tmp_path / "set"


def mean_of(part, index):
    return float(part.picture(index, 16).mean())


def test_an_image_folder_gives_middle_squares_with_their_class(folder):
    image = np.zeros((24, 48, 3), np.uint8)
    image[:, 12:36] = 200
    cv2.imwrite(str(folder / "dark" / "0.png"), image)
    (part,) = open_labelled([folder], folder)
    assert part.classes == ["bright", "dark"] and part.labels.tolist() == [0] * 10 + [1] * 10
    picture = part.picture(10, 16)
    assert picture.shape == (16, 16, 3) and (picture == 200).all()


def test_tiles_are_cut_from_their_mosaic_and_mapped_in_workers(shards, tmp_path):
    (part,) = open_labelled([f"tiny:{shards}"], tmp_path / "tiles")
    assert part.classes == ["bright", "dark"] and len(part.labels) == 48
    for index, label in enumerate(part.labels):
        assert (mean_of(part, index) > 125) == (label == 0)
    data = LabelledPictures([part], 16)
    batches = [np.arange(start, start + 8) for start in range(0, 48, 8)]
    for batch, rows in zip(load(data, batches, workers=2), batches, strict=True):
        assert batch.labels.tolist() == part.labels[rows].tolist()
        assert (batch.images.float().mean((1, 2, 3)) > 125).tolist() == (batch.labels == 0).tolist()


def test_a_folder_of_shards_gives_its_tiles_and_the_crops_of_its_objects(shards, tmp_path):
    tiles, crops = open_labelled([shards], tmp_path / "tiles")
    assert (tiles.name, crops.name) == ("tiny", "voc")
    assert crops.classes == ["block", "square"] and crops.labels.tolist() == [1, 0, 1, 0]
    assert all(crops.picture(index, 24)[4:-4, 4:-4].mean() > 150 for index in range(4))
    content = (shards / "voc-0.tar").read_bytes()
    (tmp_path / "voc-0.tar").write_bytes(content.replace(b'"square"', b' "block"'))
    with pytest.raises(SourceError, match="1 class; a classifier needs two"):
        open_labelled([tmp_path], tmp_path / "tiles")


def test_crops_show_the_object_under_its_class(tmp_path):
    home = tmp_path / "annotations"
    home.mkdir()
    image = np.zeros((60, 80, 3), np.uint8)
    image[10:30, 5:25], image[30:50, 50:70] = 100, 200
    (tmp_path / "train").mkdir()
    cv2.imwrite(str(tmp_path / "train/a.png"), image)
    boxes = [([5, 10, 20, 20], 1), ([50, 30, 20, 20], 2)]
    items = [{"image_id": 1, "bbox": box, "category_id": label} for box, label in boxes]
    content = {
        "images": [{"id": 1, "file_name": "a.png", "width": 80, "height": 60}],
        "categories": [{"id": 1, "name": "cup"}, {"id": 2, "name": "bear"}],
        "annotations": items,
    }
    (home / "instances_train.json").write_text(json.dumps(content))
    (part,) = open_labelled([f"coco:{tmp_path}"], tmp_path / "tiles")
    assert part.classes == ["bear", "cup"] and part.labels.tolist() == [1, 0]
    for index, level in ((0, 100), (1, 200)):
        assert (part.picture(index, 24)[6:18, 6:18] == level).all()


def test_it_tells_bright_from_dark_in_two_sets_with_classes_of_their_own(shards, folder, tmp_path):
    out, lines = tmp_path / "trunk.pt", []
    config = PretrainingConfig(epochs=5, batch=8, size=16, held_out=12, rate=0.15)
    data = [f"tiny:{shards}", folder]
    facts = pretrain(data, out, TINY, config, log=lines.append)
    assert facts["accuracy"] >= 0.9 and set(facts["accuracies"]) == {"tiny", "set"}
    assert (facts["epochs"], facts["of"], facts["classes"]) == (5, 5, 4)
    assert facts["sets"] == {"tiny": 48, "set": 20} and len(lines) == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["set", "trunk.pt"]
    saved = checkpoint.load(out)
    assert saved["facts"] == facts and "resume" not in saved
    make_backbone(TINY).load_state_dict(saved["trunk"])
    # What is finished is left alone.
    before = out.stat().st_mtime_ns
    assert pretrain(data, out, TINY, config, log=quiet) == facts
    assert out.stat().st_mtime_ns == before


class Killed(BaseException):
    pass


def test_a_killed_run_goes_on_to_the_same_weights(shards, tmp_path, monkeypatch):
    config = PretrainingConfig(epochs=2, batch=8, size=16, held_out=8, save_every=2, workers=1)
    data = f"tiny:{shards}"
    whole = pretrain(data, tmp_path / "whole.pt", TINY, config, log=quiet)

    class Dying(module._Pretraining):
        def _update(self, batch, progress):
            if self.step == 7:  # in the second epoch, a step after a checkpoint
                raise Killed
            return super()._update(batch, progress)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(module, "_Pretraining", Dying)
        pretrain(data, tmp_path / "cut.pt", TINY, config, log=quiet)
    assert checkpoint.load(tmp_path / "cut.pt")["resume"]["step"] == 6
    cut = pretrain(data, tmp_path / "cut.pt", TINY, config, log=quiet)
    assert cut == whole
    ours, theirs = (checkpoint.load(tmp_path / name)["trunk"] for name in ("cut.pt", "whole.pt"))
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items())


def test_unreadable_pictures_are_named_skipped_and_counted(folder, tmp_path, capfd):
    (folder / "dark" / "3.png").write_bytes(b"broken")
    config = PretrainingConfig(epochs=2, batch=6, size=16, held_out=0)
    lines = []
    facts = pretrain(folder, tmp_path / "trunk.pt", TINY, config, log=lines.append)
    assert 1 <= facts["skipped"] <= 2 and "unreadable" in lines[-1]
    told = capfd.readouterr().err
    assert told.count("3.png is not a picture that OpenCV can decode (6 bytes); it is skipped") == 1


def test_nothing_but_unreadable_pictures_ends_in_a_sentence(folder, tmp_path):
    for path in folder.glob("*/*.png"):
        path.write_bytes(b"broken")
    with pytest.raises(SourceError, match="pictures could be read"):
        pretrain(folder, tmp_path / "trunk.pt", TINY, SMALL, log=quiet)


def test_a_loss_that_is_not_finite_ends_in_a_sentence(folder, tmp_path):
    config = PretrainingConfig(epochs=9, batch=8, size=16, held_out=0, rate=1e30)
    with pytest.raises(TrackerError, match="not finite at step"):
        pretrain(folder, tmp_path / "trunk.pt", TINY, config, log=quiet)


def test_unusable_data_end_in_a_sentence(folder, shards, tmp_path):
    (folder / "empty").mkdir()
    with pytest.raises(SourceError, match=r"set/empty holds no picture of its class"):
        open_labelled([folder], tmp_path / "tiles")
    (tmp_path / "none").mkdir()
    with pytest.raises(SourceError, match="none holds no classes"):
        open_labelled([tmp_path / "none"], tmp_path / "tiles")
    with pytest.raises(ParameterError, match="nowhere' is no folder and no NAME:FOLDER"):
        open_labelled([tmp_path / "nowhere"], tmp_path / "tiles")
    config = PretrainingConfig(batch=128, held_out=40)
    with pytest.raises(SourceError, match="48 pictures, fewer than 168"):
        pretrain(f"tiny:{shards}", tmp_path / "trunk.pt", TINY, config, log=quiet)
    assert not list(tmp_path.glob("trunk*"))


def test_tiles_that_do_not_fit_on_the_disk_end_in_a_sentence(shards, tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))  # less than 48 * 16 * 16 * 3
    try:
        with pytest.raises(TrackerError, match=r"tiles0 cannot be written"):
            open_labelled([f"tiny:{shards}"], tmp_path / "tiles")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_file_of_other_settings_is_not_overwritten(folder, tmp_path):
    out = tmp_path / "trunk.pt"
    pretrain(folder, out, TINY, SMALL, log=quiet)
    with pytest.raises(ModelError, match="another value of of: 1, not 3"):
        pretrain(folder, out, TINY, PretrainingConfig(3, 8, 0.1, size=16, held_out=8), log=quiet)
    torch.save({"facts": {}}, out)
    with pytest.raises(ModelError, match="no checkpoint of this pre-training"):
        pretrain(folder, out, TINY, SMALL, log=quiet)


def test_the_command(folder, tmp_path, capsys):
    out = tmp_path / "new" / "trunk.pt"
    options = ["--epochs", "1", "--batch", "4", "--size", "16", "--workers", "0"]
    assert main(["pretrain", str(folder), "--out", str(out), *options]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(out)
    for wrong, told in (
        (["--rate", "0"], "--rate is 0.0"),
        (["--device", "cuda:99"], "--device is 'cuda:99'"),
        (["--model", "no"], "model 'no' is unknown"),
        (["--model", "ustam_tiny"], "has no backbone to pre-train"),
        (["--model", "dastm"], "efficientnet_lite0: `tracker-ros convert` makes it"),
        (["--model", "siamfc", "--batch", "2"], "too small for the backbone alexnet"),
    ):
        assert main(["pretrain", str(folder), "--out", str(out), *wrong]) == 1
        error = capsys.readouterr().err
        assert error.startswith("tracker-ros: error:") and told in error


def test_augmentation_is_a_function_of_its_generator():
    images = torch.randint(0, 256, (4, 16, 16, 3), dtype=torch.uint8)
    once, again = (augment(images, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(once, again) and once.shape == (4, 3, 16, 16)
    assert not torch.equal(once, augment(images, torch.Generator().manual_seed(2)))
    assert once.dtype == torch.float32 and torch.isfinite(once).all()


def test_one_cycle_rises_and_falls():
    factors = [one_cycle(progress) for progress in np.linspace(0, 1, 201)]
    assert factors[0] == pytest.approx(0.04) and factors[-1] == pytest.approx(1e-5)
    assert max(factors) == pytest.approx(1) and np.argmax(factors) == 30
