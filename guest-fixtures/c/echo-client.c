// Sends BYTES bytes (default 1000000) to the echo server at ADDRESS in pieces of 64 KiB while it reads them back and compares
// each; prints one line.
#include "guest.h"

// Prime, so that lost or swapped blocks of any power-of-two size show.
enum { CHUNK = 65536, PERIOD = 251 };

static uint8_t outgoing[CHUNK + PERIOD], incoming[CHUNK];

// Both directions of the connection, driven from one waitable set.
typedef struct {
  byte_writer writer;
  byte_reader reader;
  program_waitable_set_t set;
  uint64_t total, sent, received;
  bool writing, reading, write_ended, read_ended, differs;
} transfer;

static void note_written(transfer *t, program_waitable_status_t status) {
  t->writing = false;
  t->sent += PROGRAM_WAITABLE_COUNT(status);
  if (t->sent < t->total && PROGRAM_WAITABLE_STATE(status) != PROGRAM_WAITABLE_DROPPED) return;
  program_waitable_join(t->writer, 0);
  wasi_sockets_types_stream_u8_drop_writable(t->writer);
  t->write_ended = true;
}

static void note_read(transfer *t, program_waitable_status_t status) {
  t->reading = false;
  uint32_t count = PROGRAM_WAITABLE_COUNT(status);
  for (uint32_t i = 0; i < count; i++) t->differs |= incoming[i] != (t->received + i) % PERIOD;
  t->received += count;
  if (PROGRAM_WAITABLE_STATE(status) != PROGRAM_WAITABLE_DROPPED) return;
  program_waitable_join(t->reader, 0);
  wasi_sockets_types_stream_u8_drop_readable(t->reader);
  t->read_ended = true;
}

static void start_write(transfer *t) {
  uint64_t left = t->total - t->sent;
  const uint8_t *piece = outgoing + t->sent % PERIOD;
  program_waitable_status_t status =
      wasi_sockets_types_stream_u8_write(t->writer, piece, left < CHUNK ? (size_t)left : CHUNK);
  if (status == PROGRAM_WAITABLE_STATUS_BLOCKED) t->writing = true;
  else note_written(t, status);
}

static void start_read(transfer *t) {
  program_waitable_status_t status = wasi_sockets_types_stream_u8_read(t->reader, incoming, CHUNK);
  if (status == PROGRAM_WAITABLE_STATUS_BLOCKED) t->reading = true;
  else note_read(t, status);
}

static void wait_for_event(transfer *t) {
  program_event_t event;
  program_waitable_set_wait(t->set, &event);
  if (event.event == PROGRAM_EVENT_STREAM_WRITE) note_written(t, event.code);
  else note_read(t, event.code);
}

static void run_transfer(transfer *t) {
  program_waitable_join(t->writer, t->set);
  program_waitable_join(t->reader, t->set);
  while (!t->write_ended || !t->read_ended) {
    if (!t->write_ended && !t->writing) start_write(t);
    if (!t->read_ended && !t->reading) start_read(t);
    bool write_waits = t->write_ended || t->writing, read_waits = t->read_ended || t->reading;
    if (write_waits && read_waits && (t->writing || t->reading)) wait_for_event(t);
  }
  program_waitable_set_drop(t->set);
}

bool guest_main(void) {
  const char *text = variable("ADDRESS");
  address server;
  CHECK(text && parse_address(text, &server));
  for (int i = 0; i < CHUNK + PERIOD; i++) outgoing[i] = (uint8_t)(i % PERIOD);

  tcp socket;
  SUCCEED(tcp_create(server.tag, &socket));
  SUCCEED(tcp_connect(socket, server));
  transfer t = {.total = number_variable("BYTES", 1000000), .set = program_waitable_set_new()};
  outcome sent = tcp_send(socket, wasi_sockets_types_stream_u8_new(&t.writer));
  outcome received = tcp_receive(socket, &t.reader);
  run_transfer(&t);

  SUCCEED(await_outcome(sent));
  SUCCEED(await_outcome(received));
  CHECK(t.sent == t.total);
  CHECK(t.received == t.total);
  CHECK(!t.differs);
  tcp_drop(socket);
  print_out("echoed ");
  print_out(number_text(t.received));
  print_out(" bytes\n");
  return true;
}
