import json
from itertools import product

import cv2
import numpy as np
import pytest
from scipy import stats

from tracker_ros.commands import main
from tracker_ros.core.errors import InputError, SourceError
from tracker_ros.evaluation.compare import FEWEST, bootstrap, compare, pair
from tracker_ros.evaluation.protocols import PROTOCOLS
from tracker_ros.evaluation.results import SequenceResult, load_results, result_path

NAMES = [f"s{i}" for i in range(8)]
A = {name: [0.4 + 0.03 * i] * 12 for i, name in enumerate(NAMES)}
BETTER = {name: [0.62 + 0.03 * i] * 12 for i, name in enumerate(NAMES)}
MIXED = {name: [0.4 + 0.03 * i + (0.2 if i % 2 else -0.2)] * 12 for i, name in enumerate(NAMES)}


def only_pair(a, b):
    ((left, right),) = pair(a, b)
    return compare(left, right)


def test_interval_agrees_with_scipy():
    differences = np.random.default_rng(3).normal(0.03, 0.1, (25, 1))
    low, high = bootstrap(differences, np.ones(25))
    theirs = stats.bootstrap(
        (differences[:, 0],), np.mean, n_resamples=20_000, method="percentile", rng=1
    ).confidence_interval
    # The two draw differently: a hundredth of the interval's width is their noise.
    np.testing.assert_allclose((low[0], high[0]), theirs, atol=0.02 * (theirs.high - theirs.low))


def test_the_same_interval_in_every_run():
    differences = np.random.default_rng(3).normal(0, 1, (10, 3))
    np.testing.assert_array_equal(
        bootstrap(differences, np.ones(10)), bootstrap(differences, np.ones(10))
    )


def test_interval_of_few_sequences_is_none():
    assert np.isnan(bootstrap(np.ones((FEWEST - 1, 2)), np.ones(FEWEST - 1))).all()
    low, high = bootstrap(np.ones((FEWEST, 2)), np.ones(FEWEST))
    np.testing.assert_allclose((low, high), 1)


def test_weights_are_those_of_a_pooled_mean():
    """A sequence that counts twice weighs like two that are always drawn together."""
    low, high = bootstrap(np.array([[0.0]] * 9 + [[1.0]]), np.array([1] * 9 + [9]))
    assert low[0] == 0 and high[0] > 0.6  # drawn twice of ten: 18 of 26


def test_better_worse_and_neither(write_evaluation):
    a = write_evaluation({"dastm": A}, "a")
    better, mixed = (
        write_evaluation({"dastm": values}, name)
        for name, values in (("better", BETTER), ("mixed", MIXED))
    )
    found = only_pair(a, better)
    assert found.sequences == NAMES
    assert found.verdict(0) == "B is better"
    assert found.low[0] <= found.overall_b[0] - found.overall_a[0] <= found.high[0]
    assert only_pair(better, a).verdict(0) == "A is better"
    found = only_pair(a, mixed)
    assert found.low[0] < 0 < found.high[0]
    assert found.verdict(0) == "no difference shown: the interval holds 0"
    same = only_pair(a, a)
    assert (same.low[0], same.high[0]) == (0, 0)
    assert same.verdict(0) == "no difference shown: the interval holds 0"


@pytest.mark.parametrize("protocol", ("otb", "lasot", "got10k"))
def test_overall_is_what_the_protocol_gives(write_evaluation, protocol):
    lengths = {name: values * (1 + i % 3) for i, (name, values) in enumerate(A.items())}
    folder = write_evaluation({"dastm": lengths}, protocol=protocol, absent=(4,))
    expected = PROTOCOLS[protocol].overall(load_results(folder, "dastm")).values()
    np.testing.assert_allclose(only_pair(folder, folder).overall_a, list(expected))


