"""Training of the box refiner on what the frozen trunk sees: pairs, a bank of them, a loop."""
