import gzip
import json
import pickle

import cv2
import numpy as np
import pytest

from tracker_ros.core.errors import SourceError
from tracker_ros.training.data.clips import Pictures, load_clips
from tracker_ros.training.data.shards import Shard, find_shards


def rewrite(path, index, members=()):
    """A shard with this raw index; text, or bytes."""
    import io
    import tarfile

    with tarfile.open(path, "w") as tar:
        for name, data in [*members, ("index.json", index)]:
            data = data.encode() if isinstance(data, str) else data
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def one_sentence(error, path):
    message = str(error.value)
    assert str(path) in message and "\n" not in message
    return message


def test_a_shard_gives_its_pictures(shards):
    shard = Shard(shards / "davis-0.tar")
    frame = shard.entries[0]["frames"][0]
    x, y, w, h = frame["box"]
    image, mask = shard.image(frame["image"]), shard.mask(frame["mask"])
    assert image.shape == (150, 200, 3) and image.dtype == np.uint8
    assert image[y : y + h, x : x + w].min() > 180 and np.median(image) < 60
    assert mask.shape == (150, 200) and mask.dtype == bool
    assert mask[y + h // 2, x + w // 2] and not mask[y, x]
    assert shard.image(frame["image"], 2).shape == (75, 100, 3)


def test_a_shard_survives_the_way_to_a_worker(shards):
    shard = pickle.loads(pickle.dumps(Shard(shards / "voc-0.tar")))
    assert shard.image("0.jpg").shape == (150, 200, 3)


def test_shards_are_found_in_order(shards, tmp_path):
    for number in (1, 0):
        (tmp_path / f"voc-{number}.tar").touch()
    assert [path.name for path in find_shards(tmp_path, "voc")] == ["voc-0.tar", "voc-1.tar"]
    with pytest.raises(SourceError, match=r"holds no shard named davis-\*\.tar"):
        find_shards(tmp_path, "davis")
    with pytest.raises(SourceError, match=r"is not a folder"):
        find_shards(tmp_path / "absent", "davis")


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: b"no tar" * 500,
        lambda content: content[: len(content) // 2],
        lambda content: content[:100],
        lambda content: np.random.default_rng(0).bytes(5000),
        gzip.compress,
        lambda content: gzip.compress(content)[:-200],
    ],
)
def test_a_damaged_tar_is_one_sentence(shards, tmp_path, damage):
    path = tmp_path / "voc-0.tar"
    path.write_bytes(damage((shards / "voc-0.tar").read_bytes()))
    with pytest.raises(SourceError) as error:
        Shard(path)
    one_sentence(error, path)


def test_a_missing_shard_is_one_sentence(tmp_path):
    with pytest.raises(SourceError) as error:
        Shard(tmp_path / "voc-0.tar")
    assert "No such file" in one_sentence(error, tmp_path / "voc-0.tar")


@pytest.mark.parametrize("index", ["", "{", b"\xff\xfe\x00", '{"entries": []}', "[1, 2]", "null"])
def test_an_unreadable_index_is_one_sentence(tmp_path, index):
    path = rewrite(tmp_path / "voc-0.tar", index)
    with pytest.raises(SourceError) as error:
        Shard(path)
    one_sentence(error, path)


def test_a_missing_member_is_named(shards):
    shard = Shard(shards / "voc-0.tar")
    with pytest.raises(SourceError, match=r"voc-0\.tar has no member 'absent\.jpg'"):
        shard.image("absent.jpg")


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff\xe0 no picture", b"x" * 100])
def test_a_broken_picture_is_named(tmp_path, content):
    path = rewrite(tmp_path / "voc-0.tar", "[]", [("0.jpg", content)])
    for read in (Shard(path).image, Shard(path).mask):
        with pytest.raises(SourceError) as error:
            read("0.jpg")
        assert "'0.jpg' is not a picture" in one_sentence(error, path)


def test_clips_of_tracks_and_of_stills(shards):
    davis, video, voc = (load_clips(shards, kind) for kind in ("davis", "video", "voc"))
    assert [len(clip) for clip in davis] == [len(clip) for clip in video] == [8, 8, 8]
    assert [len(clip) for clip in voc] == [1, 1, 1, 1] and voc[0].label == "square"
    view = davis[0].view(3, masked=True)
    assert view.image.shape == (150, 200, 3) and view.mask.shape == (150, 200)
    assert davis[0].view(3).mask is None and video[0].view(3, masked=True).mask is None


