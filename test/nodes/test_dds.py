"""The Fast DDS profile: the user's choice comes first, and large best-effort images arrive."""

import pytest

from tracker_ros.nodes import dds
from tracker_ros.paths import share_dir


def test_profile_is_set_where_the_user_has_set_none():
    environment = {"FASTRTPS_DEFAULT_PROFILES_FILE": ""}
    path = dds.use_profile(environment)
    assert path == share_dir() / "config" / "fastdds.xml"
    assert path.is_file()
    assert set(environment.values()) == {str(path)}
    assert set(environment) == set(dds.PROFILE_VARIABLES)


@pytest.mark.parametrize("variable", dds.CHOICES)
def test_choice_of_the_user_is_left_alone(variable):
    environment = {variable: "mine"}
    assert dds.use_profile(environment) is None
    assert environment == {variable: "mine"}
