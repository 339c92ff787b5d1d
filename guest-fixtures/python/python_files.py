"""Files of the standard library, in the whole world `wasi:cli/command` of 0.3: `open`, `os`, `shutil`, `tempfile`.

Works in a directory named /data and prints a line for each part; without one it prints the exception.
"""

import os
import shutil
import tempfile
from pathlib import Path

from wit_world import exports

TOP = Path("/data")


class Run(exports.Run):
    async def run(self) -> None:
        try:
            (TOP / "tree/below").mkdir(parents=True)
        except OSError as error:
            print(type(error).__name__)
            return
        text()
        binary()
        trees()
        try:
            (TOP / "../outside").read_text(encoding="utf-8")
        except OSError as error:
            print("outside:", type(error).__name__)


def text() -> None:
    with open(TOP / "tree/text", "w+", encoding="utf-8") as file:
        file.write("ünï\n" * 1000)
        file.seek(0)
        print("lines:", len(file.readlines()))


def binary() -> None:
    path = TOP / "tree/below/bytes"
    path.write_bytes(bytes(range(256)) * 1000)
    with open(path, "r+b") as file:
        file.seek(-256, os.SEEK_END)
        print("last:", file.read()[-1], "size:", os.fstat(file.fileno()).st_size)
        file.truncate(10)
    print("size:", path.stat().st_size)


def trees() -> None:
    os.rename(TOP / "tree/text", TOP / "tree/below/text")
    os.symlink("below/text", TOP / "tree/link")
    print("walk:", sorted(os.path.join(folder, name) for folder, _, names in os.walk(TOP) for name in names))
    with tempfile.TemporaryDirectory(dir=TOP) as folder:
        shutil.copytree(TOP / "tree", folder, dirs_exist_ok=True)
        print("copied:", sorted(os.listdir(folder)))
    shutil.rmtree(TOP / "tree")
    print("left:", os.listdir(TOP))
