"""`python -m tracker_ros` is `tracker-ros`."""

import sys

from .commands import main

sys.exit(main())
