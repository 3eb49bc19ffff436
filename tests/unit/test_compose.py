"""docker-compose.yml holds to what we promise of it, and names the versions the hub itself uses."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from hub.adapters.broker import container
from hub.settings import Settings

CHECKOUT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
each_service = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)


@each_service
def test_images_are_pinned(service: dict[str, Any]) -> None:
    assert re.search(r":\d+\.\d+", service["image"])


@each_service
def test_each_service_tells_its_health_and_keeps_within_limits(service: dict[str, Any]) -> None:
    assert service["healthcheck"]["test"][0] == "CMD"
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"])
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}
    assert "no-new-privileges:true" in service["security_opt"]


@each_service
def test_ports_are_published_on_loopback_only(service: dict[str, Any]) -> None:
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


@each_service
def test_no_secret_has_a_default(service: dict[str, Any]) -> None:
    secrets = [str(value) for name, value in service["environment"].items() if "PASSWORD" in f"{name}{value}"]
    assert all("${PARTNER_HUB_DATABASE_PASSWORD:?" in value for value in secrets)


def test_what_compose_asks_for_does_not_look_like_a_setting() -> None:
    text = (CHECKOUT / "docker-compose.yml").read_text(encoding="utf-8")
    asked = re.findall(r"\$\{(\w+)", text)
    assert asked
    assert all(name.startswith("PARTNER_HUB_") for name in asked)


def test_what_compose_tells_the_hub_are_settings() -> None:
    told = {name.removeprefix("HUB_").lower() for name in SERVICES["hub"]["environment"]}
    assert told <= Settings.model_fields.keys()


def test_the_hub_waits_for_healthy_neighbours_and_can_write_only_where_it_must() -> None:
    hub = SERVICES["hub"]
    assert {each["condition"] for each in hub["depends_on"].values()} == {"service_healthy"}
    assert hub["read_only"] is True
    assert hub["cap_drop"] == ["ALL"]
    dockerfile = (CHECKOUT / hub["build"]["dockerfile"]).read_text(encoding="utf-8")
    assert re.search(r"^USER [1-9]\d+:", dockerfile, re.MULTILINE)
    assert re.search(r"^FROM \S+:\d+\.\d+\.\d+", dockerfile, re.MULTILINE)


def test_kafka_is_the_same_version_everywhere() -> None:
    pom = (CHECKOUT / "hub/adapters/broker/pom.xml").read_text(encoding="utf-8")
    version = re.search(r"<kafka.version>([^<]+)<", pom)
    assert version is not None
    assert SERVICES["kafka"]["image"] == container.IMAGE == f"apache/kafka:{version[1]}"


def test_kafka_keeps_its_data_and_its_identity() -> None:
    kafka = SERVICES["kafka"]
    assert kafka["volumes"] == ["kafka-data:/var/lib/kafka/data"]
    assert kafka["environment"]["KAFKA_LOG_DIRS"] == "/var/lib/kafka/data"
    assert kafka["environment"]["CLUSTER_ID"].startswith("${PARTNER_HUB_KAFKA_CLUSTER_ID:-")
