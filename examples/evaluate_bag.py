"""Replay a rosbag2 recording through a tracker, frame by frame, and score it; needs no ROS.

python examples/evaluate_bag.py walk.mcap
"""

import sys
from pathlib import Path

from tracker_ros import load_tracker
from tracker_ros.evaluation.protocols import PROTOCOLS
from tracker_ros.replay.deterministic import ReplayLog, replay
from tracker_ros.replay.truth import find_truth
from tracker_ros.sources.bag.source import BagSource


def main(bag: str, model: str = "dastm") -> None:
    """Print the area under the success curve and the precision, as OTB measures them."""
    with BagSource(Path(bag)) as source:
        truth = find_truth(source, given=None, initial=None)
        log = ReplayLog(truth)
        for step in replay(load_tracker(model), source, truth, print):
            log.add(step)
        scores = PROTOCOLS["otb"].score(log.result(bag))
    print(f"AUC {scores['auc']:.3f}, precision at 20 px {scores['precision']:.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
