"""What inference runtimes do today: each operation goes to the device that runs it fastest."""

from __future__ import annotations

from scheduler.model.indexed import inherited_bands
from scheduler.model.problem import Problem
from scheduler.model.schedule import Limits, Result
from scheduler.solvers.heuristics.construction import construct
from scheduler.solvers.heuristics.timeline import Draft


def fastest_machine(problem: Problem, limits: Limits, seed: int) -> Result:
    """Give each operation its shortest mode, whatever the load, and queue it there.

    The baseline. Deterministic: `limits` and `seed` are not used. Operations queue in the order of
    band, then of the graph; ties go to the earlier mode of the problem; gaps are not filled.

    References
    ----------
    ONNX Runtime assigns nodes to the first provider in the list that takes them
    (https://onnxruntime.ai/docs/execution-providers), whatever else runs there; here the list is
    sorted by speed for each operation.
    """
    return construct(problem, name="fastest_machine", rule=_place_all)


def _place_all(draft: Draft) -> bool:
    form = draft.form
    bands = inherited_bands(form)
    for i in sorted(form.order, key=bands.__getitem__):
        if i in form.frozen:
            continue
        options = draft.eligible(i)
        if not options:
            return False
        fastest = min(options, key=lambda option: option.duration_us)
        ready_us = draft.ready_us(i, fastest.device)
        timeline = draft.timelines[fastest.machine]
        draft.place(i, fastest, timeline.append_start_us(ready_us, fastest.duration_us))
    return True
