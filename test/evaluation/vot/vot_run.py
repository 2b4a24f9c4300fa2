"""All passes over a VOT set in one call."""

from tracker_ros.evaluation.vot.scores import summary
from tracker_ros.evaluation.vot.sequences import find_vot_sequences
from tracker_ros.evaluation.vot.supervised import Pass, repetitions_needed, run_pass


def evaluate_vot(make_tracker, folder, repetitions=None) -> dict:
    """The scores of a tracker by VOT2018's supervised protocol over the set in ``folder``."""
    sequences = find_vot_sequences(folder)
    tracker = make_tracker()
    count = repetitions or repetitions_needed(tracker, sequences)
    runs = {s.name: [run_pass(tracker, Pass(s, i + 1)) for i in range(count)] for s in sequences}
    return summary(sequences, runs)
