"""Forks: the child runs and compiles guests; to use what needs its parent's threads is an error that says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.guests.harness import PREBUILT
from tests.processes import printed

pytestmark = pytest.mark.slow  # each is a process with children

HEAD = f"""
import asyncio, os, signal, socket, sys, warnings
import wasmtime
import wasihost
from concurrent.futures import ProcessPoolExecutor
from tests.guests.exports import API, HOST, Sleeper
from tests.guests.harness import load, opened, run
from wasihost import ForkError, GuestTimeout, Host, Limits
warnings.simplefilter("ignore", DeprecationWarning)  # since 3.12: this process has Wasmtime's threads
PREBUILT = {str(PREBUILT)!r}

def child(what, *arguments):
    \"\"\"Runs it in a fork, which ends with what it returns or raises on stdout.\"\"\"
    sys.stdout.flush()
    if pid := os.fork():
        assert os.waitpid(pid, 0)[1] == 0
        return
    signal.alarm(60)
    try:
        print(what(*arguments), flush=True)
    except BaseException as error:
        print(type(error).__name__, error, flush=True)
    os._exit(0)

async def spin(host):
    async with host.open(load("rust-exports")) as instance:
        await instance.call(f"{{API}}#spin", 0)
"""


def forked(script: str) -> str:
    """What a script and the children that it forks print."""
    return printed(HEAD + script)


# ---- what works in the child


def test_a_fork_runs_guests_as_its_parent_does() -> None:
    script = """
print(run("rust-two-versions"), end="")
child(run, "rust-two-versions")
"""
    assert forked(script) == "both versions work\n" * 2 + "\n"


def test_limits_of_time_hold_in_a_child() -> None:
    script = """
host = Host(providers={HOST: Sleeper()}, limits=Limits(run_time_s=0.1))
def times_out():
    try:
        asyncio.run(spin(host))
    except GuestTimeout as error:
        return error.limit
print(times_out())
child(times_out)
"""
    assert forked(script) == "run_time_s\n" * 2


def test_a_child_compiles_after_its_parent_did() -> None:
    script = """
Host().load(f"{PREBUILT}/rust-two-versions.wasm")
child(lambda: Host().load(f"{PREBUILT}/rust-calls.wasm").origin.rpartition("/")[2])
child(child, lambda: Host().load(f"{PREBUILT}/rust-calls.wasm").origin.rpartition("/")[2])
"""
    assert forked(script) == "rust-calls.wasm\n" * 2 + "None\n"


def test_a_process_pool_of_the_default_kind_runs_guests() -> None:
    script = """
def compile_and_run(name):
    printed = []
    Host(policy=wasihost.allow_all, stdout=printed.append).run(f"{PREBUILT}/{name}.wasm")
    return b"".join(printed).decode()

print(compile_and_run("rust-two-versions"), end="")
with ProcessPoolExecutor(2) as pool:
    print(*pool.map(compile_and_run, ["rust-two-versions"] * 3), sep="", end="")
"""
    assert forked(script) == "both versions work\n" * 4


def test_a_preforked_server_serves_from_every_worker() -> None:
    script = """
host = Host(providers={HOST: Sleeper()})
component = load("rust-exports")

async def warm_up():
    async with host.open(component) as instance:
        await instance.call(f"{API}#echo-u8", 0)

async def serve(listener):
    async with host.pool(component) as pool:
        connection, _ = await asyncio.get_running_loop().sock_accept(listener)
        with connection:
            number = (await asyncio.get_running_loop().sock_recv(connection, 1))[0]
            connection.sendall(bytes([await pool.call(f"{API}#echo-u8", number)]))

asyncio.run(warm_up())
with socket.create_server(("127.0.0.1", 0)) as listener:
    listener.setblocking(False)
    workers = []
    for _ in range(2):
        if not (worker := os.fork()):
            signal.alarm(60)
            asyncio.run(serve(listener))
            os._exit(0)
        workers.append(worker)
    for number in (1, 2):
        with socket.create_connection(listener.getsockname()) as connection:
            connection.sendall(bytes([number]))
            print(connection.recv(1)[0])
    print([os.waitpid(worker, 0)[1] for worker in workers])
