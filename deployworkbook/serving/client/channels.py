"""Settings of gRPC channels, apart from the client, so that a load loads nothing else."""

from __future__ import annotations

import json
from typing import Any

PREDICTION_SERVICE = "tensorflow.serving.PredictionService"
MODEL_SERVICE = "tensorflow.serving.ModelService"

# gRPC itself retries: it adds 20 % of jitter to the waits and stops at the call's deadline.
_RETRIES = {
    "methodConfig": [
        {
            "name": [
                {"service": PREDICTION_SERVICE},
                {"service": MODEL_SERVICE, "method": "GetModelStatus"},
            ],
            "retryPolicy": {
                "maxAttempts": 5,
                "initialBackoff": "0.1s",
                "maxBackoff": "1s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}

CHANNEL_OPTIONS: list[tuple[str, Any]] = [
    ("grpc.service_config", json.dumps(_RETRIES)),
    # gRPC's default is 4 MB, which a batch of images exceeds.
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # Find a server that has just started at once.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.use_local_subchannel_pool", 1),
]
