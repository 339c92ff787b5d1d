// Printing, environment, checks, waiting, and the exported `run`. The sockets are in tcp.c.
#include "guest.h"

static void print_to(bool is_error, const char *text) {
  wasi_cli_stdout_stream_u8_writer_t writer;
  wasi_cli_stdout_stream_u8_t reader = wasi_cli_stdout_stream_u8_new(&writer);
  uint32_t written = is_error ? wasi_cli_stderr_write_via_stream(reader) : wasi_cli_stdout_write_via_stream(reader);
  size_t length = __builtin_strlen(text), done = 0;
  while (done < length) {
    program_waitable_status_t status =
        wasi_cli_stdout_stream_u8_write(writer, (const uint8_t *)text + done, length - done);
    status = wait_if_blocked(writer, status);
    done += PROGRAM_WAITABLE_COUNT(status);
    if (PROGRAM_WAITABLE_STATE(status) != PROGRAM_WAITABLE_COMPLETED) break;
  }
  wasi_cli_stdout_stream_u8_drop_writable(writer);
  wasi_cli_stdout_result_void_error_code_t result;
  if (is_error) {
    wait_if_blocked(written, wasi_cli_stderr_future_result_void_error_code_read(written, (void *)&result));
    wasi_cli_stderr_future_result_void_error_code_drop_readable(written);
  } else {
    wait_if_blocked(written, wasi_cli_stdout_future_result_void_error_code_read(written, &result));
    wasi_cli_stdout_future_result_void_error_code_drop_readable(written);
  }
}

void print_out(const char *text) { print_to(false, text); }
void print_error(const char *text) { print_to(true, text); }

const char *number_text(uint64_t number) {
  static char digits[21];
  char *at = digits + 20;
  *at = 0;
  do {
    *--at = (char)('0' + number % 10);
    number /= 10;
  } while (number);
  return at;
}

bool same_text(const char *left, const char *right) {
  while (*left && *left == *right) left++, right++;
  return *left == *right;
}

const char *variable(const char *name) {
  size_t length = __builtin_strlen(name);
  program_list_tuple2_string_string_t all;
  wasi_cli_environment_get_environment(&all);
  for (size_t i = 0; i < all.len; i++) {
    program_string_t key = all.ptr[i].f0, value = all.ptr[i].f1;
    if (key.len != length || __builtin_memcmp(key.ptr, name, length)) continue;
    char *text = realloc(NULL, value.len + 1);
    __builtin_memcpy(text, value.ptr, value.len);
    text[value.len] = 0;
    return text;
  }
  return NULL;
}

static uint64_t parse_number(const char **text) {
  uint64_t number = 0;
  while (**text >= '0' && **text <= '9') number = number * 10 + (uint64_t)(*(*text)++ - '0');
  return number;
}

uint64_t number_variable(const char *name, uint64_t fallback) {
  const char *text = variable(name);
  return text ? parse_number(&text) : fallback;
}

// No need for more IPv6 addresses than loopback: these are fixtures.
static bool parse_ipv6_loopback(const char *text, address *to) {
  const char *start = "[::1]:";
  while (*start)
    if (*text++ != *start++) return false;
  to->tag = IPV6;
  to->val.ipv6 = (wasi_sockets_types_ipv6_socket_address_t){0};
  to->val.ipv6.address.f7 = 1;
  to->val.ipv6.port = (uint16_t)parse_number(&text);
  return !*text;
}

bool parse_address(const char *text, address *to) {
  if (*text == '[') return parse_ipv6_loopback(text, to);
  uint8_t parts[4];
  for (int i = 0; i < 4; i++) {
    parts[i] = (uint8_t)parse_number(&text);
    if (*text++ != (i < 3 ? '.' : ':')) return false;
  }
  to->tag = IPV4;
  to->val.ipv4.address = (wasi_sockets_types_ipv4_address_t){parts[0], parts[1], parts[2], parts[3]};
  to->val.ipv4.port = (uint16_t)parse_number(&text);
  return !*text;
}

bool check_failed(const char *file, int line, const char *what) {
  print_error(file);
  print_error(":");
  print_error(number_text((uint64_t)line));
  print_error(": ");
  print_error(what);
  print_error("\n");
  return false;
}

static const char *code_name(code number) {
  static const char *const names[] = {
      "access-denied", "not-supported", "invalid-argument", "out-of-memory", "timeout", "invalid-state",
      "address-not-bindable", "address-in-use", "remote-unreachable", "connection-refused", "connection-broken",
      "connection-reset", "connection-aborted", "datagram-too-large", "other"};
  return number == OK ? "ok" : names[number];
}

bool code_differs(const char *file, int line, const char *what, code got, code wanted) {
  check_failed(file, line, what);
  print_error("  got ");
  print_error(code_name(got));
  print_error(", expected ");
  print_error(code_name(wanted));
  print_error("\n");
  return false;
}

program_waitable_status_t wait_if_blocked(uint32_t waitable, program_waitable_status_t status) {
  if (status != PROGRAM_WAITABLE_STATUS_BLOCKED) return status;
  program_waitable_set_t set = program_waitable_set_new();
  program_waitable_join(waitable, set);
  program_event_t event;
  program_waitable_set_wait(set, &event);
  // a set must be empty when it is dropped
  program_waitable_join(waitable, 0);
  program_waitable_set_drop(set);
  return event.code;
}

program_callback_code_t exports_wasi_cli_run_run(void) {
  bool good = guest_main();
  exports_wasi_cli_run_run_return((exports_wasi_cli_run_result_void_void_t){.is_err = !good});
  return PROGRAM_CALLBACK_CODE_EXIT;
}

// Never asked for: run does not return before it is done.
program_callback_code_t exports_wasi_cli_run_run_callback(program_event_t *event) {
  (void)event;
  return PROGRAM_CALLBACK_CODE_EXIT;
}
