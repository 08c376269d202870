"""What wrk is told to send."""

from __future__ import annotations

import pytest

from bench.load import posts


def test_a_body_is_sent_as_it_is() -> None:
    script = posts("/webhook", [('{"text": "a \\"quote\\" and ]] \\n"}', (("X-GitHub-Event", "push"),))], "00000001")
    assert '[==[{"text": "a \\"quote\\" and ]] \\n"}]==]' in script
    assert '["X-GitHub-Event"] = [==[push]==]' in script


@pytest.mark.parametrize("body", ["]==]", "\nfirst line"])
def test_a_body_that_lua_would_read_otherwise_is_refused(body: str) -> None:
    with pytest.raises(ValueError, match="Lua"):
        posts("/webhook", [(body, ())], "00000001")
