import base64
import csv
import html
import json
import re
import shlex

import cv2
import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer

from tracker_ros.commands import main
from tracker_ros.conversions.boxes import box_to_detection
from tracker_ros.conversions.images import bgr_to_image
from tracker_ros.conversions.stamps import ns_to_stamp
from tracker_ros.core.errors import SourceError
from tracker_ros.evaluation.protocols import PROTOCOLS, TITLES
from tracker_ros.evaluation.report import write_report
from tracker_ros.evaluation.report.moments import WIDTH, _draw, find_moments
from tracker_ros.evaluation.report.numbers import find_failures, load
from tracker_ros.evaluation.report.plots import timeline
from tracker_ros.evaluation.results import SequenceResult, load_results, result_path
from tracker_ros.sources.bag.typestore import bag_message, default_typestore

GOOD, MISS = [0.87] * 30, [0.87] * 10 + [0.0] * 12 + [0.82] * 8
TWO = {
    "dastm": {"first": GOOD, "second": MISS, "a <b> & c": [0.67] * 30},
    "kcf": {"first": [0.47] * 30, "second": GOOD, "a <b> & c": [0.57] * 15 + [0] * 15},
}


def test_numbers_as_json_and_csv(write_evaluation):
    folder = write_evaluation(TWO, attributes={"first": ["blur"], "second": ["blur", "occlusion"]})
    write_report(folder)
    numbers = json.loads((folder / "results.json").read_text())
    dastm, kcf = numbers["trackers"]["dastm"], numbers["trackers"]["kcf"]
    # Overlaps .87, .82, .67 are above 18, 17, 14 of 21 thresholds.
    auc = {"first": 18 / 21, "second": (18 * 10 + 17 * 8) / 21 / 30, "a <b> & c": 14 / 21}
    for name, value in auc.items():
        assert dastm["per_sequence"][name]["auc"] == pytest.approx(value)
    assert dastm["auc"] == pytest.approx(np.mean(list(auc.values())))
    assert dastm["attributes"]["blur"]["sequences"] == 2
    assert dastm["attributes"]["blur"]["auc"] == pytest.approx((auc["first"] + auc["second"]) / 2)
    assert dastm["attributes"]["occlusion"]["auc"] == pytest.approx(auc["second"])
    assert kcf["ms"] == {"p50": pytest.approx(10), "p99": pytest.approx(10)}
    assert kcf["fps"] == pytest.approx(100)
    with (folder / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(r["tracker"], r["sequence"]) for r in rows] == [(t, s) for t in TWO for s in TWO[t]]
    assert float(rows[1]["auc"]) == pytest.approx(auc["second"])
    assert rows[1]["attributes"] == "blur;occlusion"
    assert float(rows[5]["p99_ms"]) == pytest.approx(10)


def test_failures_by_hand(write_evaluation):
    overlaps = [1] + [0] * 9 + [0.3] + [0] * 12 + [0.4] * 4 + [0] * 11
    folder = write_evaluation({"kcf": {"one": overlaps}}, absent=(14, 15, 30), lost=range(20, 25))
    (result,) = load_results(folder, "kcf")
    first, second = find_failures(PROTOCOLS["otb"], result)
    # Nine frames are no failure yet. Rows 14 and 15 have no target: 12 frames, 10 of them count.
    assert (first["first"], first["last"], first["frames"]) == (12, 23, 10)
    assert (first["admitted"], first["found"]) == (3, 24)
    assert (second["first"], second["last"]) == (28, 38)
    assert (second["frames"], second["found"]) == (10, None)


def test_moments_by_hand(write_evaluation):
    folder = write_evaluation(TWO)
    worst, best = find_moments(load(folder), "dastm")
    assert [m.sequence for m in worst] == ["second", "a <b> & c", "first"]
    assert (worst[0].overlap, worst[0].others) == (0, pytest.approx(0.87))
    assert 11 <= worst[0].frame <= 22
    # It leads by .67 in the last, by .4 in the first; in the second it never leads.
    assert [m.sequence for m in best] == ["a <b> & c", "first", "second"]
    assert best[0].frame > 15
    assert (best[0].overlap, best[0].others) == (pytest.approx(0.67), 0)


def decode(uri):
    head, _, data = uri.partition(",")
    assert head == "data:image/jpeg;base64"
    return cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)


