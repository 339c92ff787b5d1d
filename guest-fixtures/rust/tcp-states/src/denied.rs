//! The host refuses every use of the network.

use support::check::{equal, refused};
use support::{Checked, ErrorCode, TcpSocket, net};

/// `create` alone uses no address: a host may allow it (there is nothing to ask a policy about) or refuse it.
fn allowed_socket() -> Checked<Option<TcpSocket>> {
    match TcpSocket::create(net::family()) {
        Ok(socket) => Ok(Some(socket)),
        Err(code) => refused::<()>(Err(code), ErrorCode::AccessDenied).map(|()| None),
    }
}

pub async fn denied() -> Checked {
    let Some(socket) = allowed_socket()? else { return Ok(()) };
    // the address is checked before the policy is asked
    refused(socket.bind(net::multicast(0)), ErrorCode::InvalidArgument)?;
    for address in [net::loopback(0), net::wildcard(0)] {
        refused(socket.bind(address), ErrorCode::AccessDenied)?;
        refused(socket.get_local_address(), ErrorCode::InvalidState)?;
    }
    if let Some(socket) = allowed_socket()? {
        refused(net::connect(&socket, net::loopback(9)).await, ErrorCode::AccessDenied)?;
    }
    if let Some(socket) = allowed_socket()? {
        refused(socket.listen(), ErrorCode::AccessDenied)?;
        equal(socket.get_is_listening(), false)?;
    }
    Ok(())
}
