"""What is known of this process."""

import time

from tracker_ros.runtime.outputs import process


def test_memory_values_are_those_of_this_process():
    values = process.memory_values("onnxruntime CPUExecutionProvider")
    assert set(values) == {"process_memory_peak_mib"}
    assert 10 < float(values["process_memory_peak_mib"]) < 100_000


def test_processor_use_is_that_of_this_process_since_the_last_call():
    use = process.ProcessorUse()
    begin = time.process_time()
    while time.process_time() < begin + 0.05:
        pass
    assert use.since_last() > 0
    assert process.process_age() > 0
