// tcp-socket with short names, its results as plain codes.
#include "guest.h"

static wasi_sockets_types_borrow_tcp_socket_t lend(tcp socket) { return wasi_sockets_types_borrow_tcp_socket(socket); }

code tcp_create(int family, tcp *socket) {
  error reason;
  return to_code(wasi_sockets_types_static_tcp_socket_create((uint8_t)family, socket, &reason), &reason);
}

code tcp_bind(tcp socket, address local) {
  error reason;
  return to_code(wasi_sockets_types_method_tcp_socket_bind(lend(socket), &local, &reason), &reason);
}

code tcp_connect(tcp socket, address remote) {
  wasi_sockets_types_method_tcp_socket_connect_args_t arguments = {lend(socket), remote};
  wasi_sockets_types_result_void_error_code_t result;
  program_subtask_status_t status = wasi_sockets_types_method_tcp_socket_connect(&arguments, &result);
  if (PROGRAM_SUBTASK_STATE(status) != PROGRAM_SUBTASK_RETURNED) wait_for_subtask(PROGRAM_SUBTASK_HANDLE(status));
  return to_code(!result.is_err, &result.val.err);
}

code tcp_listen(tcp socket, accept_stream *accepted) {
  error reason;
  return to_code(wasi_sockets_types_method_tcp_socket_listen(lend(socket), accepted, &reason), &reason);
}

outcome tcp_send(tcp socket, byte_reader data) {
  return wasi_sockets_types_method_tcp_socket_send(lend(socket), data);
}

outcome tcp_receive(tcp socket, byte_reader *data) {
  wasi_sockets_types_tuple2_stream_u8_future_result_void_error_code_t pair;
  wasi_sockets_types_method_tcp_socket_receive(lend(socket), &pair);
  *data = pair.f0;
  return pair.f1;
}

code await_outcome(outcome future) {
  wasi_sockets_types_result_void_error_code_t result;
  wait_if_blocked(future, wasi_sockets_types_future_result_void_error_code_read(future, &result));
  wasi_sockets_types_future_result_void_error_code_drop_readable(future);
  return to_code(!result.is_err, &result.val.err);
}

bool write_all(byte_writer writer, const uint8_t *bytes, size_t count) {
  while (count) {
    program_waitable_status_t status =
        wait_if_blocked(writer, wasi_sockets_types_stream_u8_write(writer, bytes, count));
    bytes += PROGRAM_WAITABLE_COUNT(status);
    count -= PROGRAM_WAITABLE_COUNT(status);
    // also where everything was taken first: to write again would be a trap
    if (PROGRAM_WAITABLE_STATE(status) == PROGRAM_WAITABLE_DROPPED) return false;
  }
  return true;
}

size_t read_some(byte_reader reader, uint8_t *bytes, size_t room, bool *ended) {
  program_waitable_status_t status = wait_if_blocked(reader, wasi_sockets_types_stream_u8_read(reader, bytes, room));
  *ended = PROGRAM_WAITABLE_STATE(status) == PROGRAM_WAITABLE_DROPPED;
  return PROGRAM_WAITABLE_COUNT(status);
}

size_t read_exactly(byte_reader reader, uint8_t *bytes, size_t count) {
  size_t got = 0;
  bool ended = false;
  while (got < count && !ended) got += read_some(reader, bytes + got, count - got, &ended);
  return got;
}

bool tcp_accept(accept_stream accepted, tcp *socket) {
  program_waitable_status_t status = wasi_sockets_types_stream_own_tcp_socket_read(accepted, socket, 1);
  return PROGRAM_WAITABLE_COUNT(wait_if_blocked(accepted, status)) == 1;
}

code tcp_local_address(tcp socket, address *to) {
  error reason;
  return to_code(wasi_sockets_types_method_tcp_socket_get_local_address(lend(socket), to, &reason), &reason);
}

code tcp_remote_address(tcp socket, address *to) {
  error reason;
  return to_code(wasi_sockets_types_method_tcp_socket_get_remote_address(lend(socket), to, &reason), &reason);
}

bool tcp_is_listening(tcp socket) { return wasi_sockets_types_method_tcp_socket_get_is_listening(lend(socket)); }
int tcp_family(tcp socket) { return wasi_sockets_types_method_tcp_socket_get_address_family(lend(socket)); }
void tcp_drop(tcp socket) { wasi_sockets_types_tcp_socket_drop_own(socket); }

code tcp_set_backlog(tcp socket, uint64_t value) {
  error reason;
  return to_code(wasi_sockets_types_method_tcp_socket_set_listen_backlog_size(lend(socket), value, &reason), &reason);
}

#define OPTION(name, type)                                                                                   \
  code tcp_get_##name(tcp socket, type *value) {                                                             \
    error reason;                                                                                            \
    return to_code(wasi_sockets_types_method_tcp_socket_get_##name(lend(socket), value, &reason), &reason);  \
  }                                                                                                          \
  code tcp_set_##name(tcp socket, type value) {                                                              \
    error reason;                                                                                            \
    return to_code(wasi_sockets_types_method_tcp_socket_set_##name(lend(socket), value, &reason), &reason);  \
  }

OPTION(keep_alive_enabled, bool)
OPTION(keep_alive_idle_time, uint64_t)
OPTION(keep_alive_interval, uint64_t)
OPTION(keep_alive_count, uint32_t)
OPTION(hop_limit, uint8_t)
OPTION(receive_buffer_size, uint64_t)
OPTION(send_buffer_size, uint64_t)
