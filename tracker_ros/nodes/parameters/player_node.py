"""The parameters of ``player_node``."""

from .parameter import Parameter

PLAYER = (
    Parameter("source", "", "Video file, image folder, rosbag2, or `camera:0`; required."),
    Parameter("topic", "", "The image topic of a bag that has several."),
    Parameter(
        "rate",
        0.0,
        "Frames per second; 0: the source's own.",
        limits=(0.0, 10000.0),
        about=(("mode", "real_time"), ("stamps", "source"), ("stamps", "source_repeated")),
    ),
    Parameter("loop", False, "Start again after the last frame."),
    Parameter(
        "mode",
        "real_time",
        "`real_time`, or `acknowledged`: the next frame when the tracker is done with this;"
        " with `image_qos: DEFAULT` in the tracker no frame gets lost.",
        choices=("real_time", "acknowledged"),
    ),
    Parameter(
        "longest_pause",
        5.0,
        "In real time, a pause of the source of more seconds is left out, with a warning; not where"
        " `rate` is given.",
        limits=(0.1, 1e6),
        about=(("mode", "real_time"),),
    ),
    Parameter(
        "acknowledge_timeout",
        5.0,
        "Seconds to wait for the tracker's `~/status` before going on.",
        limits=(0.1, 600.0),
    ),
    Parameter(
        "stamps",
        "now",
        "Stamp frames with the time of publishing, or as in the source. Looping, `source`"
        " goes on rising; `source_repeated` jumps back to the first stamp, as a bag does.",
        choices=("now", "source", "source_repeated"),
    ),
    Parameter(
        "image_transport",
        "raw",
        "Publish `image` or `image/compressed`.",
        choices=("raw", "compressed"),
    ),
    Parameter(
        "jpeg_quality",
        95,
        "Of compressed images.",
        limits=(1, 100),
        about=(("image_transport", "compressed"),),
    ),
    Parameter("frame_id", "camera", "Of every header."),
    Parameter("tracker", "tracker_node", "Name of the tracker node."),
    Parameter(
        "wait",
        10.0,
        "Seconds to wait for subscribers of the images (and of `init_target` where it is"
        " published) before the first frame; 0: do not.",
        limits=(0.0, 3600.0),
    ),
    Parameter("subscribers", 1, "How many subscribers of the images to wait for.", limits=(1, 100)),
    Parameter(
        "publish_init", False, "Send the tracker the truth's first box, stamped with its frame."
    ),
    Parameter(
        "init_bbox", "", "Send the tracker this box, `x,y,w,h`, with frame `init_frame`.", box=True
    ),
    Parameter("init_frame", 0, "The frame that `init_bbox` is of, from 0.", limits=(0, 999_999)),
)
