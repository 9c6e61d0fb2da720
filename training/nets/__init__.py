"""The networks and how they learn: encoders, decoders, losses, several GPUs, ONNX constants."""
