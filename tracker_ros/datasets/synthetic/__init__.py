"""The demo's clip, made from photographs: frames, truth, and both as a bag."""
