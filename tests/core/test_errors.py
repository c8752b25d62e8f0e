"""Every kind of error has a code, an exit status, an HTTP status, and always a hint."""

import pytest

from unflat.core.errors import ERROR_KINDS, Cancelled, InputError


def test_codes_and_exit_statuses_are_distinct():
    assert len({kind.default_code for kind in ERROR_KINDS}) == len(ERROR_KINDS)
    assert len({kind.exit_status for kind in ERROR_KINDS}) == len(ERROR_KINDS)


def test_exit_statuses_are_stable():
    found = {kind.default_code: (kind.exit_status, kind.http_status) for kind in ERROR_KINDS}
    assert found == {
        "input": (2, 422),
        "recipe": (3, 400),
        "setup": (4, 503),
        "stage-failed": (5, 500),
        "gate-refused": (6, 409),
        "cancelled": (130, 499),
    }


def test_an_error_without_a_hint_cannot_be_raised():
    with pytest.raises(TypeError):
        InputError("what happened")


def test_a_finer_code_replaces_the_default():
    assert InputError("m", hint="h", code="too-small").code == "too-small"
    assert Cancelled().code == "cancelled"
