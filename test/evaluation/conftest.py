"""A small evaluation on disk, and a real browser to look at its report."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from tracker_ros.evaluation.results import Evaluation, SequenceResult, join_evaluation, result_path

NAN = float("nan")


@pytest.fixture
def write_evaluation(tmp_path):
    """Write an evaluation's folder with pictures: a target that moves right, and given overlaps.

    overlaps: {tracker: {sequence: overlap of each frame}}; a box of the truth's size is shifted
    until it overlaps so much. "dastm" has gates and facts, any other tracker is a peer.
    """

    def write(overlaps, name="evaluation", protocol="otb", attributes=None, absent=(), lost=()):
        sequences = list(dict.fromkeys(s for of in overlaps.values() for s in of))
        facts = {"training": {"steps": 5, "data": "none <at all>"}, "format": 1}
        about = {
            tracker: {
                "settings": {"provider": "a test", "files": {}},
                "facts": facts if tracker == "dastm" else None,
            }
            for tracker in overlaps
        }
        hardware = [{"cpu": "none", "cores": 2, "versions": {"numpy": np.__version__}}]
        folder = tmp_path / name
        join_evaluation(folder, Evaluation("folder", protocol, ["set"], sequences, about, hardware))
        for tracker, of in overlaps.items():
            for sequence, values in of.items():
                values, count = np.asarray(values, float), len(values)
                truth = np.tile([20.0, 30, 40, 24], (count, 1))
                truth[:, 0] += np.arange(count)
                boxes = truth.copy()
                boxes[:, 0] += 40 * (1 - values) / (1 + values)
                truth[list(absent)] = NAN
                gates, branches = np.full((count, 4), NAN, np.float32), np.full(count, -1, np.int8)
                if tracker == "dastm":
                    gates[1:], branches[1:] = (0.1, 0.2, 0.3, 0.4), 3
                SequenceResult(
                    sequence=sequence,
                    boxes=boxes,
                    truth=truth,
                    scores=np.linspace(1, 0.5, count),
                    seconds=np.full(count, 0.01),
                    lost=np.isin(np.arange(count), lost),
                    gates=gates,
                    branches=branches,
                    scored=np.ones(count, bool),
                    size=(160, 90),
                    attributes=tuple((attributes or {}).get(sequence, ())),
                    pictures=_pictures(tmp_path / "pictures", count),
                ).save(result_path(folder, tracker, sequence))
        return folder

    return write


def _pictures(folder, count):
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{i:03}.png" for i in range(count)]
    for i, path in enumerate(paths):
        if not path.exists():
            image = np.full((90, 160, 3), 60, np.uint8)
            image[30:54, 20 + i : 60 + i] = (200, 80, 60)
            cv2.imwrite(str(path), image)
    return tuple(map(str, paths))


class Page(HTMLParser):
    """What a browser made of a page.

    headings: texts of h1 and h2. tables: for each by its id or caption, the texts of its body's
    rows. pictures: how many. said: what went to the console. requested: addresses besides its own.
    """

    def __init__(self, dom, said, requested):
        super().__init__()
        self.headings, self.tables, self.pictures = [], {}, 0
        self.said, self.requested = said, requested
        self._into = self._table = None
        self._id = self._caption = ""
        self.feed(dom)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag in ("h1", "h2"):
            self.headings.append("")
        elif tag == "table":
            self._table, self._id, self._caption = [], attributes.get("id"), ""
        elif tag == "tr":
            self._table.append([])
        elif tag in ("td", "th"):
            self._table[-1].append("")
        elif tag in ("img", "svg"):
            self.pictures += 1
        if tag in ("h1", "h2", "td", "th", "caption"):
            self._into = tag

    def handle_endtag(self, tag):
        if tag == self._into:
            self._into = None
        elif tag == "table":
            self.tables[self._id or self._caption] = self._table[1:]  # without the headings

    def handle_data(self, text):
        if self._into in ("h1", "h2"):
            self.headings[-1] += text
        elif self._into in ("td", "th"):
            self._table[-1][-1] += text
        elif self._into == "caption":
            self._caption += text


@pytest.fixture
def browse(tmp_path):
    """Open a file in headless Chromium; returns a `Page`."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        pytest.skip("no Chromium on this machine")

    def open_page(path):
        log = tmp_path / "net.json"
        done = subprocess.run(
            [
                chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
                "--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr",
                f"--user-data-dir={tmp_path / 'profile'}", f"--log-net-log={log}", "--dump-dom",
                path.as_uri(),
            ],
            capture_output=True, text=True, timeout=200,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        events = [e["params"] for e in json.loads(log.read_text())["events"] if "params" in e]
        # What the browser asks for on its own has no page as its origin.
        requested = {
            e["url"] for e in events if "initiator" in e and e["initiator"] != "not an origin"
        }
        said = re.findall(r":CONSOLE[^\]]*\] (.*)", done.stderr)
        return Page(done.stdout, said, requested - {path.as_uri()})

    return open_page
