"""How the weights were made, from raw data to ONNX; the Makefile says in which order.

Every file of this folder but ``splits`` is a step that is run, ``python -m training.<step>``;
its packages hold what the steps are made of.
"""
