// udp-socket with short names, its results as plain codes.
#include "guest.h"

static wasi_sockets_types_borrow_udp_socket_t lend(udp socket) { return wasi_sockets_types_borrow_udp_socket(socket); }

code udp_create(int family, udp *socket) {
  error reason;
  return to_code(wasi_sockets_types_static_udp_socket_create((uint8_t)family, socket, &reason), &reason);
}

code udp_bind(udp socket, address local) {
  error reason;
  return to_code(wasi_sockets_types_method_udp_socket_bind(lend(socket), &local, &reason), &reason);
}

code udp_connect(udp socket, address remote) {
  error reason;
  return to_code(wasi_sockets_types_method_udp_socket_connect(lend(socket), &remote, &reason), &reason);
}

code udp_disconnect(udp socket) {
  error reason;
  return to_code(wasi_sockets_types_method_udp_socket_disconnect(lend(socket), &reason), &reason);
}

code udp_send(udp socket, const uint8_t *bytes, size_t count, const address *to) {
  wasi_sockets_types_method_udp_socket_send_args_t arguments = {lend(socket), {(uint8_t *)bytes, count}, {0}};
  if (to) {
    arguments.remote_address.is_some = true;
    arguments.remote_address.val = *to;
  }
  wasi_sockets_types_result_void_error_code_t result;
  program_subtask_status_t status = wasi_sockets_types_method_udp_socket_send(&arguments, &result);
  if (PROGRAM_SUBTASK_STATE(status) != PROGRAM_SUBTASK_RETURNED) wait_for_subtask(PROGRAM_SUBTASK_HANDLE(status));
  return to_code(!result.is_err, &result.val.err);
}

code udp_receive(udp socket, uint8_t *bytes, size_t *count, address *from) {
  wasi_sockets_types_result_tuple2_list_u8_ip_socket_address_error_code_t result;
  program_subtask_status_t status = wasi_sockets_types_method_udp_socket_receive(lend(socket), &result);
  if (PROGRAM_SUBTASK_STATE(status) != PROGRAM_SUBTASK_RETURNED) wait_for_subtask(PROGRAM_SUBTASK_HANDLE(status));
  if (result.is_err) return to_code(false, &result.val.err);
  *count = result.val.ok.f0.len;
  if (*count > DATAGRAM_ROOM) __builtin_trap();
  __builtin_memcpy(bytes, result.val.ok.f0.ptr, *count);
  if (from) *from = result.val.ok.f1;
  wasi_sockets_types_tuple2_list_u8_ip_socket_address_free(&result.val.ok);
  return OK;
}

code udp_local_address(udp socket, address *to) {
  error reason;
  return to_code(wasi_sockets_types_method_udp_socket_get_local_address(lend(socket), to, &reason), &reason);
}

code udp_remote_address(udp socket, address *to) {
  error reason;
  return to_code(wasi_sockets_types_method_udp_socket_get_remote_address(lend(socket), to, &reason), &reason);
}

int udp_family(udp socket) { return wasi_sockets_types_method_udp_socket_get_address_family(lend(socket)); }
void udp_drop(udp socket) { wasi_sockets_types_udp_socket_drop_own(socket); }

#define OPTION(name, type)                                                                                   \
  code udp_get_##name(udp socket, type *value) {                                                             \
    error reason;                                                                                            \
    return to_code(wasi_sockets_types_method_udp_socket_get_##name(lend(socket), value, &reason), &reason);  \
  }                                                                                                          \
  code udp_set_##name(udp socket, type value) {                                                              \
    error reason;                                                                                            \
    return to_code(wasi_sockets_types_method_udp_socket_set_##name(lend(socket), value, &reason), &reason);  \
  }

OPTION(unicast_hop_limit, uint8_t)
OPTION(receive_buffer_size, uint64_t)
OPTION(send_buffer_size, uint64_t)
