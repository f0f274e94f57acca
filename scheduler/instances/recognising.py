"""Which format a file is in, by its content; its name decides only what content leaves open."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from scheduler.instances import fjsp, fjsp_dag, jsp
from scheduler.instances.instance import Instance
from scheduler.instances.reading import lines, refuse
from scheduler.model.errors import TooLarge

MAX_BYTES = 2**30
"""Largest file, unpacked."""

FORMATS: dict[str, str] = {
    "fjsp": "flexible job shop as text (.fjs, .txt)",
    "fjsp_dag": "flexible job shop with arcs, and with transport times, as text",
    "jsp": "job shop as text",
}
"""Every format that `parse` reads, by name, with how it is known."""


def parse(data: bytes, filename: str, *, processors: int | None = None) -> Instance:
    """Read a file of any format known, packed by gzip or not.

    Parameters
    ----------
    filename
        Gives the problem its name. ``rand0000.stg@4`` gives the number of processors as well.
    processors
        How many there are, where the format does not say (Standard Task Graphs).

    Raises
    ------
    InvalidInstance
        If the file is malformed, with the line or the path in the document and what is wrong
        there, or if it is of no format known, with those that are.
    InvalidProblem
        If what it holds breaks a law of the model, such as a cycle of precedences.
    TooLarge
        If it unpacks to more than a gibibyte.
    """
    text = _text(data)
    name = filename.rsplit("/", 1)[-1].removesuffix(".gz")
    if not text.strip():
        refuse("line 1", "wants an instance; got an empty file")
    return _reader(text)(text, name=name)


def _text(data: bytes) -> str:
    if data[:2] == b"\x1f\x8b":
        data = _unpacked(data)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        refuse(f"line {line}", "wants text in UTF-8", data[error.start : error.start + 1])


def _unpacked(data: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        found = unpacker.decompress(data, MAX_BYTES)
    except zlib.error as error:
        refuse("the file", f"is no gzip file: {error}")
    if unpacker.unconsumed_tail:
        raise TooLarge(f"the file must unpack to at most {MAX_BYTES} bytes; got more")
    if not unpacker.eof:
        refuse("the file", "is a gzip file that ends before its time")
    return found


def _reader(text: str) -> Callable[..., Instance]:
    return _reader_of_numbers(text)


def _reader_of_numbers(text: str) -> Callable[..., Instance]:
    """Tell the formats that are numbers only apart, by the counts in their lines."""
    head, *rest = [line.split() for _, line in lines(text)]
    if len(head) == 3 and rest and "." not in head[2] and (head[1] == "0" or len(rest[0]) == 2):
        return fjsp_dag.parse
    machines = int(head[1]) if len(head) > 1 and head[1].isdigit() else 0
    if rest and all(len(words) == 2 * machines for words in rest) and not _is_flexible(rest[0]):
        return jsp.parse
    return fjsp.parse


def _is_flexible(words: list[str]) -> bool:
    """Whether the numbers of a line count alternatives that fill the line."""
    if not all(word.isdigit() for word in words):
        return False
    at, operations = 1, 0
    while at < len(words):
        at += 1 + 2 * int(words[at])
        operations += 1
    return at == len(words) and operations == int(words[0])
