// Moves BYTES bytes (default 65536) over one connection to ADDRESS with buffers of CHUNK bytes (default 65536, at most 1 MiB).
// MODE is send, receive (until FIN) or echo (the default). Prints one line, the time in nanoseconds.
#include "guest.h"

enum { MOST = 1 << 20 };

static uint8_t outgoing[MOST], incoming[MOST];

// Both directions of the connection, driven from one waitable set; one that is not wanted has ended from the start.
typedef struct {
  byte_writer writer;
  byte_reader reader;
  program_waitable_set_t set;
  size_t chunk;
  uint64_t total, sent, received;
  bool writing, reading, write_ended, read_ended;
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
  t->received += PROGRAM_WAITABLE_COUNT(status);
  if (PROGRAM_WAITABLE_STATE(status) != PROGRAM_WAITABLE_DROPPED) return;
  program_waitable_join(t->reader, 0);
  wasi_sockets_types_stream_u8_drop_readable(t->reader);
  t->read_ended = true;
}

static void start_write(transfer *t) {
  uint64_t left = t->total - t->sent;
  program_waitable_status_t status =
      wasi_sockets_types_stream_u8_write(t->writer, outgoing, left < t->chunk ? (size_t)left : t->chunk);
  if (status == PROGRAM_WAITABLE_STATUS_BLOCKED) t->writing = true;
  else note_written(t, status);
}

static void start_read(transfer *t) {
  program_waitable_status_t status = wasi_sockets_types_stream_u8_read(t->reader, incoming, t->chunk);
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
  t->set = program_waitable_set_new();
  if (!t->write_ended) program_waitable_join(t->writer, t->set);
  if (!t->read_ended) program_waitable_join(t->reader, t->set);
  while (!t->write_ended || !t->read_ended) {
    if (!t->write_ended && !t->writing) start_write(t);
    if (!t->read_ended && !t->reading) start_read(t);
    bool write_waits = t->write_ended || t->writing, read_waits = t->read_ended || t->reading;
    if (write_waits && read_waits && (t->writing || t->reading)) wait_for_event(t);
  }
  program_waitable_set_drop(t->set);
}

static bool print_summary(const char *mode, uint64_t bytes, uint64_t nanoseconds) {
  print_out(mode);
  print_out(": 1 connections, ");
  print_out(number_text(bytes));
  print_out(" bytes, ");
  print_out(number_text(nanoseconds));
  print_out(" ns\n");
  return true;
}

bool guest_main(void) {
  const char *text = variable("ADDRESS"), *mode = variable("MODE");
  address server;
  CHECK(text && parse_address(text, &server));
  if (!mode) mode = "echo";
  bool sends = !same_text(mode, "receive"), receives = !same_text(mode, "send");
  transfer t = {.total = number_variable("BYTES", 65536), .chunk = number_variable("CHUNK", 65536)};
  CHECK(t.chunk && t.chunk <= MOST);
  t.write_ended = !sends;
  t.read_ended = !receives;

  uint64_t start = wasi_clocks_monotonic_clock_now();
  tcp socket;
  outcome sent, received;
  SUCCEED(tcp_create(server.tag, &socket));
  SUCCEED(tcp_connect(socket, server));
  if (sends) sent = tcp_send(socket, wasi_sockets_types_stream_u8_new(&t.writer));
  if (receives) received = tcp_receive(socket, &t.reader);
  run_transfer(&t);
  if (sends) SUCCEED(await_outcome(sent));
  if (receives) SUCCEED(await_outcome(received));
  tcp_drop(socket);
  uint64_t nanoseconds = wasi_clocks_monotonic_clock_now() - start;

  if (sends) CHECK(t.sent == t.total);
  if (receives) CHECK(t.received == t.total);
  return print_summary(mode, t.sent + t.received, nanoseconds);
}
