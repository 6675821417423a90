"""``python -m api``: the API as a process of its own."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

from pydantic import ValidationError

from api.server import ApiServer, listen
from api.settings import ApiSettings

VISIBLE = "better in the environment: other users of this machine can read a process's arguments"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGINT or SIGTERM. Returns the exit status: 2 when the settings are wrong or the port is in use."""
    try:
        settings = read_settings(arguments)
    except ValidationError as error:
        for one in error.errors(include_url=False, include_input=False):
            name = ".".join(str(part) for part in one["loc"])
            message = one["msg"].removeprefix("Value error, ")
            wanted = f"give --{name.replace('_', '-')} or BEKET_{name.upper()}" if one["type"] == "missing" else message
            print(f"beket api: {name.removeprefix('BEKET_API_').lower()}: {wanted}", file=sys.stderr)
        return 2
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        listening = listen(settings)
    except OSError as error:
        print(
            f"beket api: can't listen on {settings.host}:{settings.port}: {error.strerror}; "
            "end what uses the port or give another by --port (0 takes a free one)",
            file=sys.stderr,
        )
        return 2
    with listening:
        print(f"beket api: http://{settings.host}:{listening.getsockname()[1]}/", flush=True)
        ApiServer(settings).run(sockets=[listening])
    return 0


def read_settings(arguments: Sequence[str] | None) -> ApiSettings:
    """Settings from the arguments and, for what they leave out, from the environment. Raises ``ValidationError``."""
    parser = argparse.ArgumentParser(prog="python -m api", description="beket's API and console")
    parser.add_argument("--host", help="address to listen on; loopback only (default 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on; 0 takes a free one (default 8080)")
    parser.add_argument("--dsn", help=f"DSN of Postgres; {VISIBLE} (BEKET_DSN)")
    parser.add_argument("--s3-endpoint", help="host:port of the S3 store (BEKET_S3_ENDPOINT)")
    parser.add_argument("--s3-bucket", help="bucket of the archive (default beket)")
    parser.epilog = "The keys of S3 come from BEKET_S3_ACCESS_KEY and BEKET_S3_SECRET_KEY."
    given = {name: value for name, value in vars(parser.parse_args(arguments)).items() if value is not None}
    renamed = {"host": "BEKET_API_HOST", "port": "BEKET_API_PORT"}
    return ApiSettings(**{renamed.get(name, name): value for name, value in given.items()})


if __name__ == "__main__":
    sys.exit(main())
