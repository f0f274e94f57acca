"""Names of the keys in the store. One hash tag per site, so that a site lives in one slot."""

from __future__ import annotations

TYPE_FIELD = "t"
"""Stream field that holds the class name of the message."""
DATA_FIELD = "d"
"""Stream field that holds the message as JSON."""


def events(site: str) -> str:
    """Stream of all events of the brain: the source of truth."""
    return f"fjord:{{{site}}}:events"


def plans(site: str, agent: str) -> str:
    """Stream of plans and peer messages to one agent; its consumer group is `agent`."""
    return f"fjord:{{{site}}}:plans:{agent}"


def heartbeat(site: str, agent: str) -> str:
    """Expiring key that holds the incarnation of a living agent."""
    return f"fjord:{{{site}}}:heartbeat:{agent}"


def lease(site: str) -> str:
    """Expiring key that holds ``<controller>:<epoch>`` of the controller in office."""
    return f"fjord:{{{site}}}:lease"


def clock(site: str) -> str:
    """Offset of the site's time from the store's wall clock, in microseconds; absent until set."""
    return f"fjord:{{{site}}}:clock"


def epoch(site: str) -> str:
    """Counter of controllers that have taken office: the fencing epoch."""
    return f"fjord:{{{site}}}:epoch"


def skipped(site: str) -> str:
    """Set of ids of events that the brain could not handle: every fold leaves them out."""
    return f"fjord:{{{site}}}:skipped"


def set_aside(site: str) -> str:
    """Hash of reports on the events that are left out, by id, each as JSON."""
    return f"fjord:{{{site}}}:set-aside"


def done(site: str) -> str:
    """Id of the last event whose effects are written; a new controller writes the rest."""
    return f"fjord:{{{site}}}:done"


def trail(site: str) -> str:
    """Events that the controller in office is handling, as JSON, for its successor."""
    return f"fjord:{{{site}}}:trail"


def changes(site: str) -> str:
    """Capped stream of changes, for waiting callers and live views."""
    return f"fjord:{{{site}}}:changes"


def history(site: str) -> str:
    """Stream of records for the archive; an entry stays until it is archived."""
    return f"fjord:{{{site}}}:history"


def historian(site: str) -> str:
    """Expiring key that holds the id of the archive that takes the history of the site."""
    return f"fjord:{{{site}}}:historian"


def run(site: str, run_id: str) -> str:
    """Hash of one run: its latest `record` as JSON, without its operations."""
    return f"fjord:{{{site}}}:run:{run_id}"


def operations(site: str, run_id: str) -> str:
    """Hash of the operations of one run by their place in it, each as JSON."""
    return f"fjord:{{{site}}}:operations:{run_id}"


def runs(site: str) -> str:
    """Sorted set of run ids by time of submission."""
    return f"fjord:{{{site}}}:runs"


def open_runs(site: str) -> str:
    """Set of ids of accepted runs that have not ended; its size is that of the queue."""
    return f"fjord:{{{site}}}:open"


def open_runs_of(site: str, workload: str) -> str:
    """Set of ids of open runs of one workload, in any version."""
    return f"fjord:{{{site}}}:open:{workload}"


def costs(site: str) -> str:
    """Latest report on costs: predictions and their accuracy, as JSON."""
    return f"fjord:{{{site}}}:costs"


def view(site: str) -> str:
    """Latest view of the whole site (machines, bars, makespan), as JSON."""
    return f"fjord:{{{site}}}:view"


def watched(site: str) -> str:
    """Expiring key that is set while somebody follows the view."""
    return f"fjord:{{{site}}}:watched"


def models(site: str) -> str:
    """Hash of models by name, each as JSON."""
    return f"fjord:{{{site}}}:models"


def profiles(site: str, digest: str) -> str:
    """Hash of measured profiles of a model, by machine, provider and shapes, each as JSON."""
    return f"fjord:{{{site}}}:profiles:{digest}"


def workloads(site: str) -> str:
    """Hash of workload versions by ``name@version``, each as JSON."""
    return f"fjord:{{{site}}}:workloads"


def queries(site: str) -> str:
    """Capped stream of questions to the controller that change nothing (dry runs)."""
    return f"fjord:{{{site}}}:queries"


def reply(site: str, query_id: str) -> str:
    """Expiring list that receives the answer to one question."""
    return f"fjord:{{{site}}}:reply:{query_id}"


def tensor_token(site: str) -> str:
    """Bearer token with which the boxes of a site fetch tensors from each other."""
    return f"fjord:{{{site}}}:tensor-token"


def checkpoints(site: str) -> str:
    """Hash of checkpoints by the id of the last event in each."""
    return f"fjord:{{{site}}}:checkpoints"


def trimmed(site: str) -> str:
    """Id of the latest event removed from the log: only a checkpoint holds its effects."""
    return f"fjord:{{{site}}}:trimmed"
