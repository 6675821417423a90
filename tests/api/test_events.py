"""The event stream of a real API process on a real Postgres."""

from __future__ import annotations

import socket
import threading
from datetime import UTC, datetime, timedelta

import pytest

from storage.database import Database
from storage.embedded import EmbeddedPostgres
from storage.events import EventLog
from storage.s3_access import S3Access
from tests.api.serving import Reader, get, serving, serving_process


@pytest.fixture
def events(database: Database) -> EventLog:
    return EventLog(database)


def test_a_live_event_comes_as_it_happens(api: str, events: EventLog) -> None:
    with Reader(api) as reader:
        reader.wait_until(lambda: bool(reader.told))
        cursor = events.append("camera.state", {"camera_id": "c1", "state": "live"})
        (told,) = reader.wait_for(1)
    assert (told.id, told.kind) == (cursor, "camera.state")
    assert told.document["cursor"] == cursor
    assert told.document["data"] == {"camera_id": "c1", "state": "live"}
    assert datetime.fromisoformat(told.document["at"]).tzinfo is not None


def test_the_connection_says_how_it_is_and_keeps_alive(api: str, events: EventLog) -> None:
    cursor = events.append("test", {})
    with Reader(api) as reader:
        reader.wait_until(lambda: len(reader.told) >= 3)
        state = reader.told[-1]
    assert state.kind == "stream.state"
    assert state.id == cursor  # a stream that is cut before its first event can be resumed, too
    assert state.document["data"]["live"] is True
    assert reader.comments >= 1


@pytest.mark.parametrize("by_header", [True, False])
def test_resuming_gives_what_came_after_the_cursor(api: str, events: EventLog, by_header: bool) -> None:
    cursors = [events.append("test", {"n": n}) for n in range(5)]
    query = "?cursor=0" if by_header else f"?cursor={cursors[1]}"
    headers = {"Last-Event-ID": str(cursors[1])} if by_header else {}
    with Reader(api, query, headers) as reader:
        assert [told.id for told in reader.wait_for(3)] == cursors[2:]


def test_nothing_is_lost_or_doubled_between_replay_and_live(api: str, events: EventLog, dsn: str) -> None:
    """Writers in parallel, and a reader that is cut again and again and resumes from its last id."""
    wanted, writers = 1200, 4

    def write() -> None:
        with Database(dsn) as own:
            log = EventLog(own)
            for n in range(wanted // writers):
                log.append("test", {"n": n})

    threads = [threading.Thread(target=write) for _ in range(writers)]
    for thread in threads:
        thread.start()
    got: list[int] = []
    last = 0
    while len(got) < wanted:
        headers = {"Last-Event-ID": str(last)}
        with Reader(api, headers=headers) as reader:
            reader.wait_for(min(150, wanted - len(got)))
        fresh = [told.id for told in reader.log if told.id is not None]
        got += fresh
        last = got[-1]
    for thread in threads:
        thread.join()
    assert got == list(range(1, wanted + 1))


def test_a_reader_far_behind_is_served_from_the_log(dsn: str, s3_access: S3Access, events: EventLog) -> None:
    """More events than the hub keeps in memory."""
    with events._database.transaction() as connection:
        connection.execute(
            "INSERT INTO events (cursor, kind, at, data) SELECT n, 'test', now(), '{}' FROM generate_series(1, 5000) n"
        )
        connection.execute("UPDATE counters SET value = 5000 WHERE name = 'events'")
    with serving(dsn, s3_access) as api, Reader(api, "?cursor=10") as reader:
        reader.wait_for(4990)
        events.append("test", {})
        assert [told.id for told in reader.wait_for(4991)] == list(range(11, 5002))


def test_a_reader_that_does_not_read_holds_up_nobody(api: str, events: EventLog) -> None:
    host, port = api.removeprefix("http://").split(":")
    padding = "x" * 20_000
    with socket.create_connection((host, int(port))) as stuck, Reader(api) as reader:
        stuck.sendall(f"GET /events?cursor=0 HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        reader.wait_until(lambda: bool(reader.told))
        for _ in range(600):
            events.append("test", {"padding": padding})
        assert [told.id for told in reader.wait_for(600)] == list(range(1, 601))
        # and the stuck one, once it reads, gets all of it
        stuck.settimeout(60)
        seen = b""
        while b"id: 600\n" not in seen:
            seen = seen[-20:] + stuck.recv(1 << 20)


def test_a_cursor_that_the_log_lost_is_told(dsn: str, s3_access: S3Access, events: EventLog) -> None:
    for _ in range(5):
        events.append("test", {})
    events.prune(datetime.now(UTC) + timedelta(hours=1))
    with serving(dsn, s3_access) as api, Reader(api, "?cursor=2") as behind, Reader(api, "?cursor=900") as ahead:
        for reader in (behind, ahead):
            reader.wait_until(lambda reader=reader: any(told.kind == "stream.reset" for told in reader.told))
        cursor = events.append("test", {})
        for reader in (behind, ahead):
            assert [told.id for told in reader.wait_for(1)] == [cursor]


def test_the_stream_outlives_a_restart_of_postgres(own_postgres: EmbeddedPostgres, s3_access: S3Access) -> None:
    with Database(own_postgres.dsn) as database:
        database.migrate()
        events = EventLog(database)
        with serving(own_postgres.dsn, s3_access) as api, Reader(api) as reader:
            events.append("test", {"n": 0})
            reader.wait_for(1)
            own_postgres.stop()
            reader.wait_until(lambda: reader.told[-1].document["data"].get("live") is False)
            assert reader.told[-1].document["data"]["reason"] == "database"
            refused = get(api + "/health")
            assert refused.json()["state"] == "degraded"
            own_postgres.start()
            database.wait_until_there(60)
            cursor = events.append("test", {"n": 1})
            told = reader.wait_for(2)
            assert [one.id for one in told] == [1, cursor]
            reader.wait_until(lambda: any(one.document["data"].get("live") for one in reader.told[-2:]))


@pytest.mark.parametrize("query", ["?cursor=-1", "?cursor=x", "?cursor=99999999999999999999"])
def test_a_wrong_cursor_is_refused(api: str, query: str) -> None:
    answer = get(api + "/events" + query)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "invalid-parameter"


@pytest.mark.parametrize("header", ["-1", "abc", "9" * 30, "1 2", "²"])
def test_a_wrong_last_event_id_is_refused(api: str, header: str) -> None:
    answer = get(api + "/events", headers={"Last-Event-ID": header.encode()})
    assert answer.status_code == 422


def test_streams_are_bounded(dsn: str, s3_access: S3Access) -> None:
    with serving(dsn, s3_access, BEKET_API_MOST_STREAMS=1) as api, Reader(api) as reader:
        reader.wait_until(lambda: bool(reader.told))
        answer = get(api + "/events")
        assert (answer.status_code, answer.json()["code"]) == (503, "too-many-streams")


def test_the_process_ends_although_streams_are_open(dsn: str, s3_access: S3Access) -> None:
    with serving_process(dsn, s3_access) as api:
        reader = Reader(api)
        reader.__enter__()
        reader.wait_until(lambda: bool(reader.told))
    reader.__exit__()
