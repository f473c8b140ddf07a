"""A server of S3's protocol, and a bucket on it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import botocore.session

KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
BUCKET = "wallpapers"

# It ends when its input is closed, also by the end of this process.
_SERVER = """
import logging, sys
from moto.server import ThreadedMotoServer
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(sys.argv[1], port=0, verbose=False)
server.start()
print(*server.get_host_and_port(), sep=":", flush=True)
sys.stdin.read()
"""


def settings_of(address: str) -> dict[str, str]:
    """Return Scrapy's settings for the server at *address*."""
    return {**KEYS, "AWS_ENDPOINT_URL": address, "AWS_REGION_NAME": "us-east-1"}


@contextmanager
def s3_server(host: str = "127.0.0.1", *, before: tuple[str, ...] = ()) -> Iterator[str]:
    """Run a server on a free port of *host*; yield its address.

    *before* are the words of a command that becomes the server.

    It has a process of its own, because all servers of one process share their buckets.
    """
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    command = [*before, sys.executable, "-c", _SERVER, host]
    with subprocess.Popen(command, text=True, **pipes) as server:  # type: ignore[call-overload]
        try:
            yield f"http://{server.stdout.readline().strip()}"
        finally:
            server.kill()


@contextmanager
def s3_bucket(address: str) -> Iterator[Any]:
    """Make an empty bucket, remove it after the block; yield a client."""
    client = botocore.session.get_session().create_client(
        "s3",
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
    )
    client.create_bucket(Bucket=BUCKET)
    try:
        yield client
    finally:
        for key in keys(client):
            client.delete_object(Bucket=BUCKET, Key=key)
        client.delete_bucket(Bucket=BUCKET)
        client.close()


def keys(client: Any) -> list[str]:
    """Return the keys of all objects in the bucket."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    return [entry["Key"] for page in pages for entry in page.get("Contents", [])]
