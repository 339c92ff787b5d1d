// A service of WASI 0.3 in C: the header `case` of a request says what it does.
//
// - `hello`
// - `methods`: checks every function of wasi:http/types; `ok`, or what was not as it should be
// - `copy`: answers with content and trailers, part by part
// - `send`: sends the content and the trailers on to the header `authority`, and answers with lines: the status, or the number
//   of the error-code; how many bytes came, and what the trailers were; how the request ended
// - `error`: the error-code whose number in WIT is the header `code`
// - `hang`: waits until it is cancelled, and confirms that; `cancelled`: how often that was
#include "http.h"

static uint8_t buffer[65536];

// ---- answers

static void fail(error reason) {
  exports_wasi_http_handler_handle_return(
      (exports_wasi_http_handler_result_own_response_error_code_t){.is_err = true, .val.err = reason});
}

// A response whose head is out, and the ends of its body.
typedef struct {
  byte_writer content;
  trailers_writer end;
  outcome_reader sent;
} answer;

static answer begin_answer(uint16_t status) {
  answer begun;
  byte_reader content = wasi_http_types_stream_u8_new(&begun.content);
  trailers_reader end = wasi_http_types_future_result_option_own_trailers_error_code_new(&begun.end);
  wasi_http_types_tuple2_own_response_future_result_void_error_code_t made;
  wasi_http_types_static_response_new(wasi_http_types_constructor_fields(), &content, end, &made);
  wasi_http_types_method_response_set_status_code(wasi_http_types_borrow_response(made.f0), status);
  begun.sent = made.f1;
  exports_wasi_http_handler_handle_return(
      (exports_wasi_http_handler_result_own_response_error_code_t){.is_err = false, .val.ok = made.f0});
  return begun;
}

static void end_answer(answer begun, trailers given) {
  wasi_http_types_stream_u8_drop_writable(begun.content);
  end_body(begun.end, given);
  await_outcome(begun.sent);
}

static void say(uint16_t status, string content) {
  answer begun = begin_answer(status);
  write_all(begun.content, content.ptr, content.len);
  end_answer(begun, (trailers){.is_err = false});
}

// ---- bodies

typedef wasi_http_types_tuple2_stream_u8_future_result_option_own_trailers_error_code_t body;

// Copies content until either side ends.
static void copy_content(byte_reader from, byte_writer to) {
  size_t count;
  bool more, taken;
  do {
    more = read_some(from, buffer, sizeof buffer, &count);
    taken = write_all(to, buffer, count);
  } while (more && taken);
  wasi_http_types_stream_u8_drop_readable(from);
}

// The trailers as they may be sent on: those that came are immutable, and belong to their message.
static trailers copy_trailers(trailers_reader from) {
  trailers found;
  await_trailers(from, &found);
  if (!found.is_err && found.val.ok.is_some) {
    fields received = found.val.ok.val;
    found.val.ok.val = wasi_http_types_method_fields_clone(wasi_http_types_borrow_fields(received));
    wasi_http_types_fields_drop_own(received);
  }
  return found;
}

static void copy(request asked) {
  body received;
  wasi_http_types_static_request_consume_body(asked, handled_well(), &received);
  answer begun = begin_answer(200);
  copy_content(received.f0, begun.content);
  end_answer(begun, copy_trailers(received.f1));
}

// ---- requests of its own

static void describe(response came, lines *to) {
  wasi_http_types_borrow_response_t of = wasi_http_types_borrow_response(came);
  add(to, "status ", wasi_http_types_method_response_get_status_code(of));
  fields headers = wasi_http_types_method_response_get_headers(of);
  add(to, "x-origin ", has(headers, "x-origin"));
  wasi_http_types_fields_drop_own(headers);
  body received;
  wasi_http_types_static_response_consume_body(came, handled_well(), &received);
  size_t total = 0, count;
  bool more;
  do {
    more = read_some(received.f0, buffer, sizeof buffer, &count);
    total += count;
  } while (more);
  wasi_http_types_stream_u8_drop_readable(received.f0);
  add(to, "bytes ", (int64_t)total);
  trailers found;
  await_trailers(received.f1, &found);
  if (found.is_err) add(to, "error-code ", found.val.err.tag);
  else if (found.val.ok.is_some) {
    add(to, "x-sum ", has(found.val.ok.val, "x-sum"));
    wasi_http_types_fields_drop_own(found.val.ok.val);
  }
}

static void wait_for_subtask(service_subtask_status_t status) {
  if (SERVICE_SUBTASK_STATE(status) == SERVICE_SUBTASK_RETURNED) return;
  service_subtask_t subtask = SERVICE_SUBTASK_HANDLE(status);
  service_waitable_set_t set = service_waitable_set_new();
  service_waitable_join(subtask, set);
  service_event_t event;
  do service_waitable_set_wait(set, &event);
  while (event.code != SERVICE_SUBTASK_RETURNED);
  service_waitable_join(subtask, 0);
  service_subtask_drop(subtask);
  service_waitable_set_drop(set);
}

static request outgoing(fields headers, byte_writer *content, trailers_writer *end, outcome_reader *sent) {
  byte_reader contents = wasi_http_types_stream_u8_new(content);
  trailers_reader ends = wasi_http_types_future_result_option_own_trailers_error_code_new(end);
  wasi_http_types_tuple2_own_request_future_result_void_error_code_t made;
  wasi_http_types_static_request_new(wasi_http_types_constructor_fields(), &contents, ends, NULL, &made);
  wasi_http_types_borrow_request_t of = wasi_http_types_borrow_request(made.f0);
  string host = header(headers, "authority");
  wasi_http_types_method_t post = {.tag = WASI_HTTP_TYPES_METHOD_POST};
  wasi_http_types_scheme_t http = {.tag = WASI_HTTP_TYPES_SCHEME_HTTP};
  wasi_http_types_method_request_set_method(of, &post);
  wasi_http_types_method_request_set_scheme(of, &http);
  wasi_http_types_method_request_set_authority(of, &host);
  *sent = made.f1;
  return made.f0;
}

