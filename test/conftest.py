"""For all tests."""

from hypothesis import settings

# A busy machine must not fail a test: nothing here depends on time.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
