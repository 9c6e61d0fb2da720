"""A network's answer that is no number is no answer."""

from __future__ import annotations

import numpy as np

from ich_cli.domain import FloatArray


class NotFiniteError(FloatingPointError):
    """A network gave NaN or infinity; correct its card or export it again, as the message says."""


def check_finite(array: FloatArray, output: str, onnx: str | None) -> None:
    """Let an output pass that holds nothing but finite numbers.

    Args:
        array: What the network gave, any shape.
        output: What the model card calls it.
        onnx: The name of the network's file.

    Raises:
        NotFiniteError: It holds NaN or infinity; the message says how often and what to do.
    """
    wrong = array.size - int(np.isfinite(array).sum())
    if wrong:
        raise NotFiniteError(
            f"{wrong} of {array.size} values of output {output} of {onnx} are not finite numbers; "
            "correct windows, mean and std in its card or re-export it, in float32 if it is float16"
        )
