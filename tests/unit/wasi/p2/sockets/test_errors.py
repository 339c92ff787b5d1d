"""errno -> error-code, held against the vendored WIT."""

from __future__ import annotations

import errno
import re
import socket
from pathlib import Path

import pytest

from wasihost._wasi.failures import Failure, Reason
from wasihost._wasi.p2.filesystem.errors import ErrorCode as FilesystemErrorCode
from wasihost._wasi.p2.filesystem.types import Types
from wasihost._wasi.p2.io.error import Domain, Error
from wasihost._wasi.p2.sockets.errors import ErrorCode, error_code, wit_error
from wasihost._wasi.p2.sockets.network import Network
from wasihost._wasi.sockets.access import Refused

DEPS = Path(__file__).parents[5] / "wit/0.2/deps"
SOCKETS, FILES = ((DEPS / f"{name}.wit").read_text(encoding="utf-8") for name in ("sockets", "filesystem"))
ENUM = SOCKETS[SOCKETS.index("enum error-code {") : SOCKETS.index("enum ip-address-family")]
FILES_ENUM = FILES[FILES.index("enum error-code {") : FILES.index("enum advice")]

# Lines of single functions that name an errno which means something else elsewhere, or which the state decides before.
ELSEWHERE = {
    ("address-in-use", "EADDRNOTAVAIL"),
    ("address-in-use", "EAGAIN"),
    ("address-in-use", "ENOBUFS"),
    ("invalid-argument", "EADDRNOTAVAIL"),
    ("invalid-argument", "EFAULT"),
    ("invalid-argument", "EISCONN"),
    ("invalid-argument", "ENETUNREACH"),
    ("invalid-state", "EDESTADDRREQ"),
    ("invalid-state", "EINVAL"),
    ("invalid-state", "EOPNOTSUPP"),
    ("not-supported", "EAFNOSUPPORT"),  # from `create-…` only
    ("remote-unreachable", "ECONNRESET"),
    ("would-block", "EAGAIN"),
    ("would-block", "EWOULDBLOCK"),
}


def _named() -> set[tuple[str, str]]:
    """Each errno that the WIT names for an error-code, of the enum and of single functions."""
    of_enum = ((code, names) for names, code in re.findall(r"POSIX equivalent: (.*)\n\s+([a-z-]+),", ENUM))
    of_functions = re.findall(r"/// - `([a-z-]+)`: .*\((E[A-Z].*)\)", SOCKETS)
    found = (
        (code, name) for code, names in [*of_enum, *of_functions] for name in re.findall(r"E(?:AI_)?[A-Z]+", names)
    )
    return set(found) - ELSEWHERE


def _cases(enum: str) -> list[str]:
    return re.findall(r"^    ([a-z-]+),$", enum, re.MULTILINE)


def _error(name: str) -> OSError:
    return socket.gaierror(getattr(socket, name), "") if name.startswith("EAI_") else OSError(getattr(errno, name), "")


def test_the_wit_has_the_lines_that_this_file_reads() -> None:
    assert len(_named()) == 32


@pytest.mark.parametrize(("code", "name"), sorted(_named()))
def test_every_errno_of_the_wit_is_the_code_that_it_stands_for(code: str, name: str) -> None:
    if not hasattr(socket if name.startswith("EAI_") else errno, name):
        pytest.skip(f"this platform has no {name}")
    assert error_code(_error(name)).value == code


def test_there_is_one_member_for_each_case_of_the_wit() -> None:
    assert [code.value for code in ErrorCode] == _cases(ENUM)


@pytest.mark.parametrize("number", [errno.EPIPE, errno.EINTR, errno.EIO, None])
def test_what_the_wit_has_no_word_for_is_unknown(number: int | None) -> None:
    assert error_code(OSError(number, "") if number else OSError("no number")) is ErrorCode.UNKNOWN


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Failure(Reason.INVALID_ARGUMENT), ErrorCode.INVALID_ARGUMENT),
        (Failure(Reason.INVALID_STATE), ErrorCode.INVALID_STATE),
        (Failure(Reason.NOT_SUPPORTED), ErrorCode.NOT_SUPPORTED),
        (Refused(), ErrorCode.ACCESS_DENIED),
    ],
)
def test_reasons_of_the_cores_have_codes(error: Failure | Refused, code: ErrorCode) -> None:
    assert wit_error(error).value is code


# ---- errors of streams


def test_an_error_of_a_stream_has_a_code_of_its_own_package_only() -> None:
    of_socket = Error(ConnectionResetError(errno.ECONNRESET, "reset"), Domain.NETWORK)
    of_file = Error(IsADirectoryError(errno.EISDIR, "directory"), Domain.FILES)
    network, files = Network().network_error_code, Types().filesystem_error_code
    assert [network(of_socket), files(of_socket)] == [ErrorCode.CONNECTION_RESET, None]
    assert [network(of_file), files(of_file)] == [None, FilesystemErrorCode.IS_DIRECTORY]


def _similar() -> list[tuple[str, str]]:
    found = re.findall(r"similar to `(E[A-Z]+)`[^\n]*\n\s+([a-z-]+),", FILES_ENUM)
    assert len(found) == len(FilesystemErrorCode)
    return found


@pytest.mark.parametrize(("name", "code"), _similar())
def test_every_errno_of_files_is_the_code_that_is_similar_to_it(name: str, code: str) -> None:
    if not hasattr(errno, name):
        pytest.skip(f"this platform has no {name}")
    error = Error(OSError(getattr(errno, name), ""), Domain.FILES)
    found = Types().filesystem_error_code(error)
    assert found is not None
    assert found.value == code


def test_another_errno_of_files_is_io() -> None:
    assert Types().filesystem_error_code(Error(OSError("no number"), Domain.FILES)) is FilesystemErrorCode.IO
