// A service of WASI 0.2 in C: the header `case` of a request says what it does.
//
// - `hello`
// - `methods`: checks every function of wasi:http/types that needs no other side; `ok`, or what was not as it should be
// - `copy`: answers with content and trailers, part by part
// - `send`: sends the content and the trailers on to the header `authority`, and answers with lines: the status, or the number
//   of the error-code; how many bytes came, and whether there were trailers
// - `error`: the error-code whose number in WIT is the header `code`
#include "http-common.h"

typedef wasi_http_types_own_outgoing_body_t out_body;
typedef wasi_http_types_own_incoming_body_t in_body;
typedef wasi_http_types_own_response_outparam_t outparam;
typedef wasi_io_streams_own_output_stream_t out_stream;
typedef wasi_io_streams_own_input_stream_t in_stream;

// ---- checks

static const char *check_fields(void) {
  fields made, none;
  field_value bad = value("\n"), good = value("x");
  CHECK(from_list("a", "2", &made) == OK && values(made, "a").len == 2);
  CHECK(has(made, "A") && !has(made, "b") && !has(made, "b b"));
  wasi_http_types_list_tuple2_field_name_field_value_t all;
  wasi_http_types_method_fields_entries(lent(made), &all);
  CHECK(all.len == 2 && same_text(all.ptr[0].f0, "A") && same_text(all.ptr[1].f0, "a"));
  fields copy = wasi_http_types_method_fields_clone(lent(made));
  CHECK(set(copy, "a", 1, &good) == OK && values(copy, "A").len == 1 && values(made, "A").len == 2);
  CHECK(delete(copy, "a") == OK && delete(copy, "a") == OK && !has(copy, "a"));
  CHECK(append(copy, "x y", "") == INVALID_SYNTAX && set(copy, "x", 1, &bad) == INVALID_SYNTAX);
  CHECK(delete(copy, "x:") == INVALID_SYNTAX && from_list("a", "\r", &none) == INVALID_SYNTAX);
  CHECK(append(copy, "Host", "x") == FORBIDDEN && set(copy, "upgrade", 1, &good) == FORBIDDEN);
  CHECK(delete(copy, "connection") == FORBIDDEN && from_list("transfer-encoding", "x", &none) == FORBIDDEN);
  wasi_http_types_fields_drop_own(copy);
  wasi_http_types_fields_drop_own(made);
  return NULL;
}

static const char *check_immutable(fields kept) {
  field_value good = value("x");
  CHECK(append(kept, "a", "x") == IMMUTABLE && set(kept, "a", 1, &good) == IMMUTABLE && delete(kept, "a") == IMMUTABLE);
  wasi_http_types_fields_drop_own(kept);
  return NULL;
}

static const char *check_request(void) {
  wasi_http_types_own_outgoing_request_t made =
      wasi_http_types_constructor_outgoing_request(wasi_http_types_constructor_fields());
  wasi_http_types_borrow_outgoing_request_t of = wasi_http_types_borrow_outgoing_request(made);
  wasi_http_types_method_t method = {.tag = WASI_HTTP_TYPES_METHOD_OTHER, .val.other = text("PATCH")}, found_method;
  wasi_http_types_scheme_t scheme = {.tag = WASI_HTTP_TYPES_SCHEME_OTHER, .val.other = text("1")}, found_scheme;
  string found, path = text("/a?b"), bad_path = text("/a b"), host = text("[::1]:80"), no_host = text("a:x");
  wasi_http_types_method_outgoing_request_method(of, &found_method);
  CHECK(found_method.tag == WASI_HTTP_TYPES_METHOD_GET && wasi_http_types_method_outgoing_request_set_method(of, &method));
  method.val.other = text("a b");
  CHECK(!wasi_http_types_method_outgoing_request_set_method(of, &method));
  CHECK(!wasi_http_types_method_outgoing_request_path_with_query(of, &found));
  CHECK(wasi_http_types_method_outgoing_request_set_path_with_query(of, &path));
  CHECK(!wasi_http_types_method_outgoing_request_set_path_with_query(of, &bad_path));
  CHECK(wasi_http_types_method_outgoing_request_path_with_query(of, &found) && same_text(found, "/a?b"));
  CHECK(!wasi_http_types_method_outgoing_request_scheme(of, &found_scheme));
  CHECK(!wasi_http_types_method_outgoing_request_set_scheme(of, &scheme));
  scheme.val.other = text("HTTPS");
  CHECK(wasi_http_types_method_outgoing_request_set_scheme(of, &scheme));
  CHECK(wasi_http_types_method_outgoing_request_scheme(of, &found_scheme));
  CHECK(found_scheme.tag == WASI_HTTP_TYPES_SCHEME_HTTPS);
  CHECK(!wasi_http_types_method_outgoing_request_authority(of, &found));
  CHECK(wasi_http_types_method_outgoing_request_set_authority(of, &host));
  CHECK(!wasi_http_types_method_outgoing_request_set_authority(of, &no_host));
  CHECK(wasi_http_types_method_outgoing_request_authority(of, &found) && same_text(found, "[::1]:80"));
  RUN(check_immutable(wasi_http_types_method_outgoing_request_headers(of)));
  out_body body, again;
  CHECK(wasi_http_types_method_outgoing_request_body(of, &body));
  CHECK(!wasi_http_types_method_outgoing_request_body(of, &again));
  wasi_http_types_outgoing_body_drop_own(body);
  wasi_http_types_outgoing_request_drop_own(made);
  return NULL;
}

