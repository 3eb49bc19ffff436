"""The AsyncAPI 3.0 document of one partner, from its own point of view: what it receives and sends by Kafka.

It is written from the contracts, the schemas and the topics of the hub, so it says what is done. What the
disclosure rules keep back of a message it cannot say: a view is the most a partner is ever sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hub import __version__
from hub.consent.partner_contracts import Direction
from hub.messages.identifiers import OrganisationId
from hub.topics.asyncapi_messages import (
    CONTENT_TYPE,
    DELIVERY_HEADERS,
    KAFKA_BINDING,
    MESSAGE_ID,
    MESSAGE_ID_HEADER,
    SUBMISSION_HEADERS,
    SUBMISSION_NAME,
    Examples,
    avro_schema,
    name_of,
    payload_name,
    received,
    sent,
)
from hub.topics.bodies import SUBMISSION
from hub.topics.catalogue import Catalogue
from hub.topics.delivery_headers import headers_schema

if TYPE_CHECKING:
    from hub.topics.catalogue import Topic
    from hub.topics.contract_files import ContractFile
    from hub.topics.library import SchemaLibrary

ASYNCAPI = "3.0.0"
_DELIVERIES, _SUBMISSIONS = "deliveries", "submissions"
_TOPIC_NUMBERS = ("retention.ms", "retention.bytes", "delete.retention.ms", "max.message.bytes")
_ABOUT = """\
What {partner} receives from the hub and sends to it by Kafka: one message for each contract and schema \
version. The document is generated from the contracts with {partner}; a change is agreed there.

A record's value is framed: a byte 0, the id of its schema in four bytes (big-endian), the record in Avro's \
binary form. `x-hub-schema-id` is that id. For what {partner} receives, GET /registry/schemas/ids/<id> at \
the hub's HTTP address answers the schema, as Confluent's schema registry does.

A message comes by Kafka if {partner} has chosen so for its kind. Every delivery, chosen or not, waits in \
the mailbox over HTTP, too, with the same headers. Where no contract on a message is in effect, nothing \
narrower than the disclosure rules is agreed: such a delivery bears no `hub-contract` and is not described \
here.

A contract's dates act. Once its end is announced, its deliveries say so (`ce_deprecation`, `ce_sunset`, \
`ce_successor`). From `x-hub-sunset` on nothing is delivered by it and nothing taken by it; what would have \
gone to {partner} is counted at GET /v1/contracts."""
_SERVER = """\
The hub's operator tells the broker's address. The hub offers neither TLS nor SASL on Kafka yet; a broker \
that it starts itself listens on loopback only."""
_TO = """\
What is disclosed to {partner}, each delivery once. Deliveries on one case lie in one partition, in their \
order. The hub writes in transactions: read with isolation.level=read_committed. A record without a value \
takes back the delivery whose id is its key: delete what you hold of it. Where its author has corrected it, \
a correction comes as well."""
_FROM = """\
What {partner} sends by Kafka. The topic says who sends; the record's value cannot. The records of a \
partition are taken in their order; send them uncompressed or with gzip. A record that is not taken is set \
aside with its reason, and the operator can see it."""


def document(
    partner: OrganisationId, files: Sequence[ContractFile], library: SchemaLibrary, examples: Examples
) -> dict[str, object]:
    """Return the document of one partner from its contracts.

    Raises:
        NotConfigured: A contract's view does not fit its schemas.
        Drift: It is not the view that an outside registry gave its id to.
    """
    topics = Catalogue()
    coming: dict[str, object] = {}
    going: dict[str, object] = {}
    schemas: dict[str, object] = {DELIVERY_HEADERS: headers_schema()}
    for file in files:
        for schema in file.views(library):
            name = name_of(file.terms, schema.version)
            if file.terms.direction is Direction.RECEIVES:
                coming[name] = received(file, schema, library, examples)
            else:
                going[name] = sent(file, schema, library, examples)
                schemas[payload_name(schema)] = avro_schema(schema)
    channels = {_DELIVERIES: _channel(topics.delivery_topic(partner), _TO, coming, partner)}
    operations = {"receiveDeliveries": _receiving(coming)}
    if going:
        channels[_SUBMISSIONS] = _channel(topics.inbox_topic(partner), _FROM, going, partner)
        operations["sendSubmissions"] = _sending(going)
        schemas[SUBMISSION_HEADERS] = _submission_headers()
        schemas[SUBMISSION_NAME] = avro_schema(library.contract("submission", SUBMISSION))
    return {
        "asyncapi": ASYNCAPI,
        "id": f"urn:hub:partner:{partner}",
        "info": {
            "title": f"Partner Integration Message Hub, for {partner}",
            "version": __version__,
            "description": _ABOUT.format(partner=partner),
        },
        "defaultContentType": CONTENT_TYPE,
        "servers": {"kafka": _server()},
        "channels": channels,
        "operations": operations,
        "components": {"messages": coming | going, "schemas": dict(sorted(schemas.items()))},
    }


def _server() -> dict[str, object]:
    return {
        "host": "{bootstrap}",
        "protocol": "kafka",
        "description": _SERVER,
        "variables": {
            "bootstrap": {
                "description": "Host and port of Kafka, which differ from hub to hub.",
                "examples": ["127.0.0.1:9092"],
            }
        },
        "bindings": {"kafka": {"schemaRegistryVendor": "confluent", "bindingVersion": KAFKA_BINDING}},
    }


def _channel(
    topic: Topic, about: str, messages: Mapping[str, object], partner: OrganisationId
) -> dict[str, object]:
    """Return a topic with its messages and what of its configuration concerns a partner."""
    configuration: dict[str, object] = {
        name: int(topic.config[name]) for name in _TOPIC_NUMBERS if name in topic.config
    }
    return {
        "address": topic.name,
        "title": topic.purpose,
        "description": about.format(partner=partner),
        "servers": [{"$ref": "#/servers/kafka"}],
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": {
                    "cleanup.policy": topic.config["cleanup.policy"].split(","),
                    **configuration,
                },
                "bindingVersion": KAFKA_BINDING,
            }
        },
    }


def _receiving(messages: Mapping[str, object]) -> dict[str, object]:
    group = {"type": "string", "description": "Your own choice."}
    return {
        "action": "receive",
        "summary": "Take what is disclosed to you.",
        **_operation(_DELIVERIES, messages),
        "bindings": {"kafka": {"groupId": group, "bindingVersion": KAFKA_BINDING}},
    }


def _sending(messages: Mapping[str, object]) -> dict[str, object]:
    return {"action": "send", "summary": "Hand in a message.", **_operation(_SUBMISSIONS, messages)}


def _operation(channel: str, messages: Mapping[str, object]) -> dict[str, object]:
    return {
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in messages],
    }


def _submission_headers() -> dict[str, object]:
    """Describe what must stand beside a record that is sent; other headers are not read."""
    return {
        "type": "object",
        "required": [MESSAGE_ID_HEADER],
        "properties": {MESSAGE_ID_HEADER: dict(MESSAGE_ID)},
    }
