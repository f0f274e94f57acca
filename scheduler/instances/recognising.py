"""Recognition of a file's format by its content; an ambiguous file is refused."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
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
from scheduler.instances.resembling import document_like, reads_both_ways, text_like
from scheduler.model.errors import InvalidInput, TooLarge, UnknownName

MAX_BYTES = 2**30
"""Largest file, unpacked."""

FORMATS: dict[str, str] = {
    "fjord": "a problem in Fjord's own JSON, with version, machines, jobs and operations",
    "fjsp": "flexible job shop as text (.fjs, .txt)",
    "fjsp_dag": "flexible job shop with arcs, and with transport times, as text",
    "jsp": "job shop as text, of the OR-Library or as Taillard has it",
    "psplib": "project with scarce resources, one mode or several (.sm, .mm)",
    "stg": "Standard Task Graph (.stg), as FILE.stg@P for P processors",
    "dagbench": "task graph and network as JSON, with task_graph and network",
    "heft": "ten-task example as JSON, with cost and edges_1based_u_v_comm",
    "dnn_placement": "network to place as JSON, with maxFPGAs and nodes",
    "wfcommons": "workflow run as JSON: WfFormat 1.5 (workflow), or compact (task_fields)",
}
"""Every format that `parse` reads, by name, with a description of it."""

_DOCUMENTS: dict[str, tuple[str, Callable[..., Instance]]] = {
    "operations": ("fjord", native.read),
    "task_graph": ("dagbench", dagbench.read),
    "edges_1based_u_v_comm": ("heft", dagbench.read_example),
    "maxFPGAs": ("dnn_placement", dnn_placement.read),
    "task_fields": ("wfcommons", wfcommons.read_compact),
    "workflow": ("wfcommons", wfcommons.read),
}
"""Format and reader by the key that only that format has."""

_KEYS: dict[str, tuple[str, ...]] = {
    "operations": ("version", "machines", "jobs", "operations"),
    "task_graph": ("task_graph", "network"),
    "edges_1based_u_v_comm": ("processors", "cost", "edges_1based_u_v_comm"),
    "maxFPGAs": ("maxFPGAs", "maxSizePerFPGA", "maxCPUs", "nodes", "edges"),
    "task_fields": ("task_fields", "tasks", "edges", "machines"),
    "workflow": ("workflow", "schemaVersion"),
}
"""All keys that a document must have, by the same key: one that misses that is like one of them."""

_TEXTS: dict[str, Callable[..., Instance]] = {
    "fjsp": fjsp.parse,
    "fjsp_dag": fjsp_dag.parse,
    "jsp": jsp.parse,
    "psplib": psplib.parse,
}
"""Readers of text that need nothing else; `stg` also needs the number of processors."""

_NO_SCHEDULES = {
    "maxMemoryPerDevice": "a Piper input, a choice of tensor and pipeline parallelism",
    "problem": "an IOPDDL input, a choice of one strategy per node",
    "fpgas": "a split of a network over devices, the answer to a placement",
}
"""Description of documents that hold no scheduling instance, by a key."""


def parse(
    data: bytes, filename: str, *, processors: int | None = None, format: str | None = None
) -> Instance:
    """Read a file of any format known, packed by gzip or not.

    Parameters
    ----------
    filename
        Gives the problem its name. ``rand0000.stg@4`` gives the number of processors as well.
    processors
        Number of processors, if the format does not hold it (Standard Task Graphs).
    format
        One of `FORMATS`, for an ambiguous file; by default the content decides.

    Raises
    ------
    UnknownName
        If there is no such format.
    InvalidInstance
        If the file is malformed, with the line or the path in the document and the fault; if it is
        of no known format, with the known ones; if it is ambiguous, with the candidates.
    InvalidProblem
        If its problem breaks a law of the model, such as a cycle of precedences.
    TooLarge
        If it unpacks to more than a gibibyte.
    """
    if format is not None and format not in FORMATS:
        message = f"format must be one of {', '.join(FORMATS)}; got {format!r}"
        raise UnknownName(message, field="format")
    text = _text(data)
    name, _, count = filename.rsplit("/", 1)[-1].partition("@")
    name = name.removesuffix(".gz")
    if not text.strip():
        refuse("line 1", "wants an instance; got an empty file")
    if format in {known for known, _ in _DOCUMENTS.values()}:
        return _parse_document(Node(document(text)), name=name, format=format)
    if format is None and text.lstrip()[0] in "{[":
        return _parse_document(Node(document(text)), name=name, format=None)
    found = format or _format_of(text)
    if found == "stg":
        if processors is None and count.isdecimal():
            processors = int(count[:9])
        return stg.parse(text, name=name, processors=processors)
    return _TEXTS[found](text, name=name)


def _parse_document(root: Node, *, name: str, format: str | None) -> Instance:
    readers = {
        known: read
        for key, (known, read) in _DOCUMENTS.items()
        if key in root and format in {None, known}
    }
    if len(readers) > 1:
        _refuse_ambiguous("the document", readers)
    for read in readers.values():
        return read(root, name=name)
    if format is not None:
        keys = " or ".join(key for key, (known, _) in _DOCUMENTS.items() if known == format)
        refuse("the document", f"wants {keys}, as {format} has it")
    for key, what in _NO_SCHEDULES.items():
        if key in root:
            refuse("the document", f"is not a scheduling instance, but {what}")
    like = document_like(root.value if isinstance(root.value, dict) else (), _KEYS)
    if like is None:
        _refuse_unknown("the document")
    refuse(like, f"is required, as {_DOCUMENTS[like][0]} has it")


def _refuse_ambiguous(where: str, formats: Iterable[str]) -> NoReturn:
    """Refuse a file that reads in several formats with different meanings."""
    names = list(formats)
    told = " and as ".join(f"{name} ({FORMATS[name]})" for name in names)
    refuse(where, f"reads as {told}; wants the format to be named")


def _refuse_unknown(where: str) -> NoReturn:
    known = "".join(f"\n  {name}: {what}" for name, what in FORMATS.items())
    refuse(where, f"is of none of the formats known:{known}")


def _text(data: bytes) -> str:
    if data[:2] == b"\x1f\x8b":
        data = _unpacked(data)
    # Files that were written under DOS may end so.
    data = data.rstrip(b"\x1a")
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


def _format_of(text: str) -> str:
    """Format of text that is no document: its own, or the most similar one."""
    if psplib.is_project(text):
        return "psplib"
    numbered = lines(text)
    if jsp.has_titles(numbered):
        return "jsp"
    rows = [line.split() for _, line in numbered]
    found = text_like(rows[0], rows[1:]) if rows else None
    if found is None:
        _refuse_unknown("line 1")
    both = found in {"fjsp", "jsp"} and reads_both_ways(rows[0], rows[1:])
    if both and _reads(text, "fjsp") and _reads(text, "jsp"):
        _refuse_ambiguous(f"line {numbered[1][0]}", ("fjsp", "jsp"))
    return found


def _reads(text: str, format: str) -> bool:
    """True if the reader of a format accepts the whole text."""
    try:
        _TEXTS[format](text, name="")
    except InvalidInput:
        return False
    return True
