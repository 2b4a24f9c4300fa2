import json
from dataclasses import asdict, fields, replace

import numpy as np
import pytest

from tracker_ros.core.errors import InputError, SourceError
from tracker_ros.evaluation.results import (
    Evaluation,
    SequenceResult,
    join_evaluation,
    load_evaluation,
    load_results,
    result_path,
)

RESULT = SequenceResult(
    sequence="Jogging.1",
    boxes=np.array([[1.0, 2, 3, 4], [5, 6, 7, 8]]),
    truth=np.array([[1.0, 2, 3, 4], [np.nan] * 4]),
    scores=np.array([1, 0.5]),
    seconds=np.array([0.1, 0.01]),
    lost=np.array([False, True]),
    gates=np.array([[np.nan] * 4, [0.1, 0.7, 0.1, 0.1]], np.float32),
    branches=np.array([-1, 1], np.int8),
    scored=np.array([True, False]),
    size=(640, 480),
    attributes=("occlusion", "größer"),
    pictures=("img/1.jpg", "img/2.jpg"),
)
EVALUATION = Evaluation(
    dataset="otb",
    protocol="otb",
    paths=["OTB"],
    sequences=["Jogging.1"],
    trackers={"dastm": {"settings": {"engine": "onnx"}, "facts": {}}},
    hardware=[{"cpu": "a"}],
)


@pytest.mark.parametrize("names", ((), ("occlusion",)))
def test_a_result_comes_back_as_it_was(tmp_path, names):
    before = replace(RESULT, attributes=names, pictures=names * 2)
    path = result_path(tmp_path, "dastm", before.sequence)
    before.save(path)
    after = SequenceResult.load(path)
    for field in fields(SequenceResult):
        old, new = getattr(before, field.name), getattr(after, field.name)
        assert type(old) is type(new), field.name
        np.testing.assert_array_equal(old, new)
        assert np.asarray(old).dtype == np.asarray(new).dtype
    names = sorted(p.name for p in path.parent.iterdir())
    assert names == ["Jogging.1.npz", "Jogging.1.seconds.npy"]


def test_other_times_are_no_other_result(tmp_path):
    for name, seconds in (("a", RESULT.seconds), ("b", RESULT.seconds * 2)):
        replace(RESULT, seconds=seconds).save(tmp_path / name / "x.npz")
    assert (tmp_path / "a/x.npz").read_bytes() == (tmp_path / "b/x.npz").read_bytes()


