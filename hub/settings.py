"""Every choice and every limit of the hub, in one place, each with its unit in its name.

Precedence: command-line flags, `HUB_*` environment variables, `.env`, `hub.toml`, defaults. The
environment and `.env` are shared with other programs, docker compose among them, so names there that
are no settings are left alone. `hub.toml` is the hub's own: a name in it that is no setting is refused.
"""

from __future__ import annotations

import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from hub.errors import NotConfigured
from hub.installation.home import hub_home
from hub.topics.catalogue import INTAKE_PARTITIONS_DEFAULT
from hub.topics.contract_files import CONTRACTS
from hub.topics.library import SCHEMAS

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Port = Annotated[int, Field(ge=0, le=65535)]


class Settings(BaseSettings):
    """The hub's settings. Read with `load`, which names what is wrong in a sentence."""

    model_config = SettingsConfigDict(
        env_prefix="HUB_",
        env_file=".env",
        dotenv_filtering="only_existing",
        toml_file="hub.toml",
        extra="forbid",
        frozen=True,
    )

    # What the hub stands on.
    kafka: str = Field(
        "", description="Kafka's bootstrap address, host:port; empty: a broker is found or started"
    )
    database: SecretStr = Field(
        SecretStr(""), description="PostgreSQL's connection string; empty: a server is started"
    )
    broker: Literal["auto", "container", "process"] = Field(
        "auto",
        description="where no broker is given: a container where Docker answers, or a process from the jars",
    )
    home: Path = Field(
        default_factory=hub_home, description="folder for environments, jars, instances and logs"
    )
    instance: str = Field(
        "default",
        pattern=r"^[a-z0-9][a-z0-9-]{0,30}$",
        description="name of this hub's data under the home folder",
    )

    # What was agreed.
    schemas: Path = Field(SCHEMAS, description="folder with the message contracts and their manifest")
    contracts: Path = Field(CONTRACTS, description="folder with the contracts of each organisation")

    # Where the hub listens and what it says.
    http_host: str = Field("127.0.0.1", description="address the gateway listens on; loopback unless set")
    http_port: Port = Field(0, description="port of the gateway; 0: a free one")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least level that is logged"
    )

    # At the door.
    body_bytes_max: int = Field(262_144, gt=0, description="largest body of a request, in bytes")
    idempotency_days: int = Field(7, gt=0, description="days an idempotency key is remembered")
    delivery_expiry_working_days: int = Field(
        5, gt=0, le=60, description="working days a delivery waits for somebody to fetch it, then it expires"
    )
    safety_uncollected_hours: int = Field(
        24, gt=0, description="hours after which an unacknowledged safety message is reported; it waits on"
    )
    safety_unpushed_s: int = Field(
        1_800,
        gt=0,
        description="seconds after which a safety message is reported that no webhook has brought",
    )
    redelivery_days: int = Field(
        14,
        gt=0,
        le=30,
        description="days in which a delivery its recipient is done with can be had again; so long its sealed"
        " message stays, never longer than in the log",
    )
    mailbox_page_max: int = Field(100, gt=0, le=1000, description="most messages in one page of a mailbox")

    delivery_event_days: int = Field(
        30,
        gt=0,
        description="days a finished delivery's events (its topic keeps them) and push stay in PostgreSQL",
    )

    # What one organisation may ask for.
    organisation_requests_per_s_max: int = Field(
        200, gt=0, description="requests of one organisation in a second, at each gateway; twice at once"
    )
    organisation_requests_in_flight_max: int = Field(
        64, gt=0, description="requests of one organisation under way at a time, at each gateway"
    )
    organisation_messages_per_day_max: int = Field(
        100_000, gt=0, description="messages one organisation may post in a day (UTC), but for urgent ones"
    )
    organisation_records_per_s_max: int = Field(
        200, gt=0, description="records taken of one organisation's own topic in a second; the rest waits"
    )

    # The router.
    intake_partitions: int = Field(
        INTAKE_PARTITIONS_DEFAULT, gt=0, description="partitions of hub.intake; fixed once it exists"
    )
    batch_records_max: int = Field(500, gt=0, description="most records taken in one transaction")
    poll_ms: int = Field(100, gt=0, description="longest wait of one poll, in milliseconds")
    transaction_timeout_ms: int = Field(
        10_000,
        gt=0,
        le=60_000,
        description="age at which the broker aborts an open transaction, in milliseconds",
    )
    session_timeout_ms: int = Field(
        15_000, gt=0, description="silence after which a group member is evicted, in milliseconds"
    )

    control_timeout_s: float = Field(
        30,
        gt=0,
        description="longest wait until all partitions have an organisation or policy in force, in seconds",
    )
    stop_timeout_s: int = Field(
        15, gt=0, description="time the roles have to finish what is under way, in seconds"
    )

    # Starting and stopping what is embedded.
    broker_start_timeout_s: float = Field(
        60, gt=0, description="longest wait for the broker to answer, in seconds"
    )
    broker_stop_timeout_s: float = Field(20, gt=0, description="time the broker has to stop, in seconds")
    broker_heap_mb: int = Field(
        512, ge=256, description="memory for the embedded broker's heap, in megabytes"
    )
    broker_quick_start: bool = Field(
        default=True, description="start the embedded broker faster at the price of peak throughput"
    )
    database_start_timeout_s: float = Field(30, gt=0, description="longest wait for PostgreSQL, in seconds")
    database_stop_timeout_s: float = Field(10, gt=0, description="time PostgreSQL has to stop, in seconds")
    docker_answer_timeout_s: float = Field(
        1, gt=0, description="time a Docker engine has to answer, in seconds"
    )

    @property
    def instance_folder(self) -> Path:
        """Where this instance keeps the data of an embedded broker and database."""
        return self.home / "instances" / self.instance

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, then the environment, then `.env`, then `hub.toml`."""
        return (init_settings, env_settings, dotenv_settings, TomlConfigSettingsSource(settings_cls))


def load(**flags: Any) -> Settings:  # noqa: ANN401 - each flag has its field's type, checked there
    """The settings in force, flags first.

    Raises:
        NotConfigured: A name or value is wrong; every fault is in the message, no value is.
    """
    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        faults = "; ".join(map(_fault, error.errors()))
        message = f"{error.error_count()} setting(s) are wrong: {faults}"
        fix = "mend them where they are set: a flag, HUB_*, .env or hub.toml"
        raise NotConfigured(message, fix=fix) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"hub.toml or .env cannot be read: {type(error).__name__}"
        raise NotConfigured(message, fix="mend it: hub.toml is TOML, and both are UTF-8") from error


def _fault(fault: ErrorDetails) -> str:
    """Return what is wrong with one setting, and for a name that does not exist the one probably meant."""
    name = ".".join(map(str, fault["loc"]))
    if fault["type"] != "extra_forbidden":
        return f"{name}: {fault['msg']}"
    near = get_close_matches(name.lower().removeprefix("hub_"), Settings.model_fields, n=1)
    return f"{name}: not a setting; " + (f"did you mean {near[0]}?" if near else "leave it out")
