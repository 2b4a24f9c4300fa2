"""Recordings of every state: logs, damage, compression, and what is none of ROS 2."""

import logging
import os
import re
import shutil
import sqlite3
from contextlib import closing

import cv2
import numpy as np
import pytest
import zstandard
from mcap.writer import CompressionType
from mcap.writer import Writer as McapWriter

from test.bags import PERIOD, START, image
from tracker_ros.core.errors import SourceError
from tracker_ros.sources import is_bag, open_source

COUNT = 30


@pytest.fixture
def images():
    noise = np.random.default_rng(0).integers(0, 255, (COUNT, 30, 40, 3), np.uint8)
    return [image(picture, i) for i, picture in enumerate(noise)]


@pytest.fixture
def chunked(tmp_path, bag, images):
    """A sound bag whose mcap file has a chunk for every three images, compressed or not."""

    def write(compression=CompressionType.NONE, name="chunked"):
        from mcap.reader import make_reader

        source, path = bag({"/camera": images}), tmp_path / name
        path.mkdir()
        shutil.copy(source / "metadata.yaml", path)
        with (source / "bag.mcap").open("rb") as old, (path / "bag.mcap").open("wb") as new:
            writer = McapWriter(new, chunk_size=3 * 3700, compression=compression)
            writer.start(profile="ros2", library="test")
            channel = None
            for schema, about, message in make_reader(old).iter_messages():
                if channel is None:
                    kind = writer.register_schema(schema.name, schema.encoding, schema.data)
                    channel = writer.register_channel(about.topic, "cdr", kind, about.metadata)
                writer.add_message(channel, message.log_time, message.data, message.publish_time)
            writer.finish()
        shutil.rmtree(source)
        return path

    return write


def indices(source):
    return [round((f.stamp_ns % 10**11) / 40e6) for f in source]


@pytest.mark.parametrize("folder", ("writable", "read-only"))
@pytest.mark.parametrize("metadata", (True, False))
@pytest.mark.parametrize("as_file", (True, False))
def test_messages_in_a_write_ahead_log_are_read(bag, images, folder, metadata, as_file, tmp_path,
                                                monkeypatch):  # fmt: skip
    path = bag({"/camera": images}, "sqlite3")
    file = path / "bag.db3"
    database = sqlite3.connect(file)
    rows = database.execute("SELECT * FROM messages WHERE id > 17").fetchall()
    database.execute("DELETE FROM messages WHERE id > 17")
    database.commit()
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA wal_autocheckpoint=0")
    database.executemany("INSERT INTO messages VALUES (?, ?, ?, ?)", rows)
    database.commit()
    cut = tmp_path / "cut"  # as a power cut leaves it, with the log
    shutil.copytree(path, cut, ignore=shutil.ignore_patterns("*-shm"))
    database.close()
    if not metadata:
        (cut / "metadata.yaml").unlink()
    if folder == "read-only":
        monkeypatch.setattr(os, "access", lambda *_: False)  # for root everything is writable
    before = (cut / "bag.db3").read_bytes(), (cut / "bag.db3-wal").read_bytes()
    source = open_source(cut / "bag.db3" if as_file else cut)
    assert len(list(source)) == source.length == COUNT
    assert before == ((cut / "bag.db3").read_bytes(), (cut / "bag.db3-wal").read_bytes())


