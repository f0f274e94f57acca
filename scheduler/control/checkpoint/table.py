"""Every kind of thing that the state of the brain is made of, and the tag that it is stored under.

A tag stays what it is when its class is renamed or moved. A field that is renamed leaves its old
name in `former`; one that is added needs a default, as in the log. Whatever else changes what a
reader of today would make of the data of tomorrow is another `VERSION`.
"""

from __future__ import annotations

from scheduler.control import records, workload
from scheduler.control.events import RunSubmitted
from scheduler.control.records import costs, story
from scheduler.control.state import fleet, index, leases, operations, spans, suspicions
from scheduler.control.state.arrivals import Arrivals
from scheduler.control.state.figures import accuracy, links, stops
from scheduler.control.state.figures.stops import Allowance
from scheduler.control.state.plan import LivePlan, PlanRequest, Reservation
from scheduler.control.state.state import Ageing, State
from scheduler.control.state.story import Story
from scheduler.model import machines, measuring, messages, ports, problem
from scheduler.model.forms import Form

_ENUMERATIONS = (
    Form("band", problem.Band),
    Form("kind", measuring.Kind),
    Form("work_kind", messages.WorkKind),
    Form("verdict", messages.Verdict),
    Form("failure_reason", messages.FailureReason),
    Form("reason", records.Reason),
    Form("cause", records.Cause),
    Form("doing", spans.Doing),
    Form("inversion_kind", records.InversionKind),
    Form("ahead", records.Ahead),
    Form("run_state", records.RunState),
    Form("operation_state", records.OperationState),
    Form("provenance", ports.Provenance),
    Form("take", workload.Take),
    Form("trigger", story.Trigger),
)

_MODEL = (
    Form("machine", machines.Machine),
    Form("window", machines.Window),
    Form("link", machines.Link),
    Form("resource", machines.Resource),
    Form("problem", problem.Problem),
    Form("job", problem.Job),
    Form("operation", problem.Operation),
    Form("mode", problem.Mode),
    Form("demand", problem.Demand),
    Form("progress", problem.Progress),
    Form("edge", problem.Edge),
    Form("load", measuring.Load),
    Form("neighbour", measuring.Neighbour),
    Form("peaks", measuring.Peaks),
    Form("drift", ports.Drift),
)

_MESSAGES = (
    Form("machine_report", messages.MachineReport),
    Form("provider_report", messages.ProviderReport),
    Form("profile", messages.Profile),
    Form("gate", messages.Gate),
    Form("operator_time", messages.OperatorTime),
    Form("setup", messages.Setup),
    Form("release", messages.Release),
    Form("tensor", messages.TensorRef),
    Form("value", messages.Value),
    Form("submission", RunSubmitted),
    Form("lease", messages.CallLease),
    Form("call_place", messages.CallPlace),
    Form("calls_reported", messages.CallsReported),
)

_CONTROL = (
    Form(
        "state",
        State,
        former={"rhythms": "arrivals"},
        left_out=("oracle", "solvers", "settings"),
    ),
    Form("plan", LivePlan, former={"kept": "reservations"}),
    Form("kept", Reservation),
    Form("plan_request", PlanRequest),
    Form("live_machine", fleet.LiveMachine),
    Form("agent", fleet.LiveAgent),
    Form("model", fleet.LiveModel),
    # Messages to agents are made anew from the rest if they are missing.
    Form("run", operations.LiveRun, left_out=("works",)),
    # A bar is kept by whoever looked: it would tell two brains apart that decide the same.
    Form(
        "live_operation",
        operations.LiveOperation,
        former={"bar": "bar"},
        left_out=("inputs", "bar"),
    ),
    Form("index", index.Index),
    Form("placement", operations.Placement),
    Form("options", operations.Options),
    Form("workload", workload.Workload),
    Form("stage", workload.Stage),
    Form("stage_input", workload.StageInput),
    Form("candidate", records.Candidate),
    Form("attempt", records.AttemptRecord),
    Form("operation_record", records.OperationRecord),
    Form("inversion", records.Inversion),
    Form("span", spans.Span),
    Form("story", Story),
    Form("story_line", story.StoryLine),
    Form("rhythm", Arrivals),
    Form("stops", stops.Stops),
    Form("allowance", Allowance),
    Form("mean", stops.Mean),
    Form("hold", stops.Hold),
    Form("suspicions", suspicions.Suspicions),
    Form("suspicion", suspicions.Suspicion),
    Form("ageing", Ageing),
    Form("leases", leases.Leases),
    Form("live_lease", leases.LiveLease),
    Form("links", links.Links),
    Form("live_link", links.LiveLink),
    Form("accuracy", accuracy.Accuracy),
    Form("tally", accuracy.Tally),
    Form("predicted_actual", costs.PredictedActual),
)

FORMS = (*_ENUMERATIONS, *_MODEL, *_MESSAGES, *_CONTROL)
CONSTANTS = {"idle": measuring.IDLE}
"""Objects that are told by identity."""
