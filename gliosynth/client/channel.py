"""The channel to a server: message limit, retries and TLS in one place."""

import json
from dataclasses import dataclass
from typing import Final

import grpc

from gliosynth.client.transfer import LARGEST_MESSAGE_BYTES

RETRY_POLICY: Final = {
    "maxAttempts": 5,
    "initialBackoff": "0.2s",
    "maxBackoff": "3s",
    "backoffMultiplier": 2.0,
    "retryableStatusCodes": ["UNAVAILABLE"],
}
"""gRPC retries only UNAVAILABLE (AIP-194) and only calls that are not committed: nothing was answered, and no more was
sent than its retry buffer holds."""

CHANNEL_OPTIONS: Final = (
    ("grpc.max_receive_message_length", LARGEST_MESSAGE_BYTES),
    ("grpc.service_config", json.dumps({"methodConfig": [{"name": [{}], "retryPolicy": RETRY_POLICY}]})),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2000),
)
"""Options of every channel."""


@dataclass(frozen=True)
class TlsOptions:
    """How the connection is encrypted.

    Attributes:
        ca_certificate: PEM of the authority that signed the server's certificate, or None for the system's authorities.
        client_key: PEM of this side's private key, or None where the server asks for none.
        client_certificate: PEM of the certificate that belongs to it, or None.
    """

    ca_certificate: bytes | None = None
    client_key: bytes | None = None
    client_certificate: bytes | None = None


def open_channel(target: str, tls: TlsOptions | None) -> grpc.Channel:
    """Returns a channel to a server; nothing is sent yet.

    Args:
        target: ``host:port``, or another name that gRPC resolves.
        tls: How to encrypt, or None for a plain connection.
    """
    if tls is None:
        return grpc.insecure_channel(target, options=CHANNEL_OPTIONS)
    credentials = grpc.ssl_channel_credentials(tls.ca_certificate, tls.client_key, tls.client_certificate)
    return grpc.secure_channel(target, credentials, options=CHANNEL_OPTIONS)
