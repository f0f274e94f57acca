"""Instance files that the tests read, and small ones written out."""

from __future__ import annotations

from pathlib import Path

from scheduler.instances import Instance, parse

FILES = Path(__file__).parents[2] / "data" / "instances"

FT06 = """6 6
2 1  0 3  1 6  3 7  5 3  4 6
1 8  2 5  4 10  5 10  0 10  3 4
2 5  3 4  5 8  0 9  1 1  4 7
1 5  0 5  2 5  3 3  4 8  5 9
2 9  1 3  4 5  5 4  0 3  3 1
1 3  3 3  5 9  0 10  4 4  2 1
"""
"""Fisher and Thompson's job shop of six jobs on six machines."""

WORKFLOW = """{
  "name": "pair", "schemaVersion": "1.5",
  "workflow": {
    "specification": {
      "tasks": [
        {"name": "cut", "id": "cut_1", "parents": [], "children": ["sew_1"],
         "inputFiles": ["cloth"], "outputFiles": ["piece", "waste"]},
        {"name": "sew", "id": "sew_1", "parents": ["cut_1"], "children": [],
         "inputFiles": ["piece"], "outputFiles": ["shirt"]}
      ],
      "files": [
        {"id": "cloth", "sizeInBytes": 900}, {"id": "piece", "sizeInBytes": 70},
        {"id": "waste", "sizeInBytes": 8}, {"id": "shirt", "sizeInBytes": 60}
      ]
    },
    "execution": {
      "makespanInSeconds": 3.5,
      "tasks": [
        {"id": "cut_1", "runtimeInSeconds": 1.25, "coreCount": 2, "machines": ["big"]},
        {"id": "sew_1", "runtimeInSeconds": 0.000004, "machines": ["small"]}
      ],
      "machines": [
        {"nodeName": "big", "cpu": {"coreCount": 4}}, {"nodeName": "small", "cpu": {"coreCount": 1}}
      ]
    }
  }
}
"""

COMPACT = """{
  "name": "pair", "task_fields": ["type", "runtime_s", "cores", "memory_bytes", "priority"],
  "tasks": [["cut", 1.25, 2, 5000, null], ["sew", 0.000004, null, null, 20]],
  "edge_fields": ["from", "to", "bytes"], "edges": [[0, 1, 70]],
  "machines": [
    {"nodeName": "big", "cpu": {"coreCount": 4}}, {"nodeName": "small", "cpu": {"coreCount": 1}}
  ]
}
"""

PLACEMENT = """{
  "maxSizePerFPGA": 100.0, "maxFPGAs": 2, "maxCPUs": 8,
  "nodes": [
    {"id": 10, "supportedOnFpga": 1, "cpuLatency": 30, "fpgaLatency": 3, "isBackwardNode": 0,
     "colorClass": 1, "size": 60.0},
    {"id": 11, "supportedOnFpga": 1, "cpuLatency": 20, "fpgaLatency": 2, "isBackwardNode": 0,
     "colorClass": 2, "size": 40.0},
    {"id": 12, "supportedOnFpga": 0, "cpuLatency": 5, "fpgaLatency": 9, "isBackwardNode": 0,
     "colorClass": 3, "size": 0.0},
    {"id": 13, "supportedOnFpga": 1, "cpuLatency": 40, "fpgaLatency": 4, "isBackwardNode": 0,
     "colorClass": 4, "size": 50.0}
  ],
  "edges": [
    {"sourceId": 10, "destId": 11, "cost": 0.5}, {"sourceId": 10, "destId": 12, "cost": 0.5},
    {"sourceId": 11, "destId": 13, "cost": 0.25}, {"sourceId": 12, "destId": 13, "cost": 1.0}
  ]
}
"""


def load(path: str) -> Instance:
    """Read one of the files; ``@P`` gives the number of processors."""
    return parse((FILES / path.partition("@")[0]).read_bytes(), path)


def read(text: str, filename: str = "text") -> Instance:
    return parse(text.encode(), filename)
