"""``python -m tracker_ros`` is ``tracker-ros``."""

import runpy

runpy.run_module("tracker_ros.commands", run_name="__main__", alter_sys=True)
