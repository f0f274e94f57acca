"""Formats by likeness: the one that most of a file is in, also where the rest of it is wrong.

A malformed file is refused in the words of the format that its author meant.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from scheduler.instances.reading import MAX_MACHINES

Words = list[str]
"""A line, cut at its blanks."""


def document_like(keys: Collection[str], formats: Mapping[str, Collection[str]]) -> str | None:
    """Find the key of the format that a document shares most keys with.

    Parameters
    ----------
    keys
        Keys of the document.
    formats
        Keys of each format, by the one that only it has. At least half of them must be there, and
        no other format may share as large a part.

    Examples
    --------
    >>> formats = {"task_graph": ("task_graph", "network"), "operations": ("jobs", "operations")}
    >>> document_like({"network": 1}, formats), document_like({"nodes": 1}, formats)
    ('task_graph', None)
    """
    shares = {own: sum(key in keys for key in of) / len(of) for own, of in formats.items()}
    best = max(shares.values())
    found = [own for own, share in shares.items() if share == best]
    return found[0] if best >= 0.5 and len(found) == 1 else None


def text_like(head: Words, rest: list[Words]) -> str | None:
    """Find the text format that most lines after the head are in; nothing if they are no numbers.

    Examples
    --------
    >>> text_like(["2", "2"], [["0", "3", "1", "2"], ["1", "x"]])
    'jsp'
    >>> text_like(["<html>"], [["<body>"]])
    """
    if not all(map(_is_number, head)) and not _mostly_numbers(rest):
        return None
    if _has_arcs(head, rest):
        return "fjsp_dag"
    machines = _machines(head)
    flexible = sum(map(is_flexible, rest))
    plain = sum(is_plain(words, machines) for words in rest)
    full = sum(len(words) == 2 * machines for words in rest)
    tasks = sum(map(_is_task, rest))
    # Its head alone has one number; a file without any other good line is known by that.
    if tasks > max(flexible, plain, full) or (len(head) == 1 and tasks == max(flexible, plain)):
        return "stg"
    return "jsp" if max(plain, full) > flexible else "fjsp"


def reads_both_ways(head: Words, rest: list[Words]) -> bool:
    """True if each line is one of a job shop, and one of a flexible job shop as well."""
    machines = _machines(head)
    return bool(rest) and all(is_flexible(words) and is_plain(words, machines) for words in rest)


def is_plain(words: Words, machines: int) -> bool:
    """True if the line holds pairs of machine and duration, no machine twice."""
    found = words[::2]
    return (
        len(words) % 2 == 0
        and all(word.isdecimal() for word in words)
        and len(set(found)) == len(found)
        and max(int(word[:9]) for word in found) <= machines
    )


def is_flexible(words: Words) -> bool:
    """True if counts and their alternatives fill the line, as many as its first number says."""
    if not all(word.isdecimal() for word in words):
        return False
    at, operations = 1, 0
    while at < len(words):
        at += 1 + 2 * int(words[at][:9])
        operations += 1
    return at == len(words) and operations == int(words[0][:9])


def _machines(head: Words) -> int:
    """Number of machines that a shop names in its head; where it is broken, as many as may be."""
    return int(head[1][:9]) if len(head) > 1 and head[1].isdecimal() else MAX_MACHINES


def _is_task(words: Words) -> bool:
    """True if the line is a number, a time, and as many predecessors as it says."""
    return (
        len(words) >= 3
        and words[2].isdecimal()
        and len(words) == 3 + int(words[2][:9])
        and all(word.isdecimal() for word in words)
    )


def _has_arcs(head: Words, rest: list[Words]) -> bool:
    """True if the head counts operations, arcs and machines: most arcs, or all lines, are there."""
    if len(head) != 3 or not rest or not all(word.isdecimal() for word in head):
        return False
    operations, arcs, machines = (int(word[:9]) for word in head)
    pairs = sum(len(words) == 2 for words in rest[:arcs])
    length = operations + arcs
    return 2 * pairs >= arcs or len(rest) in {length, length + machines}


def _mostly_numbers(rest: list[Words]) -> bool:
    words = [word for line in rest for word in line]
    return 2 * sum(map(_is_number, words)) > len(words)


def _is_number(word: str) -> bool:
    return word.replace(".", "", 1).isdecimal()
