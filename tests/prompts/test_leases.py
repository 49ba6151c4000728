"""One process at a time has a run, whichever database, and nothing of it becomes part of the record."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import sqlalchemy as sa

from prompts.database import Database
from prompts.history import History
from prompts.leases import Lease, Worker

ME = Worker("here", 7, "here boot", "123")
MANY = 6


@pytest.fixture
def history(history_url: str) -> Iterator[History]:
    with History(history_url) as opened:
        yield opened


def never(lease: Lease) -> bool:
    return False


def taken_at_once(url: str, lapsed: Callable[[Lease], bool]) -> list[Lease | None]:
    """What each of several processes is told that take one run at once, each with a history of its own."""
    start = Barrier(MANY)

    def take(number: int) -> Lease | None:
        with History(url, create=False) as history:
            start.wait(timeout=60)
            return history.leases.take("run", f"token {number}", ME, lapsed)

    with ThreadPoolExecutor(MANY) as threads:
        return list(threads.map(take, range(MANY)))


def test_of_several_that_take_a_run_at_once_one_gets_it(history_url: str, history: History) -> None:
    told = taken_at_once(history_url, never)
    (winner,) = [number for number, lease in enumerate(told) if lease is None]
    refused = {(lease.token, lease.worker) for lease in told if lease}
    assert refused == {(f"token {winner}", ME)}
    assert {run: lease.token for run, lease in history.leases.held().items()} == {"run": f"token {winner}"}


def test_of_several_that_take_over_a_run_at_once_one_gets_it(history_url: str, history: History) -> None:
    assert history.leases.take("run", "dead", ME, never) is None
    told = taken_at_once(history_url, lambda lease: lease.token == "dead")
    assert sum(lease is None for lease in told) == 1
    assert not history.leases.renew("run", "dead")


def test_only_who_has_a_run_renews_it_and_gives_it_back(history: History) -> None:
    history.leases.take("run", "mine", ME, never)
    assert not history.leases.renew("run", "other")
    history.leases.release("run", "other")
    assert history.leases.renew("run", "mine")
    history.leases.release("run", "mine")
    assert history.leases.held() == {}
    assert not history.leases.renew("run", "mine")


def test_how_long_ago_a_run_was_renewed_is_told_by_the_database(history_url: str, history: History) -> None:
    history.leases.take("run", "mine", ME, never)
    assert history.leases.held()["run"].age < 60
    database = Database(history_url)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE leases SET seen = seen - 1000")
    database.close()
    assert 1000 <= history.leases.held()["run"].age < 1060
    history.leases.renew("run", "mine")
    assert history.leases.held()["run"].age < 60


def test_a_history_that_is_only_read_is_left_as_it_is(history_url: str, history: History) -> None:
    with History(history_url, create=False) as reading:
        assert reading.leases.held() == {}
    database = Database(history_url)
    with database.read() as connection:
        assert not sa.inspect(connection).has_table("leases")
    database.close()
