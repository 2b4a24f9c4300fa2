"""Training of the box refiner on what the frozen trunk sees: samples, pairs of them, a loop."""
