"""The Fast DDS profile: the user's choice comes first, then what the shared memory has room for."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

from test.domains import own_domain
from test.segments import remove_ownerless, segments
from tracker_ros.core.io.paths import share_dir
from tracker_ros.nodes.process import dds

MIB = 2**20


def test_profile_is_set_where_the_user_has_set_none(monkeypatch):
    monkeypatch.setattr(dds, "shared_memory", lambda: 1000 * MIB)
    environment = {"FASTRTPS_DEFAULT_PROFILES_FILE": ""}
    path = dds.use_profile(environment)
    assert path == share_dir() / "config" / "fastdds.xml"
    variables = dds.profile_variables(environment)
    assert {name: environment[name] for name in variables} == dict.fromkeys(variables, str(path))


@pytest.mark.parametrize("library, variable", [
    ("libfastrtps.so.2.14", "FASTRTPS_DEFAULT_PROFILES_FILE"),
    ("libfastdds.so.3.2", "FASTDDS_DEFAULT_PROFILES_FILE"),
])  # fmt: skip
@pytest.mark.parametrize("folder", ["lib", f"lib/{os.uname().machine}-linux-gnu"])
def test_only_the_variable_of_the_installed_fast_dds_is_set(tmp_path, library, variable, folder):
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / folder / library).touch()
    assert dds.profile_variables({"AMENT_PREFIX_PATH": f"/none:{tmp_path}"}) == (variable,)
    assert dds.profile_variables({"LD_LIBRARY_PATH": f":{tmp_path / folder}"}) == (variable,)


def test_both_variables_are_set_where_fast_dds_is_not_found(monkeypatch, tmp_path):
    monkeypatch.setattr(dds.sys, "prefix", str(tmp_path))
    assert dds.profile_variables({"AMENT_PREFIX_PATH": ""}) == dds.PROFILE_VARIABLES


@pytest.mark.parametrize("variable", dds.CHOICES)
def test_choice_of_the_user_is_left_alone(variable):
    environment = {variable: "mine"}
    assert dds.use_profile(environment) is None
    assert environment == {variable: "mine"}


@pytest.mark.parametrize("free, name", [
    (24000, "fastdds.xml"), (64, "fastdds_small.xml"), (10, None), (0, None),
])  # fmt: skip
def test_profile_fits_the_shared_memory(free, name):
    assert dds.profile_name(free * MIB) == name


@pytest.mark.parametrize("name", ["fastdds.xml", "fastdds_small.xml"])
def test_fast_dds_takes_its_shared_memory_from_the_profile(name):
    path = share_dir() / "config" / name
    size = int(ElementTree.parse(path).find(".//{*}segment_size").text)
    if dds.shared_memory() < 8 * size:  # other tests start nodes at the same time
        pytest.skip("not enough shared memory is free")
    script = """if True:
        import os, rclpy
        rclpy.init()
        node = rclpy.create_node("probe")
        with open("/proc/self/maps") as maps:
            mapped = {line.split()[-1] for line in maps if "/dev/shm/" in line}
        print(*(os.stat(path).st_size for path in mapped if os.path.exists(path)))
        node.destroy_node()
        rclpy.shutdown()
    """
    environment = {k: v for k, v in os.environ.items() if k not in dds.CHOICES}
    environment |= dict.fromkeys(dds.PROFILE_VARIABLES, str(path)) | own_domain()
    run = subprocess.run([sys.executable, "-c", script], env=environment, check=True,
                         capture_output=True, text=True)  # fmt: skip
    # One of them: a process of another domain may send to a port that ended processes had before.
    assert any(size <= int(mapped) < 2 * size for mapped in run.stdout.split())
    assert "XMLPARSER" not in run.stderr


def test_memory_of_a_killed_process_is_removed_and_of_a_living_one_kept():
    script = """if True:
        import rclpy
        rclpy.init()
        node = rclpy.create_node("probe")
        with open("/proc/self/maps") as maps:
            print(*{line.split()[-1] for line in maps if "/dev/shm/" in line}, flush=True)
        input()
    """
    environment = os.environ | own_domain()
    with subprocess.Popen([sys.executable, "-c", script], env=environment, text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as node:  # fmt: skip
        mapped = set(node.stdout.readline().split())
        its = {path for path in segments() if str(path) in mapped}
        remove_ownerless(its)
        assert its and its <= segments()
        node.kill()
        node.wait()
    assert its <= segments()
    remove_ownerless(its)
    assert not its & segments()
