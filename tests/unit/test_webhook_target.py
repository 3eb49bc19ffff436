"""Where webhooks may go: the text of an address, and the addresses a name leads to."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.adapters.webhooks.addresses import FORBIDDEN_IPV4, is_forbidden
from hub.adapters.webhooks.target import Target, TargetRefused, Url, read_url


def words(text: str) -> list[str]:
    """Take the words of a table."""
    return text.split()


pytestmark = pytest.mark.requirement("R-DEL-01")

# What two other webhook senders test for: svix/svix-webhooks (webhook_http_client.rs) and
# hook0/hook0 (output-worker/src/dns.rs), as of November 2026; and what clouds keep for themselves.
FORBIDDEN = words(
    """
0.0.0.0 0.1.2.3 10.0.0.1 10.254.0.0 100.64.0.1 100.100.0.0 100.100.100.200 127.0.0.1 127.0.0.254
127.254.254.254 168.63.129.16 169.254.1.1 169.254.45.1 169.254.169.254 172.16.5.4 172.16.10.65
172.31.255.255 192.0.0.0 192.0.0.192 192.0.0.255 192.0.2.255 192.88.99.1 192.88.99.3 192.168.1.1
192.168.10.65 198.18.0.0 198.19.255.255 198.51.100.65 203.0.113.6 224.0.0.1 224.1.2.3 233.252.0.16
239.255.255.250 240.240.240.240 255.255.255.255 :: ::1 ::7f00:1 ::a9fe:a9fe ::ffff:0:7f00:1
::ffff:0:5db8:d822 ::5efe:7f00:1 ::ffff:8.8.8.8 ::ffff:127.0.0.1 ::ffff:0.0.0.1 ::ffff:169.254.169.254
0:0:0:1::1 1::1 ff:ffff::1 64:ff9b:: 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b::a00:1 64:ff9b::808:808
64:ff9b::c0a8:0 64:ff9b:0:1::1 64:ff9b:1::1 64:ff9b:1::dead:beef 100::1 100::1:2:3:4 2001::1 2001:1ff::1
2001:db8::1 2002:a9fe:a9fe::1 2002:7f00:1::1 2002:5db8:d822::1 2002:c000:204::dead:beef 3fff::1 3fff:fff::1
4000::1 5f00::1 fc00::1 fd00:ec2::254 fd20:ce::254 fd7a:115c:a1e0::1 fdee:3a45:9057::1 fe80::1 fe80::1%eth0
febf:ffff::dead:beef fec0::1 ff02::1 ff0e::1
"""
)
ALLOWED = words(
    """
