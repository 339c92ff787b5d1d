// Name lookup: the one function of wasi:sockets/ip-name-lookup, for success and for each error that a host can be made to give.
// Needs the hosts and the resolver of its test for all but `literals` and `invalid`. CASE names one (default those two).
#include "guest.h"

typedef wasi_sockets_ip_name_lookup_error_code_t lookup_error;
typedef wasi_sockets_ip_name_lookup_list_ip_address_t addresses;

enum {
  NO_ACCESS = WASI_SOCKETS_IP_NAME_LOOKUP_ERROR_CODE_ACCESS_DENIED,
  NO_NAME = WASI_SOCKETS_IP_NAME_LOOKUP_ERROR_CODE_INVALID_ARGUMENT,
  UNRESOLVABLE = WASI_SOCKETS_IP_NAME_LOOKUP_ERROR_CODE_NAME_UNRESOLVABLE,
  TEMPORARY = WASI_SOCKETS_IP_NAME_LOOKUP_ERROR_CODE_TEMPORARY_RESOLVER_FAILURE,
  PERMANENT = WASI_SOCKETS_IP_NAME_LOOKUP_ERROR_CODE_PERMANENT_RESOLVER_FAILURE,
  ANOTHER = WASI_SOCKETS_IP_NAME_LOOKUP_ERROR_CODE_OTHER,
};

static code resolve(const char *name, addresses *found) {
  program_string_t text;
  program_string_set(&text, name);
  wasi_sockets_ip_name_lookup_result_list_ip_address_error_code_t result;
  program_subtask_status_t status = wasi_sockets_ip_name_lookup_resolve_addresses(text, &result);
  if (PROGRAM_SUBTASK_STATE(status) != PROGRAM_SUBTASK_RETURNED) wait_for_subtask(PROGRAM_SUBTASK_HANDLE(status));
  if (!result.is_err) {
    *found = result.val.ok;
    return OK;
  }
  code reason = result.val.err.tag;
  wasi_sockets_ip_name_lookup_error_code_free(&result.val.err);
  return reason;
}

static code fails(const char *name) {
  addresses found;
  code reason = resolve(name, &found);
  if (reason == OK) wasi_sockets_ip_name_lookup_list_ip_address_free(&found);
  return reason;
}

// Whether the name has IPv4 addresses only, or IPv6 addresses only, and the last byte of the first one.
static bool is(const char *name, int family, size_t count, int last) {
  addresses found;
  SUCCEED(resolve(name, &found));
  CHECK(found.len == count);
  wasi_sockets_types_ip_address_t first = found.ptr[0];
  CHECK(first.tag == family);
  CHECK((family == IPV4 ? first.val.ipv4.f3 : first.val.ipv6.f7) == last);
  wasi_sockets_ip_name_lookup_list_ip_address_free(&found);
  return true;
}

static bool test_literals(void) {
  CHECK(is("127.0.0.1", IPV4, 1, 1));
  CHECK(is("255.255.255.254", IPV4, 1, 254));
  CHECK(is("::2", IPV6, 1, 2));
  CHECK(is("[::3]", IPV6, 1, 3));
  return true;
}

static bool test_invalid(void) {
  static const char *const names[] = {"", " ", "a b", "localhost:80", "[::1]:80", "http://localhost/", "<>&"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) EXPECT(fails(names[i]), NO_NAME);
  return true;
}

static bool test_denied(void) {
  EXPECT(fails("example.com"), NO_ACCESS);
  return true;
}

static bool test_hosts(void) {
  CHECK(is("db", IPV4, 1, 1));
  CHECK(is("api", IPV6, 2, 1));
  return true;
}

static bool test_errors(void) {
  EXPECT(fails("missing.test"), UNRESOLVABLE);
  EXPECT(fails("busy.test"), TEMPORARY);
  EXPECT(fails("broken.test"), PERMANENT);
  EXPECT(fails("strange.test"), ANOTHER);
  return true;
}

static const struct {
  const char *name;
  bool (*test)(void);
  bool needs_its_host;
} cases[] = {
    {"literals", test_literals, false},
    {"invalid", test_invalid, false},
    {"denied", test_denied, true},
    {"hosts", test_hosts, true},
    {"errors", test_errors, true},
};

bool guest_main(void) {
  const char *wanted = variable("CASE");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    if (wanted ? !same_text(wanted, cases[i].name) : cases[i].needs_its_host) continue;
    if (!cases[i].test()) return false;
    print_out("ok ");
    print_out(cases[i].name);
    print_out("\n");
  }
  return true;
}
