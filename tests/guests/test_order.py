"""`rust-order`, the command of the demo's second act: two services in plain Python, and all that can go wrong."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable

import pytest

from tests.guests import world
from tests.guests.harness import Output, fails, load, passes, until
from tests.guests.peers import server
from wasihost import GuestExit, Host, Policy, VirtualClock, allow_all

pytestmark = pytest.mark.usefixtures("both_networks")

HOSTS = {"prices": "127.0.0.1", "ledger": ["127.0.0.1", "::1"]}
CENTS = {b"apple": b"30", b"bread": b"285"}
Answer = Callable[[bytes], list[bytes]]


def price(item: bytes) -> list[bytes]:
    return [item + b" " + CENTS.get(item, b"?")]


class _Prices(asyncio.DatagramProtocol):
    def __init__(self, answer: Answer) -> None:
        self.asked: list[bytes] = []
        self._answer = answer

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, sender: tuple[str, int]) -> None:
        self.asked.append(data)
        for answer in self._answer(data):
            self._transport.sendto(answer, sender)


class _Shop:
    """Both services, and what the guest says."""

    def __init__(self) -> None:
        self.stdout, self.stderr, self.clock = Output(), Output(), VirtualClock()
        self.bills: list[bytes] = []
        self.prices = _Prices(price)
        self.arguments: list[str] = []

    async def enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.bills.append(await reader.read())
        writer.write(b"entered\n")

    async def order(self, stdin: bytes, *arguments: str, policy: Policy = allow_all) -> None:
        args = ["order", *(arguments or self.arguments)]
        host = Host(
            policy=policy,
            host_names=HOSTS,
            args=args,
            clock=self.clock,
            network=world.current.network,
            stdin=stdin,
            stdout=self.stdout,
            stderr=self.stderr,
        )
        await host.run_async(load("rust-order"))

    async def complaint(self, stdin: bytes, *arguments: str, policy: Policy = allow_all) -> str:
        await fails(self.order(stdin, *arguments, policy=policy), GuestExit)
        return str(self.stderr).partition(" ")[2].strip()  # after the place

    async def lose_patience(self, times: int) -> None:
        """Lets a second pass, each time when the guest has asked and waits."""
        for asked in range(1, times + 1):
            await until(lambda asked=asked: (len(self.prices.asked), self.clock.next_ns) == (asked, 1_000_000_000))
            self.clock.advance(1_000_000_000)


@contextlib.asynccontextmanager
async def shop(answer: Answer = price) -> AsyncIterator[_Shop]:
    made = _Shop()
    made.prices = _Prices(answer)
    transport, (_, prices_port) = await world.current.udp_server(lambda: made.prices)
    async with server(made.enter) as ledger:
        made.arguments = [f"prices:{prices_port}", f"ledger:{ledger.address.rpartition(':')[2]}"]
        yield made
    transport.close()
    await passes()


async def test_the_bill_is_printed_and_entered() -> None:
    async with shop() as made:
        await made.order(b"2 apple\n10 bread\n")
        bill = "  2 apple          0.60\n 10 bread         28.50\n    total         29.10\n"
        assert str(made.stdout) == f"{bill}entered\n"
        assert made.bills == [bill.encode()]


async def test_no_order_is_a_bill_of_nothing() -> None:
    async with shop() as made:
        await made.order(b"")
        assert made.bills == [b"    total          0.00\n"]


async def test_answers_to_something_else_are_passed_over() -> None:
    async with shop(lambda item: [b"bread 1", b"", item + b"s 2", *price(item)][-3:]) as made:
        await made.order(b"1 apple\n")
        assert made.bills == [b"  1 apple          0.30\n    total          0.30\n"]


async def test_a_lost_datagram_is_sent_again_after_a_second() -> None:
    lost = iter([True, True])
    async with shop(lambda item: [] if next(lost, False) else price(item)) as made, asyncio.TaskGroup() as group:
        group.create_task(made.order(b"1 apple\n"))
        await made.lose_patience(2)
    assert made.prices.asked == [b"apple"] * 3
    assert len(made.bills) == 1


async def test_nobody_answers_for_ever() -> None:
    async with shop(lambda item: []) as made, asyncio.TaskGroup() as group:
        complaint = group.create_task(made.complaint(b"1 apple\n"))
        await made.lose_patience(3)
    assert complaint.result() == "nobody says what apple costs"


@pytest.mark.parametrize(
    ("stdin", "complaint"),
    [
        (b"1 gold\n", "there is no gold"),
        (b"apple\n", '"apple" is not COUNT ITEM, with a COUNT of 1 to 999'),
        (b"0 apple\n", '"0 apple" is not COUNT ITEM, with a COUNT of 1 to 999'),
        (b"1000 apple\n", '"1000 apple" is not COUNT ITEM, with a COUNT of 1 to 999'),
        (b"1 apple\n\n", '"" is not COUNT ITEM, with a COUNT of 1 to 999'),
        (b"1 \xff\n", "stdin: not UTF-8"),
    ],
)
async def test_an_order_that_cannot_be_is_no_bill(stdin: bytes, complaint: str) -> None:
    async with shop() as made:
        assert await made.complaint(stdin) == complaint
        assert (made.bills, str(made.stdout)) == ([], "")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["prices:1"], "usage: order PRICES LEDGER, both NAME:PORT"),
        (["prices", "ledger:1"], '"prices" is not NAME:PORT'),
        (["prices:1", "ledger:65536"], '"ledger:65536" is not NAME:PORT'),
        (["prices:1", "bank..test:1"], "looking up bank..test: ErrorCode::InvalidArgument"),
    ],
)
async def test_a_wrong_argument_is_reported(arguments: list[str], complaint: str) -> None:
    async with shop() as made:
        assert await made.complaint(b"1 apple\n", *arguments) == complaint


async def test_a_ledger_that_is_not_there_is_told_after_the_bill() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    async with shop() as made:
        complaint = await made.complaint(b"1 apple\n", made.arguments[0], f"ledger:{port}")
        assert complaint == "unexpected error-code: connection-refused"
        assert made.stdout.lines[-1] == "    total          0.30"


async def test_without_permission_nobody_is_asked() -> None:
    async with shop() as made:
        complaint = await made.complaint(b"1 apple\n", policy=lambda address, use, context: False)
        assert complaint == "unexpected error-code: access-denied"
        assert made.prices.asked == []
