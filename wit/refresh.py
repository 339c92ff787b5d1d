"""Fetches the WASI WIT from crates.io again and compares it with SHA256SUMS. Needs cargo.

To move to another release: change VERSION and CHECKSUM, run with `--update`, and read the difference.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

CRATE = "wasip3"
VERSION = "0.10.0+wasi-0.3.2"
# sha256 of the .crate file, as the registry's index states it; cargo refuses a download that differs.
CHECKSUM = "d1657e9f48c63d6c3f143f70d5c6e2be7d463371a7af1ed939a5b83d3ca080d0"

HERE = Path(__file__).resolve().parent
SUMS = HERE / "SHA256SUMS"
LICENSES = ("LICENSE-APACHE", "LICENSE-Apache-2.0_WITH_LLVM-exception", "LICENSE-MIT")
PACKAGES = ("cli", "clocks", "filesystem", "http", "random", "sockets")
FILES = {
    **{f"LICENSES/{name}": name for name in LICENSES},
    "wasi-crate.wit": "wit/wasi-crate.wit",
    **{f"deps/{name}.wit": f"wit/deps/{name}.wit" for name in PACKAGES},
}


def cargo(project: Path, *arguments: str) -> str:
    """What `cargo` prints, run in the folder `project`."""
    return subprocess.run(["cargo", *arguments], cwd=project, check=True, stdout=subprocess.PIPE, text=True).stdout


def fetch(project: Path) -> Path:
    """The folder of the unpacked crate, after a look at the checksum that cargo verified."""
    (project / "src").mkdir()
    (project / "src" / "lib.rs").touch()
    (project / "Cargo.toml").write_text(
        '[package]\nname = "fetch"\nedition = "2021"\n\n'
        f'[dependencies]\n{CRATE} = {{ version = "={VERSION}", default-features = false }}\n'
    )
    packages = json.loads(cargo(project, "metadata", "--format-version=1"))["packages"]
    locked = tomllib.loads((project / "Cargo.lock").read_text())["package"]
    found = next(package for package in locked if package["name"] == CRATE)
    if (found["version"], found["checksum"]) != (VERSION, CHECKSUM):
        sys.exit(f"the registry has {CRATE} {found['version']} {found['checksum']}, not {VERSION} {CHECKSUM}")
    return next(Path(package["manifest_path"]).parent for package in packages if package["name"] == CRATE)


def copy(crate: Path) -> None:
    """Replaces every vendored file by the crate's."""
    for target, source in FILES.items():
        (HERE / target).parent.mkdir(exist_ok=True)
        shutil.copyfile(crate / source, HERE / target)


def sums() -> str:
    """The vendored files' sums in the format of sha256sum(1)."""
    return "".join(f"{hashlib.sha256((HERE / name).read_bytes()).hexdigest()}  {name}\n" for name in sorted(FILES))


def main() -> None:
    """Fetches, copies and compares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", action="store_true", help="write new sums instead of comparing with the old")
    update = parser.parse_args().update
    with tempfile.TemporaryDirectory() as project:
        copy(fetch(Path(project)))
    if update:
        SUMS.write_text(sums())
    elif sums() != SUMS.read_text():
        sys.exit("the fetched files differ from wit/SHA256SUMS: see git diff wit")
    print(f"wit: {len(FILES)} files of {CRATE} {VERSION}, sums right")


if __name__ == "__main__":
    main()
