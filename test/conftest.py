"""For all tests."""

import sys

import pytest
from hypothesis import settings

# A busy machine must not fail a test: nothing here depends on time.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(autouse=True)
def one_thread():
    """The tensors of the tests are so small that torch's threads only wait for each other."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
