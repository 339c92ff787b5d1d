// Calls every function of wasi:http/types but those of bodies, for success and for each error that a guest can provoke.
#include "http.h"

enum { SIZE_EXCEEDED = WASI_HTTP_TYPES_HEADER_ERROR_SIZE_EXCEEDED };

// ---- fields

static int get_and_delete(fields of, const char *name, value_list *found) {
  wasi_http_types_header_error_t reason;
  string key = text(name);
  return wasi_http_types_method_fields_get_and_delete(lent(of), &key, found, &reason) ? OK : reason.tag;
}

static const char *check_lists(void) {
  fields made;
  CHECK(from_list("a", "2", &made) == OK);
  CHECK(values(made, "a").len == 2 && has(made, "A") && !has(made, "b") && !has(made, "b b"));
  wasi_http_types_list_tuple2_field_name_field_value_t all;
  wasi_http_types_method_fields_copy_all(lent(made), &all);
  CHECK(all.len == 2 && same_text(all.ptr[0].f0, "A") && same_text(all.ptr[1].f0, "a"));
  fields copy = wasi_http_types_method_fields_clone(lent(made));
  CHECK(append(copy, "a", "3") == OK && values(copy, "A").len == 3 && values(made, "A").len == 2);
  value_list found;
  CHECK(get_and_delete(copy, "a", &found) == OK && found.len == 3 && *found.ptr[2].ptr == '3');
  CHECK(get_and_delete(copy, "a", &found) == OK && found.len == 0);
  field_value two[2] = {value("x"), value("")};
  CHECK(set(copy, "b", 2, two) == OK && values(copy, "B").len == 2);
  CHECK(delete(copy, "b") == OK && delete(copy, "b") == OK && !has(copy, "b"));
  wasi_http_types_fields_drop_own(copy);
  wasi_http_types_fields_drop_own(made);
  return NULL;
}

static const char *check_refusals(void) {
  fields made = wasi_http_types_constructor_fields();
  value_list found;
  field_value bad = value("\n"), good = value("x");
  CHECK(append(made, "x y", "") == INVALID_SYNTAX && append(made, "x", "\n") == INVALID_SYNTAX);
  CHECK(append(made, "content-length", "+5") == INVALID_SYNTAX);
  CHECK(set(made, "x", 1, &bad) == INVALID_SYNTAX && set(made, "", 1, &good) == INVALID_SYNTAX);
  CHECK(delete(made, "x:") == INVALID_SYNTAX && get_and_delete(made, "(", &found) == INVALID_SYNTAX);
  CHECK(append(made, "Host", "x") == FORBIDDEN && set(made, "upgrade", 1, &good) == FORBIDDEN);
  CHECK(delete(made, "connection") == FORBIDDEN && get_and_delete(made, "keep-alive", &found) == FORBIDDEN);
  fields none;
  CHECK(from_list("transfer-encoding", "x", &none) == FORBIDDEN && from_list("a", "\r", &none) == INVALID_SYNTAX);
  enum { LARGE = 131072 };
  field_value large = {memset(realloc(NULL, LARGE), 'x', LARGE), LARGE};
  CHECK(set(made, "x", 1, &large) == SIZE_EXCEEDED && !has(made, "x"));
  wasi_http_types_fields_drop_own(made);
  return NULL;
}

static const char *check_immutable(fields kept) {
  value_list found;
  field_value good = value("x");
  CHECK(append(kept, "a", "x") == IMMUTABLE && set(kept, "a", 1, &good) == IMMUTABLE);
  CHECK(delete(kept, "a") == IMMUTABLE && get_and_delete(kept, "a", &found) == IMMUTABLE);
  wasi_http_types_fields_drop_own(kept);
  return NULL;
}

// ---- requests

// A request that is not sent, and its ends.
typedef struct {
  request message;
  outcome_reader sent;
  trailers_writer end;
} unsent;

static unsent new_request(options *given) {
  unsent made;
  wasi_http_types_tuple2_own_request_future_result_void_error_code_t pair;
  trailers_reader reader = wasi_http_types_future_result_option_own_trailers_error_code_new(&made.end);
  wasi_http_types_static_request_new(wasi_http_types_constructor_fields(), NULL, reader, given, &pair);
  made.message = pair.f0;
  made.sent = pair.f1;
  return made;
}

static void drop_unsent(unsent made) {
  wasi_http_types_request_drop_own(made.message);
  end_body(made.end, (trailers){.is_err = false});
  wasi_http_types_future_result_void_error_code_drop_readable(made.sent);
}

static const char *check_method(wasi_http_types_borrow_request_t of) {
  wasi_http_types_method_t method = {.tag = WASI_HTTP_TYPES_METHOD_OTHER, .val.other = text("PATCH")}, found;
  wasi_http_types_method_request_get_method(of, &found);
  CHECK(found.tag == WASI_HTTP_TYPES_METHOD_GET);
  CHECK(wasi_http_types_method_request_set_method(of, &method));
  wasi_http_types_method_request_get_method(of, &found);
  CHECK(found.tag == WASI_HTTP_TYPES_METHOD_PATCH);
  method.val.other = text("a b");
  CHECK(!wasi_http_types_method_request_set_method(of, &method));
  return NULL;
}