typedef wasi_http_types_borrow_request_options_t lent_options;

static const char *check_options(void) {
  static const struct {
    bool (*get)(lent_options, uint64_t *);
    bool (*set)(lent_options, uint64_t *);
  } timeouts[] = {
      {wasi_http_types_method_request_options_connect_timeout, wasi_http_types_method_request_options_set_connect_timeout},
      {wasi_http_types_method_request_options_first_byte_timeout,
       wasi_http_types_method_request_options_set_first_byte_timeout},
      {wasi_http_types_method_request_options_between_bytes_timeout,
       wasi_http_types_method_request_options_set_between_bytes_timeout},
  };
  wasi_http_types_own_request_options_t made = wasi_http_types_constructor_request_options();
  lent_options of = wasi_http_types_borrow_request_options(made);
  uint64_t found;
  for (uint64_t i = 0; i < 3; i++) {
    CHECK(!timeouts[i].get(of, &found));
    CHECK(timeouts[i].set(of, &i) && timeouts[i].get(of, &found) && found == i);
  }
  wasi_http_types_request_options_drop_own(made);
  return NULL;
}

static const char *check_response(void) {
  wasi_http_types_own_outgoing_response_t made =
      wasi_http_types_constructor_outgoing_response(wasi_http_types_constructor_fields());
  wasi_http_types_borrow_outgoing_response_t of = wasi_http_types_borrow_outgoing_response(made);
  CHECK(wasi_http_types_method_outgoing_response_status_code(of) == 200);
  CHECK(wasi_http_types_method_outgoing_response_set_status_code(of, 599));
  CHECK(!wasi_http_types_method_outgoing_response_set_status_code(of, 600));
  CHECK(wasi_http_types_method_outgoing_response_status_code(of) == 599);
  RUN(check_immutable(wasi_http_types_method_outgoing_response_headers(of)));
  wasi_http_types_outgoing_response_drop_own(made);
  return NULL;
}

static const char *check_incoming(wasi_http_types_borrow_incoming_request_t of, outparam out) {
  wasi_http_types_method_t method;
  wasi_http_types_scheme_t scheme;
  wasi_http_types_error_code_t reason;
  string found;
  wasi_http_types_method_incoming_request_method(of, &method);
  CHECK(method.tag == WASI_HTTP_TYPES_METHOD_POST);
  CHECK(wasi_http_types_method_incoming_request_scheme(of, &scheme) && scheme.tag == WASI_HTTP_TYPES_SCHEME_HTTP);
  CHECK(wasi_http_types_method_incoming_request_authority(of, &found) && found.len);
  CHECK(wasi_http_types_method_incoming_request_path_with_query(of, &found) && *found.ptr == '/');
  RUN(check_immutable(wasi_http_types_method_incoming_request_headers(of)));
  in_body body, again;
  CHECK(wasi_http_types_method_incoming_request_consume(of, &body));
  CHECK(!wasi_http_types_method_incoming_request_consume(of, &again));
  wasi_http_types_incoming_body_drop_own(body);
  fields hints = wasi_http_types_constructor_fields();
  CHECK(!wasi_http_types_method_response_outparam_send_informational(
      wasi_http_types_borrow_response_outparam(out), 103, hints, &reason));
  CHECK(reason.tag == WASI_HTTP_TYPES_ERROR_CODE_INTERNAL_ERROR);
  return NULL;
}

