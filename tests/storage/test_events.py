from __future__ import annotations

import threading

from storage.database import Connection, Database
from storage.events import EventLog, append_event


def test_events_come_in_order_with_cursors_without_holes(database: Database) -> None:
    log = EventLog(database)
    assert [log.append("camera.state", {"n": n}) for n in range(3)] == [1, 2, 3]
    assert [(event.cursor, event.data["n"]) for event in log.after(1)] == [(2, 1), (3, 2)]
    assert log.last_cursor() == 3


def test_a_rolled_back_event_leaves_no_hole(database: Database) -> None:
    log = EventLog(database)

    class Broken(Exception):
        pass

    def fail(connection: Connection) -> None:
        append_event(connection, "x", {})
        raise Broken

    try:
        with database.transaction() as connection:
            fail(connection)
    except Broken:
        pass
    assert log.append("x", {}) == 1


def test_a_reader_skips_nothing_while_many_commit(database: Database) -> None:
    log = EventLog(database)
    writers, each = 6, 40

    def write(number: int) -> None:
        for n in range(each):
            log.append("x", {"writer": number, "n": n})

    seen: list[int] = []
    threads = [threading.Thread(target=write, args=[number]) for number in range(writers)]
    with log.listen() as listener:
        listener.start()
        for thread in threads:
            thread.start()
        while len(seen) < writers * each:
            seen += [event.cursor for event in log.after(seen[-1] if seen else 0, limit=7)]
    for thread in threads:
        thread.join()
    assert seen == list(range(1, writers * each + 1))


def test_a_listener_wakes_on_an_event(database: Database) -> None:
    log = EventLog(database)
    with log.listen() as listener:
        listener.start()
        assert not listener.wait(0.05)
        log.append("x", {})
        assert listener.wait(60)


def test_closing_ends_a_wait(database: Database) -> None:
    listener = EventLog(database).listen()
    listener.start()
    waiter = threading.Thread(target=listener.wait, args=[300])
    waiter.start()
    listener.close()
    waiter.join(60)
    assert not waiter.is_alive()
    assert not listener.wait(60)


def test_a_listener_survives_a_broken_connection(database: Database) -> None:
    log = EventLog(database)
    with log.listen() as listener:
        listener.start()
        with database.transaction() as connection:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        assert listener.wait(60)  # broken: look again
        assert listener.wait(60)  # listening again: look again
        log.append("x", {})
        assert listener.wait(60)
