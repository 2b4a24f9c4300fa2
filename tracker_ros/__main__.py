"""`python -m tracker_ros` is `tracker-ros`."""

import sys

from .cli import main

sys.exit(main())
