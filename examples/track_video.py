"""Track a target through a video, a folder of pictures or a bag, in plain Python.

python examples/track_video.py clip.mp4 300,200,80,60
"""

import sys

from tracker_ros import load_tracker
from tracker_ros.sources import open_source


def main(video: str, box: str, model: str = "dastm") -> None:
    """Print frame, state and box (x y w h in pixels) of a target whose first box is known."""
    tracker = load_tracker(model)
    with open_source(video) as source:
        for frame in source:
            if frame.index == 0:
                tracker.init(frame.image, tuple(map(float, box.split(","))))
                continue
            result = tracker.update(frame.image)
            place = "-" if result.box is None else " ".join(f"{v:.1f}" for v in result.box)
            print(frame.index, result.state.name, place)


if __name__ == "__main__":
    main(*sys.argv[1:])