def test_a_clip_may_be_decoded_small_where_the_target_stays_large_enough(shards):
    clip = load_clips(shards, "voc")[0]
    full, half = clip.view(0), clip.view(0, detail=20)
    assert half.image.shape == (75, 100, 3)
    assert half.box == pytest.approx([value / 2 for value in full.box])
    assert clip.view(0, detail=21).image.shape == full.image.shape


@pytest.mark.parametrize(
    "entry",
    [
        '{"clip": "a"}',
        '{"frames": [{"box": [1, 2, 30, 40]}]}',
        '{"frames": [{"image": "a.jpg"}]}',
        '{"frames": [{"image": "a.jpg", "box": null}]}',
        '{"frames": [{"image": "a.jpg", "box": ["a", "b", "c", "d"]}]}',
        '{"frames": [{"image": "a.jpg", "box": ["1_0", 2, 30, 40]}]}',
        '{"frames": [{"image": "a.jpg", "box": [true, 2, 30, 40]}]}',
        f'{{"frames": [{{"image": "a.jpg", "box": [1{"0" * 400}, 2, 30, 40]}}]}}',
        '{"frames": 7}',
        '{"image": "a.jpg", "objects": [{"label": "cat"}]}',
        '{"image": "a.jpg", "objects": {}, "frames": null}',
    ],
)
def test_a_malformed_entry_is_named(tmp_path, entry):
    path = rewrite(tmp_path / "video-0.tar", f'[{{"frames": []}}, {entry}]')
    with pytest.raises(SourceError) as error:
        load_clips(tmp_path, "video")
    assert "entry 1 is malformed" in one_sentence(error, path)


def test_frames_without_a_usable_box_are_left_out(tmp_path):
    boxes = [[1, 2, 30, 40], [1, 2, 30], [1, 2, 9, 40], [1, 2, float("nan"), 40], [5, 6, 30, 40]]
    frames = ", ".join(f'{{"image": "{i}.jpg", "box": {box}}}' for i, box in enumerate(boxes))
    rewrite(tmp_path / "video-0.tar", f'[{{"frames": [{frames}]}}]'.replace("nan", "NaN"))
    (clip,) = load_clips(tmp_path, "video")
    assert clip.names.tolist() == [b"0.jpg", b"4.jpg"]


@pytest.mark.parametrize(
    "box", ([-30, 5, 30, 40], [5, -40, 30, 40], [40, 5, 30, 40], [5, 30, 9e5, 40])
)
def test_a_box_outside_of_its_picture_is_named(tmp_path, box):
    picture = cv2.imencode(".png", np.zeros((30, 40, 3), np.uint8))[1].tobytes()
    index = json.dumps([{"image": "0.png", "objects": [{"box": box}]}])
    path = rewrite(tmp_path / "voc-0.tar", index, [("0.png", picture)])
    (clip,) = load_clips(tmp_path, "voc")
    with pytest.raises(SourceError) as error:
        clip.view(0, detail=10)
    assert "the box of 0.png lies outside of its picture" in one_sentence(error, path)


def test_pictures(shards, tmp_path):
    drawn = Pictures(shards).draw(np.random.default_rng(0))
    assert drawn.shape == (150, 200, 3) and cv2.mean(drawn)[0] < 60
    path = rewrite(tmp_path / "imagenet1k-0.tar", '[{"objects": []}]')
    with pytest.raises(SourceError) as error:
        Pictures(tmp_path)
    assert "entry 0 names no image" in one_sentence(error, path)


def test_an_index_that_is_nested_without_end_is_named(tmp_path):
    path = rewrite(tmp_path / "voc-0.tar", "[" * 100_000)
    with pytest.raises(SourceError) as error:
        Shard(path)
    one_sentence(error, path)


@pytest.mark.parametrize("index", ["[]", '[{"image": 3, "objects": []}]'])
def test_backgrounds_without_a_picture_are_named(tmp_path, index):
    rewrite(tmp_path / "imagenet1k-0.tar", index)
    with pytest.raises(SourceError) as error:
        Pictures(tmp_path)
    one_sentence(error, tmp_path)
