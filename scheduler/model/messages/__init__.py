"""Messages between the brain and the agents: plain data, the same on every wire.

The controller sends an `AgentPlan`; an agent answers with reports. Messages are frozen data
classes of JSON-ready values (plus ``bytes`` for small tensors), so the shells on both sides encode
them as they are. Times (`_us`) are microseconds since the Unix epoch, in the time of the site.
"""

from scheduler.model.messages.calls import CallLease, CallPlace, CallsReported
from scheduler.model.messages.machines import (
    MOST_SESSION_BYTES,
    MOST_SESSIONS,
    MachineReport,
    ProviderReport,
    Verdict,
)
from scheduler.model.messages.plans import (
    AgentPlan,
    Dispatch,
    Gate,
    PeerOutputs,
    Release,
    Work,
    WorkKind,
)
from scheduler.model.messages.profiles import (
    OperatorTime,
    Profile,
)
from scheduler.model.messages.protocol import KNOWN_PROTOCOLS, PROTOCOL, not_understood
from scheduler.model.messages.reports import (
    AgentDraining,
    AgentJoined,
    AgentLost,
    FailureReason,
    MachineDown,
    MachineUp,
    OperationFailed,
    OperationFinished,
    OperationStarted,
    Report,
)
from scheduler.model.messages.setups import Setup
from scheduler.model.messages.values import (
    Binding,
    Source,
    TensorRef,
    Value,
)

__all__ = [
    "KNOWN_PROTOCOLS",
    "MOST_SESSIONS",
    "MOST_SESSION_BYTES",
    "PROTOCOL",
    "AgentDraining",
    "AgentJoined",
    "AgentLost",
    "AgentPlan",
    "Binding",
    "CallLease",
    "CallPlace",
    "CallsReported",
    "Dispatch",
    "FailureReason",
    "Gate",
    "MachineDown",
    "MachineReport",
    "MachineUp",
    "OperationFailed",
    "OperationFinished",
    "OperationStarted",
    "OperatorTime",
    "PeerOutputs",
    "Profile",
    "ProviderReport",
    "Release",
    "Report",
    "Setup",
    "Source",
    "TensorRef",
    "Value",
    "Verdict",
    "Work",
    "WorkKind",
    "not_understood",
]
