"""The key: read from where secrets are kept, never shown, another one noticed."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from segmentation.errors import ConfigurationError
from segmentation.privacy.keys import load_keys, pads
from segmentation.privacy.params import PrivacyParams

SECRET = "c0ffee" * 11


def test_the_keys_come_from_the_environment_or_a_file(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("SEGMENTATION_PRIVACY_KEY", SECRET)
    (tmp_path / "key").write_text(SECRET + "\n")
    of_environment = load_keys(PrivacyParams())
    assert load_keys(PrivacyParams(key_file=str(tmp_path / "key"))) == of_environment
    assert len({of_environment.pseudonym, of_environment.nonce, of_environment.seal}) == 3
    assert SECRET not in repr(of_environment)
    assert of_environment.pseudonym.hex() not in repr(of_environment)


def test_another_key_and_another_name_of_it_are_noticed(monkeypatch) -> None:
    checks = set()
    for secret, key_id in ((SECRET, "k1"), (SECRET, "k2"), ("0" + SECRET[1:], "k1")):
        monkeypatch.setenv("SEGMENTATION_PRIVACY_KEY", secret)
        checks.add(load_keys(PrivacyParams(key_id=key_id)).check)
    assert len(checks) == 3


@pytest.mark.parametrize(
    "secret", ["", "c0ffee", "not hexadecimal, but long enough to be a key of 64 digits or more.....", "é"]
)
def test_a_missing_or_weak_key_is_refused_and_not_shown(monkeypatch, tmp_path, secret: str) -> None:
    monkeypatch.setenv("SEGMENTATION_PRIVACY_KEY", secret)
    (tmp_path / "key").write_text(secret)
    for params in (PrivacyParams(), PrivacyParams(key_file=str(tmp_path / "key")), PrivacyParams(key_file="/nowhere")):
        with pytest.raises(ConfigurationError, match="64 hexadecimal digits") as caught:
            load_keys(params)
        assert not secret or secret not in str(caught.value)


def test_names_are_checked() -> None:
    assert PrivacyParams(pseudonymise=("user", "properties.email", "user")).pseudonymise == ("properties.email", "user")
    for wrong in ("email", "properties.", "users"):
        with pytest.raises(ValueError, match=r"properties\.<name>"):
            PrivacyParams(pseudonymise=(wrong,))


@pytest.mark.parametrize("size", [1, 63, 64, 65, 131])
def test_the_pads_make_hmac(size: int) -> None:
    key = bytes(range(1, size + 1))
    inner, outer = pads(key)
    made = hashlib.sha256(outer + hashlib.sha256(inner + b"message").digest()).hexdigest()
    assert made == hmac.new(key, b"message", "sha256").hexdigest()
