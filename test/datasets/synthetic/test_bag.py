"""The clip as a bag, read back through the package's own source and through rosbags alone."""

import numpy as np
import pytest
from rosbags.highlevel import AnyReader

from tracker_ros.datasets.synthetic.bag import write_clip
from tracker_ros.datasets.synthetic.clip import FPS, SyntheticClip
from tracker_ros.sources import open_source
from tracker_ros.sources.bag.truth import TRUTH
from tracker_ros.sources.bag.typestore import bag_message
from tracker_ros.sources.bag.writer import BagWriter


class Excerpt(SyntheticClip):
    """A few frames round the moment in which the target vanishes."""

    def render(self, index, with_target=True):
        return super().render(index + 216, with_target)

    def truth(self, index):
        return super().truth(index + 216)


@pytest.fixture(scope="module")
def clip():
    return Excerpt(frames=5)


@pytest.fixture(scope="module")
def bag(clip, tmp_path_factory):
    path = tmp_path_factory.mktemp("bags") / "clip"
    write_clip(clip, path)
    return path


def test_frames_stamps_and_truth_come_back(clip, bag):
    with open_source(bag) as source:
        assert source.length == clip.length
        assert source.fps == pytest.approx(FPS, rel=1e-3)
        frames = list(source)
        truth = source.truth
    assert [frame.index for frame in frames] == list(range(clip.length))
    hidden = [clip.truth(i) is None for i in range(clip.length)]
    assert True in hidden and False in hidden
    for index, frame in enumerate(frames):
        difference = frame.image.astype(int) - clip.render(index)
        assert np.abs(difference).mean() < 8  # what JPEG does to gravel and grass
        assert np.isnan(truth[index]).all() == hidden[index]
        if not hidden[index]:
            assert truth[index] == pytest.approx(clip.truth(index))


def test_bag_describes_its_types_itself(bag):
    with AnyReader([bag]) as reader:
        connection = next(c for c in reader.connections if c.topic == "/truth")
        assert connection.msgtype == TRUTH
        for _, stamp, data in reader.messages([connection]):
            message = reader.deserialize(data, connection.msgtype)
            header = message.header.stamp
            assert header.sec * 10**9 + header.nanosec == stamp
            assert len(message.detections) <= 1


def test_new_bag_replaces_the_old_one(bag, tmp_path):
    path = tmp_path / "bag"
    for count in (3, 2):
        with BagWriter(path, {"/truth": TRUTH}) as writer:
            for _ in range(count):
                writer.write("/truth", 10**9, bag_message(TRUTH))
    with AnyReader([path]) as reader:
        assert reader.message_count == 2
