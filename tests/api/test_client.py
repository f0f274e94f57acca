"""The client's address of before."""

from __future__ import annotations

import api.client
import fjord


def test_programs_that_import_the_client_from_its_old_address_go_on() -> None:
    assert all(getattr(api.client, name) is getattr(fjord, name) for name in api.client.__all__)