def test_pictures_show_both_boxes(write_evaluation):
    folder = write_evaluation(TWO)
    (moment, *_), _ = find_moments(load(folder), "dastm")
    picture = decode(moment.picture)
    assert picture.shape[1] == WIDTH
    white = (picture > 220).all(2)
    orange = (picture[..., 0] < 90) & (picture[..., 2] > 200) & (abs(picture[..., 1] - 150.0) < 30)
    assert white.sum() > 300 and orange.sum() > 300
    # The boxes lie side by side: overlap 0.
    assert np.flatnonzero(white.any(0)).max() <= np.flatnonzero(orange.any(0)).min() + 8


def test_pictures_that_are_gone(write_evaluation, tmp_path):
    folder = write_evaluation(TWO)
    for path in (tmp_path / "pictures").iterdir():
        path.unlink()
    worst, best = find_moments(load(folder), "dastm")
    for moment in worst + best:
        assert moment.picture is None
        assert moment.problem == f"{moment.frame - 1:03}.png cannot be read where it was"
    assert f"No picture: {worst[0].problem}" in write_report(folder).read_text()


def test_a_huge_box_is_drawn_as_far_as_it_is_seen():
    huge = np.array([-1e9, -1e9, 1e10, 1e10])
    for one, other in ((huge, np.array([2.0, 3, 9, 9])), (huge, huge)):
        picture = _draw(np.full((40, 60, 3), 90, np.uint8), one, other)
        assert picture.startswith("data:image/jpeg;base64,")


def write_bag(path, frames, first):
    """Pictures of brightness 4 i with a bright square; truth from the frame `first` on."""
    store = default_typestore()
    with Writer(path, version=8, storage_plugin=StoragePlugin.MCAP) as writer:
        messages = []
        for i in range(frames):
            header = bag_message(
                "std_msgs/msg/Header",
                stamp=ns_to_stamp(10**9 + i * 10**8, bag_message),
                frame_id="",
            )
            image = np.full((90, 160, 3), 4 * i, np.uint8)
            image[30:60, 40 + i : 70 + i] = np.arange(30, dtype=np.uint8)[:, None] * 8
            box = box_to_detection((40 + i, 30, 30, 30), header, "1", make=bag_message)
            messages.append(("/image", bgr_to_image(image, header, bag_message)))
            truth = bag_message(
                "vision_msgs/msg/Detection2DArray", header=header, detections=[box] * (i >= first)
            )
            messages.append(("/truth", truth))
        connections = {}
        for i, (topic, message) in enumerate(messages):
            kind = message.__msgtype__
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=store)
            writer.write(connections[topic], 10**9 + i, store.serialize_cdr(message, kind))


def test_pictures_of_a_bag(tmp_path):
    bag, folder = tmp_path / "bag", tmp_path / "out"
    write_bag(bag, frames=24, first=4)
    arguments = ["evaluate", str(bag), "--peers-only", "--peer", "mosse", "--out", str(folder)]
    assert main(arguments) == 0
    command = html.escape(shlex.join(["tracker-ros", *arguments]))
    assert f"<pre>{command}</pre>" in (folder / "report.html").read_text()
    (moment,), _ = find_moments(load(folder), "mosse")
    picture = decode(moment.picture)
    # The tracker started on the fifth frame, so the result's first row is of that one.
    assert np.median(picture[:5]) == pytest.approx(4 * (moment.frame - 1 + 4), abs=2)
    bag.rename(tmp_path / "elsewhere")
    (moment,), _ = find_moments(load(folder), "mosse")
    assert moment.picture is None
    assert "cannot be read" in moment.problem


def test_a_tracker_that_is_not_through(write_evaluation):
    folder = write_evaluation(TWO)
    result_path(folder, "kcf", "second").unlink()
    text = write_report(folder).read_text()
    assert "kcf has finished 2 of 3 sequences" in text
    numbers = json.loads((folder / "results.json").read_text())
    for tracker in numbers["trackers"].values():
        assert list(tracker["per_sequence"]) == ["first", "a <b> & c"]


def test_nothing_to_report(write_evaluation, tmp_path):
    with pytest.raises(SourceError, match=r"evaluation\.json cannot be read"):
        write_report(tmp_path / "none")
    folder = write_evaluation({"kcf": {"one": GOOD}})
    result_path(folder, "kcf", "one").unlink()
    with pytest.raises(SourceError, match="holds no sequence that all its trackers have finished"):
        write_report(folder)


@pytest.mark.parametrize("name", ("truth", "scored"))
def test_trackers_are_scored_by_one_truth(write_evaluation, name):
    folder = write_evaluation(TWO)
    values = vars(next(load_results(folder, "kcf")))
    changed = values[name].copy()
    changed[3] = 0
    SequenceResult(**values | {name: changed}).save(result_path(folder, "kcf", "first"))
    with pytest.raises(
        SourceError, match="dastm and kcf were run with different truth for 'first'"
    ):
        write_report(folder)


