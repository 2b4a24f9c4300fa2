"""What the sampler draws: gaps, causality, weights, negatives, broken pictures, augmentation."""

import io
import json
import tarfile
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from tracker_ros.core.config import TrackingConfig
from tracker_ros.core.errors import SourceError
from tracker_ros.training.data.clips import Clip, load_clips
from tracker_ros.training.records.log import TrainingLog
from tracker_ros.training.samples import augment
from tracker_ros.training.samples.frame_choice import choose_frames
from tracker_ros.training.samples.sampling import Samples, SamplingConfig

QUIET = {
    "negative": 0.0,
    "occluder": 0.0,
    "distractor": 0.0,
    "look_alike": 0.0,
    "rotation": 0.0,
    "low_light": 0.0,
    "paste_motion": 0.0,
}
STEP = 4  # brightness from one frame to the next


def otb(root: Path, names: str, frames: int = 60, hidden: range = range(0)) -> str:
    """Sequences of flat pictures that get brighter; returns the specification."""
    for name in names:
        home = root / name
        (home / "img").mkdir(parents=True)
        lines = ["nan,nan,nan,nan" if i in hidden else "30,20,20,16" for i in range(frames)]
        (home / "groundtruth_rect.txt").write_text("\n".join(lines))
        for i in range(frames):
            flat = np.full((60, 80, 3), STEP * i, np.uint8)
            cv2.imwrite(str(home / "img" / f"{i:03}.png"), flat)
    return f"otb:{root}"


def davis(root: Path, names: str, mask: np.ndarray) -> str:
    for name in names:
        for i in range(3):
            for kind in ("JPEGImages", "Annotations"):
                (root / kind / "480p" / name).mkdir(parents=True, exist_ok=True)
            flat = np.full((*mask.shape, 3), 90, np.uint8)
            cv2.imwrite(str(root / f"JPEGImages/480p/{name}/{i}.jpg"), flat)
            cv2.imwrite(str(root / f"Annotations/480p/{name}/{i}.png"), mask * np.uint8(255))
    return f"davis:{root}"


