"""The decorator `function`, and the declarations that it keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fjord.errors import InvalidDeclaration
from fjord.functions.params import Param
from fjord.functions.types import ArrayOrList, TensorType

Body = Callable[..., Mapping[str, ArrayOrList]]
_declared: dict[str, Declaration] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """A pure callable with declared inputs, outputs and parameters.

    Parameters
    ----------
    expected_us
        Duration to plan with until one was measured, in microseconds.
    body
        The callable: it takes arrays and parameters by name, and gives a mapping of outputs.
    """

    name: str
    inputs: Mapping[str, TensorType]
    outputs: Mapping[str, TensorType]
    params: Mapping[str, Param]
    expected_us: int
    body: Body
    summary: str = ""


def function(
    *,
    name: str,
    inputs: Mapping[str, TensorType],
    outputs: Mapping[str, TensorType],
    params: Mapping[str, Param] | None = None,
    expected_us: int = 1_000,
) -> Callable[[Body], Body]:
    """Declare the decorated callable as a function that workloads may call.

    Parameters
    ----------
    name
        Name of the function in workloads.
    inputs, outputs
        Types by name. The callable takes the inputs as keyword arguments, and gives a mapping that
        holds the outputs.
    params
        Parameters by name, passed as keyword arguments too.
    expected_us
        Duration to plan with until one was measured, in microseconds.

    Raises
    ------
    InvalidDeclaration
        If another callable has that name.
    """

    def declare(body: Body) -> Body:
        known = _declared.get(name)
        if known is not None and _place(known.body) != _place(body):
            raise InvalidDeclaration(
                f"function {name!r} is already declared in {known.body.__module__}", field="name"
            )
        _declared[name] = Declaration(
            name=name,
            inputs=dict(inputs),
            outputs=dict(outputs),
            params=dict(params or {}),
            expected_us=expected_us,
            body=body,
            summary=(body.__doc__ or "").strip().partition("\n")[0],
        )
        return body

    return declare


def declarations() -> dict[str, Declaration]:
    """List all declarations of the modules that were imported so far, by name."""
    return dict(_declared)


def _place(body: Body) -> tuple[str, str]:
    return body.__module__, body.__qualname__
