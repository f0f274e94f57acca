"""Take a checkpoint of a brain, and have a brain go on from one."""

from __future__ import annotations

from functools import cache

from scheduler.control.brain import Brain
from scheduler.control.checkpoint.table import CONSTANTS, FORMS
from scheduler.model.errors import InvalidCheckpoint
from scheduler.model.forms import Document, Form, Forms

VERSION = 1
"""Version of the documents of `taken`. It rises when a reader of the one before would misread it.
"""


def taken(brain: Brain) -> Document:
    """All that a brain knows, its oracle included, as plain data. The brain is left as it is.

    Two brains give the same data if they are the same, and differ if they could ever differ.
    """
    state = brain.state
    return _forms(state.oracle.forms).write((state, state.oracle.learned()))


def resume(brain: Brain, document: Document) -> None:
    """Have a brain that knows nothing go on from the state of another one.

    Raises
    ------
    InvalidCheckpoint
        If the data are damaged, or have forms that are not known here. The brain knows nothing.
    """
    fresh = brain.state
    found = _forms(fresh.oracle.forms).read(document)
    if not isinstance(found, tuple) or not isinstance(found[0], type(fresh)):
        raise InvalidCheckpoint("a checkpoint must hold a state; it does not")
    state, learned = found
    state.oracle, state.solvers, state.settings = fresh.oracle, fresh.solvers, fresh.settings
    state.oracle.resume(learned)
    brain.state = state


def reads_back(brain: Brain, document: Document) -> bool:
    """True if a document, read and written anew by this release, is the same again."""
    forms = _forms(brain.state.oracle.forms)
    return forms.write(forms.read(document)) == document


@cache
def _forms(of_oracle: tuple[Form, ...]) -> Forms:
    return Forms((*FORMS, *of_oracle), CONSTANTS)
