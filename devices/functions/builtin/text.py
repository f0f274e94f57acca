"""From scores of characters to text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fjord import Array, InvalidValue, Param, ParamKind, TensorType, function

TEXT = TensorType("string", (1,))


@function(
    name="ctc_decode",
    inputs={"scores": TensorType("float32", (1, "steps", "classes"))},
    outputs={"text": TEXT, "score": TensorType("float32", (1,))},
    params={"charset": Param(kind=ParamKind.CHARACTERS)},
    expected_us=600,
)
def ctc_decode(scores: Array, *, charset: Sequence[str]) -> dict[str, Array]:
    """Best character per step, repeats merged and blanks dropped; class 0 is the blank.

    The score is the mean over the characters kept, 0 if there are none.

    References
    ----------
    Graves et al. (2006), doi:10.1145/1143844.1143891: best path decoding.
    """
    classes = scores.shape[2]
    if len(charset) + 1 != classes:
        raise InvalidValue(
            f"ctc_decode.charset must have {classes - 1} characters; got {len(charset)}",
            field="charset",
        )
    best = scores[0].argmax(axis=1)
    kept = best != 0
    kept[1:] &= best[1:] != best[:-1]
    text = "".join(charset[index - 1] for index in best[kept])
    certainty = scores[0].max(axis=1)[kept].mean() if kept.any() else 0.0
    return {
        "text": np.array([text], dtype=object),
        "score": np.array([certainty], dtype=np.float32),
    }


@function(
    name="gather_text",
    inputs={"texts": TensorType("string", (-1,), is_list=True)},
    outputs={"text": TensorType("string", ("lines",))},
    params={
        "strip": Param(kind=ParamKind.FLAG, default=True),
        "drop_empty": Param(kind=ParamKind.FLAG, default=False),
    },
    expected_us=200,
)
def gather_text(texts: list[Array], *, strip: bool, drop_empty: bool) -> dict[str, Array]:
    """Join a list of texts into one tensor of lines, in order, without white space around them."""
    lines = [line.strip() if strip else line for text in texts for line in text.tolist()]
    lines = [line for line in lines if line or not drop_empty]
    joined = np.empty(len(lines), dtype=object)
    joined[:] = lines
    return {"text": joined}
