from devices.worker.tally import BURST_US, Budget


def test_a_share_of_the_machine_is_used_up_and_comes_back_with_time() -> None:
    budget = Budget(0.25, 0)
    assert budget.ready_us(0) == 0
    budget.spend(BURST_US + 10_000)
    assert budget.ready_us(0) == 40_000
    assert budget.ready_us(40_000) == 40_000


def test_time_that_passed_long_ago_is_not_saved_up() -> None:
    budget = Budget(0.5, 0)
    assert budget.ready_us(3_600_000_000) == 3_600_000_000
    budget.spend(2 * BURST_US)
    assert budget.ready_us(3_600_000_000) == 3_600_000_000 + 2 * BURST_US


def test_who_may_use_all_of_a_machine_never_waits() -> None:
    budget = Budget(1.0, 0)
    budget.spend(10 * BURST_US)
    assert budget.ready_us(0) == 0