def test_vots_accuracy_and_robustness(tmp_path):
    """Two real runs of KCF: on a square that it can see, and without any light."""
    for kind, gain in (("dark", 0), ("plain", 1)):
        for i in range(FEWEST):
            folder = tmp_path / kind / f"s{i}"
            (folder / "color").mkdir(parents=True)
            texture = np.random.default_rng(i).integers(0, 255, (48, 48, 3), np.uint8)
            texture = cv2.normalize(cv2.blur(texture, (9, 9)), None, 0, 255, cv2.NORM_MINMAX)
            lines = []
            for frame in range(30 + i):
                x = 20 + 3 * frame
                image = np.full((100, 200, 3), 30 * gain, np.uint8)
                image[30:78, x : x + 48] = texture * gain
                cv2.imwrite(str(folder / "color" / f"{frame + 1:08}.png"), image)
                lines.append(f"{x},30,48,48")
            (folder / "groundtruth.txt").write_text("\n".join(lines))
        out = ["--peers-only", "--peer", "kcf", "--out", str(tmp_path / "out" / kind)]
        assert main(["evaluate", "--dataset", "vot", str(tmp_path / kind), *out]) == 0
    found = only_pair(tmp_path / "out" / "dark", tmp_path / "out" / "plain")
    assert [title[0] for title in found.titles] == ["A", "R"]
    for side, overall in ((found.a, found.overall_a), (found.b, found.overall_b)):
        text = (side.folder / "results.json").read_text()
        numbers = json.loads(text)["trackers"]["kcf"]
        np.testing.assert_allclose(overall, (numbers["accuracy"], numbers["robustness"]))
    assert found.overall_b[1] < found.overall_a[1] and found.high[1] < 0
    assert [found.verdict(i) for i in range(2)] == ["B is better"] * 2
    result_path(tmp_path / "out" / "dark", "kcf", "s0_001").unlink()
    with pytest.raises(SourceError, match=r"s0_001\.npz is not a VOT result"):
        only_pair(tmp_path / "out" / "dark", tmp_path / "out" / "plain")
    (tmp_path / "out" / "dark" / "results.json").unlink()
    with pytest.raises(SourceError, match="has no finished scores of 'kcf'"):
        only_pair(tmp_path / "out" / "dark", tmp_path / "out" / "plain")


def test_only_what_both_have_is_compared(write_evaluation):
    a = write_evaluation({"dastm": A | {"more": [0.5] * 5}}, "a")
    b = write_evaluation({"dastm": BETTER | {"other": [0.1] * 5}}, "b")
    found = only_pair(a, b)
    assert (found.sequences, found.only_a, found.only_b) == (NAMES, ["more"], ["other"])
    few = only_pair(a, write_evaluation({"dastm": {"s0": [0.9] * 12}}, "few"))
    assert few.verdict(0) == f"fewer than {FEWEST} sequences: no interval"


def test_which_trackers_are_paired(write_evaluation):
    a = write_evaluation({"dastm": A, "kcf": A, "mil": A}, "a")
    b = write_evaluation({"kcf": A, "dastm": A}, "b")
    one = write_evaluation({"stark": A}, "one")

    def names(left, right):
        return [(x.tracker, y.tracker) for x, y in pair(left, right)]

    assert names(a, b) == [("dastm", "dastm"), ("kcf", "kcf")]
    assert names(a / "mil", b / "kcf") == [("mil", "kcf")]
    assert names(a / "kcf", b) == [("kcf", "kcf")]
    assert names(a / "mil", one) == [("mil", "stark")]
    for left, right, error, message in (
        (a, one, InputError, r"no tracker of the same name: name one of each, as FOLDER/TRACKER"),
        (a / "boosting", b, InputError, r"no results of 'boosting'; it has dastm, kcf, mil"),
        (a / "none" / "at all", b, SourceError, r"evaluation\.json cannot be read"),
    ):
        with pytest.raises(error, match=message):
            pair(left, right)


