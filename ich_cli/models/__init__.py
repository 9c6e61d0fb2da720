"""Networks: card, registry, ONNX Runtime session, pre-processing."""
