"""Each reader on a miniature of its set's published layout, and on damaged ones."""

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tracker_ros.core.errors import SourceError
from tracker_ros.datasets import BENCHMARKS, FOLDER, SCORED_AS, read_benchmark
from tracker_ros.evaluation.protocols import PROTOCOLS

BOX = "10,20,30,40"
GOT, LASOT = "GOT-10k_Val_000002", "bear/bear-4"
STRUCT = (
    r"struct('name','{0}','path','D:\data_seq\UAV123\{1}\','startFrame',{2},'endFrame',{3},"
    "'nz',6,'ext','jpg','init_rect',[0,0,0,0])"
)
CONFIG = "\n".join(
    (
        "function seqs=configSeqs",
        "seqUAV123={" + STRUCT.format("bird1_2", "bird1", 3, 5) + ",...",
        # As in the toolkit's newer file.
        "    "
        + STRUCT.format("car1_s", "car1_s", 1, 2).replace(
            r"'D:\data_seq\UAV123\car1_s\'", r"[dataSet '\car1_s\']"
        )
        + "};",
        "seqUAV20L={" + STRUCT.format("bird1_2", "bird1", 1, 99) + "};",
    )
)


@pytest.fixture
def write(tmp_path):
    """Write {path: text}, where text may be (first, last) for pictures of the path's form."""

    _, picture = cv2.imencode(".jpg", np.full((48, 64, 3), 99, np.uint8))

    def write(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(text, tuple):
                for number in range(text[0], text[1] + 1):
                    path.with_name(path.name % number).write_bytes(picture)
            else:
                path.write_text(text)
        return tmp_path

    return write


def lines(count, box=BOX):
    return f"{box}\n" * count


LAYOUTS = {
    "otb": {
        "Jogging/img/%04d.jpg": (1, 3),
        "Jogging/groundtruth_rect.1.txt": lines(3),
        "Jogging/groundtruth_rect.2.txt": "11\t20\t30\t40\n" * 3,
        "Human4/img/%04d.jpg": (1, 2),
        "Human4/groundtruth_rect.1.txt": "",
        "Human4/groundtruth_rect.2.txt": lines(2),
        "Diving/img/%04d.jpg": (1, 231),
        "Diving/groundtruth_rect.txt": lines(215),
        "anno/att/jogging-1.txt": "0\t0\t0\t1\t1\t0\t0\t0\t0\t0\t0\n",
    },
    "lasot": {
        "bear/bear-4/img/%08d.jpg": (1, 4),
        "bear/bear-4/groundtruth.txt": f"{BOX}\n{BOX}\n{BOX}\n0,0,0,0\n",
        "bear/bear-4/full_occlusion.txt": "0,1,0,0",
        "bear/bear-4/out_of_view.txt": "0,0,0,0",
        "bear/bear-5/groundtruth.txt": "not of the test set",
        "testing_set.txt": "bear-4\n",
    },
    "got10k": {
        "GOT-10k_Val_000002/%08d.jpg": (1, 4),
        "GOT-10k_Val_000002/groundtruth.txt": lines(4, "10.0000,20.0000,30.0000,40.0000"),
        "GOT-10k_Val_000002/cover.label": "8\n8\n0\n1\n",
        "GOT-10k_Val_000002/absence.label": "0\n0\n0\n0\n",
        "GOT-10k_Val_000002/meta_info.ini": "[METAINFO]\nmajor_class: animal\nmotion_class: run\n",
        "list.txt": "GOT-10k_Val_000002\n",
    },
    "trackingnet": {
        "TEST/frames/-A_1/%d.jpg": (0, 11),
        "TEST/anno/-A_1.txt": lines(1),
    },
    "uav123": {
        "configSeqs.m": CONFIG,
        "data_seq/UAV123/bird1/%06d.jpg": (1, 6),
        "data_seq/UAV123/car1_s/%06d.jpg": (1, 2),
        "anno/UAV123/bird1_2.txt": f"{BOX}\nNaN,NaN,NaN,NaN\n{BOX}\n",
        "anno/UAV123/car1_s.txt": lines(2),
        "anno/UAV123/att/bird1_2.txt": "0,0,0,1,0,0,1,0,0,0,0,0\n",
    },
    "tlp": {
        "Bike/img/%05d.jpg": (1, 3),
        "Bike/groundtruth_rect.txt": f"1,{BOX},0\n2,0,0,0,0,1\n3,{BOX},0\n",
    },
}


def read(write, name, **changes):
    """Read a miniature with some files changed; None leaves the file out."""
    files = {path: text for path, text in (LAYOUTS[name] | changes).items() if text is not None}
    return read_benchmark(name, write(files))


def test_there_is_a_miniature_of_every_set():
    assert LAYOUTS.keys() == BENCHMARKS.keys()
    assert {SCORED_AS.get(name, name) for name in BENCHMARKS} == PROTOCOLS.keys()


def test_otb_has_ranges_and_several_targets(write):
    sequences, protocol = read(write, "otb")
    assert protocol == "otb"
    found = {s.name: s for s in sequences}
    assert list(found) == ["Diving", "Human4", "Jogging.1", "Jogging.2"]
    assert found["Diving"].paths[-1].name == "0215.jpg"
    assert [s.truth[0, 0] for s in sequences] == [10, 10, 10, 11]
    assert found["Jogging.1"].attributes == ("occlusion", "deformation")
    assert found["Jogging.2"].attributes == ()


def test_lasot_test_list_and_absent_frames(write):
    (sequence,), protocol = read(write, "lasot")
    assert (protocol, sequence.name, len(sequence)) == ("lasot", "bear-4", 4)
    np.testing.assert_array_equal(np.isnan(sequence.truth).any(1), [False, True, False, True])
    assert sequence.scored.all()


def test_lasot_without_its_test_list(write):
    changes = {"testing_set.txt": None, "training_set.txt": "bear-5\n"}
    (sequence,), _ = read(write, "lasot", **changes)
    assert sequence.name == "bear-4"


def test_got10k_val(write):
    (sequence,), protocol = read(write, "got10k")
    assert (protocol, sequence.name) == ("got10k", "GOT-10k_Val_000002")
    np.testing.assert_array_equal(sequence.scored, [False, True, False, True])
    assert sequence.attributes == ("animal", "run")


def test_got10k_test_shows_the_first_box_only(write):
    home = "GOT-10k_Val_000002/"
    changes = {home + "cover.label": None, home + "groundtruth.txt": BOX + "\n"}
    (sequence,), protocol = read(write, "got10k", **changes)
    assert protocol == "server"
    np.testing.assert_array_equal(sequence.truth[0], [10, 20, 30, 40])
    assert np.isnan(sequence.truth[1:]).all() and len(sequence) == 4


@pytest.mark.parametrize(
    ("name", "home", "lost", "told"),
    (
        ("got10k", GOT, "00000003.jpg", "00000004.jpg is in the place of number 3"),
        ("got10k", GOT, "00000001.jpg", "00000002.jpg is in the place of number 1"),
        ("trackingnet", "TEST/frames/-A_1", "9.jpg", "10.jpg is in the place of number 9"),
    ),
)
def test_a_picture_missing_from_a_submission_is_noticed(write, name, home, lost, told):
    folder = write(LAYOUTS[name])
    if name == "got10k":
        (folder / home / "cover.label").unlink()
        (folder / home / "groundtruth.txt").write_text(BOX + "\n")
    (folder / home / lost).unlink()
    with pytest.raises(SourceError, match=told):
        read_benchmark(name, folder)


def test_a_sequence_by_two_ways_is_one(write):
    folder = write(LAYOUTS["lasot"])
    (folder / "bear-4").symlink_to("bear/bear-4")
    assert [one.name for one in read_benchmark("lasot", folder)[0]] == ["bear-4"]


def test_a_set_without_a_server_needs_truth_after_the_first_frame(write):
    name = "walk/groundtruth_rect.txt"
    folder = write({"walk/img/%04d.jpg": (1, 4), name: BOX + "\nNaN,NaN,NaN,NaN" * 3})
    with pytest.raises(SourceError, match="no frame after the first has a true box to score"):
        read_benchmark(FOLDER, folder)


def test_trackingnet_shows_the_first_box_only(write):
    (sequence,), protocol = read(write, "trackingnet")
    assert (protocol, sequence.name, len(sequence)) == ("server", "-A_1", 12)
    assert [path.name for path in sequence.paths] == [f"{i}.jpg" for i in range(12)]
    again, _ = read_benchmark("trackingnet", write({}) / "TEST")
    assert [s.name for s in again] == ["-A_1"]


def test_uav123_cuts_sequences_out_of_folders(write):
    (bird, car), protocol = read(write, "uav123")
    assert (protocol, bird.name, car.name) == ("uav123", "bird1_2", "car1_s")
    assert [path.name for path in bird.paths] == ["000003.jpg", "000004.jpg", "000005.jpg"]
    np.testing.assert_array_equal(np.isnan(bird.truth).any(1), [False, True, False])
    assert bird.attributes == ("fast motion", "out of view")


def test_tlp_is_absent_where_lost(write):
    (sequence,), protocol = read(write, "tlp")
    assert (protocol, sequence.name) == ("tlp", "Bike")
    np.testing.assert_array_equal(
        sequence.truth, [[10, 20, 30, 40], [np.nan] * 4, [10, 20, 30, 40]]
    )


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    (
        ("otb", {"Diving/groundtruth_rect.txt": lines(214) + "1,2,x,4\n"}, "line 215 is not 4 num"),
        ("otb", {"Diving/groundtruth_rect.txt": lines(230)}, "has 230 lines for 215 pictures"),
        ("otb", {"Human4/groundtruth_rect.2.txt": ""}, r"rect\.1\.txt is empty"),
        ("otb", {"anno/att/jogging-1.txt": "0 1"}, r"jogging-1\.txt is not a line of 11 flags"),
        ("lasot", {f"{LASOT}/full_occlusion.txt": "0,1"}, "occlusion.txt has 2 entries for 4 pic"),
        ("lasot", {f"{LASOT}/groundtruth.txt": lines(3)}, "has 3 lines for 4 pictures"),
        ("lasot", {f"{LASOT}/groundtruth.txt": "1,2,3\n"}, "line 1 has 3 numbers instead of 4"),
        ("lasot", {"testing_set.txt": "bear-4\nbear-9"}, "line 2: no sequence 'bear-9'"),
        ("lasot", {"cub/bear-4/groundtruth.txt": BOX}, r"'bear-4': .*/bear-4 and .*/bear-4"),
        ("got10k", {"list.txt": "GOT-10k_Val_000001"}, "line 1: 'GOT-10k_Val_000001' is not a f"),
        ("got10k", {"list.txt": 300 * "y"}, f"line 1: '{60 * 'y'}' is not a folder"),
        ("got10k", {f"{GOT}/cover.label": "8\n8\nno\n8"}, "cover.label entry 3 is not a whole nu"),
        ("got10k", {f"{GOT}/cover.label": None}, "has 4 lines, but a test set shows only"),
        ("got10k", {"list.txt": "\n"}, "list.txt is empty"),
        ("got10k", {"list.txt": None, "val/list.txt": "a"}, "name its folder val or test"),
        ("trackingnet", {"TEST/anno/-A_1.txt": lines(2)}, r"-A_1\.txt has 2 lines, but a test"),
        ("trackingnet", {"TEST/anno/b.txt": lines(1)}, "frames/b cannot be read"),
        ("trackingnet", {"TEST/anno/-A_1.txt": None}, "holds no TEST/anno/VIDEO.txt"),
        ("uav123", {"anno/UAV123/uav9.txt": BOX}, r"configSeqs\.m has no sequence 'uav9'"),
        ("uav123", {"configSeqs.m": CONFIG.replace("Frame',5", "Frame',x")}, "line 2 is not a seq"),
        ("uav123", {"configSeqs.m": CONFIG.replace("Frame',5", "Frame',9")}, "000007.jpg is missi"),
        (
            "uav123",
            {"configSeqs.m": CONFIG.replace("Frame',5", f"Frame',{10**12}")},
            "000007.jpg is",
        ),
        ("uav123", {"configSeqs.m": "seqUAV20L={"}, "has no block seqUAV123"),
        ("uav123", {"configSeqs.m": None}, r"configSeqs\.m cannot be read"),
        ("tlp", {"Bike/groundtruth_rect.txt": f"1,{BOX},0\n3,{BOX},0\n"}, "line 2 is not of fr"),
        ("tlp", {"Bike/groundtruth_rect.txt": f"2,{BOX},0\n3,{BOX},0\n"}, "line 1 is not of fr"),
        ("tlp", {"Bike/groundtruth_rect.txt": f"1,{BOX},2\n"}, "line 1 says neither 0 nor 1"),
        ("tlp", {"Bike/groundtruth_rect.txt": lines(3)}, "line 1 has 4 numbers instead of 6"),
        ("tlp", {"Bike/groundtruth_rect.txt": f"1,{BOX},1\n2,{BOX},0\n"}, "line 1 holds no box"),
        ("tlp", {"Bike/groundtruth_rect.txt": "1,1,2,-3,4,0\n"}, "line 1 has a negative width"),
        ("tlp", {"Bike/groundtruth_rect.txt": None}, "holds no sequence of tlp"),
    ),
)
def test_what_is_malformed_is_named(write, name, changes, message):
    with pytest.raises(SourceError, match=message) as error:
        read(write, name, **changes)
    assert len(str(error.value).splitlines()) == 1


