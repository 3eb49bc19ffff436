"""Signed acknowledgements: taken only if they hold, kept, and verified by others without the hub."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jws
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, OctKey, OKPKey
from typer.testing import CliRunner

import hub.cli
from hub.adapters.gateway.acknowledgement_keys import KEYS_MAX, AcknowledgementKeys
from hub.adapters.gateway.signed_acknowledgements import TYPE, payload_of, public_key_from
from hub.errors import HubError
from tests.integration.door import HARBOUR, QUAY, open_door
from tests.integration.mailbox_world import MESSAGES, acknowledge, deliver
from tests.integration.push_world import PARTNER, push_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from hub.settings import Settings
    from tests.integration.door import Door

pytestmark = pytest.mark.requirement("R-DEL-02", "R-AUD-02")
HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "sign-acknowledgements.md"


@pytest.fixture
async def door(fresh_database: str, settings: Settings, tmp_path: Path) -> AsyncIterator[Door]:
    """An open gateway; nothing is posted to its log."""

    class Log:
        async def publish(self, _submission: object) -> None:
            raise AssertionError

    async with open_door(dsn=fresh_database, settings=settings, folder=tmp_path, intake=Log()) as opened:
        yield opened


def keys_of(door: Door) -> AcknowledgementKeys:
    """The keys as staff register them."""
    return AcknowledgementKeys(door.pool, wait_s_max=5)


async def registered(door: Door, key: OKPKey | ECKey, organisation: str = HARBOUR) -> str:
    """Register the public half of a key; returns its id."""
    kid, jwk = public_key_from(key.as_pem(private=False).decode())
    assert await keys_of(door).add(organisation, kid, jwk)
    return kid


def signed(
    key: Any,  # noqa: ANN401 - of any kind
    delivery: str,
    framed: bytes,
    *,
    alg: str,
    ago_s: float = 0,
    over: Mapping[str, str] | None = None,
    **header: object,
) -> dict[str, str]:
    """The body of a signed acknowledgement."""
    said = {
        "delivery": delivery,
        "digest": hashlib.sha256(framed).hexdigest(),
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - ago_s)),
    }
    payload = payload_of(**(said | dict(over or {})))
    protected = {"alg": alg, "kid": key.thumbprint(), "typ": TYPE, **header}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)
        registry = jws.JWSRegistry(algorithms=[alg], strict_check_header=False)
        head, _, signature = jws.serialize_compact(protected, payload, key, registry=registry).split(".")
    return {"digest": said["digest"], "at": said["at"], "jws": f"{head}..{signature}"}


async def events(door: Door) -> list[Any]:
    """What happened: by kind, with what was kept of it."""
    return await door.rows("SELECT kind, said FROM delivery_event ORDER BY event")


@pytest.mark.parametrize(("curve", "alg"), [("Ed25519", "EdDSA"), ("Ed25519", "Ed25519"), ("P-256", "ES256")])
async def test_what_holds_is_taken_and_kept_whole(door: Door, curve: str, alg: str) -> None:
    """One by one, in a batch, and after an acknowledgement without; each once; any library verifies it."""
    client = await door.client()
    key = ECKey.generate_key("P-256") if curve == "P-256" else OKPKey.generate_key("Ed25519")
    kid = await registered(door, key)
    (one, bytes_one), (two, bytes_two), (three, bytes_three) = [await deliver(door) for _ in range(3)]
    body = signed(key, one, bytes_one, alg=alg)
    for _ in range(2):
        assert (await client.put(f"{MESSAGES}/{one}/status/acknowledged", json=body)).status_code == 204
    assert (await acknowledge(client, two, bytes_two)).status_code == 204
    items = [
        {"delivery": two, **signed(key, two, bytes_two, alg=alg)},
        {"delivery": three, "digest": hashlib.sha256(bytes_three).hexdigest()},
    ]
    answer = await client.post("/v1/mailbox/acknowledge", json={"deliveries": items})
    assert [each["code"] for each in answer.json()["results"]] == [None, None]
    found = await events(door)
    assert [(kind, "jws" in said) for kind, said in found] == [
        ("acknowledged", True),
        ("acknowledged", False),
        ("acknowledged", False),
        ("acknowledged", True),
    ]
    proof = found[0][1]
    assert proof["key"]["kid"] == kid
    assert "d" not in proof["key"]
    public = type(key).import_key(proof["key"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)
        held = jws.deserialize_compact(proof["jws"], public, algorithms=[alg])
    assert json.loads(held.payload or b"") == {
        "at": body["at"],
        "delivery": one,
        "digest": hashlib.sha256(bytes_one).hexdigest(),
    }


async def test_what_does_not_hold_acknowledges_nothing_and_says_why(door: Door) -> None:
    """Another's key, another delivery, digest or time, another algorithm, a header that brings a key."""
    client = await door.client()
    key, foreign, second = (OKPKey.generate_key("Ed25519") for _ in range(3))
    kid = await registered(door, key)
    await registered(door, foreign, QUAY)
    delivery, framed = await deliver(door)
    # The public key taken for a shared secret: what a verifier that lets the header choose falls for.
    secret = OctKey.import_key(str(key.as_dict(private=False)["x"]))
    other = {"delivery": "f" * 32}
    good = signed(key, delivery, framed, alg="Ed25519")
    none = json.dumps({"alg": "none", "kid": kid, "typ": TYPE}).encode()
    tries = [
        (signed(foreign, delivery, framed, alg="Ed25519"), "ack-key-unknown", None),
        (signed(second, delivery, framed, alg="Ed25519"), "ack-key-unknown", None),
        (signed(second, delivery, framed, alg="Ed25519", kid=kid), "ack-signature-invalid", "signature"),
        (signed(key, delivery, framed, alg="Ed25519", over=other), "ack-signature-invalid", "signature"),
        (
            signed(key, delivery, framed, alg="Ed25519", over={"digest": "0" * 64}),
            "ack-signature-invalid",
            "signature",
        ),
        (good | {"at": "2026-11-01T00:00:00Z"}, "ack-signature-invalid", "time"),
        (signed(key, delivery, framed, alg="Ed25519", ago_s=90_000), "ack-signature-invalid", "time"),
        (signed(key, delivery, framed, alg="Ed25519", ago_s=-600), "ack-signature-invalid", "time"),
        (
            signed(key, delivery, framed, alg="Ed25519", jwk=second.as_dict(private=False)),
            "ack-signature-invalid",
            "header",
        ),
        (signed(key, delivery, framed, alg="Ed25519", typ="JWT"), "ack-signature-invalid", "header"),
        (good | {"jws": f"{_bare(none)}..{'A' * 86}"}, "ack-signature-invalid", "algorithm"),
        (good | {"jws": f"{_bare(b'[1]')}..{'A' * 86}"}, "ack-signature-invalid", "header"),
        (good | {"jws": f"{_bare(b'xx')}..{'A' * 86}"}, "ack-signature-invalid", "header"),
        ({**good, "jws": "short"}, "payload-invalid", "pattern"),
        ({"digest": good["digest"], "jws": good["jws"]}, "payload-invalid", "pattern"),
        ({"digest": good["digest"], "at": good["at"]}, "payload-invalid", "pattern"),
    ]
    hs256 = signed(secret, delivery, framed, alg="HS256", kid=kid)
    head, _, short = hs256["jws"].partition("..")
    tries.append((hs256 | {"jws": f"{head}..{short.ljust(86, 'A')}"}, "ack-signature-invalid", "algorithm"))
    for body, code, rule in tries:
        answer = await client.put(f"{MESSAGES}/{delivery}/status/acknowledged", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, code), body
        assert rule in {None, *(each["rule"] for each in answer.json().get("errors", []))}, body
    items = [{"delivery": delivery, **tries[2][0]}]
    answer = await client.post("/v1/mailbox/acknowledge", json={"deliveries": items})
    assert answer.json()["results"] == [
        {"delivery": delivery, "acknowledged": False, "code": "ack-signature-invalid"}
    ]
    assert await events(door) == []
    assert await door.rows("SELECT state FROM delivery") == [("available",)]
    unknown = await client.put(
        f"{MESSAGES}/{'f' * 32}/status/acknowledged", json=signed(key, "f" * 32, framed, alg="Ed25519")
    )
    assert unknown.status_code == 404
    named = await client.put(f"{MESSAGES}/Ash%20Fern/status/acknowledged", json=good)
    assert (named.status_code, "Ash" in named.text) == (404, False)


