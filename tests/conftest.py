"""What every package's tests may ask for: real servers, started once a session."""

from hypothesis import HealthCheck, settings

# how long an example takes, or its making, says how busy the machine is
settings.register_profile("beket", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("beket")

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
