//! A connection to an echo server, open in both directions.

use futures::future::join;
use support::{Checked, ErrorCode, IpSocketAddress, TcpSocket, address, check, pump, wit_stream};
use wit_bindgen::{FutureReader, StreamReader, StreamWriter, spawn_local};

type Outcome = FutureReader<Result<(), ErrorCode>>;

pub struct Connection {
    pub writer: StreamWriter<u8>,
    pub reader: StreamReader<u8>,
    sent: Outcome,
    received: Outcome,
    socket: TcpSocket,
}

impl Connection {
    pub async fn open(to: IpSocketAddress) -> Checked<Connection> {
        let socket = TcpSocket::create(address::family(&to))?;
        socket.connect(to).await?;
        let (writer, data) = wit_stream::new();
        let sent = socket.send(data);
        let (reader, received) = socket.receive();
        Ok(Connection { writer, reader, sent, received, socket })
    }

    /// Sends so many bytes while they come back.
    pub async fn echo(&mut self, bytes: u64, chunk: usize) -> Checked {
        let sending = pump::produce(&mut self.writer, vec![1; chunk], bytes);
        let receiving = pump::discard(&mut self.reader, chunk, bytes);
        check::equal(join(sending, receiving).await, (bytes, bytes))
    }

    /// A task that reads until the peer ends the connection, which it does when the writer is dropped.
    pub fn wait_for_end(self) -> (StreamWriter<u8>, impl Future) {
        let Connection { writer, mut reader, sent, received, socket } = self;
        let end = spawn_local(async move {
            reader.read(Vec::with_capacity(16)).await;
            let _ = (sent.await, received.await);
            drop(socket);
        });
        (writer, end)
    }

    /// Says FIN and waits for the peer's.
    pub async fn close(mut self) -> Checked {
        drop(self.writer);
        check::equal(pump::discard(&mut self.reader, 1, u64::MAX).await, 0)?;
        self.sent.await?;
        Ok(self.received.await?)
    }
}