1.1.1.1 8.8.8.8 93.184.216.34 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0
168.63.129.15 172.15.255.255 172.32.0.0 192.0.1.0 192.88.98.255 192.88.100.1 198.17.255.255 198.20.0.0
223.255.255.255 2001:200::1 2001:4860:4860::8888 2606:4700:4700::1111 3fff:1000::1
"""
)


@pytest.mark.parametrize("address", FORBIDDEN)
def test_nothing_is_sent_to_an_address_that_is_nobodys_on_the_internet(address: str) -> None:
    assert is_forbidden(ip_address(address))


@pytest.mark.parametrize("address", ALLOWED)
def test_an_address_on_the_internet_may_be_sent_to(address: str) -> None:
    assert not is_forbidden(ip_address(address))


@given(st.integers(0, 2**32 - 1))
def test_no_wrapping_of_an_ipv4_address_gets_through(number: int) -> None:
    for wrapping in (0xFFFF << 32, 0x64FF9B << 96, 0, 0xFFFF0000 << 16, 0x5EFE << 32):
        assert is_forbidden(IPv6Address(wrapping | number))
    assert is_forbidden(IPv6Address(0x2002 << 112 | number << 80 | 1))


@given(st.integers(0, 2**32 - 1))
def test_what_python_calls_not_global_is_forbidden(number: int) -> None:
    address = IPv4Address(number)
    # Python lets multicast through, and we refuse some that it lets through, too.
    assert address.is_global or is_forbidden(address)


def test_both_ends_of_each_forbidden_network_are_in_it() -> None:
    for network in FORBIDDEN_IPV4:
        assert is_forbidden(network[0])
        assert is_forbidden(network[-1])


GOOD = {
    "https://hooks.partner.org.uk": Url(scheme="https", host="hooks.partner.org.uk", port=443, target="/"),
    "https://hooks.partner.org.uk/a/b%20c?x=1&y=:@": Url(
        scheme="https", host="hooks.partner.org.uk", port=443, target="/a/b%20c?x=1&y=:@"
    ),
    "https://a-1.xn--bcher-kva.example:8443/": Url(
        scheme="https", host="a-1.xn--bcher-kva.example", port=8443, target="/"
    ),
    "https://partner.uk:443?x": Url(scheme="https", host="partner.uk", port=443, target="/?x"),
    "https://1password.com/@me": Url(scheme="https", host="1password.com", port=443, target="/@me"),
}
BAD = {
    "form": words("""
        hooks.partner.org.uk //hooks.partner.org.uk https:hooks.partner.org.uk https:/hooks.partner.org.uk
        HTTPS://hooks.partner.org.uk https:\\\\hooks.partner.org.uk https://user@hooks.partner.org.uk
        https://user:secret@hooks.partner.org.uk https://hooks.partner.org.uk@10.0.0.1
        https://10.0.0.1#@hooks.partner.org.uk https://hooks.partner.org.uk#fragment https://b\u00fccher.example/
        https://\uff28ooks.partner.uk/ https://hooks.partner.uk/\u00e9
    """),
    "https": words("""
        http://hooks.partner.org.uk ftp://hooks.partner.org.uk file:///etc/passwd gopher://hooks.partner.org.uk
        unix:///var/run/docker.sock
    """),
    "host": words("""
        https:// https:///path https://localhost https://localhost. https://hooks.partner.org.uk.
        https://hooks..partner.uk https://.partner.uk https://-a.uk https://a-.uk https://a_b.uk
        https://Hooks.partner.org.uk https://127.0.0.1 https://93.184.216.34 https://2130706433
        https://0x7f000001 https://0x7f.0.0.1 https://0177.0.0.1 https://127.1 https://0 https://1.2.3.0x4
        https://[::1] https://[::ffff:127.0.0.1] https://[2606:4700:4700::1111] https://metadata https://a%2euk
        https://hooks%00.partner.uk https://partner.123 https://%31%32%37.0.0.1
    """),
    "port": words("""
        https://partner.uk: https://partner.uk:0 https://partner.uk:22 https://partner.uk:80 https://partner.uk:8080
        https://partner.uk:65979 https://partner.uk:0443 https://partner.uk:443443 https://partner.uk:+443
        https://partner.uk:4_43
    """),
    "path": [
        "https://partner.uk/a\\b",
        "https://partner.uk/%zz",
        "https://partner.uk/%",
        'https://partner.uk/"',
    ],
}


@pytest.mark.parametrize("url", GOOD)
def test_an_address_is_taken_apart_as_it_is_written(url: str) -> None:
    assert read_url(url) == GOOD[url]
    assert Target.of("endpoint", url).take(url) == GOOD[url]


@pytest.mark.requirement("R-DEL-03")
@pytest.mark.parametrize(("rule", "url"), [(rule, url) for rule, urls in BAD.items() for url in urls])
def test_an_address_that_could_be_taken_for_another_is_refused_by_the_rule_it_breaks(
    rule: str, url: str
) -> None:
    with pytest.raises(TargetRefused) as refused:
        read_url(url)
    words = {
        "form": "of the form",
        "https": "of https",
        "host": "full host name",
        "port": "port",
        "path": "path",
    }
    assert words[rule] in str(refused.value)
    assert refused.value.fix
    assert "partner" not in str(refused.value)


@pytest.mark.parametrize("hidden", ["\n", "\r\n", "\t", " ", "\x00", "\x7f"])
def test_no_line_end_or_blank_gets_into_a_request(hidden: str) -> None:
    for url in (
        f"https://partner.uk/a{hidden}b",
        f"https://partner{hidden}.uk/",
        f"https://partner.uk{hidden}",
    ):
        with pytest.raises(TargetRefused):
            read_url(url)


def test_an_address_and_a_host_have_an_end() -> None:
    assert len(read_url("https://partner.uk/".ljust(2_048, "a")).target) == 2_030
    for url in (
        "https://partner.uk/".ljust(2_049, "a"),
        f"https://{'a' * 64}.uk/",
        f"https://{'a.' * 126}uk/",
    ):
        with pytest.raises(TargetRefused):
            read_url(url)


def test_another_host_or_port_than_the_one_approved_is_refused() -> None:
    target = Target.of("endpoint", "https://hooks.partner.uk/a")
    assert target.take("https://hooks.partner.uk:443/b").target == "/b"
    for url in (
        "https://hooks.partner.uk:8443/a",
        "https://partner.uk/a",
        "https://hooks.partner.uk.example/a",
    ):
        with pytest.raises(TargetRefused, match="approved"):
            target.take(url)


def test_only_a_development_endpoint_is_on_this_machine_or_without_tls() -> None:
    for url in ("http://127.0.0.1:8080/a", "https://localhost:5000/", "http://[::1]:80/"):
        assert Target.of("endpoint", url, on_loopback=True).on_loopback
        with pytest.raises(TargetRefused):
            Target.of("endpoint", url)
    for url in ("http://hooks.partner.uk/", "https://127.0.0.2/", "http://localhost./", "ftp://localhost/"):
        with pytest.raises(TargetRefused):
            Target.of("endpoint", url, on_loopback=True)
    assert read_url("http://[::1]:8080/", on_loopback=True).host_header == "[::1]:8080"
    assert read_url("http://127.0.0.1/", on_loopback=True).host_header == "127.0.0.1"
