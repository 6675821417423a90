"""What every package's tests may ask for: real servers, started once a session."""

pytest_plugins = [
    "tests.fixtures.certificate",
    "tests.fixtures.command",
    "tests.fixtures.models",
    "tests.fixtures.region",
    "tests.fixtures.onvif_server",
    "tests.fixtures.photos",
    "tests.fixtures.rtsp",
    "tests.fixtures.stores",
    "tests.fixtures.drawn_alerts",
    "tests.fixtures.streams",
    "tests.fixtures.wire_rtsp",
]
