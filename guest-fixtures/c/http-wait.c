// Waiting for streams, futures and subtasks of wasi:http.
#include "http.h"

service_waitable_status_t wait_if_blocked(uint32_t waitable, service_waitable_status_t status) {
  if (status != SERVICE_WAITABLE_STATUS_BLOCKED) return status;
  service_waitable_set_t set = service_waitable_set_new();
  service_waitable_join(waitable, set);
  service_event_t event;
  service_waitable_set_wait(set, &event);
  service_waitable_join(waitable, 0);
  service_waitable_set_drop(set);
  return event.code;
}

bool write_all(byte_writer writer, const uint8_t *bytes, size_t count) {
  while (count) {
    service_waitable_status_t status = wait_if_blocked(writer, wasi_http_types_stream_u8_write(writer, bytes, count));
    bytes += SERVICE_WAITABLE_COUNT(status);
    count -= SERVICE_WAITABLE_COUNT(status);
    if (SERVICE_WAITABLE_STATE(status) != SERVICE_WAITABLE_COMPLETED) break;
  }
  return !count;
}

bool read_some(byte_reader reader, uint8_t *bytes, size_t room, size_t *count) {
  service_waitable_status_t status = wait_if_blocked(reader, wasi_http_types_stream_u8_read(reader, bytes, room));
  *count = SERVICE_WAITABLE_COUNT(status);
  return SERVICE_WAITABLE_STATE(status) == SERVICE_WAITABLE_COMPLETED;
}

int await_outcome(outcome_reader future) {
  wasi_http_types_result_void_error_code_t result;
  wait_if_blocked(future, wasi_http_types_future_result_void_error_code_read(future, &result));
  wasi_http_types_future_result_void_error_code_drop_readable(future);
  return result.is_err ? result.val.err.tag : OK;
}

void await_trailers(trailers_reader future, trailers *found) {
  wait_if_blocked(future, wasi_http_types_future_result_option_own_trailers_error_code_read(future, found));
  wasi_http_types_future_result_option_own_trailers_error_code_drop_readable(future);
}

void end_body(trailers_writer writer, trailers given) {
  wait_if_blocked(writer, wasi_http_types_future_result_option_own_trailers_error_code_write(writer, &given));
  wasi_http_types_future_result_option_own_trailers_error_code_drop_writable(writer);
}

// The host may read it later, or never: so it is written by a write that is left under way.
outcome_reader handled_well(void) {
  static const wasi_http_types_result_void_error_code_t ok = {.is_err = false};
  outcome_writer writer;
  outcome_reader reader = wasi_http_types_future_result_void_error_code_new(&writer);
  wasi_http_types_future_result_void_error_code_write(writer, &ok);
  return reader;
}
