"""The demo's clip, without ROS: what `make demo` shows must not depend on luck."""

import numpy as np
import pytest

from tracker_ros import load_tracker
from tracker_ros.core.geometry.boxes import overlap
from tracker_ros.core.io.paths import share_dir
from tracker_ros.datasets.synthetic.clip import SyntheticClip

SHIPPED = (share_dir() / "models" / "dastm.trunk.onnx").exists()


@pytest.mark.skipif(not SHIPPED, reason="no weights are shipped")
def test_the_target_is_lost_behind_the_wall_and_found_again():
    clip = SyntheticClip()
    tracker = load_tracker("dastm", engine="onnx")
    tracker.init(clip.render(0), clip.truth(0))
    results = [tracker.update(clip.render(index)) for index in range(1, clip.length)]
    hidden = [r.box is None for i, r in enumerate(results, 1) if clip.visible(i) < 0.1]
    assert sum(hidden) >= len(hidden) / 2  # it says so while the wall is before the target
    # Found again before the beam comes, and followed behind it to the last frame.
    for stretch in (range(340, 371), range(430, clip.length)):
        found = [overlap(results[i - 1].box, clip.truth(i)) for i in stretch]
        assert np.mean(found) > 0.4
