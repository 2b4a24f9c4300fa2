from pathlib import Path

import pytest

from tracker_ros.core.errors import brief, missing, some


def test_a_long_list_of_names_is_cut_and_counted():
    names = [f"layer{i}" for i in range(98)]
    assert some(names) == "layer0, layer1, layer2, layer3 and 94 more"
    assert some(names[:4]) == "layer0, layer1, layer2, layer3"


def test_what_others_say_is_one_line_and_names_no_file_twice():
    with pytest.raises(OSError) as failed:
        Path("/").read_bytes()
    assert brief(failed.value) == "Is a directory"
    assert brief(OSError("no image here")) == "no image here"
    assert brief(ValueError("one\n  two.\n")) == "one two"
    assert brief(KeyError("shape")) == "no 'shape'"
    assert brief(ValueError()) == "ValueError"


@pytest.mark.parametrize(
    ("module", "remedy"),
    [
        ("torch", "pip install torch"),
        ("ruamel.yaml", "pip install ruamel.yaml"),
        ("cv2", "pip install opencv-contrib-python-headless"),
        # Nothing that PyPI may have under these names is meant.
        *((name, "source a ROS 2 installation, or see the README's two commands")
          for name in ("rclpy", "rclpy.node", "diagnostic_msgs", "std_srvs", "rcl_interfaces")),
    ],
)  # fmt: skip
def test_what_is_missing_is_named_with_what_brings_it(module, remedy):
    error = ModuleNotFoundError(f"No module named {module!r}", name=module)
    package = module.partition(".")[0]
    assert missing(error, "it") == (
        f"it needs the Python package {package!r}, which is not here: {remedy}"
    )