async def test_a_header_holds_for_everybody_or_not_at_all(door: Door) -> None:
    """No name twice, whose first text would be kept for ever unread; nothing other libraries cannot read."""
    client = await door.client()
    key = OKPKey.generate_key("Ed25519")
    kid = await registered(door, key)
    delivery, framed = await deliver(door)
    good = signed(key, delivery, framed, alg="Ed25519")
    payload = _bare(payload_of(delivery, good["digest"], good["at"]))
    plain = json.dumps({"alg": "Ed25519", "kid": kid, "typ": TYPE})
    for header in (
        plain.replace("{", '{"typ": "Ash Fern, born 1980", ').encode(),
        plain.encode("utf-16"),
        plain.encode("utf-8-sig"),
    ):
        head = _bare(header)
        signature = base64.urlsafe_b64encode(key.private_key.sign(f"{head}.{payload}".encode()))  # type: ignore[union-attr]
        body = good | {"jws": f"{head}..{signature.decode().rstrip('=')}"}
        answer = await client.put(f"{MESSAGES}/{delivery}/status/acknowledged", json=body)
        assert answer.status_code == 422, header
        assert (answer.json()["code"], answer.json()["errors"][0]["rule"]) == (
            "ack-signature-invalid",
            "header",
        )
    fullwidth = good | {"at": good["at"].translate({ord("0") + digit: 0xFF10 + digit for digit in range(10)})}
    answer = await client.put(f"{MESSAGES}/{delivery}/status/acknowledged", json=fullwidth)
    assert answer.json()["code"] == "payload-invalid"
    assert await events(door) == []