@pytest.mark.parametrize("keep", (0, 0.5, 0.95))
def test_a_damaged_result_is_named(tmp_path, keep):
    path = tmp_path / "a.npz"
    RESULT.save(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(SourceError, match=r"a\.npz is not a result"):
        SequenceResult.load(path)


@pytest.mark.parametrize("seconds", (np.zeros(3), np.array(["a", "b"]), None))
def test_damaged_times_are_named(tmp_path, seconds):
    path, times = tmp_path / "a.npz", tmp_path / "a.seconds.npy"
    RESULT.save(path)
    np.save(times, seconds) if seconds is not None else times.write_bytes(b"damaged")
    with pytest.raises(SourceError, match=f"{times} is not a result.*delete {path}, and"):
        SequenceResult.load(path)


def test_a_file_of_other_origin_is_named_without_advice_to_trust_it(tmp_path):
    path = tmp_path / "a.npz"
    path.write_text("not NumPy's")
    with pytest.raises(SourceError, match=r"a\.npz is not a result.*delete it") as caught:
        SequenceResult.load(path)
    assert "pickle" not in str(caught.value).lower()


@pytest.mark.parametrize(
    "name, value",
    [
        ("boxes", RESULT.boxes[:1]),
        ("boxes", RESULT.boxes[:, :3]),
        ("boxes", RESULT.boxes.astype(str)),
        ("truth", np.zeros(())),
        ("truth", RESULT.truth[:, :3]),
        ("boxes", np.full((2, 4), np.nan)),
        ("boxes", RESULT.boxes + np.array([[0], [np.inf]])),
        ("boxes", RESULT.boxes + np.array([[0] * 4, [0, 0, 0, np.nan]])),
        ("scores", RESULT.scores[:, None]),
        ("lost", np.zeros(2)),
        ("scored", RESULT.scored[:1]),
        ("gates", RESULT.gates[:, :3]),
        ("branches", np.array([0, 4], np.int8)),
        ("branches", np.array([-2, 0], np.int8)),
        ("branches", np.zeros(2)),
        ("size", ()),
        ("attributes", "occlusion"),
        ("pictures", ("img/1.jpg",)),
        ("sequence", ("a", "b")),
    ],
)
def test_a_result_of_other_shape_or_kind_is_named(tmp_path, name, value):
    path = tmp_path / "a.npz"
    replace(RESULT, **({"sequence": "a"} | {name: value})).save(path)
    with pytest.raises(SourceError, match=r"a\.npz is not a result.*delete it"):
        SequenceResult.load(path)


def test_a_copy_under_another_name_is_named(tmp_path):
    path = tmp_path / "Jogging.2.npz"
    RESULT.save(path)
    with pytest.raises(SourceError, match=r"Jogging\.2\.npz is not a result.*'Jogging\.1'"):
        SequenceResult.load(path)


def test_results_come_in_the_order_of_the_set(tmp_path):
    names = ["b", "a", "missing"]
    join_evaluation(tmp_path, replace(EVALUATION, sequences=names))
    for name in names[:2]:
        replace(RESULT, sequence=name).save(result_path(tmp_path, "dastm", name))
    assert [result.sequence for result in load_results(tmp_path, "dastm")] == ["b", "a"]


def test_other_trackers_and_sequences_join(tmp_path):
    assert join_evaluation(tmp_path, EVALUATION) == EVALUATION
    kcf = {"settings": {}, "facts": None}
    more = replace(EVALUATION, sequences=["x"], trackers={"kcf": kcf}, hardware=[{"cpu": "b"}])
    joined = join_evaluation(tmp_path, more)
    assert joined == load_evaluation(tmp_path)
    assert joined.sequences == ["Jogging.1", "x"]
    assert list(joined.trackers) == ["dastm", "kcf"]
    assert joined.hardware == [{"cpu": "a"}, {"cpu": "b"}]
    assert joined.paths == ["OTB"]


def test_what_cannot_be_compared_does_not_join(tmp_path):
    join_evaluation(tmp_path, EVALUATION)
    torch = {"dastm": {"settings": {"engine": "torch"}, "facts": {}}}
    files = {"dastm": {"settings": {"engine": "onnx", "files": {"a": "b"}}, "facts": {}}}
    for other, message in (
        (replace(EVALUATION, trackers=files), "'dastm' with other files; choose another folder"),
        (
            replace(EVALUATION, trackers=torch),
            "'dastm' with other engine: 'onnx', not 'torch'; choose",
        ),
        (replace(EVALUATION, dataset="lasot"), "results of dataset 'otb', not of 'lasot'"),
    ):
        with pytest.raises(InputError, match=message):
            join_evaluation(tmp_path, other)
    assert load_evaluation(tmp_path) == EVALUATION


@pytest.mark.parametrize("text", ("", "[]", '{"format": 1}', '{"format": 0}', "{}"))
def test_a_folder_that_describes_nothing(tmp_path, text):
    (tmp_path / "evaluation.json").write_text(text)
    with pytest.raises(SourceError, match=r"evaluation\.json"):
        load_evaluation(tmp_path)
    with pytest.raises(SourceError, match=r"none.evaluation\.json cannot be read"):
        load_evaluation(tmp_path / "none")


@pytest.mark.parametrize(
    "name, value, told",
    [
        ("dataset", None, "dataset is no text"),
        ("protocol", ["otb"], "protocol is no text"),
        ("paths", 3, "paths is no list of texts"),
        ("sequences", None, "sequences is no list of texts"),
        ("sequences", [1, 2], "sequences is no list of texts"),
        ("sequences", "abc", "sequences is no list of texts"),
        ("hardware", None, "hardware is no list of objects"),
        ("commands", None, "commands is no list of texts"),
        ("trackers", [], "trackers is no object"),
        ("trackers", {"dastm": []}, "tracker 'dastm' has no settings"),
        ("trackers", {"dastm": {"facts": {}}}, "tracker 'dastm' has no settings"),
        ("trackers", {"dastm": {"settings": {}}}, "tracker 'dastm' has no facts"),
        ("trackers", {"../dastm": {"settings": {}, "facts": {}}}, "'../dastm' cannot be the name"),
        ("sequences", ["/etc/a"], "'/etc/a' cannot be the name of a file"),
        ("sequences", ["a", "b", "a"], "a sequence is there twice"),
    ],
)
def test_a_value_of_other_kind_is_named(tmp_path, name, value, told):
    content = {"format": 1, **asdict(EVALUATION), name: value}
    (tmp_path / "evaluation.json").write_text(json.dumps(content))
    with pytest.raises(SourceError, match=rf"evaluation\.json does not describe .*: {told}"):
        load_evaluation(tmp_path)


@pytest.mark.parametrize("name", ("", "..", "a/b", ".hidden", "a\0b", "\ud800"))
def test_names_stay_inside_the_folder(tmp_path, name):
    with pytest.raises(InputError, match="cannot be the name of a file"):
        result_path(tmp_path, name, "a")
    with pytest.raises(InputError, match="cannot be the name of a file"):
        join_evaluation(tmp_path / "out", replace(EVALUATION, sequences=[name]))
    assert not (tmp_path / "out").exists()
