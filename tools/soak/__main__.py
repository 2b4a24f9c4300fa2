"""Endurance of the nodes: many frames, malformed messages, kill -9, several cameras at once.

`make soak` runs it for some minutes; ARGS="--frames 100000 --kills 50" for longer.
Everything goes over DDS between processes. It prints what it measured, writes it to out/soak.json,
and exits 1 where something did not hold. docs/reliability.md keeps the figures.
"""

import argparse
import itertools
import json
import os
import random
import sys
import time

import cv2
import numpy as np
from malformed import malformed, mutations
from nodes import OUT, PATIENCE, Camera, Node, frame, tracked

GROWTH = 8.0  # MiB that memory may grow between the third fifth of the frames and the last


def many_frames(count: int, minutes: float, model: str) -> dict:
    """Send frames one after the other; each must be answered, and memory stay flat."""
    every = max(min(count // 100, 500), 1)
    # The node keeps all images of its history, and how many these are goes with the rate.
    memory, states = [], {}
    (OUT / "soak").mkdir(parents=True, exist_ok=True)
    log = (OUT / "soak" / "memory.txt").open("w")
    # Reliable from the first frame on: there is nobody to send one again.
    reliable = {"image_qos": "DEFAULT"}
    with log, tracked("/soak", model=model, history=0.1, **reliable) as (tracker, camera):
        camera.start(0)
        begin = time.monotonic()
        for index in range(1, count + 1):
            state = camera.ask(index)
            states[state] = states.get(state, 0) + 1
            if index % every == 0:
                memory.append(tracker.memory_mib)
                seconds, load = time.monotonic() - begin, os.getloadavg()[0]
                print(f"{index} {seconds:.0f} {memory[-1]:.1f} {load}", file=log, flush=True)
            if time.monotonic() - begin > 60 * minutes:
                break
        seconds = time.monotonic() - begin
    # Single samples go up and down with the allocator's arenas.
    fifth = max(len(memory) // 5, 1)
    # They have taken what they need after some 4,000 frames.
    parts = memory[2 * fifth :][:fifth], memory[-fifth:]
    settled, last = (float(np.median(part)) for part in parts)
    assert last - settled < GROWTH, f"memory grew from {settled:.1f} to {last:.1f} MiB"
    return {
        "frames": index, "of": count, "answered": sum(states.values()), "states": states,
        "frames_per_second": round(index / seconds, 1),
        "memory_mib": {"third_fifth": round(settled, 1), "last_fifth": round(last, 1),
                       "highest": round(max(memory), 1)},
    }  # fmt: skip


def kills(count: int, model: str, seed: int) -> dict:
    """Kill -9 the tracker, and every other time its camera, at random moments; new ones go on."""
    chance, waits = random.Random(seed), []
    name = "/kills"
    tracker, camera = Node("tracker_node", name, model=model), Camera(name)
    try:
        camera.start(0)
        for number in range(count):
            for index in range(chance.randrange(30)):
                camera.send(index)
                camera.spin(chance.random() / 30, lambda: False)
            begin = time.monotonic()
            tracker.kill()
            tracker = Node("tracker_node", name, model=model)
            if number % 2:  # the publisher goes without a word
                camera.close()
                camera = Camera(name)
            camera.start(0)
            waits.append(time.monotonic() - begin)
        tracker.end()
    finally:
        tracker.kill()
        camera.close()
    return {
        "kills": count, "resumed": len(waits),
        "seconds_to_resume_p50": round(float(np.median(waits)), 2),
        "seconds_to_resume_max": round(max(waits), 2),
    }  # fmt: skip


def player_kills(count: int, model: str, seed: int) -> dict:
    """Kill -9 the player at random moments; the tracker must go on with the next one."""
    chance = random.Random(seed)
    clip = OUT / "soak" / "clip"
    clip.mkdir(parents=True, exist_ok=True)
    for index in range(60):
        cv2.imwrite(str(clip / f"{index:03}.png"), frame(index)[0])
    resumed = 0
    with tracked("/player", model=model) as (_, camera):
        for _ in range(count):
            player = Node("player_node", "/player", source=str(clip), loop=True, wait=0.0,
                          subscribers=1)  # fmt: skip
            camera.states.clear()
            resumed += camera.spin(PATIENCE, lambda: len(camera.states) > 3)
            camera.spin(chance.random(), lambda: False)
            player.kill()
    assert resumed == count
    return {"player_kills": count, "resumed": resumed}


def cameras(count: int, seconds: float, rate: float, model: str) -> dict:
    """So many cameras and trackers at once."""
    names = [f"/camera{i}" for i in range(count)]
    trackers = [Node("tracker_node", name, model=model) for name in names]
    made = [Camera(names[0])]
    made += [Camera(name, made[0].executor) for name in names[1:]]
    sent: dict[str, list[int]] = {name: [] for name in names}
    answered = dict.fromkeys(names, 0)
    try:
        for camera in made:
            camera.start(0)
            camera.states.clear()
        begin = time.monotonic()
        for index in itertools.count():
            if time.monotonic() - begin > seconds:
                break
            for name, camera in zip(names, made, strict=True):
                sent[name].append(camera.send(index))
            due = begin + (index + 1) / rate
            made[0].spin(max(due - time.monotonic(), 0), lambda: False)
        pairs = [(camera, sent[name][-1]) for name, camera in zip(names, made, strict=True)]
        made[0].spin(PATIENCE, lambda: all(last in camera.states for camera, last in pairs))
        for name, camera in zip(names, made, strict=True):
            states = (camera.states.get(stamp) for stamp in sent[name])
            answered[name] = sum(state in ("TRACKING", "UNCERTAIN", "LOST") for state in states)
        for tracker in trackers:
            tracker.end()
    finally:
        for tracker in trackers:
            tracker.kill()
        for camera in made:
            camera.close()
    counts = {name: len(stamps) for name, stamps in sent.items()}
    assert all(n > 0.5 * counts[name] for name, n in answered.items()), (counts, answered)
    return {"cameras": count, "sent": counts, "answered": answered, "rate_hz": rate}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=20000, help="default: %(default)s")
    parser.add_argument(
        "--minutes", type=float, help="at most for these (default: 1 for each 1,000 frames)"
    )
    parser.add_argument("--malformed", type=int, default=300, help="messages (%(default)s)")
    parser.add_argument("--kills", type=int, default=10, help="of tracker and camera (%(default)s)")
    parser.add_argument("--cameras", type=int, default=3, help="at once (%(default)s)")
    parser.add_argument("--seconds", type=float, default=20.0, help="of these (%(default)s)")
    parser.add_argument("--rate", type=float, default=15.0, help="of each, in Hz (%(default)s)")
    parser.add_argument("--model", default="dastm_nano", help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    minutes = args.minutes or max(args.frames / 1000, 5)
    from tracker_ros.nodes.process import dds

    dds.use_profile()
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    os.environ.setdefault("ROS_DOMAIN_ID", str(1 + os.getpid() % 100))
    import rclpy
    from rclpy.signals import SignalHandlerOptions

    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    parts = (
        (args.frames, lambda: many_frames(args.frames, minutes, args.model)),
        (args.malformed, lambda: malformed(args.malformed, args.model, args.seed)),
        (args.malformed, lambda: mutations(args.malformed, args.model, args.seed)),
        (args.kills, lambda: kills(args.kills, args.model, args.seed)),
        (args.kills, lambda: player_kills(args.kills, args.model, args.seed)),
        (args.cameras, lambda: cameras(args.cameras, args.seconds, args.rate, args.model)),
    )
    results, failures = {}, []
    for wanted, part in parts:
        if not wanted:
            continue
        begin = time.monotonic()
        try:
            found = part()
        except AssertionError as error:
            failures.append(str(error))
            print(f"soak: {error}", file=sys.stderr, flush=True)
            continue
        found["seconds"] = round(time.monotonic() - begin, 1)
        results |= {next(iter(found)): found}
        print(json.dumps(found), flush=True)
    rclpy.try_shutdown()
    OUT.mkdir(exist_ok=True)
    (OUT / "soak.json").write_text(json.dumps(results | {"failures": failures}, indent=1) + "\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