@pytest.mark.parametrize("left", ("hot", "used"))
def test_what_was_not_committed_is_taken_back(bag, images, left, tmp_path):
    path = bag({"/camera": images}, "sqlite3")
    with closing(sqlite3.connect(path / "bag.db3", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=PERSIST")
        database.execute("PRAGMA cache_size=5")  # pages that are full go into the file at once
        database.execute("BEGIN")
        database.execute("UPDATE messages SET data = zeroblob(length(data)) WHERE id > 17")
        if left == "used":
            database.execute("ROLLBACK")
        cut = tmp_path / "cut"  # as a power cut leaves it
        shutil.copytree(path, cut)
    files = cut / "bag.db3", cut / "bag.db3-journal"
    before = [file.read_bytes() for file in files]
    assert files[1].stat().st_size
    source = open_source(cut)
    assert len(list(source)) == source.length == COUNT
    assert [file.read_bytes() for file in files] == before


@pytest.mark.parametrize("damage", ("cut", "page"))
def test_what_a_broken_tree_of_pages_leads_to_is_read(bag, damage, caplog):
    # Of 900 messages, most of which fill a leaf, and some more than that; the page that leads to
    # the first ones comes after the middle.
    chance = np.random.default_rng(0)
    sizes = [36 if i % 10 else 60 for i in range(900)]
    pictures = [chance.integers(0, 255, (size, size, 3), np.uint8) for size in sizes]
    path = bag({"/camera": [image(one, i) for i, one in enumerate(pictures)]}, "sqlite3")
    file = path / "bag.db3"
    data = bytearray(file.read_bytes())
    with closing(sqlite3.connect(file)) as database:
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'messages'"
        ((root,),) = database.execute(query)
    if damage == "cut":
        del data[len(data) * 2 // 5 :]
    else:
        data[(root - 1) * 4096 : root * 4096] = bytes(4096)
    file.write_bytes(data)
    found = {round((f.stamp_ns - START) / PERIOD): f.image for f in open_source(path)}
    assert list(found) == sorted(found)
    assert len(found) == 900 if damage == "page" else 300 < len(found) < 400
    for index, picture in found.items():
        np.testing.assert_array_equal(picture, pictures[index])
    assert caplog.text.count(f"breaks off after {len(found)} messages: database disk image") == 1


@pytest.mark.parametrize("hurt", ("nothing", "chain", "stamp"))
def test_of_a_broken_tree_the_rows_of_messages_alone_are_read(bag, hurt):
    # 36 x 36 fit a leaf, 60 x 60 go on in two more pages.
    chance = np.random.default_rng(0)
    pictures = [chance.integers(0, 255, (60 if i == 17 else 36,) * 2 + (3,), np.uint8)
                for i in range(COUNT)]  # fmt: skip
    path = bag({"/camera": [image(one, i) for i, one in enumerate(pictures)]}, "sqlite3")
    file = path / "bag.db3"
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        # Leaves with the same ids, behind those of messages, as of topics that come up later.
        database.execute("CREATE TABLE other (id INTEGER PRIMARY KEY, text TEXT)")
        rows = [(i + 1, "text" * 200) for i in range(COUNT)]
        database.executemany("INSERT INTO other VALUES (?, ?)", rows)
        if hurt == "stamp":
            database.execute("UPDATE messages SET timestamp = 0.5 WHERE id = 18")
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'messages'"
        ((root,),) = database.execute(query)
    data = bytearray(file.read_bytes())
    data[(root - 1) * 4096 : root * 4096] = bytes(4096)
    if hurt == "chain":  # which goes round in its first page
        page = data.index(pictures[17].tobytes()[3000:3100]) // 4096
        data[page * 4096 : page * 4096 + 4] = (page + 1).to_bytes(4, "big")
    file.write_bytes(data)
    whole = [i for i in range(COUNT) if hurt == "nothing" or i != 17]
    found = {round((f.stamp_ns - START) / PERIOD): f.image for f in open_source(path)}
    assert list(found) == whole
    for index, picture in found.items():
        np.testing.assert_array_equal(picture, pictures[index])


def test_what_a_page_that_was_cut_off_has_is_not_made_up(bag):
    # SQLite takes zeros for the rest of the page: of a leaf ids of 0, of a picture black rows.
    chance = np.random.default_rng(0)
    sizes = [18 if i % 5 else 40 for i in range(120)]
    pictures = [chance.integers(0, 255, (size, size, 3), np.uint8) for size in sizes]
    path = bag({"/camera": [image(one, i) for i, one in enumerate(pictures)]}, "sqlite3")
    whole = (path / "bag.db3").read_bytes()
    for size in (4096 * page + more for page in range(30, 40) for more in (1300, 3200)):
        (path / "bag.db3").write_bytes(whole[:size])
        frames = list(open_source(path))
        numbers = [round((frame.stamp_ns - START) / PERIOD) for frame in frames]
        assert len(numbers) > 30 and numbers == sorted(set(numbers)), size
        for number, frame in zip(numbers, frames, strict=True):
            np.testing.assert_array_equal(frame.image, pictures[number])


def test_rows_of_a_page_that_is_there_twice_are_read_once(bag, caplog):
    path = bag({"/camera": [image(np.full((18, 18, 3), i, np.uint8), i) for i in range(90)]},
               "sqlite3")  # fmt: skip
    (path / "metadata.yaml").unlink()
    data = bytearray((path / "bag.db3").read_bytes())
    one, other = (data.index(bytes([i]) * 972) // 4096 * 4096 for i in (20, 60))
    data[other : other + 4096] = data[one : one + 4096]
    (path / "bag.db3").write_bytes(data)
    found = indices(open_source(path))
    assert found == sorted(set(found)) and 80 < len(found) < 90
    assert re.search(rf"breaks off after {len(found)} messages: . of its rows", caplog.text)


def test_a_row_of_no_topic_costs_itself_alone(bag, images, caplog):
    path = bag({"/camera": images}, "sqlite3")
    (path / "metadata.yaml").unlink()
    with sqlite3.connect(path / "bag.db3") as database:
        database.execute("UPDATE messages SET topic_id = 7 WHERE id = 18")
    database.close()
    assert indices(open_source(path)) == [i for i in range(COUNT) if i != 17]
    assert caplog.text.count("breaks off after 29 messages: 1 of its rows make no sense") == 1


@pytest.mark.parametrize("as_file", (True, False))
def test_fewer_messages_than_metadata_tells(bag, images, as_file, caplog):
    path = bag({"/camera": images}, "sqlite3")
    with sqlite3.connect(path / "bag.db3") as database:
        database.execute("DELETE FROM messages WHERE id > 17")
    database.close()
    assert len(list(open_source(path / "bag.db3" if as_file else path))) == 17
    assert caplog.text.count("only 17 of the 30 messages on /camera could be read") == 1


@pytest.mark.parametrize(
    "compression", (CompressionType.NONE, CompressionType.LZ4, CompressionType.ZSTD)
)
@pytest.mark.parametrize("hit", ("data", "head", "length", "footer"))
@pytest.mark.parametrize("indexed", (True, False))
def test_a_damaged_chunk_costs_no_more_than_itself(chunked, compression, hit, indexed, caplog):
    path = chunked(compression)
    file = path / "bag.mcap"
    data = bytearray(file.read_bytes())
    from tracker_ros.sources.bag.mcap import _NEXT_CHUNK

    chunk = _NEXT_CHUNK.search(data, len(data) // 3).start()
    at = {"data": chunk + 5000, "head": chunk, "length": chunk + 1, "footer": len(data) - 30}[hit]
    data[at : at + 9] = b"\xfe" * 9
    file.write_bytes(data if indexed else data[:-20])
    found = indices(open_source(path))
    assert len(found) >= COUNT - 4
    assert found == sorted(found) and found[-1] - found[0] == COUNT - 1
    assert len(found) == COUNT or "damage" in caplog.text


@pytest.mark.parametrize("compression", (CompressionType.NONE, CompressionType.ZSTD))
@pytest.mark.parametrize("share", (0.3, 0.5, 0.95))
def test_a_file_cut_within_its_only_chunk(tmp_path, chunked, compression, share, caplog):
    file = chunked(compression) / "bag.mcap"
    data = file.read_bytes()
    cut = tmp_path / "cut.mcap"
    cut.write_bytes(data[: int(len(data) * share)])
    found = indices(open_source(cut))
    assert len(found) >= COUNT * share - 4
    assert "breaks off after" in caplog.text


@pytest.mark.parametrize("storage", ("mcap", "sqlite3"))
@pytest.mark.parametrize("compression", ("message", "file", "storage"))
@pytest.mark.parametrize("as_file", (True, False))
def test_compressed_bags_without_metadata(bag, images, storage, compression, as_file):
    if (storage, compression) in (("sqlite3", "storage"), ("mcap", "file")):
        path = bag({"/camera": images}, storage)
        if compression == "file":
            file = path / "bag.mcap"
            packed = zstandard.compress(file.read_bytes())
            (path / "bag.mcap.zstd").write_bytes(packed)
            file.unlink()
    else:
        path = bag({"/camera": images}, storage, compression=compression)
    (path / "metadata.yaml").unlink()
    if as_file:
        path = next(path.iterdir())
    assert is_bag(path)
    assert len(list(open_source(path))) == COUNT


def test_a_folder_of_pictures_beside_a_bag(tmp_path, pictures, bag, images):
    folder = tmp_path / "folder"
    folder.mkdir()
    for i, picture in enumerate(pictures()):
        cv2.imwrite(str(folder / f"{i}.png"), picture)
    (folder / "metadata.yaml").write_text("camera: left\n")
    assert len(list(open_source(folder))) == 6
    (folder / "metadata.yaml").unlink()
    shutil.copy(bag({"/camera": images}) / "bag.mcap", folder)
    assert len(list(open_source(folder))) == 6
    assert len(list(open_source(folder / "bag.mcap"))) == COUNT
    shutil.copy(tmp_path / "bag" / "metadata.yaml", folder)
    assert len(list(open_source(folder))) == COUNT


def test_several_recordings_in_one_folder_are_not_one(tmp_path, bag, images, caplog):
    both = tmp_path / "both"
    both.mkdir()
    for name in ("walk", "run"):
        path = bag({"/camera": images[:5]}, name=name)
        shutil.copy(path / f"{name}.mcap", both)
    with pytest.raises(SourceError, match=r"several recordings, name one of them: run\.mcap, walk"):
        open_source(both)
    assert len(list(open_source(both / "walk.mcap"))) == 5
    for name in ("walk", "run"):
        (both / f"{name}.mcap").unlink()
    for number, part in enumerate((images[:5], images[5:])):
        path = bag({"/camera": part}, name=f"part_{number}")
        shutil.copy(path / f"part_{number}.mcap", both)
    (both / "._part_0.mcap").write_bytes(b"\0\5\x16\7 what macOS leaves")
    assert len(list(open_source(both))) == COUNT
    assert "is damaged" not in caplog.text


def test_bags_of_ros_1_say_so(tmp_path):
    path = tmp_path / "walk.bag"
    path.write_bytes(b"#ROSBAG V2.0\n" + bytes(5000))
    for spec in (path, tmp_path):
        with pytest.raises(SourceError, match=r"walk\.bag is a bag of ROS 1; .*rosbags-convert"):
            open_source(spec)


@pytest.mark.parametrize("encoding, profile", (("ros1", "ros1"), ("json", ""), ("protobuf", "")))
def test_other_messages_say_so(tmp_path, encoding, profile):
    path = tmp_path / "walk.mcap"
    with path.open("wb") as file:
        writer = McapWriter(file)
        writer.start(profile=profile, library="test")
        schema = writer.register_schema("sensor_msgs/Image", "jsonschema", b"{}")
        channel = writer.register_channel("/camera", encoding, schema)
        writer.add_message(channel, 1, b"{}" * 40, 1)
        writer.finish()
    with pytest.raises(SourceError, match=f"holds messages in {encoding}, not in ROS 2's CDR"):
        open_source(path)


def test_a_profile_that_is_not_named_is_no_damage(tmp_path, chunked, caplog):
    caplog.set_level(logging.WARNING)
    file = chunked() / "bag.mcap"
    data = file.read_bytes()
    assert data[17:25] == b"\x04\0\0\0ros2"
    unnamed = tmp_path / "unnamed.mcap"
    unnamed.write_bytes(data[:21] + b"none" + data[25:])
    assert len(list(open_source(unnamed))) == COUNT
    assert not caplog.text
