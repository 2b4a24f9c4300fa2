"""A TraX client of its own process: libtrax ends a process when a client goes wrong.

usage: trax_client.py FOLDER BOX POLYGON COMMAND...: prints what the tracker that COMMAND starts
says of itself and answers to the pictures in FOLDER, as JSON.
"""

import json
import subprocess
import sys
from pathlib import Path

import cv2
from trax import BufferImage, FileImage, MemoryImage, Polygon, Rectangle
from trax.client import Client


def by_path(path):
    return FileImage.create(str(path))


def in_memory(path):
    return MemoryImage.create(cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB))


def encoded(path):
    return BufferImage.create(path.read_bytes())


def main(folder, box, polygon, *command):
    x = list(map(float, polygon.split(",")))
    starts = {
        0: Rectangle.create(*map(float, box.split(","))),
        6: Polygon.create(list(zip(x[::2], x[1::2], strict=True))),
    }
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        client = Client((process.stdin.fileno(), process.stdout.fileno()), log=lambda _: None)
        answers = []
        for i, path in enumerate(sorted(Path(folder).iterdir())):
            image = {"color": (by_path, in_memory, encoded)[i % 3](path)}
            if i in starts:
                objects, _ = client.initialize(image, [(starts[i], {})], {})
            else:
                objects, _ = client.frame(image, {}, [])
            ((region, properties),) = objects
            answers.append([*region.bounds(), float(properties["confidence"])])
        client.quit()
    about = {"name": client.tracker_name, "regions": client.region_formats}
    print(json.dumps({**about, "answers": answers, "status": process.returncode}))


main(*sys.argv[1:])
