//! The three options, in every state.

use std::fmt::Debug;

use support::check::{equal, holds, refused};
use support::udp::{bound, connected_to, socket};
use support::{Checked, ErrorCode, UdpSocket};

type Get<T> = fn(&UdpSocket) -> Result<T, ErrorCode>;
type Set<T> = fn(&UdpSocket, T) -> Result<(), ErrorCode>;

pub async fn hop_limit() -> Checked {
    number(UdpSocket::get_unicast_hop_limit, UdpSocket::set_unicast_hop_limit, &[], &[1, 42, 64, 255])
}

pub async fn receive_buffer_size() -> Checked {
    let values = [1, 65536, 1 << 20, 1 << 31, u64::MAX];
    number(UdpSocket::get_receive_buffer_size, UdpSocket::set_receive_buffer_size, &values, &[])
}

pub async fn send_buffer_size() -> Checked {
    let values = [1, 65536, 1 << 20, 1 << 31, u64::MAX];
    number(UdpSocket::get_send_buffer_size, UdpSocket::set_send_buffer_size, &values, &[])
}

pub async fn as_on_linux() -> Checked {
    let socket = socket()?;
    equal(socket.get_unicast_hop_limit()?, 64)?;
    // Linux doubles what it is given (socket(7)); the guest must not see that
    socket.set_receive_buffer_size(65536)?;
    equal(socket.get_receive_buffer_size()?, 65536)?;
    socket.set_send_buffer_size(65536)?;
    equal(socket.get_send_buffer_size()?, 65536)
}

/// 0 is refused and changes nothing; `rounded` values are taken in some form; `exact` values are read back as set.
fn number<T>(get: Get<T>, set: Set<T>, rounded: &[T], exact: &[T]) -> Checked
where
    T: Copy + Debug + From<u8> + PartialOrd,
{
    let peer = bound()?;
    for socket in &[socket()?, bound()?, connected_to(&peer)?] {
        let before = get(socket)?;
        refused(set(socket, 0.into()), ErrorCode::InvalidArgument)?;
        equal(get(socket)?, before)?;
        for value in rounded {
            set(socket, *value)?;
            holds(get(socket)? > 0.into(), "never 0")?;
        }
        for value in exact {
            set(socket, *value)?;
            equal(get(socket)?, *value)?;
        }
    }
    Ok(())
}
