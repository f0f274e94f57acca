"""Workflows that have run, as WfCommons records them: WfFormat 1.5, and a compact form of it.

WfFormat has ``workflow.specification`` (tasks with parents, files with sizes) and
``workflow.execution`` (measured runtimes, cores, machines). The compact form has rows: ``tasks``
as ``task_fields`` says, ``edges`` of ``from, to, bytes``, and ``machines``.

Each machine of the file runs any number of tasks at once, as far as its cores reach; if none is
recorded, one machine runs all tasks at once. A task takes its measured runtime on any of them, and
its recorded cores (one if missing, at most those of the largest machine). The bytes of an edge are
the sizes of the files that one task writes and the other reads. Neither form holds the speed of the
network: transfers are free.

References
----------
Coleman, Casanova, Pottier, Kaushik, Deelman and Ferreira da Silva (2022),
doi:10.1016/j.future.2021.09.043.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scheduler.instances.instance import Instance
from scheduler.instances.reading import Node, duration_us, machine_count
from scheduler.model.problem import (
    Demand,
    Edge,
    Job,
    Machine,
    Mode,
    Operation,
    Problem,
    Resource,
)

US_PER_S = 1_000_000
MAX_CORES = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    runtime_s: float
    cores: int
    memory_bytes: int


def read_compact(root: Node, *, name: str) -> Instance:
    """Read the compact form.

    Raises
    ------
    InvalidInstance
        With the path in the document and what is wrong there.
    """
    columns = {field.string(): i for i, field in enumerate(root["task_fields"])}
    if "runtime_s" not in columns:
        root["task_fields"].refuse("must have runtime_s", list(columns))
    tasks = [_compact_task(list(row), columns, row) for row in root["tasks"]]
    edges: dict[tuple[int, int], int] = {}
    for row in root["edges"]:
        values = list(row)
        if len(values) != 3:
            row.refuse("must have 3 numbers: from, to and bytes", len(values))
        pair = values[0].integer(0, len(tasks) - 1), values[1].integer(0, len(tasks) - 1)
        edges[pair] = edges.get(pair, 0) + _ceil(values[2])
    return _instance(tasks, edges, root["machines"], name=name)


def _compact_task(values: list[Node], columns: dict[str, int], row: Node) -> _Task:
    if len(values) != len(columns):
        row.refuse(f"must have {len(columns)} values, as task_fields says", len(values))
    fields = {column: values[i] for column, i in columns.items() if values[i].value is not None}
    if "runtime_s" not in fields:
        row.refuse("must have a runtime_s", None)
    return _Task(
        runtime_s=fields["runtime_s"].real(),
        cores=_cores(fields.get("cores")),
        memory_bytes=_ceil(fields.get("memory_bytes")),
    )


def read(root: Node, *, name: str) -> Instance:
    """Read WfFormat 1.5.

    Raises
    ------
    InvalidInstance
        With the path in the document and what is wrong there.
    """
    specification, execution = root["workflow"]["specification"], root["workflow"]["execution"]
    runs = {task["id"].string(): task for task in execution["tasks"]}
    numbers: dict[str, int] = {}
    tasks: list[_Task] = []
    for task in specification["tasks"]:
        if task["id"].string() not in runs:
            task["id"].refuse("must have run: be in workflow.execution.tasks", task["id"].value)
        numbers[task["id"].string()] = len(tasks)
        tasks.append(_task(runs[task["id"].string()]))
    enough = [{"nodeName": "machine", "cpu": {"coreCount": sum(task.cores for task in tasks)}}]
    machines = execution.get("machines") or Node(enough)
    return _instance(tasks, _edges(specification, numbers), machines, name=name)


def _task(run: Node) -> _Task:
    return _Task(
        runtime_s=run["runtimeInSeconds"].real(),
        cores=_cores(run.get("coreCount")),
        memory_bytes=_ceil(run.get("memoryInBytes")),
    )


def _edges(specification: Node, numbers: dict[str, int]) -> dict[tuple[int, int], int]:
    """Bytes per pair of tasks: of the files that one writes and the other reads."""
    files = specification.get("files") or ()
    sizes = {file["id"].string(): _ceil(file["sizeInBytes"]) for file in files}
    edges: dict[tuple[int, int], int] = {}
    written = [_names(task, "outputFiles") for task in specification["tasks"]]
    for task in specification["tasks"]:
        target = numbers[task["id"].string()]
        read = _names(task, "inputFiles")
        for parent in task.get("parents") or ():
            source = numbers.get(parent.string())
            if source is None:
                parent.refuse("must be the id of a task", parent.value)
            edges[source, target] = sum(sizes.get(file, 0) for file in written[source] & read)
    return edges


def _names(task: Node, key: str) -> set[str]:
    return {name.string() for name in task.get(key) or ()}


def _instance(
    tasks: list[_Task], edges: dict[tuple[int, int], int], nodes: Node, *, name: str
) -> Instance:
    cores = _machines(nodes)
    most = max(cores.values())
    problem = Problem(
        machines=tuple(Machine(id=node, exclusive=False) for node in cores),
        jobs=(Job(id="workflow"),),
        operations=tuple(
            Operation(
                id=f"t{i}",
                job="workflow",
                modes=tuple(
                    _mode(task, node, min(task.cores, most))
                    for node, count in cores.items()
                    if min(task.cores, most) <= count
                ),
            )
            for i, task in enumerate(tasks)
        ),
        edges=tuple(
            Edge(source=f"t{u}", target=f"t{v}", size_bytes=size) for (u, v), size in edges.items()
        ),
        resources=tuple(
            Resource(id=f"cores of {node}", capacity=count) for node, count in cores.items()
        ),
        name=name,
    )
    return Instance(
        problem=problem,
        format="wfcommons",
        us_per_unit=US_PER_S,
        whole=False,
        unit="s",
        operation_numbers=tuple(range(len(tasks))),
        machine_numbers=tuple(cores),
    )


def _mode(task: _Task, node: str, cores: int) -> Mode:
    return Mode(
        machine=node,
        duration_us=duration_us(task.runtime_s, US_PER_S),
        peak_bytes=task.memory_bytes,
        demands=(Demand(resource=f"cores of {node}", amount=cores),),
    )


def _machines(nodes: Node) -> dict[str, int]:
    """Cores per machine."""
    cores: dict[str, int] = {}
    for node in nodes:
        cpu = node.get("cpu")
        cores[node["nodeName"].string()] = _cores(cpu and cpu.get("coreCount"))
    machine_count(len(cores), nodes.path)
    return cores


def _cores(count: Node | None) -> int:
    """Whole cores; one if missing. Files have 0.5 and 0 as well."""
    if count is None:
        return 1
    return max(1, math.ceil(min(count.real(), MAX_CORES)))


def _ceil(size: Node | None) -> int:
    return 0 if size is None else math.ceil(size.real())
