import pytest

from app.db.secrets import SecretBox
from app.errors import Unavailable

OLD, NEW = "an old passphrase", "a new passphrase!"


def test_a_secret_comes_back_for_its_own_shop_only() -> None:
    box = SecretBox([NEW])
    sealed = box.encrypt("shop-a", "token")
    assert "token" not in sealed
    assert box.decrypt("shop-a", sealed) == "token"
    with pytest.raises(Unavailable):
        box.decrypt("shop-b", sealed)


def test_rotation_reads_the_old_and_writes_the_new() -> None:
    sealed = SecretBox([OLD]).encrypt("shop", "token")
    rotated = SecretBox([NEW, OLD])
    assert rotated.decrypt("shop", sealed) == "token"
    assert rotated.encrypt("shop", "token").startswith(SecretBox([NEW]).key_id)
    with pytest.raises(Unavailable):
        SecretBox([NEW]).decrypt("shop", sealed)


@pytest.mark.parametrize("keys", [[], ["short"]])
def test_weak_keys_are_refused(keys: list[str]) -> None:
    with pytest.raises(ValueError, match="16 characters"):
        SecretBox(keys)