static const char *check_methods(wasi_http_types_borrow_incoming_request_t of, outparam out) {
  RUN(check_fields());
  RUN(check_request());
  RUN(check_options());
  RUN(check_response());
  RUN(check_incoming(of, out));
  return NULL;
}

// ---- bodies

static void answer(outparam out, wasi_http_types_result_own_outgoing_response_error_code_t given) {
  wasi_http_types_static_response_outparam_set(out, &given);
}

// A response whose head is out.
static out_body begin_answer(outparam out, uint16_t status) {
  wasi_http_types_own_outgoing_response_t made =
      wasi_http_types_constructor_outgoing_response(wasi_http_types_constructor_fields());
  wasi_http_types_borrow_outgoing_response_t of = wasi_http_types_borrow_outgoing_response(made);
  wasi_http_types_method_outgoing_response_set_status_code(of, status);
  out_body body;
  wasi_http_types_method_outgoing_response_body(of, &body);
  answer(out, (wasi_http_types_result_own_outgoing_response_error_code_t){.is_err = false, .val.ok = made});
  return body;
}

static bool write_all(out_stream to, const uint8_t *bytes, size_t count) {
  while (count) {
    service_list_u8_t part = {(uint8_t *)bytes, count < 4096 ? count : 4096};
    wasi_io_streams_stream_error_t reason;
    if (!wasi_io_streams_method_output_stream_blocking_write_and_flush(
            wasi_io_streams_borrow_output_stream(to), &part, &reason))
      return false;
    bytes += part.len;
    count -= part.len;
  }
  return true;
}

static void end_body(out_body body, fields *trailers) {
  wasi_http_types_error_code_t reason;
  wasi_http_types_static_outgoing_body_finish(body, trailers, &reason);
}

static void say(outparam out, uint16_t status, string content) {
  out_body body = begin_answer(out, status);
  out_stream to;
  wasi_http_types_method_outgoing_body_write(wasi_http_types_borrow_outgoing_body(body), &to);
  write_all(to, content.ptr, content.len);
  wasi_io_streams_output_stream_drop_own(to);
  end_body(body, NULL);
}

// Reads content to its end, and writes it if `to` is given; how many bytes there were, or -1 - CODE where it breaks off.
static int64_t read_all(in_body body, const out_stream *to) {
  in_stream from;
  wasi_http_types_method_incoming_body_stream(wasi_http_types_borrow_incoming_body(body), &from);
  wasi_io_streams_stream_error_t reason;
  service_list_u8_t part;
  int64_t total = 0;
  while (wasi_io_streams_method_input_stream_blocking_read(wasi_io_streams_borrow_input_stream(from), 16384, &part, &reason)) {
    total += (int64_t)part.len;
    if (to) write_all(*to, part.ptr, part.len);
  }
  if (reason.tag == WASI_IO_STREAMS_STREAM_ERROR_LAST_OPERATION_FAILED) {
    wasi_http_types_error_code_t code;
    wasi_io_error_own_error_t error = reason.val.last_operation_failed;
    if (wasi_http_types_http_error_code(wasi_io_error_borrow_error(error), &code)) total = -1 - code.tag;
    wasi_io_error_error_drop_own(error);
  }
  wasi_io_streams_input_stream_drop_own(from);
  return total;
}

static void wait(wasi_io_poll_own_pollable_t ready) {
  wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(ready));
  wasi_io_poll_pollable_drop_own(ready);
}

// The trailers of a body that was read, which may be none.
static bool trailers_of(in_body body, fields *found) {
  wasi_http_types_own_future_trailers_t future = wasi_http_types_static_incoming_body_finish(body);
  wasi_http_types_borrow_future_trailers_t of = wasi_http_types_borrow_future_trailers(future);
  wait(wasi_http_types_method_future_trailers_subscribe(of));
  wasi_http_types_result_result_option_own_trailers_error_code_void_t result;
  bool is_ready = wasi_http_types_method_future_trailers_get(of, &result);
  wasi_http_types_future_trailers_drop_own(future);
  if (!is_ready || result.is_err || result.val.ok.is_err || !result.val.ok.val.ok.is_some) return false;
  *found = result.val.ok.val.ok.val;
  return true;
}

// Passes content and trailers on.
static void pass(in_body from, out_body to) {
  out_stream stream;
  wasi_http_types_method_outgoing_body_write(wasi_http_types_borrow_outgoing_body(to), &stream);
  read_all(from, &stream);
  wasi_io_streams_output_stream_drop_own(stream);
  fields received;
  if (!trailers_of(from, &received)) {
    end_body(to, NULL);
    return;
  }
  fields copy = wasi_http_types_method_fields_clone(lent(received));
  wasi_http_types_fields_drop_own(received);
  end_body(to, &copy);
}

