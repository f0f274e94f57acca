"""Groups of nodes that ONNX Runtime and its like run as one kernel.

Each pattern is one that the optimisers of ONNX Runtime 1.31 fuse for a CPU at their highest level;
where another runtime fuses more or less, the learned models see it in their data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cost_models.features.fusion.step_graph import StepGraph


@dataclass(frozen=True, slots=True)
class Match:
    """Steps that run as one kernel.

    Parameters
    ----------
    vanished
        Those whose arithmetic disappears into weights.
    """

    pattern: str
    members: tuple[int, ...]
    vanished: frozenset[int] = frozenset()


Pattern = Callable[[StepGraph, int], Match | None]
_ACTIVATIONS = ("Relu", "Sigmoid", "Tanh", "LeakyRelu", "Clip", "HardSigmoid")
_CONVOLVED = ("Conv", "BatchNormalization")
_NEAR = 1e-3


def match(links: StepGraph, index: int) -> Match | None:
    """The first pattern that starts at a step."""
    for pattern in _STARTS.get(links.kind(index), ()):
        found = pattern(links, index)
        if found is not None and not links.taken.intersection(found.members):
            return found
    return None


def _conv(links: StepGraph, index: int) -> Match | None:
    """Convolution, scale and shift of its channels, a sum with another branch, activation."""
    members, words = [index], ["conv"]
    vanished: set[int] = set()
    weights = links.step(index).inputs[1]
    while links.is_constant(weights) and (following := _channelwise(links, members[-1])):
        members.append(following)
        vanished.add(following)
        words.append({"BatchNormalization": "batchnorm"}.get(links.kind(following), "scale"))
    _add_sum(links, members, words)
    _add_activation(links, members, words)
    return _found(members, words, vanished)


def _channelwise(links: StepGraph, index: int) -> int | None:
    """A following node that works on channels with constants, and so folds into the weights."""
    following = links.next(index, "BatchNormalization", "Mul", "Add")
    if following is None:
        return None
    result = links.step(index).outputs[0]
    if links.kind(following) == "BatchNormalization":
        is_first = links.step(following).inputs[0] == result
        return following if is_first and _are_constant(links, following, result) else None
    return following if _is_per_channel(links, following, result) else None


def _are_constant(links: StepGraph, index: int, name: str) -> bool:
    return all(links.is_constant(other) for other in links.others(index, name))


def _is_per_channel(links: StepGraph, index: int, name: str) -> bool:
    data, other = links.tensor(name), next(links.others(index, name), None)
    tensor = links.tensor(other) if other else None
    if data is None or tensor is None or other is None or not links.is_constant(other):
        return False
    rank, shape = len(data.shape), tensor.shape
    # [C, 1, 1] or [1, C, 1, 1]; a scalar stays a node of its own, as ONNX Runtime keeps it.
    padded = (1,) * (rank - len(shape)) + shape
    return len(shape) >= rank - 1 and rank > 2 and padded == (1, data.shape[1], *[1] * (rank - 2))


def _add_sum(links: StepGraph, members: list[int], words: list[str]) -> None:
    """Take in the sum with a branch of the same shape, such as a residual."""
    last, window = members[-1], links.step(members[0]).counts.window
    if window is None or window.groups > 1:
        # Only the kernels of blocked, ungrouped convolutions add to their output in place.
        return
    following = links.next(last, "Add", "Sum")
    if following is None or len(links.step(following).inputs) != 2:
        return
    result = links.step(last).outputs[0]
    other = next(links.others(following, result), None)
    if other is None or links.is_constant(other):
        return
    mine, its = links.tensor(result), links.tensor(other)
    maker = links.maker(other)
    # A later convolution that could take the sum as well does: its branch is then ready.
    is_later = maker is not None and maker > last and links.kind(maker) in _CONVOLVED
    if mine is not None and its is not None and mine.shape == its.shape and not is_later:
        members.append(following)
        words.append("add")


def _add_activation(links: StepGraph, members: list[int], words: list[str]) -> None:
    last = members[-1]
    following = links.next(last, *_ACTIVATIONS)
    if following is not None and _has_constant_limits(links, following, last):
        members.append(following)
        words.append(links.kind(following).lower())


def _has_constant_limits(links: StepGraph, index: int, before: int) -> bool:
    return _are_constant(links, index, links.step(before).outputs[0])


def _product(links: StepGraph, index: int) -> Match | None:
    """Matrix product, a constant bias, activation."""
    members, words = [index], [links.kind(index).lower()]
    result = links.step(index).outputs[0]
    bias = links.next(index, "Add") if links.kind(index) == "MatMul" else None
    if bias is not None and _is_bias(links, bias, result):
        members.append(bias)
        words.append("add")
    if len(members) > 1 or links.kind(index) == "Gemm":
        _add_activation(links, members, words)
    return _found(members, words, set())


def _is_bias(links: StepGraph, index: int, name: str) -> bool:
    other = next(links.others(index, name), None)
    data, tensor = links.tensor(name), links.tensor(other) if other else None
    if other is None or data is None or tensor is None or not links.is_constant(other):
        return False
    # More than two axes must be flattened, which ONNX Runtime does only if their sizes are known.
    is_flat = len(data.shape) == 2 or not links.trace.is_dynamic
    return is_flat and tensor.shape[-1:] == data.shape[-1:] and tensor.elements == data.shape[-1]


def _integer_product(links: StepGraph, index: int) -> Match | None:
    """8-bit product, back to floats, scale, bias."""
    members, words = [index], [links.kind(index).lower()]
    for kinds in (("Cast",), ("Mul",), ("Add",)):
        following = links.next(members[-1], *kinds)
        if following is None:
            break
        members.append(following)
        words.append(kinds[0].lower())
    return _found(members, words, set()) if len(members) > 2 else None


def _self_gate(links: StepGraph, index: int) -> Match | None:
    """A self-gated unit: x sigmoid(x)."""
    following = links.next(index, "Mul")
    given = links.step(index).inputs[0]
    if following is None or given not in links.step(following).inputs:
        return None
    return Match("quickgelu", (index, following))


def _gelu(links: StepGraph, index: int) -> Match | None:
    """Quotient by root 2, erf, + 1, product with x and with a half, in either order."""
    first = links.maker(links.step(index).inputs[0])
    shift = links.next(index, "Add")
    if first is None or shift is None or links.kind(first) not in {"Div", "Mul"}:
        return None
    if links.readers(first) != [index] or not _shifts_by_one(links, shift, index):
        return None
    data = next((name for name in links.step(first).inputs if not links.is_constant(name)), None)
    product = links.next(shift, "Mul")
    if data is None or product is None:
        return None
    members = [first, index, shift, product]
    other = next(links.others(product, links.step(shift).outputs[0]), "")
    if other != data and (half := links.maker(other)) is not None:
        # 0.5 x was made first.
        return Match("gelu", tuple(sorted([half, *members]))) if _halves(links, half) else None
    last = links.next(product, "Mul")
    if other == data and last is not None and _halves(links, last):
        return Match("gelu", (*members, last))
    return None


def _shifts_by_one(links: StepGraph, index: int, before: int) -> bool:
    other = next(links.others(index, links.step(before).outputs[0]), "")
    number = links.number(other)
    return number is not None and abs(number - 1.0) < _NEAR


def _halves(links: StepGraph, index: int) -> bool:
    numbers = (links.number(name) for name in links.step(index).inputs)
    return any(number is not None and abs(number - 0.5) < _NEAR for number in numbers)


def _layer_norm(links: StepGraph, index: int) -> Match | None:
    """Mean, difference, square, mean, + epsilon, root, quotient, and scale and shift if given."""
    data = links.step(index).inputs[0]
    difference = links.next(index, "Sub")
    if difference is None or links.step(difference).inputs[0] != data:
        return None
    readers = [i for i in links.readers(difference) if i not in links.taken]
    square = next((i for i in readers if _squares(links, i, difference)), None)
    if square is None:
        return None
    chain = [index, difference, square]
    for kind in ("ReduceMean", "Add", "Sqrt", "Div"):
        following = links.next(chain[-1], kind)
        if following is None:
            return None
        chain.append(following)
    if sorted({square, chain[-1]}) != sorted(set(links.readers(difference))):
        return None
    for kind in ("Mul", "Add"):
        following = links.next(chain[-1], kind)
        result = links.step(chain[-1]).outputs[0]
        if following is None or not _are_constant(links, following, result):
            break
        chain.append(following)
    return Match("layernorm", tuple(chain))


def _squares(links: StepGraph, index: int, before: int) -> bool:
    result, inputs = links.step(before).outputs[0], links.step(index).inputs
    if links.kind(index) == "Mul":
        return inputs == (result, result)
    return links.kind(index) == "Pow" and inputs[0] == result and links.number(inputs[1]) == 2.0


def _attention(links: StepGraph, index: int) -> Match | None:
    """Scores of two activations, scale, mask, softmax, product with the values."""
    if any(links.is_constant(name) for name in links.step(index).inputs):
        return None
    chain = [index]
    while (following := links.next(chain[-1], "Mul", "Div", "Add", "Where")) is not None:
        chain.append(following)
    softmax = links.next(chain[-1], "Softmax")
    product = None if softmax is None else links.next(softmax, "MatMul")
    if softmax is None or product is None or len(chain) > 4:
        return None
    return Match("attention", (*chain, softmax, product))


def _unpacked(links: StepGraph, index: int) -> Match | None:
    """An operator between DequantizeLinear and QuantizeLinear: it computes on the packed type."""
    makers = [links.maker(name) for name in links.step(index).inputs]
    unpackers = [
        maker
        for maker in makers
        if maker is not None
        and links.kind(maker) == "DequantizeLinear"
        and links.readers(maker) == [index]
    ]
    if len(unpackers) < 2:
        return None
    members = [*unpackers, index]
    words: list[str] = []
    _add_activation(links, members, words)
    packer = links.next(members[-1], "QuantizeLinear")
    members += [packer] if packer is not None else []
    vanished = {member for member in members if member in {*unpackers, packer}}
    name = "-".join([links.kind(index).lower(), *words])
    return Match(f"qdq-{name}", tuple(sorted(members)), frozenset(vanished))


def _found(members: list[int], words: list[str], vanished: set[int]) -> Match | None:
    if len(members) == 1:
        return None
    return Match("-".join(words), tuple(members), frozenset(vanished))


_STARTS: dict[str, tuple[Pattern, ...]] = {
    "ReduceMean": (_layer_norm,),
    "Erf": (_gelu,),
    "Sigmoid": (_self_gate,),
    "Conv": (_unpacked, _conv),
    "MatMul": (_unpacked, _attention, _product),
    "Gemm": (_unpacked, _product),
    "Add": (_unpacked,),
    "Mul": (_unpacked,),
    "MatMulInteger": (_integer_product,),
}
EARLY = ("ReduceMean", "Erf", "Sigmoid")
"""Starts of patterns that a chain before them would tear apart: they go first."""
