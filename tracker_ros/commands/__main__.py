"""``python -m tracker_ros.commands`` is ``tracker-ros``."""

import sys

from . import main

sys.exit(main())
