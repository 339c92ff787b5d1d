"""The operations of a socket, TCP or UDP, as far as its state matters: the rows of the tables of states."""

from __future__ import annotations

import enum


class Operation(enum.Enum):
    """One row; each binding maps the methods of its version to these."""

    __hash__ = object.__hash__  # an operation is itself and no other: the hash of its name takes five times as long

    BIND = "bind"
    CONNECT = "connect"
    DISCONNECT = "disconnect"
    LISTEN = "listen"
    SEND = "send"
    RECEIVE = "receive"
    LOCAL_ADDRESS = "local address"
    REMOTE_ADDRESS = "remote address"
    BACKLOG = "backlog"
    OPTION = "option"


# Names of their own, since each method looks one up: in the class, that takes 60 ns with Python 3.11.
(BIND, CONNECT, DISCONNECT, LISTEN, SEND, RECEIVE, LOCAL_ADDRESS, REMOTE_ADDRESS, BACKLOG, OPTION) = Operation
