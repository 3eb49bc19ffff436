"""What leaves by webhook goes to the approved endpoint or nowhere; no more of an answer is taken than may."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from ipaddress import ip_address

import httpcore
import pytest
import pytest_asyncio

from hub.adapters.webhooks import egress as egress_module
from hub.adapters.webhooks.addresses import Address
from hub.adapters.webhooks.egress import Egress, tls_context
from hub.adapters.webhooks.limits import EgressLimits
from hub.adapters.webhooks.outcomes import Answered, Code, NotAnswered
from hub.adapters.webhooks.pinned import Pin, SystemResolver
from hub.adapters.webhooks.target import Target
from tests.unit.raw_servers import OK, Authority, own_address, saying, serving

pytestmark = pytest.mark.requirement("R-DEL-01")

SHORT_S = 0.3
SOON_S = 4.0
"""What a test that waits for a limit takes at most, on however busy a machine; each other limit is longer."""
BODY = '{"type": "referral", "name": "Zoë"}'.encode()
NAME = "hooks.partner.org.uk"


class Names:
    """A resolver that answers as it is told: each list once, the last one for good."""

    def __init__(self, *answers: Sequence[str] | Exception) -> None:
        """Say this, then that."""
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        """Answer."""
        assert host
        assert port > 0
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return [ip_address(each) for each in answer]


@pytest_asyncio.fixture
async def egress() -> AsyncIterator[Egress]:
    made = Egress()
    yield made
    await made.close()


async def post(egress: Egress, url: str, approved: str | None = None) -> Answered | NotAnswered:
    """Send to a development endpoint."""
    target = Target.of("endpoint", approved or url, on_loopback=True)
    return await egress.post(target, url, headers={"Content-Type": "application/json"}, body=BODY)


async def sent(resolve: Names, url: str = f"https://{NAME}/hooks") -> Answered | NotAnswered:
    """Send to an endpoint as it is in production, whose name leads where the resolver says."""
    egress = Egress(resolve=resolve)
    try:
        return await egress.post(Target.of("endpoint", url), url, headers={}, body=BODY)
    finally:
        await egress.close()


def code(outcome: Answered | NotAnswered) -> tuple[Code, bool]:
    """Why there was no answer, and whether some of the request may have arrived."""
    assert isinstance(outcome, NotAnswered)
    return outcome.code, outcome.ambiguous


async def test_the_body_arrives_as_it_was_given_and_the_answer_is_taken(egress: Egress) -> None:
    async with serving(b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nlate") as server:
        outcome = await post(egress, f"http://127.0.0.1:{server.port}/hooks?v=1")
    assert isinstance(outcome, Answered)
    assert (outcome.status, outcome.retry_after, outcome.body, outcome.body_is_whole) == (
        503,
        "7",
        b"late",
        True,
    )
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert body == BODY
    assert head.split(b"\r\n")[0] == b"POST /hooks?v=1 HTTP/1.1"
    assert f"Host: 127.0.0.1:{server.port}".encode() in head
    assert b"Content-Type: application/json" in head
    assert b"Accept-Encoding: identity" in head


async def test_a_connection_is_kept_for_the_next_request_of_the_same_endpoint(egress: Egress) -> None:
    async with serving() as server:
        for _ in range(3):
            assert isinstance(await post(egress, f"http://127.0.0.1:{server.port}/"), Answered)
    assert (server.connections, len(server.requests)) == (1, 3)


async def test_a_connection_the_server_has_closed_is_not_used_again(egress: Egress) -> None:
    async def once(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        writer.close()

    async with serving(once) as server, serving() as stays:
        # One that is kept, and was used longer ago: so that looking for what has expired ends there.
        url = f"http://127.0.0.1:{stays.port}/"
        await egress.post(Target.of("stays", url, on_loopback=True), url, headers={}, body=BODY)
        for _ in range(3):
            assert isinstance(await post(egress, f"http://127.0.0.1:{server.port}/"), Answered)
            await asyncio.sleep(0.02)
    assert (server.connections, len(server.requests)) == (3, 3)


async def test_connections_are_kept_of_few_endpoints_and_closed_at_the_end() -> None:
    egress = Egress(limits=EgressLimits(endpoints_kept_max=2, idle_per_endpoint_max=1))
    async with serving() as server:
        url = f"http://127.0.0.1:{server.port}/"
        targets = [Target.of(f"endpoint-{number}", url, on_loopback=True) for number in range(3)]
        for target in [*targets, targets[2]]:
            await egress.post(target, url, headers={}, body=BODY)
        assert server.connections == 3
        assert list(egress._idle) == ["endpoint-1", "endpoint-2"]
        both = [egress.post(targets[2], url, headers={}, body=BODY) for _ in range(2)]
        await asyncio.gather(*both)
        assert {len(kept) for kept in egress._idle.values()} == {1}
        await egress.close()
        assert not egress._idle


async def test_connections_that_waited_too_long_are_closed() -> None:
    short = Egress(limits=EgressLimits(idle_s=0.01))
    async with serving() as server:
        url = f"http://127.0.0.1:{server.port}/"
        for endpoint in ("endpoint-1", "endpoint-2"):
            target = Target.of(endpoint, url, on_loopback=True)
            await short.post(target, url, headers={}, body=BODY)
            await asyncio.sleep(0.05)
        assert list(short._idle) == ["endpoint-2"]
    await short.close()


async def test_many_at_once_share_what_is_kept_without_taking_it_from_each_other() -> None:
    egress = Egress(limits=EgressLimits(endpoints_kept_max=2, idle_per_endpoint_max=3, idle_s=0.005))

    async def varying(_: bytes, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.001 * (len(server.requests) % 4))
        writer.write(OK)

    async def some(number: int) -> None:
        for turn in range(12):
            target = Target.of(f"endpoint-{(number + turn) % 4}", url, on_loopback=True)
            assert isinstance(await egress.post(target, url, headers={}, body=BODY), Answered)

    async with serving(varying) as server:
        url = f"http://127.0.0.1:{server.port}/"
        await asyncio.gather(*(some(number) for number in range(25)))
        assert len(server.requests) == 25 * 12
        assert len(egress._idle) <= 2
        await egress.close()


async def test_closing_what_is_kept_goes_on_while_somebody_else_takes_from_it() -> None:
    kept: deque[egress_module._Line] = deque()
    closed: list[str] = []

    class Connection(httpcore.AsyncHTTPConnection):
        async def aclose(self) -> None:
            closed.append(self.info())
            if kept:
                kept.pop()

    pin = Pin([], EgressLimits())
    kept.extend(egress_module._Line(Connection(httpcore.Origin(b"http", b"a", 1)), pin) for _ in range(4))
    await egress_module._close(kept)
    assert len(closed) == 2


@pytest.mark.parametrize("status", [301, 302, 303, 304, 307, 308])
async def test_a_redirect_is_never_followed(egress: Egress, status: int) -> None:
    async with serving() as other:
        moved = (
            f"HTTP/1.1 {status} X\r\nLocation: http://127.0.0.1:{other.port}/\r\nContent-Length: 0\r\n\r\n"
        )
        async with serving(moved.encode()) as server:
            outcome = await post(egress, f"http://127.0.0.1:{server.port}/")
    assert code(outcome) == (Code.REDIRECT, True)
    assert isinstance(outcome, NotAnswered)
    assert outcome.status == status
    assert other.connections == 0


async def test_no_proxy_of_the_environment_is_asked(egress: Egress, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving() as proxy, serving() as server:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert isinstance(await post(egress, f"http://127.0.0.1:{server.port}/"), Answered)
    assert (proxy.connections, server.connections) == (0, 1)


async def test_an_address_other_than_the_one_approved_is_not_sent_to(egress: Egress) -> None:
    async with serving() as server:
        outcome = await post(egress, f"http://127.0.0.1:{server.port}/", approved="http://127.0.0.1:1/")
    assert code(outcome) == (Code.TARGET, False)
    assert server.connections == 0


# --- where a name leads


async def test_one_forbidden_address_among_good_ones_is_enough_to_send_nothing() -> None:
    for addresses in (["93.184.216.34", "10.0.0.1"], ["2606:4700:4700::1111", "fd00:ec2::254"]):
        assert code(await sent(Names(addresses))) == (Code.FORBIDDEN_ADDRESS, False)


async def test_a_name_in_production_never_leads_to_this_machine() -> None:
    address = own_address()
    async with serving(address=address, port=8443) as server:
        outcome = await sent(Names([address]), f"https://{NAME}:8443/")
    assert code(outcome) == (Code.FORBIDDEN_ADDRESS, False)
    assert server.connections == 0


async def test_a_development_endpoint_leads_to_this_machine_and_nowhere_else() -> None:
    for address in ("93.184.216.34", "10.0.0.1", "169.254.169.254", "::ffff:10.0.0.1"):
        egress = Egress(resolve=Names([address]))
        assert code(await post(egress, "http://localhost:80/")) == (Code.FORBIDDEN_ADDRESS, False)
        await egress.close()


async def test_a_name_that_leads_elsewhere_by_the_second_look_gets_nothing() -> None:
    names = Names(["127.0.0.1"], ["127.0.0.1"], ["10.0.0.1"])
    egress = Egress(resolve=names)
    async with serving() as server:
        url = f"http://localhost:{server.port}/"
        outcomes = [await post(egress, url) for _ in range(3)]
    await egress.close()
    assert [type(each) for each in outcomes] == [Answered, Answered, NotAnswered]
    assert code(outcomes[2]) == (Code.FORBIDDEN_ADDRESS, False)
    assert (names.asked, len(server.requests)) == (3, 2)


async def test_the_connection_goes_to_the_address_looked_at_and_the_name_is_not_asked_again() -> None:
    address = own_address()
    names = Names([address])
    egress = Egress(resolve=names)
    async with serving(address=address) as server:
        # This machine's own resolver says 127.0.0.1, where nobody listens on that port.
        assert isinstance(await post(egress, f"http://localhost:{server.port}/"), Answered)
    await egress.close()
    assert names.asked == 1


async def test_a_kept_connection_to_an_address_the_name_no_longer_leads_to_is_left() -> None:
    first, second = own_address(), own_address()
    egress = Egress(resolve=Names([first], [second]))
    async with (
        serving(address=first) as old,
        serving(address=second, port=old.port) as new,
    ):
        url = f"http://localhost:{old.port}/"
        for _ in range(2):
            assert isinstance(await post(egress, url), Answered)
    await egress.close()
    assert (len(old.requests), len(new.requests)) == (1, 1)


async def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    silent, address = own_address(), own_address()
    egress = Egress(resolve=Names([silent, address]))
    async with serving(address=address) as server:
        assert isinstance(await post(egress, f"http://localhost:{server.port}/"), Answered)
    await egress.close()


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (socket.gaierror(socket.EAI_NONAME, "unknown"), Code.NO_ADDRESS),
        (socket.gaierror(socket.EAI_NODATA, "no address"), Code.NO_ADDRESS),
        (socket.gaierror(socket.EAI_AGAIN, "try again"), Code.DNS),
        (socket.gaierror(socket.EAI_FAIL, "failed"), Code.DNS),
    ],
)
async def test_a_name_that_does_not_exist_is_told_from_a_resolver_that_fails(
    error: Exception, wanted: Code
) -> None:
    assert code(await sent(Names(error))) == (wanted, False)
    assert code(await sent(Names([]))) == (Code.NO_ADDRESS, False)


async def test_a_resolver_that_hangs_is_ours_and_holds_nothing_up() -> None:
    async def hangs(host: str, port: int) -> Sequence[Address]:
        await asyncio.sleep(60)
        raise AssertionError(host, port)

    egress = Egress(resolve=hangs, limits=EgressLimits(lookup_timeout_s=SHORT_S))
    began = time.monotonic()
    outcome = await egress.post(Target.of("e", f"https://{NAME}/"), f"https://{NAME}/", headers={}, body=b"")
    await egress.close()
    assert code(outcome) == (Code.DNS, False)
    assert time.monotonic() - began < SOON_S


async def test_nothing_is_sent_once_it_was_looked_up_too_late() -> None:
    address = own_address()

    async def slow(host: str, port: int) -> Sequence[Address]:
        assert host
        assert port
        await asyncio.sleep(SHORT_S)
        return [ip_address(address)]

    egress = Egress(resolve=slow)
    async with serving(address=address) as server:
        url = f"http://localhost:{server.port}/"
        target = Target.of("e", url, on_loopback=True)
        before_s = time.monotonic() + SHORT_S / 2
        outcome = await egress.post(target, url, headers={}, body=BODY, before_s=before_s)
    await egress.close()
    assert code(outcome) == (Code.DNS, False)
    assert (server.connections, server.requests) == (0, [])


@pytest.mark.parametrize("kept", [True, False])
async def test_nothing_is_sent_once_it_was_connected_too_late(
    kept: bool,  # noqa: FBT001
    egress: Egress,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    line = Egress._line

    async def slow(*values: object) -> object:
        made = await line(*values)  # type: ignore[arg-type]
        await asyncio.sleep(SHORT_S)
        return made

    async with serving() as server:
        url = f"http://127.0.0.1:{server.port}/"
        target = Target.of("endpoint", url, on_loopback=True)
        if kept:
            await egress.post(target, url, headers={}, body=BODY)
        monkeypatch.setattr(Egress, "_line", slow)
        before_s = time.monotonic() + SHORT_S / 2
        outcome = await egress.post(target, url, headers={}, body=BODY, before_s=before_s)
        assert code(outcome) == (Code.TIMEOUT, False)
        assert len(server.requests) == kept
        monkeypatch.undo()
        in_time = await egress.post(target, url, headers={}, body=BODY, before_s=time.monotonic() + SOON_S)
        assert isinstance(in_time, Answered)
        assert len(server.requests) == kept + 1


async def test_names_are_asked_whole_so_that_no_search_domain_is_put_behind_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        asked.append(host)
        return [(0, 0, 0, "", ("93.184.216.34", port)), (0, 0, 0, "", ("93.184.216.34", port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    resolver = SystemResolver(1)
    for host in (NAME, "localhost"):
        assert await resolver(host, 443) == [ip_address("93.184.216.34")]
    for address in ("127.0.0.1", "::1"):
        assert await resolver(address, 443) == [ip_address(address)]
    resolver.close()
    assert asked == [f"{NAME}.", "localhost"]


async def test_a_name_whose_servers_hang_takes_one_thread_and_leaves_the_others_theirs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    hangs = threading.Event()

    def getaddrinfo(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        asked.append(host)
        if host.startswith("hangs."):
            hangs.wait(60)
            raise socket.gaierror(socket.EAI_AGAIN, "nobody answers")
        return [(0, 0, 0, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    egress = Egress(limits=EgressLimits(lookup_timeout_s=SHORT_S, lookups_at_once_max=2))
    try:
        for _ in range(2):
            # Each gives up; the question itself goes on.
            url = "https://hangs.partner.org.uk/"
            many = [egress.post(Target.of("e", url), url, headers={}, body=b"") for _ in range(8)]
            assert {code(each) for each in await asyncio.gather(*many)} == {(Code.DNS, False)}
        async with serving() as server:
            assert isinstance(await post(egress, f"http://localhost:{server.port}/"), Answered)
        assert asked == ["hangs.partner.org.uk.", "localhost"]
    finally:
        hangs.set()
        await egress.close()


async def test_a_name_is_asked_anew_once_it_was_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        asked.append(host)
        if len(asked) == 1:
            raise socket.gaierror(socket.EAI_AGAIN, "not now")
        return [(0, 0, 0, "", (f"93.184.216.{len(asked)}", port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    resolver = SystemResolver(1)
    with pytest.raises(socket.gaierror):
        await resolver(NAME, 443)
    assert await resolver(NAME, 443) == [ip_address("93.184.216.2")]
    both = await asyncio.gather(resolver(NAME, 443), resolver(NAME, 443))
    assert [list(each) for each in both] == [[ip_address("93.184.216.3")]] * 2
    resolver.close()


# --- TLS


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.made(tmp_path_factory.mktemp("authority"))


@pytest.mark.parametrize(
    ("certified", "wanted"), [(NAME, None), ("other.partner.org.uk", Code.TLS), ("localhost", Code.TLS)]
)
async def test_tls_verifies_the_host_name_on_the_address_that_was_looked_at(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, certified: str, wanted: Code | None
) -> None:
    monkeypatch.setattr(egress_module, "is_forbidden", lambda _: False)
    address = own_address()
    egress = Egress(tls=authority.trusted(), resolve=Names([address]))
    url = f"https://{NAME}:8443/hooks"
    async with serving(tls=authority.server(certified), address=address, port=8443) as server:
        outcome = await egress.post(Target.of("endpoint", url), url, headers={}, body=BODY)
    await egress.close()
    if wanted is None:
        assert isinstance(outcome, Answered)
        assert f"Host: {NAME}:8443".encode() in server.requests[0]
    else:
        assert code(outcome) == (wanted, False)
        assert not server.requests


async def test_an_authority_nobody_knows_is_not_trusted(authority: Authority) -> None:
    egress = Egress()
    async with serving(tls=authority.server("localhost")) as server:
        outcome = await post(egress, f"https://localhost:{server.port}/")
    await egress.close()
    assert code(outcome) == (Code.TLS, False)
    assert not server.requests


async def test_a_server_that_speaks_no_tls_is_a_fault_of_configuration(egress: Egress) -> None:
    async with serving() as server:
        listening = await asyncio.start_server(
            lambda _, writer: writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "127.0.0.1", 0
        )
        async with listening:
            port = listening.sockets[0].getsockname()[1]
            assert code(await post(egress, f"https://localhost:{port}/")) == (Code.TLS, False)
    assert not server.requests


async def test_a_handshake_that_never_ends_takes_no_longer_than_a_connection_may() -> None:
    egress = Egress(limits=EgressLimits(connect_timeout_s=SHORT_S))
    listening = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        began = time.monotonic()
        assert code(await post(egress, f"https://localhost:{port}/")) == (Code.TIMEOUT, False)
        assert SHORT_S <= time.monotonic() - began < SOON_S
    await egress.close()


def test_tls_is_of_today() -> None:
    context = tls_context()
    assert context.check_hostname
    assert (context.verify_mode.name, context.minimum_version.name) == ("CERT_REQUIRED", "TLSv1_2")


# --- bounds


async def test_a_body_is_read_as_far_as_it_is_kept(egress: Egress) -> None:
    async def endless(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")
            await writer.drain()

    async with serving(endless) as server:
        outcome = await post(egress, f"http://127.0.0.1:{server.port}/")
    assert isinstance(outcome, Answered)
    assert (outcome.status, len(outcome.body), outcome.body_is_whole) == (200, 20_000, False)
    assert not egress._idle


@pytest.mark.parametrize("size", [16_384, 16_385])
async def test_a_head_is_taken_up_to_its_bound(egress: Egress, size: int) -> None:
    begins, ends = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: ", b"\r\n\r\n"
    head = begins + b"x" * (size - len(begins) - len(ends)) + ends
    async with serving(head) as server:
        outcome = await post(egress, f"http://127.0.0.1:{server.port}/")
    if size > 16_384:
        assert code(outcome) == (Code.RESPONSE_TOO_LARGE, True)
    else:
        assert isinstance(outcome, Answered)


async def test_answers_before_the_answer_are_bounded_with_it(egress: Egress) -> None:
    async def early(_: bytes, writer: asyncio.StreamWriter) -> None:
        while not writer.is_closing():
            writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
            await writer.drain()

    async with serving(early) as server:
        outcome = await post(egress, f"http://127.0.0.1:{server.port}/")
    assert code(outcome) == (Code.RESPONSE_TOO_LARGE, True)


async def drip(_: bytes, writer: asyncio.StreamWriter) -> None:
    """Answer with one byte after the other, always in time for a limit on each, for ten seconds."""
    for _number in range(100):
        writer.write(b"h")
        await writer.drain()
        await asyncio.sleep(0.1)


async def test_a_slow_drip_ends_with_the_whole_attempt() -> None:
    egress = Egress(limits=EgressLimits(total_timeout_s=SHORT_S))
    began = time.monotonic()
    async with serving(drip) as server:
        outcome = await post(egress, f"http://127.0.0.1:{server.port}/")
    assert code(outcome) == (Code.TIMEOUT, True)
    assert SHORT_S <= time.monotonic() - began < SOON_S
    assert not egress._idle
    await egress.close()


async def test_an_answer_whose_body_does_not_come_has_been_given() -> None:
    egress = Egress(limits=EgressLimits(total_timeout_s=1.0))
    async with serving(b"HTTP/1.1 202 Accepted\r\nContent-Length: 10\r\n\r\nhalf") as server:
        outcome = await post(egress, f"http://127.0.0.1:{server.port}/")
    assert isinstance(outcome, Answered)
    assert (outcome.status, outcome.body_is_whole) == (202, False)
    await egress.close()


async def test_nobody_listening_means_that_nothing_arrived(egress: Egress) -> None:
    async with serving() as server:
        port = server.port
    assert code(await post(egress, f"http://127.0.0.1:{port}/")) == (Code.CONNECTION, False)


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH_9.2\r\n\r\n", b"HTTP/1.1 2x0 OK\r\n\r\n"])
async def test_a_connection_that_ends_without_an_answer_may_have_brought_the_request(
    egress: Egress, answer: bytes
) -> None:
    async def gone(_: bytes, writer: asyncio.StreamWriter) -> None:
        await saying(answer)(_, writer)
        writer.close()

    async with serving(gone) as server:
        outcome = await post(egress, f"http://127.0.0.1:{server.port}/")
    assert code(outcome) == (Code.CONNECTION, True)


async def test_an_attempt_that_is_cancelled_leaves_no_connection_behind() -> None:
    egress, arrived = Egress(), asyncio.Event()

    async def silent(_: bytes, __: asyncio.StreamWriter) -> None:
        arrived.set()
        await asyncio.sleep(30)

    async with serving(silent) as server:
        attempt = asyncio.create_task(post(egress, f"http://127.0.0.1:{server.port}/"))
        await arrived.wait()
        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt
        assert not egress._idle
    await egress.close()


def test_what_an_answer_said_is_in_no_text_made_of_it() -> None:
    answer = Answered(status=500, retry_after=None, body=b"Zoe", body_is_whole=True, elapsed_s=0.1)
    assert "Zoe" not in repr(answer)