def test_what_cannot_be_compared(write_evaluation):
    a = write_evaluation({"dastm": A}, "a")
    other = write_evaluation({"dastm": A}, "b", protocol="got10k")
    server = write_evaluation({"dastm": A}, "server", protocol="server")
    strange = write_evaluation({"dastm": {"x": [0.5] * 4}}, "strange")
    moved = write_evaluation({"dastm": A}, "moved")
    result = next(load_results(moved, "dastm"))
    values = {name: getattr(result, name) for name in result.__dataclass_fields__}
    truth = values["truth"]
    SequenceResult(**values | {"truth": truth + 1}).save(result_path(moved, "dastm", "s0"))
    covered = write_evaluation({"dastm": A}, "covered")
    scored = np.arange(len(truth)) > 3
    SequenceResult(**values | {"scored": scored}).save(result_path(covered, "dastm", "s0"))
    for left, right, message in (
        (a, other, "scored by 'otb', .* by 'got10k'"),
        (server, server, "has no scores: the truth is on the benchmark's server"),
        (a, strange, "have no sequence in common"),
        (a, moved, "have different truth for 's0'"),
        (a, covered, "have different truth for 's0'"),
    ):
        with pytest.raises(InputError, match=message):
            only_pair(left, right)
    unknown = write_evaluation({"dastm": A}, "unknown", protocol="got11k")
    with pytest.raises(SourceError, match="unknown/dastm has the protocol 'got11k', which is"):
        only_pair(unknown, unknown)


def test_command_and_page(write_evaluation, browse, tmp_path, capsys):
    a = write_evaluation({"dastm": A | {"more": [0.5] * 5}, "kcf": MIXED}, "a")
    b = write_evaluation({"dastm": BETTER, "kcf": A}, "b")
    html = tmp_path / "pages" / "c.html"
    assert main(["compare", str(a), str(b), "--html", str(html)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    for words in (
        f"A: {a / 'dastm'} B: {b / 'dastm'}",
        "B is better",
        "no difference shown: the interval holds 0",
        "8 sequences, 10000 resamples",
        "left out, only in A: more",
    ):
        assert words in said
    page = browse(html)
    assert (page.said, page.requested) == ([], set())
    assert page.headings == ["Comparison: dastm, kcf", "dastm", "kcf"]
    overall, sequences = page.tables["overall-1"], page.tables["sequences-1"]
    assert [row[0] for row in overall] == ["AUC", "P at 20 px"]
    assert overall[0][-1] == "B is better"
    assert [row[0] for row in sequences] == NAMES
    assert page.tables["overall-2"][0][-1].startswith("no difference shown")
    assert page.pictures == 2


def test_equal_differences_have_a_page(write_evaluation, tmp_path):
    sides = [write_evaluation({"dastm": {f"s{i}": [one] * 6 for i in range(6)}}, name)
             for name, one in (("a", 0.91), ("b", 0.82))]  # fmt: skip
    found = only_pair(*sides)
    assert (found.low[0], found.high[0]) == pytest.approx(
        [found.overall_b[0] - found.overall_a[0]] * 2
    )
    assert main(["compare", *map(str, sides), "--html", str(tmp_path / "c.html")]) == 0


def test_command_without_an_interval(write_evaluation, capsys):
    few = str(write_evaluation({"dastm": {"s0": [0.9] * 12}}, "few"))
    assert main(["compare", few, few]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert f"+0.000 – fewer than {FEWEST} sequences: no interval" in said
    assert "nan" not in said


def test_the_page_takes_the_place_of_no_scores(write_evaluation, capsys):
    folder = write_evaluation({"dastm": {"s0": [0.9] * 12}}, "few")
    (folder / "results.json").write_text("{}")
    for side, name in product((folder, folder / "dastm"), ("results.json", "evaluation.json")):
        before = (folder / name).read_text()
        assert main(["compare", str(side), str(side), "--html", str(folder / name)]) == 1
        assert "--html would write over" in capsys.readouterr().err
        assert (folder / name).read_text() == before


def test_error_of_the_command(tmp_path, capsys):
    assert main(["compare", str(tmp_path), str(tmp_path)]) == 1
    assert "evaluation.json cannot be read" in capsys.readouterr().err
