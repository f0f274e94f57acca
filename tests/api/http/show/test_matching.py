"""Profiles speak for the machine, the provider and the shapes that a run had, or say otherwise."""

from __future__ import annotations

from api.http.show.matching import StagePlace, command, matches
from scheduler.model.messages import OperatorTime, Profile, Verdict

SMALL = (("x", (1, 3)),)
LARGE = (("x", (8, 3)),)
TIMES = (OperatorTime(name="fc", op_type="MatMul", provider="cpu", kernel_ns=1000),)


def profile(
    width: int, *, machine: str = "a/cpu0", provider: str = "cpu", at_us: int = 1
) -> Profile:
    return Profile(
        digest="d",
        machine=machine,
        provider=provider,
        verdict=Verdict.USABLE,
        shapes={"x": (width, 3)},
        operators=TIMES,
        at_us=at_us,
    )


def place(shapes: tuple[tuple[str, tuple[int, ...]], ...], machine: str = "a/cpu0") -> StagePlace:
    return StagePlace(machine, "cpu", shapes)


def test_the_shapes_of_the_run_come_before_what_is_newer() -> None:
    (found,) = matches([profile(8, at_us=9), profile(1, at_us=2)], [place(SMALL)])
    assert (found.profile.shapes, found.note("det")) == ({"x": (1, 3)}, "")


def test_other_shapes_stand_in_and_say_what_to_type() -> None:
    (found,) = matches([profile(4, at_us=9), profile(2)], [place(SMALL)])
    assert found.profile.at_us == 9
    assert found.note("det") == (
        "measured at x=4,3, the run had x=1,3: fjord profile det --operators --shape x=1,3"
    )


def test_a_profile_that_stands_in_for_several_shapes_is_named_once() -> None:
    (found,) = matches([profile(4)], [place(SMALL), place(LARGE)])
    assert "the run had x=1,3 and 1 more:" in found.note("det")


def test_a_run_whose_shapes_nobody_noted_is_told_so() -> None:
    (found,) = matches([profile(4)], [place(())])
    assert found.note("det") == "measured at x=4,3; which shapes the run had was not noted"


def test_neither_another_machine_nor_another_provider_stands_in() -> None:
    others = [profile(1, machine="a/cpu1"), profile(1, provider="openvino")]
    assert matches(others, [place(SMALL)]) == []


def test_a_scalar_needs_no_shape_to_be_asked_for() -> None:
    assert command("det", (("scale", ()), *SMALL)) == "fjord profile det --operators --shape x=1,3"
