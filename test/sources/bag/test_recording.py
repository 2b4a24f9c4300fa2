"""Bags that lack something, or hold what is no picture."""

import pytest

from test.bags import compressed, image
from tracker_ros.core.errors import SourceError
from tracker_ros.sources.bag.recording import Recording
from tracker_ros.sources.bag.source import BagSource


def test_a_topic_of_compressed_depth_is_no_picture(bag, pictures):
    recording = bag(
        {
            "/eye": [image(p, i) for i, p in enumerate(pictures(2))],
            "/depth/compressedDepth": [compressed(p, i) for i, p in enumerate(pictures(2))],
        }
    )
    assert BagSource(recording).topic == "/eye"
    with pytest.raises(SourceError, match="no image topic '/depth/compressedDepth'"):
        BagSource(recording, "/depth/compressedDepth")


def test_metadata_that_makes_no_sense_is_named(bag, pictures, caplog):
    path = bag({"/eye": [image(p, i) for i, p in enumerate(pictures(3))]})
    for text in ("", "[1, 2]", "a: {", "rosbag2_bagfile_information: 3"):
        caplog.clear()
        (path / "metadata.yaml").write_text(text)
        with BagSource(path) as source:
            assert len(list(source)) == 3
        assert caplog.text.count("has a metadata.yaml that makes no sense") == 1


def test_a_bag_that_was_read_before_is_not_complained_about_again(bag, pictures, caplog):
    path = bag({"/eye": [image(p, i) for i, p in enumerate(pictures(3))]})
    (path / "metadata.yaml").unlink()
    recording = Recording(path, quiet=True)
    assert recording.problems and not caplog.text


@pytest.mark.parametrize("name", ("bag.db3", "bag.mcap"))
def test_an_empty_file_is_empty(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(SourceError, match=rf"{name} is not a readable bag: it is empty"):
        BagSource(tmp_path / name)


def test_a_folder_without_a_bag(tmp_path):
    with pytest.raises(SourceError, match=r"not a readable bag: it holds no \.mcap and no \.db3"):
        Recording(tmp_path)
