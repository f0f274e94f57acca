"""Functions by name, found through the entry point group ``fjord.functions``."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from devices.functions.params import check_params
from devices.functions.types import check_value
from fjord import InvalidValue
from fjord.functions.declaring import Declaration, declarations
from fjord.functions.types import ArrayOrList
from scheduler.model.errors import InvalidTensor, UnknownName

GROUP = "fjord.functions"
log = logging.getLogger(__name__)


class Function(Declaration):
    """A declared function that holds its callers and its body to the declaration."""

    __slots__ = ()

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
            If an input or an output is not of the declared type, or the function refuses a value.
        InvalidWorkload
            If a parameter is not allowed.
        """
        if inputs.keys() != self.inputs.keys():
            wanted, got = ", ".join(self.inputs), ", ".join(inputs) or "nothing"
            raise InvalidTensor(f"{self.name} takes {wanted}; got {got}", field=self.name)
        for name, expected in self.inputs.items():
            check_value(expected, inputs[name], f"{self.name}.{name}")
        checked = self.check_params(params, f"{self.name}.params")
        try:
            given = dict(self.body(**inputs, **checked))
        except InvalidValue as error:
            raise InvalidTensor(error.message, field=error.field) from error
        for name, expected in self.outputs.items():
            check_value(expected, given[name], f"{self.name}.{name}")
        return given


def functions() -> dict[str, Function]:
    """All declared functions by name, from every installed package that offers some."""
    _load()
    return {name: _function(declared) for name, declared in declarations().items()}


def find(name: str, field: str = "function") -> Function:
    """The function of that name.

    Raises
    ------
    UnknownName
        If there is none; the message lists those there are.
    """
    _load()
    declared = declarations()
    if name not in declared:
        choices = ", ".join(sorted(declared))
        raise UnknownName(f"{field} must be one of {choices}; got {name!r}", field=field)
    return _function(declared[name])


def _function(declared: Declaration) -> Function:
    return Function(**{field.name: getattr(declared, field.name) for field in fields(declared)})


@cache
def _load() -> None:
    for entry in entry_points(group=GROUP):
        try:
            entry.load()
        except Exception:
            # A broken plug-in of someone else must not take the built-in functions away.
            log.exception("functions of %s cannot be loaded", entry.value)
