//! The seven socket options that can be read and set.

use std::fmt::Debug;

use support::check::{equal, holds, refused};
use support::{Checked, ErrorCode, TcpSocket, net};

const SECOND: u64 = 1_000_000_000;

type Get<T> = fn(&TcpSocket) -> Result<T, ErrorCode>;
type Set<T> = fn(&TcpSocket, T) -> Result<(), ErrorCode>;

pub async fn keep_alive_enabled() -> Checked {
    for socket in &sockets_in_all_states().await? {
        equal(socket.get_keep_alive_enabled()?, false)?;
        for enabled in [true, true, false, false] {
            socket.set_keep_alive_enabled(enabled)?;
            equal(socket.get_keep_alive_enabled()?, enabled)?;
        }
    }
    Ok(())
}

pub async fn keep_alive_idle_time() -> Checked {
    let values = [1, SECOND - 1, SECOND, SECOND + 1, 7200 * SECOND, u64::MAX];
    number(TcpSocket::get_keep_alive_idle_time, TcpSocket::set_keep_alive_idle_time, &values, &[60 * SECOND]).await
}

pub async fn keep_alive_interval() -> Checked {
    let values = [1, SECOND - 1, SECOND, SECOND + 1, 7200 * SECOND, u64::MAX];
    number(TcpSocket::get_keep_alive_interval, TcpSocket::set_keep_alive_interval, &values, &[60 * SECOND]).await
}

pub async fn keep_alive_count() -> Checked {
    number(TcpSocket::get_keep_alive_count, TcpSocket::set_keep_alive_count, &[1, 127, 128, u32::MAX], &[5, 10]).await
}

pub async fn hop_limit() -> Checked {
    number(TcpSocket::get_hop_limit, TcpSocket::set_hop_limit, &[], &[1, 42, 64, 255]).await
}

pub async fn receive_buffer_size() -> Checked {
    let values = [1, 65536, 1 << 20, 1 << 31, u64::MAX];
    number(TcpSocket::get_receive_buffer_size, TcpSocket::set_receive_buffer_size, &values, &[]).await
}

pub async fn send_buffer_size() -> Checked {
    let values = [1, 65536, 1 << 20, 1 << 31, u64::MAX];
    number(TcpSocket::get_send_buffer_size, TcpSocket::set_send_buffer_size, &values, &[]).await
}

/// Sockets in all the states that have options.
async fn sockets_in_all_states() -> Checked<[TcpSocket; 5]> {
    let mut listener = net::listener()?;
    let (client, server) = listener.connection().await?;
    Ok([net::socket()?, net::bound()?, listener.socket, client, server])
}

/// 0 is refused and changes nothing; `rounded` values are taken in some form; `exact` values are read back as set.
async fn number<T>(get: Get<T>, set: Set<T>, rounded: &[T], exact: &[T]) -> Checked
where
    T: Copy + PartialEq + Debug + Default,
{
    for socket in &sockets_in_all_states().await? {
        let before = get(socket)?;
        holds(before != T::default(), "the default is positive")?;
        refused(set(socket, T::default()), ErrorCode::InvalidArgument)?;
        equal(get(socket)?, before)?;
        for &value in rounded {
            set(socket, value)?;
            let stored = get(socket)?;
            holds(stored != T::default(), "clamped and rounded values are positive")?;
            // what was read back is a value that the system can hold: setting it again keeps it
            set(socket, stored)?;
            equal(get(socket)?, stored)?;
        }
        for &value in exact {
            set(socket, value)?;
            equal(get(socket)?, value)?;
        }
    }
    Ok(())
}

/// Accepted sockets have what the listener had when they came: set before listen, and set after it.
pub async fn inherited() -> Checked {
    let socket = net::bound()?;
    set_all(&socket, 30)?;
    let mut listener = net::listen_on(socket)?;
    let (_client, early) = listener.connection().await?;
    same_options(&early, &listener.socket)?;

    set_all(&listener.socket, 40)?;
    let (_client, late) = listener.connection().await?;
    same_options(&late, &listener.socket)?;
    // not by those accepted already
    equal(early.get_hop_limit()?, 30)?;

    // and nothing goes back to the listener
    late.set_hop_limit(50)?;
    equal(listener.socket.get_hop_limit()?, 40)
}

fn set_all(socket: &TcpSocket, number: u8) -> Checked {
    socket.set_keep_alive_enabled(true)?;
    socket.set_keep_alive_idle_time(u64::from(number) * SECOND)?;
    socket.set_keep_alive_interval(u64::from(number + 1) * SECOND)?;
    socket.set_keep_alive_count(u32::from(number + 2))?;
    socket.set_hop_limit(number)?;
    socket.set_receive_buffer_size(u64::from(number) * 2048)?;
    socket.set_send_buffer_size(u64::from(number) * 2048)?;
    Ok(())
}

fn same_options(accepted: &TcpSocket, listener: &TcpSocket) -> Checked {
    equal(accepted.get_address_family(), listener.get_address_family())?;
    equal(accepted.get_keep_alive_enabled()?, listener.get_keep_alive_enabled()?)?;
    equal(accepted.get_keep_alive_idle_time()?, listener.get_keep_alive_idle_time()?)?;
    equal(accepted.get_keep_alive_interval()?, listener.get_keep_alive_interval()?)?;
    equal(accepted.get_keep_alive_count()?, listener.get_keep_alive_count()?)?;
    equal(accepted.get_hop_limit()?, listener.get_hop_limit()?)?;
    equal(accepted.get_receive_buffer_size()?, listener.get_receive_buffer_size()?)?;
    equal(accepted.get_send_buffer_size()?, listener.get_send_buffer_size()?)
}

/// The reference's clamping and rounding, which Linux then keeps exactly.
pub async fn as_on_linux() -> Checked {
    const LONGEST: u64 = 32767 * SECOND;
    let times = [(1, SECOND), (SECOND, SECOND), (SECOND + 1, 2 * SECOND), (LONGEST, LONGEST), (u64::MAX, LONGEST)];
    for socket in &sockets_in_all_states().await? {
        for (value, stored) in times {
            socket.set_keep_alive_idle_time(value)?;
            equal(socket.get_keep_alive_idle_time()?, stored)?;
            socket.set_keep_alive_interval(value)?;
            equal(socket.get_keep_alive_interval()?, stored)?;
        }
        socket.set_keep_alive_count(128)?;
        equal(socket.get_keep_alive_count()?, 127)?;
        // Linux doubles what it is told and tells the double: the host has to halve it
        socket.set_receive_buffer_size(65536)?;
        equal(socket.get_receive_buffer_size()?, 65536)?;
        socket.set_send_buffer_size(65536)?;
        equal(socket.get_send_buffer_size()?, 65536)?;
    }
    Ok(())
}
