// What the C fixtures share: short names for the generated bindings, waiting, printing, checks.
//
// Every wait is a synchronous one on a waitable set inside the exported call: the other style than the Rust fixtures, which
// return to the host and are called back.
#pragma once
#include <stdlib.h>
#include "program.h"

typedef wasi_sockets_types_own_tcp_socket_t tcp;
typedef wasi_sockets_types_own_udp_socket_t udp;
typedef wasi_sockets_types_ip_socket_address_t address;
typedef wasi_sockets_types_stream_u8_t byte_reader;
typedef wasi_sockets_types_stream_u8_writer_t byte_writer;
typedef wasi_sockets_types_stream_own_tcp_socket_t accept_stream;
typedef wasi_sockets_types_future_result_void_error_code_t outcome;

enum { IPV4 = WASI_SOCKETS_TYPES_IP_ADDRESS_FAMILY_IPV4, IPV6 = WASI_SOCKETS_TYPES_IP_ADDRESS_FAMILY_IPV6 };

// An error-code by its number in WIT, or OK.
typedef int code;
enum {
  OK = -1,
  ACCESS_DENIED, NOT_SUPPORTED, INVALID_ARGUMENT, OUT_OF_MEMORY, TIMEOUT, INVALID_STATE, ADDRESS_NOT_BINDABLE,
  ADDRESS_IN_USE, REMOTE_UNREACHABLE, CONNECTION_REFUSED, CONNECTION_BROKEN, CONNECTION_RESET, CONNECTION_ABORTED,
  DATAGRAM_TOO_LARGE, OTHER,
};
typedef wasi_sockets_types_error_code_t error;
static inline code to_code(bool good, error *reason) {
  if (good) return OK;
  code number = reason->tag;
  wasi_sockets_types_error_code_free(reason);
  return number;
}

// Printing.
void print_out(const char *text);
void print_error(const char *text);
const char *number_text(uint64_t number);  // valid until the next call

// Environment: NULL or the fallback if the variable is not there.
const char *variable(const char *name);
uint64_t number_variable(const char *name, uint64_t fallback);
bool same_text(const char *left, const char *right);
bool parse_address(const char *text, address *to);  // IP:PORT or [::1]:PORT

// Checks: print what failed and where, then leave the function with false.
bool check_failed(const char *file, int line, const char *what);
bool code_differs(const char *file, int line, const char *what, code got, code wanted);
#define CHECK(claim) \
  do { if (!(claim)) return check_failed(__FILE__, __LINE__, #claim); } while (0)
#define EXPECT(call, wanted) \
  do { code got_ = (call); if (got_ != (wanted)) return code_differs(__FILE__, __LINE__, #call, got_, wanted); } while (0)
#define SUCCEED(call) EXPECT(call, OK)

// Waiting.
program_waitable_status_t wait_if_blocked(uint32_t waitable, program_waitable_status_t status);
static inline void wait_for_subtask(program_subtask_t subtask) {
  program_waitable_set_t set = program_waitable_set_new();
  program_waitable_join(subtask, set);
  program_event_t event;
  // STARTED may come before RETURNED
  do program_waitable_set_wait(set, &event);
  while (event.code != PROGRAM_SUBTASK_RETURNED);
  program_waitable_join(subtask, 0);
  program_subtask_drop(subtask);
  program_waitable_set_drop(set);
}
code await_outcome(outcome future);
bool write_all(byte_writer writer, const uint8_t *bytes, size_t count);  // false: the reader is gone
size_t read_some(byte_reader reader, uint8_t *bytes, size_t room, bool *ended);
size_t read_exactly(byte_reader reader, uint8_t *bytes, size_t count);

// The 25 imported functions of tcp-socket, and its drop.
code tcp_create(int family, tcp *socket);
code tcp_bind(tcp socket, address local);
code tcp_connect(tcp socket, address remote);
code tcp_listen(tcp socket, accept_stream *accepted);
outcome tcp_send(tcp socket, byte_reader data);
outcome tcp_receive(tcp socket, byte_reader *data);
code tcp_local_address(tcp socket, address *to);
code tcp_remote_address(tcp socket, address *to);
bool tcp_is_listening(tcp socket);
int tcp_family(tcp socket);
code tcp_set_backlog(tcp socket, uint64_t value);
code tcp_get_keep_alive_enabled(tcp socket, bool *value);
code tcp_set_keep_alive_enabled(tcp socket, bool value);
code tcp_get_keep_alive_idle_time(tcp socket, uint64_t *value);
code tcp_set_keep_alive_idle_time(tcp socket, uint64_t value);
code tcp_get_keep_alive_interval(tcp socket, uint64_t *value);
code tcp_set_keep_alive_interval(tcp socket, uint64_t value);
code tcp_get_keep_alive_count(tcp socket, uint32_t *value);
code tcp_set_keep_alive_count(tcp socket, uint32_t value);
code tcp_get_hop_limit(tcp socket, uint8_t *value);
code tcp_set_hop_limit(tcp socket, uint8_t value);
code tcp_get_receive_buffer_size(tcp socket, uint64_t *value);
code tcp_set_receive_buffer_size(tcp socket, uint64_t value);
code tcp_get_send_buffer_size(tcp socket, uint64_t *value);
code tcp_set_send_buffer_size(tcp socket, uint64_t value);
void tcp_drop(tcp socket);
// One socket from the stream; false if the stream has ended.
bool tcp_accept(accept_stream accepted, tcp *socket);

// The 15 imported functions of udp-socket, and its drop. `to` and `from` may be NULL.
enum { DATAGRAM_ROOM = 65536 };
code udp_create(int family, udp *socket);
code udp_bind(udp socket, address local);
code udp_connect(udp socket, address remote);
code udp_disconnect(udp socket);
code udp_send(udp socket, const uint8_t *bytes, size_t count, const address *to);
code udp_receive(udp socket, uint8_t *bytes, size_t *count, address *from);  // there is DATAGRAM_ROOM at `bytes`
code udp_local_address(udp socket, address *to);
code udp_remote_address(udp socket, address *to);
int udp_family(udp socket);
code udp_get_unicast_hop_limit(udp socket, uint8_t *value);
code udp_set_unicast_hop_limit(udp socket, uint8_t value);
code udp_get_receive_buffer_size(udp socket, uint64_t *value);
code udp_set_receive_buffer_size(udp socket, uint64_t value);
code udp_get_send_buffer_size(udp socket, uint64_t *value);
code udp_set_send_buffer_size(udp socket, uint64_t value);
void udp_drop(udp socket);

// The program; `run` returns err if it returns false.
bool guest_main(void);
