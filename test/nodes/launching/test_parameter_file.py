"""Parameter files, as the launch files read them: the same as ROS 2 does."""

import pytest

from tracker_ros.core.errors import ParameterError
from tracker_ros.nodes.launching import parameter_file

PATTERNS = """
/left/tracker_node: {ros__parameters: {a: exact, flag: on, number: 1e3, text: "1"}}
/**/tracker_node: {ros__parameters: {a: deep, b: deep, deep: true}}
/**: {ros__parameters: {a: all, b: all, c: all}}
/*/tracker_node: {ros__parameters: {a: one, d: one}}
tracker_node: {ros__parameters: {a: bare, e: bare}}
left: {tracker_node: {ros__parameters: {nested: true}}}
left/tracker_node: {ros__parameters: {without_slash: true}}
/left/*: {ros__parameters: {star: 1}}
"*": {ros__parameters: {lone_star: 1}}
/**/front/**: {ros__parameters: {middle: 1}}
/**/tracker: {ros__parameters: {other: 1}}
"""


@pytest.mark.parametrize("namespace", ["", "/left", "left/front"])
@pytest.mark.parametrize("text", [PATTERNS, "", "/**: {}", f"---\n{PATTERNS}"])
def test_of_node_is_what_ros_gives_that_node(ros, tmp_path, text, namespace):
    import rclpy
    from rclpy.context import Context

    file = tmp_path / "parameters.yaml"
    file.write_text(text)
    context = Context()
    rclpy.init(args=["--ros-args", "--params-file", str(file)], context=context)
    try:
        node = rclpy.create_node("tracker_node", namespace=namespace, context=context)
        expected = {name: given.value for name, given in node._parameter_overrides.items()}
        node.destroy_node()
    finally:
        rclpy.shutdown(context=context)
    found = parameter_file.of_node(parameter_file.load(str(file)), "tracker_node", namespace)
    assert found == expected


@pytest.mark.parametrize("content, words", [
    (None, "does not exist"),
    (b"a: [b", "while parsing a flow sequence"),
    (b"\xff\xfe\x00", "'utf-8' codec"),
])  # fmt: skip
def test_what_is_no_parameter_file_is_refused_by_name(tmp_path, content, words):
    file = tmp_path / "parameters.yaml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ParameterError, match=f"^argument params_file: {file}:? .*{words}") as told:
        parameter_file.load(str(file))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("line", ["v: =", "v: !env x", "v: 2026-13-45"])
def test_what_ros_takes_for_text_is_left_to_it(tmp_path, line):
    file = tmp_path / "parameters.yaml"
    file.write_text(f"/**: {{ros__parameters: {{a: 1}}}}\n{line}\n")
    parameter_file.load(str(file))


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(ParameterError, match=f"argument params_file: {tmp_path} is not a file"):
        parameter_file.load(str(tmp_path))
