"""Fetches the WASI WIT from crates.io again and compares it with SHA256SUMS. Needs cargo.

To move to another release: change `version` and `checksum` of the crate, run with `--update`, and read the difference.
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
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Crate:
    """One crate on crates.io, and the vendored files that come from it."""

    name: str
    version: str
    checksum: str
    """sha256 of the .crate file, as the registry's index states it; cargo refuses a download that differs."""
    files: dict[str, str]
    """Paths inside the crate, by path below this folder."""


def _wit(folder: str, packages: str) -> dict[str, str]:
    deps = {f"{folder}/deps/{name}.wit": f"wit/deps/{name}.wit" for name in packages.split()}
    return {f"{folder}/wasi-crate.wit": "wit/wasi-crate.wit", **deps}


def _package(folder: str, source: str, files: str) -> dict[str, str]:
    return {f"{folder}/{name}.wit": f"{source}/{name}.wit" for name in files.split()}


HERE = Path(__file__).resolve().parent
SUMS = HERE / "SHA256SUMS"
LICENSES = {
    f"LICENSES/{name}": name
    for name in ("LICENSE-APACHE", "LICENSE-Apache-2.0_WITH_LLVM-exception", "LICENSE-MIT")  # the same in both crates
}
KEYVALUE = "atomic batch store watch world"
CRATES = (
    Crate(
        name="wasip2",
        version="2.0.1+wasi-0.2.12",
        checksum="89aafd4b69fb41a64cfd5d7f214cde92ab422ec4d9bcd55fcc816d3f5f49bbf3",
        files={**LICENSES, **_wit("0.2", "cli clocks filesystem http io random sockets")},
    ),
    Crate(
        name="wasip3",
        version="0.10.0+wasi-0.3.2",
        checksum="d1657e9f48c63d6c3f143f70d5c6e2be7d463371a7af1ed939a5b83d3ca080d0",
        files={**LICENSES, **_wit("0.3", "cli clocks filesystem http random sockets")},
    ),
    Crate(
        name="wasmtime-wasi-config",
        version="50.0.1",
        checksum="8b8e2841ed16bd9aa38650827727f3a45eba8759b153b5d33aaef7722286708f",
        files=_package("config", "wit/deps/config", "store world"),
    ),
    Crate(
        name="wasmtime-wasi-keyvalue",
        version="50.0.1",
        checksum="9e2f6ad1b2be7429be4cab500360aaab89f7e8ec360818645f620a636341d44f",
        files=_package("keyvalue", "wit/deps/keyvalue", KEYVALUE),
    ),
    Crate(
        name="spin-sdk",
        version="7.0.0",
        checksum="2b7a3d9a6805ccdb4d404e91ccf7198ac5e486b6199dc9387aeebaa368272112",
        files=_package("keyvalue-draft2", "wit/deps/wasi-keyvalue-2024-10-17", KEYVALUE),
    ),
    Crate(
        name="wasmcloud-component",
        version="0.2.0",
        checksum="3ee73f72dea00b87826a9111ffa236f39ea0a3d892039f00ae5f6f5a93055ba7",
        files=_package("logging", "wit/deps/logging", "logging world"),
    ),
)


def cargo(project: Path, *arguments: str) -> str:
    """What `cargo` prints, run in the folder `project`."""
    return subprocess.run(["cargo", *arguments], cwd=project, check=True, stdout=subprocess.PIPE, text=True).stdout


def fetch(crate: Crate, project: Path) -> Path:
    """The folder of the unpacked crate, after a look at the checksum that cargo verified."""
    (project / "src").mkdir()
    (project / "src" / "lib.rs").touch()
    (project / "Cargo.toml").write_text(
        '[package]\nname = "fetch"\nedition = "2021"\n\n'
        f'[dependencies]\n{crate.name} = {{ version = "={crate.version}", default-features = false }}\n'
    )
    packages = json.loads(cargo(project, "metadata", "--format-version=1"))["packages"]
    locked = tomllib.loads((project / "Cargo.lock").read_text())["package"]
    found = next(package for package in locked if package["name"] == crate.name)
    if (found["version"], found["checksum"]) != (crate.version, crate.checksum):
        sys.exit(f"the registry has {found['name']} {found['version']} {found['checksum']}, not {crate}")
    return next(Path(package["manifest_path"]).parent for package in packages if package["name"] == crate.name)


def copy(crate: Crate, unpacked: Path) -> None:
    """Replaces the vendored files by the crate's."""
    for target, source in crate.files.items():
        (HERE / target).parent.mkdir(exist_ok=True, parents=True)
        shutil.copyfile(unpacked / source, HERE / target)


def sums() -> str:
    """The vendored files' sums in the format of sha256sum(1)."""
    names = sorted({name for crate in CRATES for name in crate.files})
    return "".join(f"{hashlib.sha256((HERE / name).read_bytes()).hexdigest()}  {name}\n" for name in names)


def main() -> None:
    """Fetches, copies and compares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", action="store_true", help="write new sums instead of comparing with the old")
    update = parser.parse_args().update
    for crate in CRATES:
        with tempfile.TemporaryDirectory() as project:
            copy(crate, fetch(crate, Path(project)))
    if update:
        SUMS.write_text(sums())
    elif sums() != SUMS.read_text():
        sys.exit("the fetched files differ from wit/SHA256SUMS: see git diff wit")
    print("wit: sums right for " + ", ".join(f"{crate.name} {crate.version}" for crate in CRATES))


if __name__ == "__main__":
    main()
