"""What the hub signs is what Standard Webhooks says, byte for byte; no other secret or key is taken."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from standardwebhooks import Webhook

from hub.adapters.webhooks.signing import (
    ROTATION_S,
    Signer,
    jwks,
    key_id,
    new_secret,
    public_key,
    secrets_in_force,
)
from hub.errors import NotConfigured
from tests.webhooks.exchange import (
    GENUINE,
    REFUSED,
    VECTORS,
    new_signing_key,
    shown,
    signed_now,
    vectors_again,
)

pytestmark = pytest.mark.requirement("R-DEL-01")

VECTOR_LIST: list[dict[str, Any]] = VECTORS["vectors"]
# The specification's own site works this one through by hand. Its secret has 18 bytes, which is less than the
# specification itself asks for, so that we would not take it.
PUBLISHED = "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="
# The key of RFC 8037, appendix A.
RFC_8037_D = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
RFC_8037_X = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo="
RFC_8037_THUMBPRINT = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize("vector", VECTOR_LIST[1:], ids=lambda vector: vector["name"])
def test_the_hub_signs_as_the_vectors_are_signed(vector: dict[str, Any]) -> None:
    signer = Signer.of(vector["secrets"], vector["signing_key"])
    assert signed(signer, vector) == vector["headers"]
    assert public_key(vector["signing_key"]) == vector["public_key"]


def test_the_hub_signs_as_the_published_example_is_signed() -> None:
    vector = VECTOR_LIST[0]
    raw = base64.b64decode(vector["secrets"][0].removeprefix("whsec_"))
    key = base64.b64decode(vector["signing_key"].removeprefix("whsk_"))
    signer = Signer((raw,), Ed25519PrivateKey.from_private_bytes(key))
    assert signed(signer, vector) == vector["headers"]
    assert vector["headers"]["webhook-signature"].split(" ")[0] == PUBLISHED
    with pytest.raises(NotConfigured, match="18"):
        Signer.of(vector["secrets"], vector["signing_key"])


def signed(signer: Signer, vector: dict[str, Any]) -> dict[str, str]:
    """Sign what a vector has signed."""
    headers = vector["headers"]
    return signer.headers(headers["webhook-id"], int(headers["webhook-timestamp"]), vector["body"].encode())


def test_the_library_for_python_signs_as_the_vectors_are_signed() -> None:
    for question in vectors_again():
        at = datetime.fromtimestamp(int(question.timestamp), UTC)
        made = Webhook(question.key).sign(question.webhook_id, at, question.body.decode())
        assert made == question.wanted, question.why


def test_what_the_page_shows_for_python_takes_what_the_hub_signs_and_nothing_else() -> None:
    page = ModuleType("page")
    exec(shown("python"), page.__dict__)  # noqa: S102 - the page's own code
    is_genuine: Callable[[str, dict[str, str], bytes], bool] = page.__dict__["is_genuine"]
    asked = [question for question in signed_now() if question.asked == "verify"]
    assert {question.wanted for question in asked} == {GENUINE, REFUSED}
    for question in asked:
        said = GENUINE if is_genuine(question.key, question.headers, question.body) else REFUSED
        assert said == question.wanted, question.why
    headers = asked[0].headers
    for hostile in ("", "garbage", "v1,a,b", "v1,", "v1,%%%", "v2,AAAA", "v1 "):
        assert not is_genuine(new_secret(), {**headers, "webhook-signature": hostile}, b"{}")
    assert not is_genuine(new_secret(), {}, b"{}")
    assert not is_genuine(new_secret(), headers, b"\xff")


def test_the_ed25519_signature_verifies_over_the_bytes_sent() -> None:
    key = new_signing_key()
    headers = Signer.of([new_secret()], key).headers("d-1", 1_764_237_600, b'{"a":1}')
    version, signature = headers["webhook-signature"].split(" ")[-1].split(",")
    raw = base64.b64decode(public_key(key).removeprefix("whpk_"))
    assert (version, len(raw)) == ("v1a", 32)
    Ed25519PublicKey.from_public_bytes(raw).verify(base64.b64decode(signature), b'd-1.1764237600.{"a":1}')


def test_a_key_set_holds_the_keys_by_their_thumbprints() -> None:
    signing_key = "whsk_" + base64.b64encode(base64.urlsafe_b64decode(RFC_8037_D)).decode()
    public = public_key(signing_key)
    assert public == "whpk_" + base64.b64encode(base64.urlsafe_b64decode(RFC_8037_X)).decode()
    assert key_id(public) == RFC_8037_THUMBPRINT
    other = public_key(new_signing_key())
    keys = jwks([public, other])["keys"]
    assert keys[0] == {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": RFC_8037_X.rstrip("="),
        "use": "sig",
        "alg": "EdDSA",
        "kid": RFC_8037_THUMBPRINT,
    }
    assert keys[1]["kid"] == key_id(other) != RFC_8037_THUMBPRINT
    assert all("d" not in key for key in keys)


def test_secrets_are_new_long_enough_and_made_of_the_randomness_given() -> None:
    assert new_secret() != new_secret()
    assert len(base64.b64decode(new_secret().removeprefix("whsec_"))) == 32
    assert new_secret(lambda count: b"\x01" * count) == "whsec_" + base64.b64encode(b"\x01" * 32).decode()


def test_the_secret_before_signs_for_a_day_after_a_change() -> None:
    for later_s, wanted in ((0, 2), (ROTATION_S - 1, 2), (ROTATION_S, 1)):
        found = secrets_in_force("new", "old", changed_at_s=1_000, now_s=1_000 + later_s)
        assert found == ["new", "old"][:wanted]
    assert secrets_in_force("new", None, changed_at_s=0, now_s=1) == ["new"]


def encoded(prefix: str, count: int) -> str:
    """A secret or key of so many bytes."""
    return prefix + base64.b64encode(bytes(count)).decode()


@pytest.mark.parametrize(
    ("secrets", "key"),
    [
        ([], new_signing_key()),
        ([new_secret()] * 3, new_signing_key()),
        ([encoded("whsec_", 23)], new_signing_key()),
        ([encoded("whsec_", 65)], new_signing_key()),
        ([encoded("whsk_", 32)], new_signing_key()),
        (["whsec_not base64"], new_signing_key()),
        (["whsec_é"], new_signing_key()),
        ([new_secret().rstrip("=")], new_signing_key()),
        ([new_secret()], encoded("whsk_", 31)),
        ([new_secret()], encoded("whsk_", 64)),
        ([new_secret()], encoded("whsec_", 32)),
        ([new_secret()], encoded("whpk_", 32)),
    ],
    ids=str.split(
        "no-secret three-secrets too-short too-long a-key not-base64 not-ascii cut-off"
        " key-too-short key-too-long secret-for-key public-key"
    ),
)
def test_what_is_no_secret_or_key_is_refused_and_never_repeated(secrets: list[str], key: str) -> None:
    with pytest.raises(NotConfigured) as refused:
        Signer.of(secrets, key)
    for each in [*secrets, key]:
        assert each.split("_", 1)[1] not in f"{refused.value}{refused.value.fix}"


@pytest.mark.parametrize("webhook_id", ["", "a.b", "a b", "a\n", "é", "a" * 129])
def test_an_id_that_could_be_taken_apart_in_two_ways_is_not_signed(webhook_id: str) -> None:
    with pytest.raises(NotConfigured):
        Signer.of([new_secret()], new_signing_key()).headers(webhook_id, 1, b"")


def test_a_signer_shows_nothing_of_its_secrets() -> None:
    secret = new_secret()
    raw = base64.b64decode(secret.removeprefix("whsec_"))
    shown_as = repr(Signer.of([secret], new_signing_key()))
    assert secret not in shown_as
    assert repr(raw) not in shown_as
