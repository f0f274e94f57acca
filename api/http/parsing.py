"""The seam where foreign bytes become values: errors of parsers are the sender's fault."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from api.http.errors import shown
from scheduler.model.errors import FjordError, InvalidInput

_log = logging.getLogger(__name__)


@contextmanager
def parsing(
    law: str, *, field: str = "", error: type[InvalidInput] = InvalidInput
) -> Iterator[None]:
    """Turn any error of a parser inside of the block into one answer: the input breaks the law.

    Parsers raise what their authors thought of, and what nobody did: NumPy alone raises
    `SyntaxError`, `ValueError` and `tokenize.TokenError` for one kind of header. So every exception
    counts, not a list of them. Errors of ours pass, and so do those of the operating system: a full
    disk is nobody's bad input.

    Parameters
    ----------
    law
        The place and its law, such as ``inputs.x must be a .npy file``.
    field, error
        The field that the error names, and the class of the error.
    """
    try:
        yield
    except FjordError:
        raise
    except Exception as found:
        # Decompressors raise bare `OSError`s for bad data; those of the system have a number.
        if isinstance(found, OSError) and found.errno is not None:
            raise
        # A defect of ours would come this way too, so its traceback is kept.
        _log.info("refused: %s", law, exc_info=found)
        got = shown(str(found) or type(found).__name__)
        raise error(f"{law}; got {got}", field=field) from None
