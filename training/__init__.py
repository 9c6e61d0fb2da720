"""How the weights were made, from raw data to ONNX."""
