"""Names of engines and precisions; here, so that help texts load no engine."""

ENGINES = ("auto", "torch", "onnx", "tensorrt")
PRECISIONS = ("fp32", "bf16", "fp16")
