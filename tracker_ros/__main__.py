"""`python -m tracker_ros` is `tracker-ros`."""

import sys

from tracker_ros.cli import main

sys.exit(main())