def test_only_peers(write_evaluation):
    text = write_report(write_evaluation({"kcf": {"one": GOOD}})).read_text()
    assert "Only OpenCV's trackers ran" in text
    assert "kcf: worst" in text


def test_truth_on_a_server(write_evaluation):
    folder = write_evaluation(
        {"dastm": {"one": GOOD}}, protocol="server", absent=range(1, len(GOOD))
    )
    text = write_report(folder).read_text()
    assert "which scores the submission" in text
    assert 'id="time"' in text and 'id="overview"' in text
    for section in ("sequences", "attributes", "moments", "failures"):
        assert f'id="{section}"' not in text


def test_the_same_page_twice(write_evaluation):
    folder = write_evaluation(TWO)
    first = write_report(folder).read_bytes()
    assert write_report(folder).read_bytes() == first


@pytest.mark.parametrize("protocol", ("lasot", "got10k", "tlp"))
def test_other_protocols_have_their_measures(write_evaluation, protocol):
    folder = write_evaluation(TWO, protocol=protocol, absent=(5, 6))
    text = write_report(folder).read_text()
    for measure in PROTOCOLS[protocol].measures:
        assert f"<caption>{TITLES[measure]}</caption>" in text


def test_the_page_in_a_browser(write_evaluation, browse):
    folder = write_evaluation(TWO, attributes={"first": ["blur"], "second": ["occlusion"]})
    path = write_report(folder)
    page = browse(path)
    assert (page.said, page.requested) == ([], set())
    assert page.headings == [
        "Tracker evaluation: dastm, kcf",
        *("Overview", "Sequences", "Attributes", "Over time", "Moments", "Failures"),
        "How it was run",
    ]
    assert [row[0] for row in page.tables["trackers"]] == ["dastm", "kcf"]
    assert [row[0] for row in page.tables["failure-list"]] == ["dastm", "kcf"]
    assert page.tables["failure-list"][0][1:] == [
        *("second", "11", "22", "12", "0", "found again in frame 23")
    ]
    # Three plots, a time line for each sequence, three worst and three best moments.
    assert page.pictures == 3 + 3 + 6
    assert path.stat().st_size < 400_000


def test_a_pressed_heading_sorts(write_evaluation, browse):
    path = write_report(write_evaluation(TWO))
    press = """<script>
    for (const button of document.querySelectorAll("#trackers th:nth-child(2) button,"
      + "#failure-list th:nth-child(3) button")) { button.click(); button.click(); }
    </script>"""
    path.write_text(path.read_text().replace("</body>", press + "</body>"))
    page = browse(path)
    aucs = [float(row[1].split()[0]) for row in page.tables["trackers"]]
    assert aucs == sorted(aucs) and len(set(aucs)) == 2
    assert [row[2] for row in page.tables["failure-list"]] == ["11", "16"]


def test_the_browser_notices_what_must_not_be(tmp_path, browse):
    page = tmp_path / "page.html"
    page.write_text('<h1>x</h1><img src="http://example.invalid/x.png"><script>oops()</script>')
    seen = browse(page)
    assert seen.requested == {"http://example.invalid/x.png"}
    assert "oops is not defined" in seen.said[0]


def test_a_result_without_pictures_or_gates(write_evaluation):
    folder = write_evaluation({"dastm": {"one": GOOD}})
    (result,) = load_results(folder, "dastm")
    values = {name: getattr(result, name) for name in result.__dataclass_fields__}
    values |= {"pictures": (), "gates": np.full_like(result.gates, np.nan)}
    values["branches"] = np.full_like(result.branches, -1)
    SequenceResult(**values).save(result_path(folder, "dastm", "one"))
    text = write_report(folder).read_text()
    assert "its frames are not files" in text
    assert "gate weights:" not in text


def test_a_single_lost_frame_is_seen_over_time(write_evaluation):
    folder = write_evaluation({"kcf": {"one": GOOD}}, lost=(20,))
    svg = timeline(next(load_results(folder, "kcf")), "x")
    (name,) = re.findall(r'href="#(\w+)"[^>]*fill: var\(--lost\)', svg)
    (outline,) = re.findall(rf'id="{name}" d="([^"]+)"', svg)
    x, y = np.array(re.findall(r"[ML] (\S+) (\S+)", outline), float).T
    raised = x[y == y.min()]
    assert 5 < np.ptp(raised) < 20  # of 316 points for 30 frames