"""
    assert forked(script) == "1\n2\n[0, 0]\n"


# ---- what is an error there


def test_what_a_parent_only_reflected_cannot_be_compiled() -> None:
    script = """
reflected = Host().reflect(f"{PREBUILT}/rust-two-versions.wasm")
child(reflected.compile)
"""
    assert forked(script).startswith("ForkError this engine compiles in threads")


def test_an_instance_that_was_open_cannot_be_called_and_its_parent_goes_on() -> None:
    script = """
async def main():
    async with opened("rust-exports", {HOST: Sleeper()}) as instance:
        child(lambda: asyncio.run(instance.call(f"{API}#echo-u8", 1)))
        print(await instance.call(f"{API}#echo-u8", 7))

asyncio.run(main())
"""
    assert forked(script) == (
        "ForkError this instance was opened in the process that this one was forked from: open one in this process\n7\n"
    )


def test_a_stream_of_an_instance_that_was_open_cannot_be_read_and_its_parent_reads_on() -> None:
    script = """
from tests.guests.test_exports_streams import API, HOST, Provider

async def main():
    async with opened("rust-streams", {HOST: Provider()}) as instance:
        letters = await instance.call(f"{API}#letters", "abc")
        child(lambda: asyncio.run(letters.read()))
        child(lambda: asyncio.run(instance.drain()))
        print(await letters.read())

asyncio.run(main())
"""
    refused = (
        "ForkError this instance was opened in the process that this one was forked from: open one in this process\n"
    )
    assert forked(script) == refused * 2 + "b'abc'\n"


@pytest.mark.parametrize(
    ("fixture", "function", "call"),
    [
        ("rust-exports", "async def sleep(self, ms):", '"test:exports/api#sleep-times", 1, 1'),
        ("rust-calls", "def nothing(self):", '"test:calls/api#repeat", "nothing", 1'),
    ],
    ids=["async", "sync"],
)
def test_a_guest_does_not_go_on_in_the_child_of_its_provider(fixture: str, function: str, call: str) -> None:
    script = f"""
from benchmarks.rows.calls import CallsHost

class Forking(Sleeper, CallsHost):
    {function}
        self.child = os.fork()
        if not self.child:
            signal.alarm(60)

async def main():
    forking = Forking()
    async with opened("{fixture}", {{HOST: forking, "test:calls/host": forking}}) as instance:
        await instance.call({call})
    print(os.waitpid(forking.child, 0)[1])

try:
    asyncio.run(main())
except ForkError as error:
    print(error, flush=True)
    os._exit(0)
"""
    assert forked(script) == (
        "this instance was opened in the process that this one was forked from: open one in this process\n0\n"
    )


def test_a_pool_that_was_open_takes_no_requests() -> None:
    script = """
async def main():
    async with Host(providers={HOST: Sleeper()}).pool(load("rust-exports"), min_ready=0) as pool:
        child(lambda: asyncio.run(pool.call(f"{API}#echo-u8", 1)))
        print(await pool.call(f"{API}#echo-u8", 7))

asyncio.run(main())
"""
    assert forked(script) == (
        "ForkError this pool was opened in the process that this one was forked from: open one in this process\n7\n"
    )


def test_an_engine_of_ones_own_compiles_in_a_child_only_in_one_thread() -> None:
    script = """
with open(f"{PREBUILT}/rust-two-versions.wasm", "rb") as file:
    wasm = file.read()

def engine(**options):
    return wasmtime.Engine(wasihost.configure(wasmtime.Config(), **options))

def load_with(engine):
    wasihost.adapt(engine, wasm)
    return "compiled"

