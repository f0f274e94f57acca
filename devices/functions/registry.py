"""Functions by name, found through the entry point group ``fjord.functions``."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from devices.functions.params import Param, check_params
from devices.functions.types import TensorType, check_value
from devices.tensors import ArrayOrList
from scheduler.model.errors import DuplicateName, InvalidTensor, UnknownName

GROUP = "fjord.functions"
Body = Callable[..., Mapping[str, ArrayOrList]]
log = logging.getLogger(__name__)
_registered: dict[str, Function] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A pure callable with declared inputs, outputs and parameters.

    Parameters
    ----------
    expected_us
        Duration to plan with until one was measured, in microseconds.
    """

    name: str
    inputs: Mapping[str, TensorType]
    outputs: Mapping[str, TensorType]
    params: Mapping[str, Param]
    expected_us: int
    body: Body
    summary: str = ""

    def check_params(self, given: Mapping[str, Any], where: str = "params") -> dict[str, Any]:
        """Parameters with their defaults.

        Raises
        ------
        InvalidWorkload
            If one is unknown, missing or ill-typed.
        """
        return check_params(self.params, given, where)

    def __call__(
        self, inputs: Mapping[str, ArrayOrList], params: Mapping[str, Any]
    ) -> dict[str, ArrayOrList]:
        """Run it.

        Raises
        ------
        InvalidTensor
            If an input or an output is not of the declared type.
        InvalidWorkload
            If a parameter is not allowed.
        """
        if inputs.keys() != self.inputs.keys():
            wanted, got = ", ".join(self.inputs), ", ".join(inputs) or "nothing"
            raise InvalidTensor(f"{self.name} takes {wanted}; got {got}", field=self.name)
        for name, expected in self.inputs.items():
            check_value(expected, inputs[name], f"{self.name}.{name}")
        given = dict(self.body(**inputs, **self.check_params(params, f"{self.name}.params")))
        for name, expected in self.outputs.items():
            check_value(expected, given[name], f"{self.name}.{name}")
        return given


def function(
    *,
    name: str,
    inputs: Mapping[str, TensorType],
    outputs: Mapping[str, TensorType],
    params: Mapping[str, Param] | None = None,
    expected_us: int = 1_000,
) -> Callable[[Body], Body]:
    """Register the decorated callable: it takes arrays and parameters by name, gives a mapping.

    Raises
    ------
    DuplicateName
        If another callable has that name.
    """

    def register(body: Body) -> Body:
        known = _registered.get(name)
        if known is not None and (known.body.__module__, known.body.__qualname__) != (
            body.__module__,
            body.__qualname__,
        ):
            raise DuplicateName(f"function {name!r} is already declared in {known.body.__module__}")
        _registered[name] = Function(
            name=name,
            inputs=dict(inputs),
            outputs=dict(outputs),
            params=dict(params or {}),
            expected_us=expected_us,
            body=body,
            summary=(body.__doc__ or "").strip().partition("\n")[0],
        )
        return body

    return register


def functions() -> dict[str, Function]:
    """All registered functions by name, from every installed package that offers some."""
    _load()
    return dict(_registered)


def find(name: str, field: str = "function") -> Function:
    """The function of that name.

    Raises
    ------
    UnknownName
        If there is none; the message lists those there are.
    """
    _load()
    found = _registered.get(name)
    if found is None:
        choices = ", ".join(sorted(_registered))
        raise UnknownName(f"{field} must be one of {choices}; got {name!r}", field=field)
    return found


@cache
def _load() -> None:
    for entry in entry_points(group=GROUP):
        try:
            entry.load()
        except Exception:
            # A broken plug-in of someone else must not take the built-in functions away.
            log.exception("functions of %s cannot be loaded", entry.value)