TEXTS = [
    (name, path)
    for name, files in LAYOUTS.items()
    for path, text in files.items()
    if isinstance(text, str) and text and "bear-5" not in path
]


@pytest.mark.parametrize(("name", "file"), TEXTS)
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_texts_end_in_a_sentence_or_in_sound_sequences(write, name, file, data):
    folder = write({}) if (write({}) / file).is_file() else write(LAYOUTS[name])
    whole = LAYOUTS[name][file].encode()
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(start + 20, len(whole))))
    scrap = st.binary(max_size=8) | st.sampled_from([b"nan", b"inf", b"-", b",", b"\n", b"1e99"])
    (folder / file).write_bytes(whole[:start] + data.draw(scrap) + whole[end:])
    try:
        sequences, _ = read_benchmark(name, folder)
    except SourceError as error:
        assert len(str(error).splitlines()) == 1
        return
    for sequence in sequences:
        count = len(sequence.paths)
        assert sequence.truth.shape == (count, 4) and sequence.scored.shape == (count,)
        assert (sequence.truth[0, 2:] > 0).all() and not np.isinf(sequence.truth).any()


@pytest.mark.parametrize("name", (FOLDER, *BENCHMARKS))
def test_no_set_in_an_empty_folder(tmp_path, name):
    with pytest.raises(SourceError, match="holds no"):
        read_benchmark(name, tmp_path)
    with pytest.raises(SourceError, match="none is not a folder"):
        read_benchmark(name, tmp_path / "none")
