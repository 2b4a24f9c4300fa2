"""A process that stops where it imports a module, so that a signal meets it there."""

import subprocess
import sys

CODE = """
import sys
import time

module = sys.argv.pop(1)


class Stop:
    def find_spec(self, name, *_):
        if name == module:
            print("importing", flush=True)
            while True:  # signal.pause() would sleep on where the signal came just before it
                time.sleep(0.01)


sys.meta_path.insert(0, Stop())
"""


def stopped(module: str, code: str, *arguments: str, **streams) -> subprocess.Popen:
    """Run ``code`` until it imports ``module``."""
    command = [sys.executable, "-c", CODE + code, module, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **streams)
    assert process.stdout.readline() == "importing\n"
    return process
