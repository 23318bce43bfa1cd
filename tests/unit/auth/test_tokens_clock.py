"""Tokens from a machine whose clock is a little ahead are good, from the far future not."""

from datetime import timedelta

import pytest

from app.auth import tokens
from app.auth.tokens import Claims, InvalidToken, decode, encode
from app.config import Settings

CLAIMS = Claims("user", "token", "family", 0)


@pytest.mark.parametrize(("ahead", "good"), [(0, True), (50, True), (70, False), (7200, False)])
def test_a_token_from_ahead(ahead, good, tmp_path, monkeypatch):
    settings = Settings(uam_home=tmp_path, _env_file=None)
    token = encode(settings, CLAIMS, "access", timedelta(hours=4))
    real = tokens.time.time
    monkeypatch.setattr(tokens.time, "time", lambda: real() - ahead)
    if good:
        assert decode(settings, token, "access") == CLAIMS
    else:
        with pytest.raises(InvalidToken):
            decode(settings, token, "access")
