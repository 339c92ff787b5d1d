// Calls every function of wasi:cli, wasi:clocks and wasi:random, from C. Prints `ok NAME` for each case, stops at the first
// failure. Reads stdin to its end. EXIT says how to end: a code, or "ok" or "err" (default: return ok).
#include "guest.h"

static bool test_environment(void) {
  program_list_string_t arguments;
  wasi_cli_environment_get_arguments(&arguments);
  CHECK(arguments.len >= 1);
  program_list_tuple2_string_string_t first, second;
  wasi_cli_environment_get_environment(&first);
  wasi_cli_environment_get_environment(&second);
  CHECK(first.len == second.len);
  program_string_t cwd;
  if (wasi_cli_environment_get_initial_cwd(&cwd)) CHECK(cwd.len > 0);
  return true;
}

static bool succeeded(wasi_cli_stdin_future_result_void_error_code_t future) {
  wasi_cli_stdin_result_void_error_code_t result;
  wait_if_blocked(future, wasi_cli_stdin_future_result_void_error_code_read(future, &result));
  wasi_cli_stdin_future_result_void_error_code_drop_readable(future);
  return !result.is_err;
}

// To the end and beyond: a second stream is at the end at once.
static bool test_stdin(void) {
  static uint8_t buffer[4096];
  for (int i = 0; i < 2; i++) {
    wasi_cli_stdin_tuple2_stream_u8_future_result_void_error_code_t pair;
    wasi_cli_stdin_read_via_stream(&pair);
    program_waitable_status_t status;
    do {
      status = wait_if_blocked(pair.f0, wasi_cli_stdout_stream_u8_read(pair.f0, buffer, sizeof buffer));
      CHECK(i == 0 || PROGRAM_WAITABLE_COUNT(status) == 0);
    } while (PROGRAM_WAITABLE_STATE(status) != PROGRAM_WAITABLE_DROPPED);
    wasi_cli_stdout_stream_u8_drop_readable(pair.f0);
    CHECK(succeeded(pair.f1));
  }
  return true;
}

static bool test_terminals(void) {
  wasi_cli_terminal_stdin_own_terminal_input_t input;
  wasi_cli_terminal_stdout_own_terminal_output_t output;
  if (wasi_cli_terminal_stdin_get_terminal_stdin(&input)) wasi_cli_terminal_input_terminal_input_drop_own(input);
  if (wasi_cli_terminal_stdout_get_terminal_stdout(&output)) wasi_cli_terminal_output_terminal_output_drop_own(output);
  if (wasi_cli_terminal_stderr_get_terminal_stderr(&output)) wasi_cli_terminal_output_terminal_output_drop_own(output);
  return true;
}

static void finish(program_subtask_status_t status) {
  if (PROGRAM_SUBTASK_STATE(status) == PROGRAM_SUBTASK_RETURNED) return;
  program_subtask_t subtask = PROGRAM_SUBTASK_HANDLE(status);
  program_waitable_set_t set = program_waitable_set_new();
  program_waitable_join(subtask, set);
  program_event_t event;
  do program_waitable_set_wait(set, &event);
  while (event.code != PROGRAM_SUBTASK_RETURNED);
  program_waitable_join(subtask, 0);
  program_subtask_drop(subtask);
  program_waitable_set_drop(set);
}

static bool test_monotonic_clock(void) {
  enum { WAIT_NS = 10000000 };
  CHECK(wasi_clocks_monotonic_clock_get_resolution() > 0);
  uint64_t start = wasi_clocks_monotonic_clock_now();
  finish(wasi_clocks_monotonic_clock_wait_for(WAIT_NS));
  CHECK(wasi_clocks_monotonic_clock_now() >= start + WAIT_NS);
  finish(wasi_clocks_monotonic_clock_wait_until(start + 2 * WAIT_NS));
  CHECK(wasi_clocks_monotonic_clock_now() >= start + 2 * WAIT_NS);
  finish(wasi_clocks_monotonic_clock_wait_until(0));
  finish(wasi_clocks_monotonic_clock_wait_for(0));
  return true;
}

static bool test_system_clock(void) {
  wasi_clocks_system_clock_instant_t now;
  wasi_clocks_system_clock_now(&now);
  CHECK(now.nanoseconds < 1000000000);
  CHECK(wasi_clocks_system_clock_get_resolution() > 0);
  return true;
}

static bool test_random(void) {
  program_list_u8_t bytes;
  for (uint64_t length = 0; length <= 1 << 16; length = length ? length << 4 : 1) {
    wasi_random_random_get_random_bytes(length, &bytes);
    CHECK(bytes.len <= length && (bytes.len > 0) == (length > 0));
    wasi_random_insecure_get_insecure_random_bytes(length, &bytes);
    CHECK(bytes.len <= length && (bytes.len > 0) == (length > 0));
  }
  CHECK(wasi_random_random_get_random_u64() != wasi_random_random_get_random_u64());
  CHECK(wasi_random_insecure_get_insecure_random_u64() != wasi_random_insecure_get_insecure_random_u64());
  program_tuple2_u64_u64_t seed, same;
  wasi_random_insecure_seed_get_insecure_seed(&seed);
  wasi_random_insecure_seed_get_insecure_seed(&same);
  CHECK(seed.f0 == same.f0 && seed.f1 == same.f1);
  return true;
}

static const struct {
  const char *name;
  bool (*test)(void);
} cases[] = {
    {"environment", test_environment},
    {"stdin", test_stdin},
    {"terminals", test_terminals},
    {"monotonic-clock", test_monotonic_clock},
    {"system-clock", test_system_clock},
    {"random", test_random},
};

static void end(const char *how) {
  wasi_cli_exit_result_void_void_t status = {.is_err = same_text(how, "err")};
  if (status.is_err || same_text(how, "ok")) wasi_cli_exit_exit(&status);
  else wasi_cli_exit_exit_with_code((uint8_t)number_variable("EXIT", 0));
}

bool guest_main(void) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    if (!cases[i].test()) return false;
    print_out("ok ");
    print_out(cases[i].name);
    print_out("\n");
  }
  const char *how = variable("EXIT");
  if (how) end(how);
  return true;
}
