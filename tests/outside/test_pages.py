"""What pages of docs show of programs that others wrote, with those programs."""

from __future__ import annotations

import asyncio
import shutil
import socket
from pathlib import Path

import pytest

from tests.outside.programs import curl, python_server
from tests.processes import run
from tests.release.pages import PREBUILT, ROOT, Server, blocks

pytestmark = pytest.mark.nightly


def test_the_notebook_runs_in_jupyter(tmp_path: Path) -> None:
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    (tmp_path / "guest-fixtures").symlink_to(ROOT / "guest-fixtures")
    notebook = nbformat.v4.new_notebook()
    cells = [block.text for block in blocks("how-to/jupyter.md") if block.language == "python"]
    notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
    nbclient.NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}}).execute()
    printed = [output.get("text", "") for cell in notebook.cells for output in cell.outputs]
    assert printed[:2] == ["hello\n", "6 bytes\n"]
    assert "(3, 1)" in str(notebook.cells)


CALL = """
from tasks import divide
print(divide.delay(7, 2).get(timeout=60))
try:
    divide.delay(7, 0).get(timeout=60)
except Exception as error:
    print(type(error).__name__)
"""


async def test_the_tasks_run_in_a_worker_of_celery(tmp_path: Path) -> None:
    (tasks,) = (block.text for block in blocks("how-to/processes.md") if block.file == "tasks.py")
    for folder in ("queue", "results"):
        (tmp_path / folder).mkdir()
    tasks = tasks.replace('broker="redis://localhost", backend="redis://localhost"', 'broker="filesystem://"')
    settings = {
        "result_backend": f"file://{tmp_path}/results",
        "broker_transport_options": dict.fromkeys(("data_folder_in", "data_folder_out"), f"{tmp_path}/queue"),
    }
    (tmp_path / "tasks.py").write_text(f"{tasks}\napp.conf.update({settings!r})\n", encoding="utf-8")
    (tmp_path / "guest.wasm").symlink_to(PREBUILT / "rust-shown.wasm")
    words = ("celery", "-A", "tasks", "worker", "--pool", "prefork", "--concurrency", "2", "--loglevel", "INFO")
    async with python_server(*words, says="ready", cwd=tmp_path):
        done = await asyncio.to_thread(run, "-c", CALL, cwd=tmp_path)
    assert done.stdout.splitlines() == ["[3, 1]", "GuestTrap"], done.stderr


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_nginx_passes_requests_on(tmp_path: Path) -> None:
    program = shutil.which("nginx")
    if program is None:
        pytest.skip("nginx is not installed")
    (shown,) = (block.text for block in blocks("how-to/proxy.md") if block.language == "nginx")
    server = Server(f"wasihost serve --tmpfs /notes {PREBUILT}/rust-notes.wasm", tmp_path)
    port = free_port()
    shown = shown.replace("127.0.0.1:8443", f"127.0.0.1:{port}").replace("127.0.0.1:8080", server.address)
    paths = " ".join(f"{kind}_temp_path {tmp_path};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    settings = f"daemon off; pid {tmp_path}/pid; events {{}} http {{ access_log off; {paths} {shown} }}"
    (tmp_path / "nginx.conf").write_text(settings, encoding="utf-8")
    words = [program, "-e", "stderr", "-c", str(tmp_path / "nginx.conf")]
    process = await asyncio.create_subprocess_exec(*words, stderr=asyncio.subprocess.DEVNULL)
    try:
        options = ("--retry", "20", "--retry-connrefused", "--retry-delay", "1")
        url = f"http://127.0.0.1:{port}/today"
        assert await curl(*options, "--request", "PUT", "--data", "buy milk", url) == "kept today\n"
        assert await curl(url) == "buy milk"
    finally:
        process.terminate()
        await process.wait()
    assert "PUT /today" in server.stop()