// ---- requests of its own

static void describe(wasi_http_types_own_incoming_response_t came, lines *to) {
  wasi_http_types_borrow_incoming_response_t of = wasi_http_types_borrow_incoming_response(came);
  add(to, "status ", wasi_http_types_method_incoming_response_status(of));
  fields headers = wasi_http_types_method_incoming_response_headers(of), trailers;
  add(to, "x-origin ", has(headers, "x-origin"));
  wasi_http_types_fields_drop_own(headers);
  in_body body;
  wasi_http_types_method_incoming_response_consume(of, &body);
  add(to, "bytes ", read_all(body, NULL));
  if (trailers_of(body, &trailers)) {
    add(to, "x-sum ", has(trailers, "x-sum"));
    wasi_http_types_fields_drop_own(trailers);
  }
  wasi_http_types_incoming_response_drop_own(came);
}

static void await_response(wasi_http_types_own_future_incoming_response_t future, lines *to) {
  wasi_http_types_borrow_future_incoming_response_t of = wasi_http_types_borrow_future_incoming_response(future);
  wait(wasi_http_types_method_future_incoming_response_subscribe(of));
  wasi_http_types_result_result_own_incoming_response_error_code_void_t result;
  wasi_http_types_method_future_incoming_response_get(of, &result);
  if (result.val.ok.is_err) add(to, "error-code ", result.val.ok.val.err.tag);
  else describe(result.val.ok.val.ok, to);
  wasi_http_types_future_incoming_response_drop_own(future);
}

static void send(wasi_http_types_borrow_incoming_request_t asked, string authority, outparam out) {
  wasi_http_types_own_outgoing_request_t made =
      wasi_http_types_constructor_outgoing_request(wasi_http_types_constructor_fields());
  wasi_http_types_borrow_outgoing_request_t of = wasi_http_types_borrow_outgoing_request(made);
  wasi_http_types_method_t post = {.tag = WASI_HTTP_TYPES_METHOD_POST};
  wasi_http_types_scheme_t http = {.tag = WASI_HTTP_TYPES_SCHEME_HTTP};
  wasi_http_types_method_outgoing_request_set_method(of, &post);
  wasi_http_types_method_outgoing_request_set_scheme(of, &http);
  wasi_http_types_method_outgoing_request_set_authority(of, &authority);
  out_body body;
  wasi_http_types_method_outgoing_request_body(of, &body);
  wasi_http_types_own_future_incoming_response_t future;
  wasi_http_types_error_code_t reason;
  lines found = {.length = 0};
  if (wasi_http_outgoing_handler_handle(made, NULL, &future, &reason)) {
    in_body received;
    wasi_http_types_method_incoming_request_consume(asked, &received);
    pass(received, body);
    await_response(future, &found);
  } else {
    wasi_http_types_outgoing_body_drop_own(body);
    add(&found, "refused ", reason.tag);
  }
  say(out, 200, (string){found.characters, found.length});
}

// ---- the export

static void copy(wasi_http_types_borrow_incoming_request_t asked, outparam out) {
  in_body received;
  wasi_http_types_method_incoming_request_consume(asked, &received);
  pass(received, begin_answer(out, 200));
}

void exports_wasi_http_incoming_handler_handle(wasi_http_types_own_incoming_request_t asked, outparam out) {
  wasi_http_types_borrow_incoming_request_t of = wasi_http_types_borrow_incoming_request(asked);
  fields headers = wasi_http_types_method_incoming_request_headers(of);
  string name = header(headers, "case");
  if (same_text(name, "hello")) say(out, 200, name);
  else if (same_text(name, "copy")) copy(of, out);
  else if (same_text(name, "send")) send(of, header(headers, "authority"), out);
  else if (same_text(name, "methods")) {
    const char *wrong = check_methods(of, out);
    say(out, wrong ? 500 : 200, text(wrong ? wrong : "ok"));
  } else if (same_text(name, "error")) {
    wasi_http_types_error_code_t reason = {.tag = number(header(headers, "code"))};
    answer(out, (wasi_http_types_result_own_outgoing_response_error_code_t){.is_err = true, .val.err = reason});
  } else say(out, 404, name);
  wasi_http_types_fields_drop_own(headers);
  wasi_http_types_incoming_request_drop_own(asked);
}