def _bare(header: bytes) -> str:
    return jws.serialize_compact(
        {"alg": "HS256"},
        header,
        OctKey.import_key("a-secret-of-no-use-yet-long"),
        algorithms=["HS256"],
    ).split(".")[1]


async def test_keys_are_changed_one_after_the_other(door: Door) -> None:
    """Several hold at once; one that is removed verifies nothing new, and does not come back."""
    client = await door.client()
    old, new = OKPKey.generate_key("Ed25519"), ECKey.generate_key("P-256")
    old_id = await registered(door, old)
    await registered(door, new)
    pairs = [await deliver(door) for _ in range(3)]

    async def put(key: OKPKey | ECKey, place: int, alg: str) -> int:
        delivery, framed = pairs[place]
        body = signed(key, delivery, framed, alg=alg)
        return (await client.put(f"{MESSAGES}/{delivery}/status/acknowledged", json=body)).status_code

    assert (await put(old, 0, "Ed25519"), await put(new, 1, "ES256")) == (204, 204)
    assert await keys_of(door).remove(HARBOUR, old_id)
    assert not await keys_of(door).remove(HARBOUR, old_id)
    assert (await put(old, 2, "Ed25519"), await put(new, 2, "ES256")) == (422, 204)
    kid, jwk = public_key_from(json.dumps(old.as_dict(private=False)))
    assert not await keys_of(door).add(HARBOUR, kid, jwk)
    more = [await registered(door, OKPKey.generate_key("Ed25519")) for _ in range(KEYS_MAX - 1)]
    assert not await keys_of(door).add(HARBOUR, "one too many", jwk)
    assert len(await keys_of(door).of(HARBOUR)) == len(more) + 1 == KEYS_MAX