parallel, alone = engine(), engine(parallel_compilation=False)
print(load_with(parallel))
child(load_with, parallel)
child(load_with, alone)
child(lambda: load_with(engine()))
linker = wasmtime.component.Linker(wasmtime.Engine())
child(lambda: wasihost.add_tcp_to_linker(linker, wasihost.ResourceTable(), wasihost.OsNetwork()))
"""
    refused = (
        "ForkError this engine compiles in threads, which stayed in the process that this one was forked from: make "
        "the engine in this process, load the component before the fork, or give wasihost.configure "
        "parallel_compilation=False\n"
    )
    assert forked(script) == "compiled\n" + refused + "compiled\n" * 2 + refused


def test_native_wasi_0_2_runs_in_a_child_only_if_it_did_not_in_its_parent() -> None:
    script = """
def copy():
    env = {"CASE": "copy"}
    host = Host(wasip2="native", env=env, stdin=b"copied", stdout=sys.stdout, stderr=lambda _: None)
    host.run("guest-fixtures/prebuilt/rust-std-p2.wasm")
    return ""

child(copy)
copy()
child(copy)
"""
    assert forked(script) == (
        "copied\ncopiedForkError this process was forked from one that had run a guest with WASI 0.2, which is "
        "Wasmtime's own and whose threads stayed there: fork before the first such guest runs, or start the process "
        "with the method spawn or forkserver\n"
    )


def test_a_recording_to_a_file_is_written_by_one_process(tmp_path: Path) -> None:
    script = f"""
from wasihost._recording import Recording
with Recording(to={str(tmp_path / "run.jsonl")!r}) as recording:
    host = Host(recording=recording, policy=wasihost.allow_all, stdout=lambda _: None)
    host.run(load("rust-two-versions"))
    child(host.run, load("rust-two-versions"))
"""
    assert forked(script).endswith(
        "run.jsonl is the recording of the process that this one was forked from: record each process in a file of "
        "its own\n"
    )
    assert (tmp_path / "run.jsonl").read_text().count("guest-started") == 1


def test_sigint_is_handled_in_a_child_as_before_the_instance_was_open() -> None:
    script = """
async def main():
    before = signal.getsignal(signal.SIGINT)
    async with opened("rust-exports", {HOST: Sleeper()}):
        child(lambda: signal.getsignal(signal.SIGINT) is before)

asyncio.run(main())
"""
    assert forked(script) == "True\n"


# ---- threads


def test_a_guest_for_which_there_is_no_thread_does_not_run_and_the_limits_of_later_ones_hold() -> None:
    script = """
import threading

host = Host(providers={HOST: Sleeper()}, limits=Limits(run_time_s=0.1))
start = threading.Thread.start

def refuse(thread):
    threading.Thread.start = start
    raise RuntimeError("can't start new thread")

threading.Thread.start = refuse
for _ in range(2):
    try:
        asyncio.run(spin(host))
    except (RuntimeError, GuestTimeout) as error:
        print(error)
"""
    assert forked(script).startswith("can't start new thread\nthe guest took longer")


OURS = """
import threading

def ours():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("wasihost")]
"""


def test_no_thread_of_ours_is_left_at_a_fork() -> None:
    assert forked(OURS + 'run("rust-two-versions")\nos.fork() or os._exit(0)\nprint(ours())') == "[]\n"


def test_limits_of_time_hold_after_a_fork_in_mid_call() -> None:
    script = """
async def main():
    async with opened("rust-exports", {HOST: Sleeper()}, limits=Limits(run_time_s=0.1)) as instance:
        asyncio.get_running_loop().call_soon(lambda: os.fork() or os._exit(0))
        try:
            await instance.call(f"{API}#spin", 0)
        except GuestTimeout as error:
            print(error)

asyncio.run(main())
"""
    assert forked(script).startswith("the guest took longer")


def test_no_thread_of_ours_stays_while_an_open_instance_waits_and_limits_hold_afterwards() -> None:
    script = """
async def main():
    async with opened("rust-exports", {HOST: Sleeper()}, limits=Limits(cpu_time_s=0.5)) as instance:
        await instance.call(f"{API}#echo-u8", 1)
        while ours():
            await asyncio.sleep(0)
        try:
            await instance.call(f"{API}#spin", 0)
        except GuestTimeout as error:
            print(error)

asyncio.run(main())
"""
    assert forked(OURS + script).startswith("the guest computed longer")
