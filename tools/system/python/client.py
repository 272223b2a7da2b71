"""A client in another language, with a codec of its own: it knows the format only from the documentation of packages/codec.

Usage: client.py ADDRESS NAMESPACE KEYS_FILE, with an order in JSON on stdin. Prints one JSON object.
"""

import asyncio
import dataclasses
import json
import os
import struct
import sys
from typing import Any, Iterable

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload
from temporalio.client import Client, WorkflowHandle
from temporalio.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes, PayloadCodec

FORMAT = "heliograph/1"


class HeliographCodec(PayloadCodec):
    """AES-256-GCM over the whole payload; format, namespace, domain and key id are authenticated."""

    def __init__(self, ring: dict[str, Any], namespace: str, domain: str) -> None:
        self.namespace = namespace
        self.domain = domain
        self.active = ring["domains"][domain]["active"]
        self.keys = {
            (name, key["id"]): AESGCM(from_base64url(key["key"]))
            for name, keys in ring["domains"].items()
            for key in keys["keys"]
        }

    async def encode(self, payloads: Iterable[Payload]) -> list[Payload]:
        return [self.encrypt(payload) for payload in payloads]

    async def decode(self, payloads: Iterable[Payload]) -> list[Payload]:
        return [self.decrypt(payload) for payload in payloads]

    def encrypt(self, payload: Payload) -> Payload:
        nonce = os.urandom(12)
        associated = associated_data(self.namespace, self.domain, self.active)
        sealed = self.keys[self.domain, self.active].encrypt(nonce, payload.SerializeToString(), associated)
        metadata = {
            "encoding": b"binary/encrypted",
            "encryption-key-id": self.active.encode(),
            "encryption-format": FORMAT.encode(),
            "encryption-namespace": self.namespace.encode(),
            "encryption-domain": self.domain.encode(),
        }
        return Payload(metadata=metadata, data=nonce + sealed)

    def decrypt(self, payload: Payload) -> Payload:
        read = lambda name: payload.metadata[name].decode()  # noqa: E731
        if read("encoding") != "binary/encrypted" or read("encryption-format") != FORMAT:
            raise ValueError("a payload is not encrypted, or in another format")
        namespace, domain, key_id = (read(f"encryption-{name}") for name in ("namespace", "domain", "key-id"))
        if namespace != self.namespace:
            raise ValueError("a payload belongs to another namespace")
        nonce, sealed = payload.data[:12], payload.data[12:]
        associated = associated_data(namespace, domain, key_id)
        return Payload.FromString(self.keys[domain, key_id].decrypt(nonce, sealed, associated))


def associated_data(namespace: str, domain: str, key_id: str) -> bytes:
    parts = [text.encode() for text in (FORMAT, namespace, domain, key_id)]
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


def from_base64url(text: str) -> bytes:
    import base64

    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


async def read_start(client: Client, handle: WorkflowHandle[Any, Any]) -> Any:
    """What a workflow was started with, out of its history."""
    async for event in handle.fetch_history_events():
        inputs = event.workflow_execution_started_event_attributes.input.payloads
        return await client.data_converter.decode(inputs)


async def main(address: str, namespace: str, keys_file: str) -> None:
    with open(keys_file, encoding="utf8") as file:
        codec = HeliographCodec(json.load(file), namespace, "dispatch")
    converter = dataclasses.replace(
        DataConverter.default,
        payload_codec=codec,
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )
    client = await Client.connect(address, namespace=namespace, data_converter=converter)
    order = json.load(sys.stdin)
    # A workflow of ours, started and signalled from here.
    handle = await client.start_workflow(
        "monitorInstanceAlert",
        order["input"],
        id=order["workflowId"],
        task_queue="dispatch",
        start_signal="issue",
        start_signal_args=[order["signal"]],
        memo={"note": order["memo"]},
    )
    result = await handle.result()
    # One that our own worker has started.
    other = client.get_workflow_handle(order["otherWorkflowId"])
    print(
        json.dumps(
            {
                "result": result,
                "otherInput": await read_start(client, other),
                "otherResult": await other.result(),
            }
        )
    )


asyncio.run(main(*sys.argv[1:4]))
