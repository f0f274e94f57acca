"""Which format a file is in, by its content; its name decides only what content leaves open."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import NoReturn

from scheduler.instances import (
    dagbench,
    dnn_placement,
    fjsp,
    fjsp_dag,
    jsp,
    native,
    psplib,
    stg,
    wfcommons,
)
from scheduler.instances.instance import Instance
from scheduler.instances.reading import Node, document, lines, refuse
from scheduler.model.errors import TooLarge

MAX_BYTES = 2**30
"""Largest file, unpacked."""

FORMATS: dict[str, str] = {
    "fjord": "a problem in Fjord's own JSON, with version, machines, jobs and operations",
    "fjsp": "flexible job shop as text (.fjs, .txt)",
    "fjsp_dag": "flexible job shop with arcs, and with transport times, as text",
    "jsp": "job shop as text",
    "psplib": "project with scarce resources, one mode or several (.sm, .mm)",
    "stg": "Standard Task Graph (.stg), as FILE.stg@P for P processors",
    "dagbench": "task graph and network as JSON, with task_graph and network",
    "heft": "ten-task example as JSON, with cost and edges_1based_u_v_comm",
    "dnn_placement": "network to place as JSON, with maxFPGAs and nodes",
    "wfcommons": "workflow run as JSON: WfFormat 1.5 (workflow), or compact (task_fields)",
}
"""Every format that `parse` reads, by name, with how it is known."""

_DOCUMENTS: dict[str, Callable[..., Instance]] = {
    "operations": native.read,
    "task_graph": dagbench.read,
    "edges_1based_u_v_comm": dagbench.read_example,
    "maxFPGAs": dnn_placement.read,
    "task_fields": wfcommons.read_compact,
    "workflow": wfcommons.read,
}
"""Reader by the key that only its format has."""

_NO_SCHEDULES = {
    "maxMemoryPerDevice": "a Piper input, a choice of tensor and pipeline parallelism",
    "problem": "an IOPDDL input, a choice of one strategy per node",
    "fpgas": "a split of a network over devices, the answer to a placement",
}
"""What documents that hold no scheduling instance are, by a key."""


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
    name, _, count = filename.rsplit("/", 1)[-1].partition("@")
    name = name.removesuffix(".gz")
    if not text.strip():
        refuse("line 1", "wants an instance; got an empty file")
    if text.lstrip()[0] in "{[":
        return _parse_document(Node(document(text)), name=name)
    if psplib.PRECEDENCE in text or text.startswith("****"):
        return psplib.parse(text, name=name)
    if processors is None and count.isdecimal():
        processors = int(count[:9])
    return _parse_numbers(text, name=name, processors=processors)


def _parse_document(root: Node, *, name: str) -> Instance:
    for key, read in _DOCUMENTS.items():
        if key in root:
            return read(root, name=name)
    for key, what in _NO_SCHEDULES.items():
        if key in root:
            refuse("the document", f"is not a scheduling instance, but {what}")
    _refuse_unknown("the document")


def _refuse_unknown(where: str) -> NoReturn:
    known = "".join(f"\n  {name}: {what}" for name, what in FORMATS.items())
    refuse(where, f"is of none of the formats known:{known}")


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


def _parse_numbers(text: str, *, name: str, processors: int | None) -> Instance:
    """Tell the formats that are numbers only apart, by the counts in their lines."""
    rows = [line.split() for _, line in lines(text)]
    head, rest = (rows[0], rows[1:]) if rows else ([], [])
    if not head or not all(_is_number(word) for word in head):
        _refuse_unknown("line 1")
    if len(head) == 1:
        return stg.parse(text, name=name, processors=processors)
    if len(head) == 3 and rest and "." not in head[2] and (head[1] == "0" or len(rest[0]) == 2):
        return fjsp_dag.parse(text, name=name)
    if _is_job_shop(head, rest):
        return jsp.parse(text, name=name)
    return fjsp.parse(text, name=name)


def _is_number(word: str) -> bool:
    return word.replace(".", "", 1).isdecimal()


def _is_job_shop(head: list[str], rest: list[list[str]]) -> bool:
    """Whether each line has a pair for each machine and is no line of a flexible job shop."""
    width = 2 * int(head[1][:9]) if head[1].isdecimal() else 0
    return (
        bool(rest)
        and all(len(words) == width for words in rest)
        and not all(_is_flexible(words) for words in rest)
    )


def _is_flexible(words: list[str]) -> bool:
    """Whether counts of alternatives fill the line, as many as its first number says."""
    if not all(word.isdecimal() for word in words):
        return False
    at, operations = 1, 0
    while at < len(words):
        at += 1 + 2 * int(words[at][:9])
        operations += 1
    return at == len(words) and operations == int(words[0][:9])
