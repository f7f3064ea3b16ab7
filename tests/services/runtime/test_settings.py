"""Tests of services.runtime.settings: where values come from, and which combinations are refused."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from services.runtime.settings import Settings, read_settings


def test_the_command_line_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable overrides the default, an option overrides the variable."""
    monkeypatch.setenv("GLIOSYNTH_PORT", "1111")
    monkeypatch.setenv("GLIOSYNTH_MAX_CONCURRENT_REQUESTS", "7")
    settings = read_settings(["--port", "2222", "--model-repository", "models"])
    assert (settings.port, settings.max_concurrent_requests) == (2222, 7)
    assert settings.model_repository == Path("models")


def test_settings_are_frozen() -> None:
    """Nothing changes a setting once it was read."""
    with pytest.raises(ValidationError, match="frozen"):
        Settings().port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("values", "remedy"),
    [
        ({"tls_key": Path("k")}, "set both or none"),
        ({"tls_client_ca": Path("c")}, "GLIOSYNTH_TLS_CERTIFICATE"),
        ({"precision": "bf16"}, "GLIOSYNTH_ENGINE=openvino"),
        ({"port": 70000}, "65535"),
        ({"max_concurrent_requests": 0}, "greater than 0"),
        ({"engine": "abacus"}, "onnxruntime"),
    ],
)
def test_wrong_settings_name_their_remedy(values: dict[str, object], remedy: str) -> None:
    """What cannot work is refused at the start, with what to do."""
    with pytest.raises(ValidationError, match=remedy):
        Settings(**values)


def test_every_setting_has_a_docstring() -> None:
    """`--help` explains each of them."""
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
