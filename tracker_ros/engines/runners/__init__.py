"""Run the steps of a network: torch, or ONNX Runtime."""
