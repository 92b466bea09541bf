"""An S3 server for tests: moto on loopback, for as long as the ``with`` lasts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def s3_server(bucket: str) -> Iterator[Any]:
    """Give out a botocore client of a server that has ``bucket``; the environment names it to everybody else."""
    server = pytest.importorskip("moto.server", reason="the S3 test needs moto[server]")
    s3fs = pytest.importorskip("s3fs", reason="the S3 test needs roadwarden[s3]")
    import botocore.session

    running = server.ThreadedMotoServer("127.0.0.1", port=0)
    running.start()
    host, port = running.get_host_and_port()
    told = {
        "AWS_ACCESS_KEY_ID": "key-of-the-test",
        "AWS_SECRET_ACCESS_KEY": "secret-of-the-test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "NO_PROXY": "*",
    }
    with pytest.MonkeyPatch.context() as environment:
        for key, value in told.items():
            environment.setenv(key, value)
        # fsspec keeps one file system for all who ask alike, and one kept would go on asking an earlier server
        s3fs.S3FileSystem.clear_instance_cache()
        client = botocore.session.get_session().create_client("s3")
        client.create_bucket(Bucket=bucket)
        try:
            yield client
        finally:
            s3fs.S3FileSystem.clear_instance_cache()
            running.stop()
