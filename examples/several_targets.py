"""Follow all that a detector sees through a video, in plain Python: what the node does, without it.

python examples/several_targets.py clip.mp4 detections.csv

detections.csv has a line for each box of your detector: frame,class,x,y,w,h; the surest first.
"""

import csv
import sys
from collections import defaultdict

from tracker_ros import load_tracker
from tracker_ros.runtime.detector import Detector
from tracker_ros.runtime.frame_slot import ReceivedImage
from tracker_ros.runtime.requests import Detection, Policy, Proposal
from tracker_ros.runtime.targets import Targets
from tracker_ros.sources import open_source


def main(video: str, detections: str, model: str = "dastm") -> None:
    """Print frame, id, class, state and box (x y w h in pixels) of every target."""
    seen = defaultdict(list)
    with open(detections, newline="") as file:
        for frame, class_id, *box in csv.reader(file):
            seen[int(frame)].append(Detection(tuple(map(float, box)), class_id))
    targets = Targets(load_tracker(model))
    detector = Detector(targets, Policy(max_targets=8, auto_correct=True, auto_init_new=True))
    with open_source(video) as source:
        for picture in source:
            image = picture.image
            frame = ReceivedImage(picture.index + 1, 0, picture.stamp_ns, 0.0, None)
            located = targets.locate(frame, image)
            begun, unusable = detector.consider(Proposal(tuple(seen[picture.index])), frame, image)
            for track in begun:
                targets.add(track, frame, image)
            targets.remember(located.tracks, frame)
            for problem in (*located.problems, *located.yielded, *unusable):
                print(picture.index, problem, file=sys.stderr)
            for one in targets.answer(frame, image).targets:
                place = "-" if one.box is None else " ".join(f"{v:.1f}" for v in one.box)
                print(picture.index, one.target.id, one.target.class_id, one.state, place)


if __name__ == "__main__":
    main(*sys.argv[1:])
