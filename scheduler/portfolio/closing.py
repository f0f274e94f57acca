"""The end of a search over several bands: their best values, proven one after another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scheduler.model.schedule import Status
from scheduler.portfolio.bands import Proofs
from scheduler.portfolio.exploring import Request
from scheduler.portfolio.members import EXACT, MOST_FOR_PROOF
from scheduler.solvers.arrays import OPEN, Arrays, Solution
from scheduler.solvers.heuristics.left_shift import left_shifted
from scheduler.solvers.search import Found, Search
from scheduler.solvers.wanting import Want

if TYPE_CHECKING:
    from scheduler.solvers.exact.engine import Outcome


MOST_RESERVED = 60
"""Most open operations with which a proof over all bands is likely enough to reserve time..."""
RESERVED_SHARE = 0.3
"""...and the reserved share: it also finds plans that fixed plans of higher bands forbid."""


def reserved(form: Arrays) -> float:
    """Share of a search that is reserved for its end."""
    return RESERVED_SHARE if int((form.state == OPEN).sum()) <= MOST_RESERVED else 0.0


@dataclass
class Closing:
    """Improves the best known plan until each band is proven, if there is time.

    Plans of more urgent bands are free again, and only their values are kept: a band may have many
    plans of the same value, and others may leave more to the bands below it.
    """

    request: Request
    answer: Search
    limited: Search
    proofs: Proofs

    def close(self, best: Found | None, met: int) -> tuple[Found | None, int]:
        """Return the best plan, and the number of proven bands from the most urgent one on."""
        if len(self.answer.form.job) > MOST_FOR_PROOF:
            return best, met
        shares = self.proofs.shares
        for _ in shares:
            place = met
            if place == len(shares) or not self.limited.spend():
                break
            best, outcome = self._proven(place, best)
            if outcome is None or outcome.status is not Status.OPTIMAL or best is None:
                break
            met = self.proofs.proven(best.solution)
            if met <= place:
                break
        return best, met

    def _proven(self, place: int, best: Found | None) -> tuple[Found | None, Outcome | None]:
        """Look for the best value of one band beside those of all above it."""
        # Imported here, because a caller that only places at once needs no engine.
        from scheduler.solvers.exact.cp_bands import best_beside

        shares, plans = self.proofs.shares, [] if best is None else [best]
        above: list[tuple[Want, int]] = []
        if best is not None:
            counting = [share for share in shares[:place] if share.counts]
            above = [(share.want, share.worth(best.solution)[1]) for share in counting]
        is_late = best is None or self._is_late(best.solution)
        outcome = best_beside(
            self.limited,
            self.request.seed,
            shares[place].want,
            above=above,
            known=None if best is None or is_late else best.solution,
            taken=lambda solution: plans.append(Found((0, 0), solution, EXACT.name)),
        )
        if outcome is None:
            return best, None
        if outcome.status is Status.INFEASIBLE and is_late and not above:
            self.answer.refute(claimed_by=EXACT.name)
        if outcome.bound is not None:
            self.proofs.raise_bound(place, outcome.bound, claimed_by=EXACT.name)
        found = min(plans, key=lambda plan: self.proofs.worth(plan.solution), default=None)
        if found is not None and found is not best:
            found = Found((0, 0), left_shifted(self.answer.form, found.solution), found.by)
        return found, outcome

    def _is_late(self, plan: Solution) -> bool:
        return any(late_us for late_us, _ in self.proofs.worth(plan))
