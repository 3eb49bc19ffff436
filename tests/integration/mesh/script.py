"""Speaks to a MESH server with mesh-client and prints what it was answered; the same for every server.

    python script.py URL MAILBOX PASSWORD SHARED_KEY RECIPIENT WORKFLOW BODY PHASE

BODY is the file that is sent. Phase `send` sends it whole, in parts and packed, and asks how far each has
come; `receive` reads whatever waits; `foreign:ID` asks for what is another mailbox's. Statuses, headers and
bodies go out as one JSON document.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
from mesh_client import AuthTokenGenerator, MeshClient, MeshError

if TYPE_CHECKING:
    from collections.abc import Callable

MEX = ("mex-to", "mex-workflowid", "mex-messagetype", "mex-chunk-range", "mex-total-chunks")


def status(call: Callable[[], requests.Response]) -> int:
    """The status of an answer, also of one the client raises."""
    try:
        return call().status_code
    except requests.HTTPError as error:
        return 0 if error.response is None else error.response.status_code


def sent(client: MeshClient, recipient: str, workflow: str, body: bytes) -> dict[str, Any]:
    """Send whole, in three parts, packed, and where it cannot go."""
    ways: dict[str, dict[str, Any]] = {
        "whole": {"local_id": "local-1"},
        "in parts": {"local_id": "local-2", "max_chunk_size": len(body) // 3 + 1},
        "packed": {"local_id": "local-3", "compress": True},
    }
    ids = {
        name: client.send_message(recipient, body, workflow_id=workflow, **options)
        for name, options in ways.items()
    }
    found: dict[str, Any] = {
        "ids differ": len(set(ids.values())) == len(ids),
        "tracked": {name: sorted(client.track_message(each)) for name, each in ids.items()},
        "same id": {name: client.track_message(each)["message_id"] == each for name, each in ids.items()},
        "status": {name: client.track_message(each)["status"] for name, each in ids.items()},
        "tracking unknown": status(lambda: _tracked(client, "0" * 32)),
        "local id again": client.send_message(recipient, body, workflow_id=workflow, local_id="local-1")
        == ids["whole"],
    }
    try:
        client.send_message("NOBODY", body, workflow_id=workflow)
        found["to nobody"] = "taken"
    except MeshError:
        found["to nobody"] = "refused"
    return found


def _tracked(client: MeshClient, message: str) -> requests.Response:
    answer: requests.Response = client._session.get(
        f"{client.mailbox_url}/outbox/tracking?messageID={message}", timeout=10
    )
    answer.raise_for_status()
    return answer


def received(client: MeshClient, workflow: str) -> dict[str, Any]:
    """List, count, read and acknowledge all that waits; then list again."""
    waiting = client.list_messages()
    found: dict[str, Any] = {
        "count": client.count_messages(),
        "listed": len(waiting),
        "paged": sorted(client.iterate_message_ids(batch_size=10)) == sorted(waiting),
        "by workflow": len(client.list_messages(workflow_filter=workflow)),
        "but workflow": len(client.list_messages(workflow_filter=f"!{workflow}")),
        "begins": len(client.list_messages(workflow_filter=f"{workflow[:5]}*")),
        "contains": len(client.list_messages(workflow_filter=f"*{workflow[1:]}*")),
        "messages": {},
    }
    for each in waiting:
        first = client.retrieve_message_chunk(each, 1)
        head = client._session.head(f"{client.mailbox_url}/inbox/{each}", timeout=10)
        message = client.retrieve_message(each)
        content = message.read()
        found["messages"][each] = {
            "status": first.status_code,
            "headers": {name: first.headers[name] for name in MEX if name in first.headers},
            "head": head.status_code,
            "head names it": head.headers["Mex-MessageID"] == each,
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "content": content.decode(),
        }
        message.acknowledge()
        client.acknowledge_message(each)
    found["beyond the last part"] = status(lambda: client.retrieve_message_chunk(waiting[0], 99))
    found["left"] = client.list_messages()
    found["read again"] = status(lambda: client.retrieve_message_chunk(waiting[0], 1)) in {200, 206}
    found["unknown"] = {
        "read": status(lambda: client.retrieve_message_chunk("0" * 32, 1)),
        "looked at": client._session.head(f"{client.mailbox_url}/inbox/{'0' * 32}", timeout=10).status_code,
        "acknowledged": client._session.put(
            f"{client.mailbox_url}/inbox/{'0' * 32}/status/acknowledged", timeout=10
        ).status_code,
    }
    return found


def foreign(client: MeshClient, message: str) -> dict[str, Any]:
    """Ask for what is another's."""
    address = f"{client.mailbox_url}/inbox/{message}"
    return {
        "foreign": {
            "read": status(lambda: client.retrieve_message_chunk(message, 1)),
            "acknowledged": client._session.put(f"{address}/status/acknowledged", timeout=10).status_code,
        }
    }


def refused(url: str, mailbox: str, password: str, shared_key: str) -> dict[str, Any]:
    """Statuses of requests whose token is not good."""
    address = f"{url}/messageexchange/{mailbox}/inbox"
    accept = {"Accept": "application/vnd.mesh.v2+json"}

    def asked(token: str, where: str = address) -> int:
        return requests.get(where, headers={"Authorization": token, **accept}, timeout=10).status_code

    good = AuthTokenGenerator(shared_key.encode(), mailbox, password)()
    return {
        "good": asked(good),
        "replayed": asked(good),
        "wrong password": asked(AuthTokenGenerator(shared_key.encode(), mailbox, "wrong")()),
        "wrong key": asked(AuthTokenGenerator(b"wrong", mailbox, password)()),
        "none": requests.get(address, headers=accept, timeout=10).status_code,
        "another mailbox": asked(
            AuthTokenGenerator(shared_key.encode(), mailbox, password)(), f"{url}/messageexchange/OTHER/inbox"
        ),
        "another's token": asked(AuthTokenGenerator(shared_key.encode(), "OTHER", password)()),
    }


def main() -> None:
    """Do one phase and print what came of it."""
    url, mailbox, password, shared_key, recipient, workflow, body, phase = sys.argv[1:]
    with MeshClient(url, mailbox, password, shared_key=shared_key.encode(), max_retries=0) as client:
        client.handshake()
        found: dict[str, Any] = {
            "ping": status(lambda: requests.get(f"{url}/messageexchange/_ping", timeout=10))
        }
        if phase == "send":
            found |= sent(client, recipient, workflow, Path(body).read_bytes())
        elif phase.startswith("foreign:"):
            found |= foreign(client, phase.removeprefix("foreign:"))
        else:
            found |= received(client, workflow)
            found["tokens"] = refused(url, mailbox, password, shared_key)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