static const char *check_url(wasi_http_types_borrow_request_t of) {
  string found, good = text("/a?b"), bad = text("/a b"), host = text("[::1]:80"), no_host = text("a:x");
  wasi_http_types_scheme_t scheme = {.tag = WASI_HTTP_TYPES_SCHEME_OTHER, .val.other = text("HTTPS")}, kept;
  CHECK(!wasi_http_types_method_request_get_path_with_query(of, &found));
  CHECK(wasi_http_types_method_request_set_path_with_query(of, &good));
  CHECK(!wasi_http_types_method_request_set_path_with_query(of, &bad));
  CHECK(wasi_http_types_method_request_get_path_with_query(of, &found) && same_text(found, "/a?b"));
  CHECK(!wasi_http_types_method_request_get_scheme(of, &kept));
  CHECK(wasi_http_types_method_request_set_scheme(of, &scheme));
  CHECK(wasi_http_types_method_request_get_scheme(of, &kept) && kept.tag == WASI_HTTP_TYPES_SCHEME_HTTPS);
  scheme.val.other = text("1");
  CHECK(!wasi_http_types_method_request_set_scheme(of, &scheme));
  CHECK(!wasi_http_types_method_request_get_authority(of, &found));
  CHECK(wasi_http_types_method_request_set_authority(of, &host));
  CHECK(!wasi_http_types_method_request_set_authority(of, &no_host));
  CHECK(wasi_http_types_method_request_get_authority(of, &found) && same_text(found, "[::1]:80"));
  CHECK(wasi_http_types_method_request_set_authority(of, NULL) && wasi_http_types_method_request_set_scheme(of, NULL));
  CHECK(!wasi_http_types_method_request_get_authority(of, &found) && !wasi_http_types_method_request_get_scheme(of, &kept));
  return NULL;
}

static const char *check_request(void) {
  unsent made = new_request(NULL);
  wasi_http_types_borrow_request_t of = wasi_http_types_borrow_request(made.message);
  options none;
  RUN(check_method(of));
  RUN(check_url(of));
  RUN(check_immutable(wasi_http_types_method_request_get_headers(of)));
  CHECK(!wasi_http_types_method_request_get_options(of, &none));
  drop_unsent(made);
  return NULL;
}

// ---- options

typedef wasi_http_types_borrow_request_options_t lent_options;

static const struct {
  bool (*get)(lent_options, uint64_t *);
  bool (*set)(lent_options, uint64_t *, wasi_http_types_request_options_error_t *);
} timeouts[] = {
    {wasi_http_types_method_request_options_get_connect_timeout, wasi_http_types_method_request_options_set_connect_timeout},
    {wasi_http_types_method_request_options_get_first_byte_timeout,
     wasi_http_types_method_request_options_set_first_byte_timeout},
    {wasi_http_types_method_request_options_get_between_bytes_timeout,
     wasi_http_types_method_request_options_set_between_bytes_timeout},
};

static const char *check_options(void) {
  options given = wasi_http_types_constructor_request_options(), kept;
  lent_options of = wasi_http_types_borrow_request_options(given);
  wasi_http_types_request_options_error_t reason;
  uint64_t found;
  for (uint64_t i = 0; i < 3; i++) {
    CHECK(!timeouts[i].get(of, &found));
    CHECK(timeouts[i].set(of, &i, &reason) && timeouts[i].get(of, &found) && found == i);
  }
  unsent made = new_request(&given);
  CHECK(wasi_http_types_method_request_get_options(wasi_http_types_borrow_request(made.message), &kept));
  lent_options of_kept = wasi_http_types_borrow_request_options(kept);
  options copy = wasi_http_types_method_request_options_clone(of_kept);
  lent_options of_copy = wasi_http_types_borrow_request_options(copy);
  for (uint64_t i = 0; i < 3; i++) {
    CHECK(timeouts[i].get(of_kept, &found) && found == i);
    CHECK(!timeouts[i].set(of_kept, NULL, &reason) && reason.tag == WASI_HTTP_TYPES_REQUEST_OPTIONS_ERROR_IMMUTABLE);
    CHECK(timeouts[i].set(of_copy, NULL, &reason) && !timeouts[i].get(of_copy, &found));
  }
  wasi_http_types_request_options_drop_own(kept);
  wasi_http_types_request_options_drop_own(copy);
  drop_unsent(made);
  return NULL;
}

// ---- responses

static const char *check_response(void) {
  trailers_writer end;
  trailers_reader reader = wasi_http_types_future_result_option_own_trailers_error_code_new(&end);
  wasi_http_types_tuple2_own_response_future_result_void_error_code_t made;
  wasi_http_types_static_response_new(wasi_http_types_constructor_fields(), NULL, reader, &made);
  wasi_http_types_borrow_response_t of = wasi_http_types_borrow_response(made.f0);
  CHECK(wasi_http_types_method_response_get_status_code(of) == 200);
  CHECK(wasi_http_types_method_response_set_status_code(of, 599));
  CHECK(!wasi_http_types_method_response_set_status_code(of, 600));
  CHECK(!wasi_http_types_method_response_set_status_code(of, 99));
  CHECK(wasi_http_types_method_response_get_status_code(of) == 599);
  RUN(check_immutable(wasi_http_types_method_response_get_headers(of)));
  wasi_http_types_response_drop_own(made.f0);
  end_body(end, (trailers){.is_err = false});
  wasi_http_types_future_result_void_error_code_drop_readable(made.f1);
  return NULL;
}

const char *check_methods(void) {
  RUN(check_lists());
  RUN(check_refusals());
  RUN(check_request());
  RUN(check_options());
  RUN(check_response());
  return NULL;
}
