from api.cli.gantt import Bar, gantt, legend


def bar(machine: str, job: str, start_us: int, end_us: int) -> Bar:
    return Bar(machine=machine, job=job, start_us=start_us, end_us=end_us)


def test_what_ran_shows_however_short_it_was() -> None:
    chart = gantt([bar("cpu0", "long", 0, 10_000), bar("cpu1", "short", 5_000, 5_001)], width=25)
    assert chart.splitlines()[1].count("B") == 1


def test_rows_start_at_the_first_bar_wherever_its_clock_stands() -> None:
    early = gantt([bar("cpu0", "a", 0, 10), bar("cpu0", "b", 10, 20)], width=25)
    late = gantt([bar("cpu0", "a", 900, 910), bar("cpu0", "b", 910, 920)], width=25)
    assert early == late


def test_nothing_to_show_is_nothing() -> None:
    assert gantt([], width=80) == ""
    assert legend([]) == ""