def shard(path: Path, entries: list[dict]) -> None:
    picture = cv2.imencode(".png", np.full((90, 120, 3), 90, np.uint8))[1].tobytes()
    mask = np.zeros((90, 120), np.uint8)
    mask[20:60, 30:80] = 255
    members = {"index.json": json.dumps(entries).encode(), "a.png": picture}
    members["m.png"] = cv2.imencode(".png", mask)[1].tobytes()
    with tarfile.open(path, "w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


@pytest.fixture
def shards(tmp_path):
    frame = {"image": "a.png", "box": [30, 20, 50, 40]}
    masked = [{**frame, "mask": "m.png"}] * 3
    shard(tmp_path / "davis-0.tar", [{"clip": "c", "frames": masked}] * 2)
    shard(tmp_path / "video-0.tar", [{"clip": "v", "frames": [frame] * 3}] * 2)
    objects = [{"label": "dog</name>", "box": frame["box"]}, {"label": "x", "box": [1, 1, 5, 50]}]
    shard(tmp_path / "voc-0.tar", [{"image": "a.png", "objects": objects}] * 2)
    shard(tmp_path / "imagenet1k-0.tar", [{"image": "a.png", "objects": []}])
    return tmp_path


@pytest.fixture
def unchanged(monkeypatch):
    """Crops keep their colours, so that brightness tells the frame."""
    monkeypatch.setattr(augment, "recolour", lambda image, *_: image)
    monkeypatch.setattr(augment, "degrade", lambda image, *_: image)


@given(
    st.sets(st.integers(0, 500), min_size=1, max_size=80),
    st.integers(1, 4),
    st.integers(0, 100),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_frames_stay_within_the_gap_and_in_order(times, count, gap, causal, seed):
    times = np.array(sorted(times), np.float32)
    *memory, query = choose_frames(times, count, gap, causal, np.random.default_rng(seed))
    assert len(memory) == count and 0 <= query < len(times)
    assert all(abs(times[i] - times[query]) <= gap for i in memory)
    if causal:
        assert memory == sorted(memory) and memory[-1] <= query
        reachable = query > 0 and times[query] - times[query - 1] <= gap
        assert (memory[-1] < query) == reachable


def test_frames_on_both_sides_are_used_up_to_the_gap():
    times, rng = np.arange(300), np.random.default_rng(0)
    drawn = [choose_frames(times, 1, 100, False, rng) for _ in range(3000)]
    gaps = [memory - query for memory, query in drawn]
    assert min(gaps) < -95 and max(gaps) > 95 and max(map(abs, gaps)) <= 100


@pytest.mark.parametrize("causal", [False, True])
def test_gaps_count_video_frames_also_where_frames_are_hidden(tmp_path, unchanged, causal):
    spec = otb(tmp_path, "a", hidden=range(20, 40))
    config = SamplingConfig(**QUIET, max_gap=10, causal=causal, memory_frames=2)
    samples = Samples([spec], TrackingConfig(), config)
    seen = Counter()
    for index in range(150):
        sample = samples[index]
        *memory, query = (
            round(float(image.mean()) / STEP) for image in (*sample.memory, *sample.queries)
        )
        assert not set(memory) & set(range(20, 40)) and query not in range(20, 40)
        assert all(abs(frame - query) <= 10 for frame in memory)
        seen["after"] += sum(frame > query for frame in memory)
        seen["unordered"] += memory != sorted(memory)
    assert (seen["after"] == 0) == causal and (seen["unordered"] == 0) == causal


def test_a_sample_depends_on_seed_and_index_alone(tmp_path):
    specs = [otb(tmp_path, "ab", frames=5)]
    first, again, other = (
        Samples(specs, TrackingConfig(), SamplingConfig(), seed) for seed in (1, 1, 2)
    )
    alone = [first[i] for i in (5, 0, 3)]
    loader = DataLoader(again, sampler=[5, 0, 3], num_workers=2, batch_size=None)
    for one, two in zip(alone, loader, strict=True):
        assert (one.queries == np.asarray(two.queries)).all()
        assert (one.memory_boxes == np.asarray(two.memory_boxes)).all()
    assert any((first[i].queries != other[i].queries).any() for i in range(3))


def shares(samples: Samples, count: int) -> dict[str, float]:
    drawn = Counter(samples[index].source for index in range(count))
    return {name: number / count for name, number in drawn.items()}


def test_weights_of_sets_are_kept(tmp_path):
    specs = [
        f"{otb(tmp_path / '1', 'ab', 3)}:1",
        f"{otb(tmp_path / '2', 'c', 3)}:0.5",
        f"{davis(tmp_path / '3', 'de', np.pad(np.ones((30, 40)), 20))}:0.5",
    ]
    found = shares(Samples(specs, TrackingConfig(), SamplingConfig(memory_frames=1)), 400)
    # Half of a set with masks is pasted. Three standard deviations of 400 draws are below .08.
    assert found == pytest.approx(
        {"otb": 0.5, "otb-2": 0.25, "davis": 0.125, "paste": 0.125}, abs=0.08
    )


def test_that_nothing_has_masks_to_be_pasted_is_said(shards, caplog):
    weights = {"video": 1.0, "paste": 1.0}
    samples = Samples(shards, TrackingConfig(), SamplingConfig(weights=weights))
    assert samples.kinds == ["video"]
    told = [record.message for record in caplog.records]
    assert told == ["nothing is pasted: none of these data has masks"]


def test_default_weights_of_the_shards(shards):
    config = SamplingConfig(memory_frames=1)
    found = shares(Samples(shards, TrackingConfig(), config), 400)
    assert found == pytest.approx(config.weights, abs=0.08)


def test_labels_of_shards_lose_the_stray_tag_and_small_objects_go(shards):
    clips = load_clips(shards, "voc")
    assert [clip.label for clip in clips] == ["dog", "dog"]


def test_a_malformed_shard_entry_is_named(tmp_path):
    shard(tmp_path / "voc-0.tar", [{"image": "a.png", "objects": [{"box": "large"}]}])
    with pytest.raises(SourceError, match=r"voc-0.tar: entry 0"):
        load_clips(tmp_path, "voc")


def test_negatives_show_another_target(tmp_path, unchanged):
    for name, level in (("a", 40), ("b", 200)):
        otb(tmp_path, name, frames=4)
        for path in (tmp_path / name / "img").iterdir():
            cv2.imwrite(str(path), np.full((60, 80, 3), level, np.uint8))
    config = SamplingConfig(**QUIET | {"negative": 0.3})
    samples = Samples([f"otb:{tmp_path}"], TrackingConfig(), config)
    drawn = [samples[i] for i in range(300)]
    for sample in drawn:
        assert (sample.memory.mean() == sample.queries.mean()) == sample.positive
    assert np.mean([sample.positive for sample in drawn]) == pytest.approx(0.7, abs=0.11)


def test_of_another_target_only_the_queries_are_decoded(tmp_path, monkeypatch):
    decoded = Counter()
    whole = Clip.view

    def counted(clip, *args, **kwargs):
        decoded[clip.folder] += 1
        return whole(clip, *args, **kwargs)

    monkeypatch.setattr(Clip, "view", counted)
    config = SamplingConfig(**QUIET | {"negative": 1.0}, memory_frames=3)
    samples = Samples([otb(tmp_path, "ab", frames=4)], TrackingConfig(), config)
    for index in range(10):
        decoded.clear()
        assert not samples[index].positive
        assert sorted(decoded.values()) == [1, 4]


def test_a_single_target_has_no_negatives(tmp_path):
    config = SamplingConfig(negative=1.0)
    samples = Samples([otb(tmp_path, "a", frames=3)], TrackingConfig(), config)
    assert all(samples[i].positive for i in range(5))


def test_a_still_picture_becomes_a_clip_of_different_frames(tmp_path):
    samples = Samples([otb(tmp_path, "a", frames=1)], TrackingConfig(), SamplingConfig(**QUIET))
    sample = samples[0]
    assert (sample.memory_boxes[0] != sample.memory_boxes[1]).any()


def test_a_broken_picture_is_reported_once_counted_and_replaced(tmp_path, capfd):
    spec = otb(tmp_path, "a", frames=4)
    (tmp_path / "a/img/001.png").write_bytes(b"broken")
    samples = Samples([spec], TrackingConfig(), SamplingConfig(**QUIET))
    loader = DataLoader(samples, sampler=range(30), num_workers=1, batch_size=None)
    assert len(list(loader)) == 30
    assert samples.replaced >= 5  # counted in the worker, known here
    told = capfd.readouterr().err
    assert told.count("001.png is not a picture that OpenCV can decode") == 1


def test_nothing_but_broken_pictures_ends_in_a_sentence(tmp_path):
    spec = otb(tmp_path, "a", frames=2)
    for path in (tmp_path / "a/img").iterdir():
        path.write_bytes(b"broken")
    samples = Samples([spec], TrackingConfig(), SamplingConfig())
    with pytest.raises(SourceError, match=r"\.png is not a picture"):
        samples[0]


def test_the_log_tells_replaced_samples(tmp_path):
    lines = []
    log = TrainingLog(tmp_path / "log.csv", lines.append, every=1)
    log.add(1, 0.5, {"total": 1.0, "overlap": 0.5}, 8, 0.0, 3)
    assert "3 unreadable samples replaced" in lines[0]
    assert (tmp_path / "log.csv").read_text().splitlines()[0].endswith("replaced")


def test_masks_without_an_object_end_in_a_sentence(tmp_path):
    mask = np.zeros((60, 80))
    mask[10, 10] = mask[40, 50] = 1  # a large box around two pixels
    samples = Samples([davis(tmp_path, "a", mask)], TrackingConfig(), SamplingConfig(**QUIET))
    samples.kinds, samples.shares = ["paste"], [1.0]
    with pytest.raises(SourceError, match="no mask of a hundred pixels"):
        samples.draw(np.random.default_rng(0))


def test_a_grey_sample_shows_no_double_of_the_target_itself(tmp_path, monkeypatch):
    owns = []
    whole = augment.add_look_alike
    monkeypatch.setattr(
        augment, "add_look_alike", lambda *args: (owns.append(args[3]), whole(*args))
    )
    spec = otb(tmp_path, "a", frames=3)
    for path in (tmp_path / "a/img").iterdir():
        noise = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
        cv2.imwrite(str(path), noise)
    samples = Samples([spec], TrackingConfig(), SamplingConfig(**QUIET | {"look_alike": 1.0}))
    seen = Counter()
    for index in range(60):
        owns.clear()
        query = samples[index].queries[0]
        grey = bool((query == query[..., :1]).all())
        seen[grey] += 1
        assert owns == ([] if grey else [True])
    assert seen[True] > 0


@pytest.mark.parametrize("motion", [0.0, 1.0])
def test_pasted_objects_stay_on_the_canvas_and_move(shards, motion):
    config = SamplingConfig(**QUIET, weights={"davis": 0.0, "paste": 1.0})
    samples = Samples(shards, TrackingConfig(), config)
    moved = []
    for seed in range(20):
        _, _, views = samples._collage.draw(samples._order, motion > 0, np.random.default_rng(seed))
        for view in views:
            x, y, w, h = view.box
            assert x >= 0 and y >= 0 and x + w <= 384 and y + h <= 384
        moved.append(abs(views[0].box[0] - views[-1].box[0]))
    assert np.median(moved) > 3


def test_every_augmentation_at_once_keeps_the_shapes(shards):
    config = SamplingConfig(
        look_alike=1, rotation=1, low_light=1, paste_motion=1, occluder=1, distractor=1
    )
    tracking = TrackingConfig()
    samples = Samples(shards, tracking, config)
    for index in range(60):
        sample = samples[index]
        assert sample.memory.shape == (2, tracking.memory_size, tracking.memory_size, 3)
        assert sample.queries.shape == (1, tracking.query_size, tracking.query_size, 3)
        assert sample.queries.dtype == sample.memory.dtype == np.uint8
        assert np.isfinite(sample.query_boxes[0]).all() and (sample.query_boxes[0][2:] > 4).all()