static void send(request asked, fields headers) {
  lines found = {.length = 0};
  byte_writer content;
  trailers_writer end;
  outcome_reader sent;
  wasi_http_client_result_own_response_error_code_t result;
  request made = outgoing(headers, &content, &end, &sent);
  service_subtask_status_t status = wasi_http_client_send(made, &result);
  body received;
  wasi_http_types_static_request_consume_body(asked, handled_well(), &received);
  copy_content(received.f0, content);
  wasi_http_types_stream_u8_drop_writable(content);
  end_body(end, copy_trailers(received.f1));
  wait_for_subtask(status);
  if (result.is_err) add(&found, "error-code ", result.val.err.tag);
  else describe(result.val.ok, &found);
  add(&found, "sent ", await_outcome(sent));
  say(200, (string){found.characters, found.length});
}

// ---- errors

static service_option_string_t some_text(const char *characters) {
  return (service_option_string_t){.is_some = true, .val = text(characters)};
}

static error error_of(uint8_t tag) {
  const wasi_http_types_field_size_payload_t field = {some_text("x"), {.is_some = true, .val = 5}};
  error made = {.tag = tag};
  switch (tag) {
    case WASI_HTTP_TYPES_ERROR_CODE_DNS_ERROR:
      made.val.dns_error = (wasi_http_types_dns_error_payload_t){some_text("NXDOMAIN"), {.is_some = true, .val = 7}};
      break;
    case WASI_HTTP_TYPES_ERROR_CODE_TLS_ALERT_RECEIVED:
      made.val.tls_alert_received = (wasi_http_types_tls_alert_received_payload_t){{.is_some = true, .val = 40}, {0}};
      break;
    case WASI_HTTP_TYPES_ERROR_CODE_HTTP_REQUEST_BODY_SIZE:
    case WASI_HTTP_TYPES_ERROR_CODE_HTTP_RESPONSE_BODY_SIZE:
      made.val.http_request_body_size = (service_option_u64_t){.is_some = true, .val = 5};
      break;
    case WASI_HTTP_TYPES_ERROR_CODE_HTTP_REQUEST_HEADER_SECTION_SIZE:
    case WASI_HTTP_TYPES_ERROR_CODE_HTTP_REQUEST_TRAILER_SECTION_SIZE:
    case WASI_HTTP_TYPES_ERROR_CODE_HTTP_RESPONSE_HEADER_SECTION_SIZE:
    case WASI_HTTP_TYPES_ERROR_CODE_HTTP_RESPONSE_TRAILER_SECTION_SIZE:
      made.val.http_request_header_section_size = (service_option_u32_t){.is_some = true, .val = 5};
      break;
    case WASI_HTTP_TYPES_ERROR_CODE_HTTP_REQUEST_HEADER_SIZE:
      made.val.http_request_header_size = (wasi_http_types_option_field_size_payload_t){.is_some = true, .val = field};
      break;
    case WASI_HTTP_TYPES_ERROR_CODE_HTTP_REQUEST_TRAILER_SIZE:
    case WASI_HTTP_TYPES_ERROR_CODE_HTTP_RESPONSE_HEADER_SIZE:
    case WASI_HTTP_TYPES_ERROR_CODE_HTTP_RESPONSE_TRAILER_SIZE:
      made.val.http_response_header_size = field;
      break;
    case WASI_HTTP_TYPES_ERROR_CODE_HTTP_RESPONSE_TRANSFER_CODING:
    case WASI_HTTP_TYPES_ERROR_CODE_HTTP_RESPONSE_CONTENT_CODING:
    case WASI_HTTP_TYPES_ERROR_CODE_INTERNAL_ERROR:
      made.val.internal_error = some_text("why");
      break;
  }
  return made;
}

// ---- the export

static void answer_check(const char *wrong) { wrong ? say(500, text(wrong)) : say(200, text("ok")); }

static unsigned cancelled;

// Waits for nothing, so only its cancellation is ever reported to the callback.
static service_callback_code_t hang(void) {
  service_waitable_set_t nothing = service_waitable_set_new();
  service_context_set_0((void *)(uintptr_t)nothing);
  return SERVICE_CALLBACK_CODE_WAIT(nothing);
}

service_callback_code_t exports_wasi_http_handler_handle(request asked) {
  fields headers = wasi_http_types_method_request_get_headers(wasi_http_types_borrow_request(asked));
  string name = header(headers, "case");
  if (same_text(name, "copy")) copy(asked);
  else if (same_text(name, "send")) send(asked, headers);
  else {
    wasi_http_types_request_drop_own(asked);
    if (same_text(name, "hello")) say(200, name);
    else if (same_text(name, "cancelled")) say((uint16_t)(200 + cancelled), name);
    else if (same_text(name, "hang")) {
      wasi_http_types_fields_drop_own(headers);
      return hang();
    } else if (same_text(name, "methods")) answer_check(check_methods());
    else if (same_text(name, "error")) fail(error_of(number(header(headers, "code"))));
    else say(404, name);
  }
  wasi_http_types_fields_drop_own(headers);
  return SERVICE_CALLBACK_CODE_EXIT;
}

service_callback_code_t exports_wasi_http_handler_handle_callback(service_event_t *event) {
  if (event->event == SERVICE_EVENT_CANCEL) {
    cancelled++;
    service_waitable_set_drop((service_waitable_set_t)(uintptr_t)service_context_get_0());
    service_task_cancel();
  }
  return SERVICE_CALLBACK_CODE_EXIT;
}
