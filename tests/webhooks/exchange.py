"""What programs in other languages are asked about webhooks, and what they have to say.

A question is a line of fields between tabs: what is asked, the key, id, timestamp, signature, and the body in
base64, and whose endpoint it comes to. `verify` and `verify-key` are answered with genuine or refused, `sign`
with the v1 signature. Whoever verifies by the key alone looks whether the body names them, too.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hub.adapters.webhooks.signing import KEY_BYTES, SIGNING_KEY_PREFIX, Signer, new_secret, public_key

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "how-to" / "receive-webhooks.md"
VECTORS: dict[str, Any] = json.loads((HERE / "vectors.json").read_text(encoding="utf-8"))
GENUINE, REFUSED = "genuine", "refused"
RECIPIENT = "harbour-trust"
LATE_S = 600
_RUN_S = 60


def new_signing_key() -> str:
    """An Ed25519 key as the hub writes its own."""
    return SIGNING_KEY_PREFIX + base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One thing asked, and the answer there has to be."""

    asked: str
    key: str
    webhook_id: str
    timestamp: str
    signature: str
    body: bytes
    wanted: str
    why: str
    recipient: str = RECIPIENT

    @property
    def headers(self) -> dict[str, str]:
        """The headers it would come with."""
        return {
            "webhook-id": self.webhook_id,
            "webhook-timestamp": self.timestamp,
            "webhook-signature": self.signature,
        }

    @property
    def line(self) -> str:
        """The question as a program reads it."""
        body = base64.b64encode(self.body).decode()
        said = (self.asked, self.key, self.webhook_id, self.timestamp, self.signature, body, self.recipient)
        return "\t".join(said)


def shown(language: str, which: int = 0) -> str:
    """The code of a language as the page for partners shows it."""
    blocks = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return str(blocks[which])


def bodies() -> list[bytes]:
    """The bodies of the vectors, each to one recipient: short, long, in several scripts."""
    said = [vector["body"].rstrip().removesuffix("}") for vector in VECTORS["vectors"]]
    return [
        f'{each}{"" if each == "{" else ","}"hub":{{"recipient":"{RECIPIENT}"}}}}'.encode() for each in said
    ]


def vectors_again() -> list[Question]:
    """Ask for the signatures of the vectors: a library's own must be the same."""
    return [
        Question(
            asked="sign",
            key=secret,
            webhook_id=vector["headers"]["webhook-id"],
            timestamp=vector["headers"]["webhook-timestamp"],
            signature="-",
            body=vector["body"].encode(),
            wanted=vector["headers"]["webhook-signature"].split(" ")[number],
            why=vector["name"],
        )
        for vector in VECTORS["vectors"]
        for number, secret in enumerate(vector["secrets"])
    ]


def signed_now() -> list[Question]:
    """Ask about what the hub signs now, by two secrets and the key, and what is made of it."""
    now_s = int(time.time())
    current, previous, signing_key = new_secret(), new_secret(), new_signing_key()
    signer = Signer.of([current, previous], signing_key)
    asked = []
    for number, body in enumerate(bodies()):
        headers = signer.headers(f"delivery-{number}", now_s, body)
        by_current = Question(
            asked="verify",
            key=current,
            webhook_id=headers["webhook-id"],
            timestamp=headers["webhook-timestamp"],
            signature=headers["webhook-signature"],
            body=body,
            wanted=GENUINE,
            why="signed by the current secret",
        )
        by_key = replace(by_current, asked="verify-key", key=public_key(signing_key), why="signed by the key")
        by_previous = replace(by_current, key=previous, why="signed by the secret before")
        asked += [by_current, by_previous, by_key]
        asked += [refused for genuine in (by_current, by_key) for refused in _spoilt(genuine, signer, now_s)]
        only_by_key = headers["webhook-signature"].split(" ")[-1]
        asked.append(replace(by_current, signature=only_by_key, wanted=REFUSED, why="no v1 signature"))
    return asked


def misaddressed() -> list[Question]:
    """Ask about what the hub signs for one recipient and another gets; a secret would be another there."""
    now_s, signing_key = int(time.time()), new_signing_key()
    signer = Signer.of([new_secret()], signing_key)
    asked = []
    for body, why in (
        (bodies()[1], "sent to somebody else"),
        (b'{"type":"plan","recipient":"quay-service"}', "sent to nobody"),
        (b'{"hub":{"recipient":null}}', "sent to none"),
    ):
        headers = signer.headers("delivery", now_s, body)
        asked.append(
            Question(
                asked="verify-key",
                key=public_key(signing_key),
                webhook_id=headers["webhook-id"],
                timestamp=headers["webhook-timestamp"],
                signature=headers["webhook-signature"],
                body=body,
                wanted=REFUSED,
                why=why,
                recipient="quay-service",
            )
        )
    return asked


def _spoilt(genuine: Question, signer: Signer, now_s: int) -> list[Question]:
    other = new_secret() if genuine.asked == "verify" else public_key(new_signing_key())
    refused = replace(genuine, wanted=REFUSED)
    times = {
        name: signer.headers(genuine.webhook_id, at_s, genuine.body)
        for name, at_s in {"too old": now_s - LATE_S, "of the future": now_s + LATE_S}.items()
    }
    return [
        replace(refused, key=other, why="another key"),
        replace(refused, body=genuine.body[:-1] + b" }", why="another body"),
        replace(refused, webhook_id=f"{genuine.webhook_id}0", why="another id"),
        replace(refused, timestamp=str(now_s - 1), why="another timestamp"),
        *(
            replace(
                refused, timestamp=each["webhook-timestamp"], signature=each["webhook-signature"], why=why
            )
            for why, each in times.items()
        ),
    ]


def disagreements(questions: list[Question], command: list[str], *, cwd: Path | None = None) -> list[str]:
    """Put the questions to a program; return where it says something else than it has to."""
    ran = subprocess.run(
        command,
        input="".join(f"{question.line}\n" for question in questions),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=_RUN_S,
        check=False,
        cwd=cwd,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    answers = ran.stdout.split("\n")[:-1]
    assert len(answers) == len(questions)
    return [
        f"{question.asked}, {question.why}: {answer}"
        for question, answer in zip(questions, answers, strict=True)
        if answer != question.wanted
    ]
