import math

import pytest

from tracker_ros.core.config import TrackingConfig
from tracker_ros.core.errors import ModelError


def test_round_trip():
    config = TrackingConfig(query_size=64, lost_score=0.0)
    assert TrackingConfig.from_dict(config.to_dict()) == config
    assert TrackingConfig.from_dict({}) == TrackingConfig()


def test_weights_of_before_may_name_what_did_nothing():
    assert TrackingConfig.from_dict({"calibration": 0.0, "stride": 4}) == TrackingConfig(stride=4)


def test_memory_and_query_share_a_pixel_scale():
    config = TrackingConfig(query_size=160, memory_size=80, search_factor=4.0)
    assert config.memory_factor == 2.0


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"sharpness": 1}, "unknown value 'sharpness'"),
        ({"calibration": 0.5}, "unknown value 'calibration'"),  # they would track otherwise now
        ({"memory_size": 0}, "memory_size is 0"),
        ({"stride": 0}, "stride is 0"),
        ({"query_size": 80.0}, "query_size is 80.0"),
        ({"query_size": "80"}, "query_size is '80'"),
        ({"memory_segments": 0}, "memory_segments is 0"),
        ({"memory_capacity": -1}, "memory_capacity is -1"),
        ({"lost_after": True}, "lost_after is True"),
        ({"lost_score": math.nan}, "lost_score is nan"),
        ({"search_factor": math.inf}, "search_factor is inf"),
        ({"window_influence": None}, "window_influence is None"),
        ({"penalty": -0.1}, "penalty is -0.1"),
        ({"window_influence": 5.0}, "window_influence is 5.0, more than 1"),
        ({"refine_shape": 1e300}, "refine_shape is 1e+300, more than 1"),
        ({"minimum_side": 1e6}, "minimum_side is 1000000.0, more than 1000"),
        ({"stride": 1000}, "stride is 1000, more than 64"),
        ({"search_factor": 1e9}, "search_factor is 1000000000.0, more than 100"),
        ({"search_factor": 0.0}, "search_factor is 0.0, but a window smaller than its target"),
    ],
)
def test_an_impossible_value_is_one_sentence(values, sentence):
    with pytest.raises(ModelError) as error:
        TrackingConfig.from_dict(values)
    assert str(error.value).startswith(f"tracking config: {sentence}")
    assert "\n" not in str(error.value)