def test_only_public_keys_of_two_curves_are_taken() -> None:
    """Whatever else a file holds is refused with the reason; a private key above all."""
    key = OKPKey.generate_key("Ed25519")
    for text, why in (
        (key.as_pem(private=True).decode(), "private"),
        (json.dumps(key.as_dict(private=True)), "private"),
        (OKPKey.generate_key("X25519").as_pem(private=False).decode(), "neither"),
        (json.dumps(OKPKey.generate_key("Ed448").as_dict(private=False)), "neither"),
        (json.dumps(ECKey.generate_key("P-384").as_dict(private=False)), "neither"),
        (json.dumps({"kty": "oct", "k": "AAAA"}), "neither"),
        (json.dumps({"kty": "OKP", "crv": "Ed25519", "x": "A" * 43}), "anybody can sign"),
        (json.dumps({"kty": "OKP", "crv": "Ed25519", "x": f"7P{'_' * 39}38"}), "anybody can sign"),
        (json.dumps({"kty": "EC", "crv": "invented", "x": "AAAA", "y": "AAAA"}), "neither"),
        (json.dumps({"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}), "32 bytes"),
        ("nothing of the kind", "load"),
    ):
        with pytest.raises(ValueError, match=why):
            public_key_from(text)


async def typed(folder: Path, dsn: str, *words: str) -> str:
    """What a command prints; raises what it ends with."""
    environment = {
        "HUB_HOME": str(folder),
        "HUB_KAFKA": "127.0.0.1:9",
        "HUB_DATABASE": dsn,
        "HUB_INSTANCE": "default",
    }
    done = await asyncio.to_thread(lambda: CliRunner().invoke(hub.cli.app, [*words], env=environment))
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


async def run(folder: Path, name: str, block: str, *words: str) -> str:
    """Run one block of the how-to by itself."""
    file = folder / name
    file.write_text(block)
    done = await asyncio.create_subprocess_exec(
        sys.executable, str(file), *words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder
    )
    out, faults = await done.communicate()
    assert done.returncode == 0, faults.decode()
    return out.decode()


async def test_the_how_to_does_what_it_says(
    fresh_database: str, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key is registered, a delivery signed for, the proof handed out and verified, as it stands there."""
    monkeypatch.chdir(tmp_path)
    sign, verify = re.findall(r"```python\n(.*?)```", HOW_TO.read_text(), flags=re.DOTALL)
    assert HARBOUR == PARTNER
    async with (
        push_world(fresh_database, tmp_path),
        open_door(dsn=fresh_database, settings=settings, folder=tmp_path) as door,
    ):
        client = await door.client()
        key = OKPKey.generate_key("Ed25519")
        (tmp_path / "key.pem").write_bytes(key.as_pem(private=True))
        (tmp_path / "public.pem").write_bytes(key.as_pem(private=False))
        commands = ("partner", "ack-keys", HARBOUR)
        with pytest.raises(HubError, match="private key"):
            await typed(tmp_path, fresh_database, *commands, "--add", "key.pem")
        with pytest.raises(HubError, match="cannot be read"):
            await typed(tmp_path, fresh_database, *commands, "--add", "nothing.pem")
        assert key.thumbprint() in await typed(tmp_path, fresh_database, *commands, "--add", "public.pem")
        delivery, framed = await deliver(door)
        with pytest.raises(HubError, match="no signed acknowledgement"):
            await typed(tmp_path, fresh_database, "delivery", "proof", delivery)
        digest = hashlib.sha256(framed).hexdigest()
        body = json.loads(await run(tmp_path, "sign.py", sign, "key.pem", delivery, digest))
        answer = await client.put(f"{MESSAGES}/{delivery}/status/acknowledged", json=body)
        assert answer.status_code == 204, answer.text
        proof = await typed(tmp_path, fresh_database, "delivery", "proof", delivery)
        (tmp_path / "proof.json").write_text(proof)
        shown = json.loads(await run(tmp_path, "verify.py", verify, "proof.json"))
        assert shown == {"at": body["at"], "delivery": delivery, "digest": digest}
        removed = await typed(tmp_path, fresh_database, *commands, "--remove", key.thumbprint())
        assert len(removed.split(key.thumbprint())[1].split()) == 3
        with pytest.raises(HubError, match="no key of this id"):
            await typed(tmp_path, fresh_database, *commands, "--remove", key.thumbprint())
