"""The networks: encoders from public starting points, one mask decoder, one pooling."""
