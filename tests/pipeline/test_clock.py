"""The clock's fractions rise from 0 to 1 and its time left falls."""

from unflat.pipeline.clock import Clock


def test_fractions_rise_over_the_steps():
    told = []
    clock = Clock([1.0, 3.0], told.append)
    clock.progress("first", 1.0)
    clock.step_done()
    clock.progress("second", 1.0)
    assert [round(event.fraction, 2) for event in told] == [0.25, 1.0]
    assert told[-1].seconds_left == 0


def test_progress_is_told_sparingly():
    told = []
    clock = Clock([1.0], told.append)
    for index in range(1000):
        clock.progress("busy", index / 1000)
    assert len(told) < 10
