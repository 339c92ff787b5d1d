// Calls each of the 15 imported functions of udp-socket and its drop: for success, and for each error that a guest can
// provoke on loopback. FAMILY=ipv6 does it with IPv6 (default ipv4). Prints `ok NAME` for each case, stops at the first failure.
#include "addresses.h"

static uint8_t sent[DATAGRAM_ROOM], received[DATAGRAM_ROOM];

static bool make_bound(udp *socket, address *at) {
  SUCCEED(udp_create(family(), socket));
  SUCCEED(udp_bind(*socket, loopback(0)));
  SUCCEED(udp_local_address(*socket, at));
  return true;
}

static bool expect(udp socket, size_t size, address from) {
  size_t count;
  address sender;
  SUCCEED(udp_receive(socket, received, &count, &sender));
  CHECK(count == size);
  CHECK(!__builtin_memcmp(received, sent, size));
  CHECK(same_address(sender, from));
  return true;
}

static bool test_create(void) {
  for (int which = IPV4; which <= IPV6; which++) {
    udp socket;
    SUCCEED(udp_create(which, &socket));
    CHECK(udp_family(socket) == which);
    udp_drop(socket);
  }
  return true;
}

static bool test_bind(void) {
  udp socket, other;
  address local, taken;
  SUCCEED(udp_create(family(), &socket));
  CHECK(make_bound(&other, &taken));
  EXPECT(udp_local_address(socket, &local), INVALID_STATE);
  EXPECT(udp_bind(socket, other_loopback(0)), INVALID_ARGUMENT);
  EXPECT(udp_bind(socket, foreign(0)), ADDRESS_NOT_BINDABLE);
  EXPECT(udp_bind(socket, taken), ADDRESS_IN_USE);
  SUCCEED(udp_bind(socket, loopback(0)));
  SUCCEED(udp_local_address(socket, &local));
  CHECK(port_of(local) != 0);
  CHECK(same_address(local, loopback(port_of(local))));
  EXPECT(udp_bind(socket, loopback(0)), INVALID_STATE);
  udp_drop(other);
  udp_drop(socket);
  // a dropped socket gives its port back
  SUCCEED(udp_create(family(), &socket));
  SUCCEED(udp_bind(socket, taken));
  udp_drop(socket);
  return true;
}

static bool test_connect(void) {
  udp socket, first, second;
  address at_first, at_second, local, remote;
  CHECK(make_bound(&first, &at_first));
  CHECK(make_bound(&second, &at_second));
  SUCCEED(udp_create(family(), &socket));
  EXPECT(udp_remote_address(socket, &remote), INVALID_STATE);
  EXPECT(udp_disconnect(socket), INVALID_STATE);
  EXPECT(udp_connect(socket, other_loopback(9)), INVALID_ARGUMENT);
  EXPECT(udp_connect(socket, wildcard(9)), INVALID_ARGUMENT);
  EXPECT(udp_connect(socket, loopback(0)), INVALID_ARGUMENT);
  SUCCEED(udp_connect(socket, at_first));
  SUCCEED(udp_remote_address(socket, &remote));
  CHECK(same_address(remote, at_first));
  SUCCEED(udp_local_address(socket, &local));
  SUCCEED(udp_connect(socket, at_second));
  SUCCEED(udp_remote_address(socket, &remote));
  CHECK(same_address(remote, at_second));
  SUCCEED(udp_disconnect(socket));
  EXPECT(udp_remote_address(socket, &remote), INVALID_STATE);
  EXPECT(udp_disconnect(socket), INVALID_STATE);
  udp_drop(socket);
  udp_drop(first);
  udp_drop(second);
  return true;
}

static bool test_send_and_receive(void) {
  udp left, right, stranger;
  address at_left, at_right, at_stranger;
  size_t count;
  CHECK(make_bound(&left, &at_left));
  CHECK(make_bound(&right, &at_right));
  CHECK(make_bound(&stranger, &at_stranger));
  for (size_t i = 0; i < sizeof sent; i++) sent[i] = (uint8_t)(i % 251);
  EXPECT(udp_send(left, sent, 1, NULL), INVALID_ARGUMENT);
  address other = other_loopback(9), nowhere = wildcard(9), no_port = loopback(0);
  EXPECT(udp_send(left, sent, 1, &other), INVALID_ARGUMENT);
  EXPECT(udp_send(left, sent, 1, &nowhere), INVALID_ARGUMENT);
  EXPECT(udp_send(left, sent, 1, &no_port), INVALID_ARGUMENT);

  static const size_t sizes[] = {0, 1, 1000, 1472, 1473, 60000};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    SUCCEED(udp_send(left, sent, sizes[i], &at_right));
    CHECK(expect(right, sizes[i], at_left));
  }
  EXPECT(udp_send(left, sent, 65535, &at_right), DATAGRAM_TOO_LARGE);

  SUCCEED(udp_connect(left, at_right));
  EXPECT(udp_send(left, sent, 1, &at_stranger), INVALID_ARGUMENT);
  SUCCEED(udp_send(left, sent, 3, NULL));
  CHECK(expect(right, 3, at_left));
  SUCCEED(udp_send(left, sent, 4, &at_right));
  CHECK(expect(right, 4, at_left));
  // who is connected hears only its peer
  SUCCEED(udp_send(stranger, sent, 5, &at_left));
  SUCCEED(udp_send(right, sent, 6, &at_left));
  CHECK(expect(left, 6, at_right));
  SUCCEED(udp_disconnect(left));
  udp_drop(left);

  udp unbound;
  SUCCEED(udp_create(family(), &unbound));
  EXPECT(udp_receive(unbound, received, &count, NULL), INVALID_STATE);
  SUCCEED(udp_send(unbound, sent, 7, &at_right));
  SUCCEED(udp_receive(right, received, &count, &at_left));
  CHECK(count == 7);
  SUCCEED(udp_send(right, sent, 8, &at_left));
  CHECK(expect(unbound, 8, at_right));
  udp_drop(unbound);
  udp_drop(right);
  udp_drop(stranger);
  return true;
}

static bool test_connection_refused(void) {
  udp socket, gone;
  address at, at_gone;
  size_t count;
  CHECK(make_bound(&gone, &at_gone));
  CHECK(make_bound(&socket, &at));
  udp_drop(gone);
  SUCCEED(udp_connect(socket, at_gone));
  SUCCEED(udp_send(socket, sent, 1, NULL));
  EXPECT(udp_receive(socket, received, &count, NULL), CONNECTION_REFUSED);
  SUCCEED(udp_send(socket, sent, 1, NULL));
  EXPECT(udp_send(socket, sent, 1, NULL), CONNECTION_REFUSED);
  udp_drop(socket);
  return true;
}

// One option in one state: zero is refused and changes nothing; what is set can be read back, as it was (`exact`) or rounded.
#define CHECK_NUMBER(name, type, value, exact, largest)        \
  static bool check_##name(udp socket) {                       \
    type before, after;                                        \
    SUCCEED(udp_get_##name(socket, &before));                  \
    CHECK(before > 0);                                         \
    EXPECT(udp_set_##name(socket, 0), INVALID_ARGUMENT);       \
    SUCCEED(udp_get_##name(socket, &after));                   \
    CHECK(after == before);                                    \
    SUCCEED(udp_set_##name(socket, largest));                  \
    SUCCEED(udp_set_##name(socket, value));                    \
    SUCCEED(udp_get_##name(socket, &after));                   \
    CHECK(exact ? after == value : after > 0);                 \
    return true;                                               \
  }

CHECK_NUMBER(unicast_hop_limit, uint8_t, 42, true, UINT8_MAX)
CHECK_NUMBER(receive_buffer_size, uint64_t, 65536, false, UINT64_MAX)
CHECK_NUMBER(send_buffer_size, uint64_t, 65536, false, UINT64_MAX)

static bool test_options(void) {
  udp sockets[3];
  address at;
  SUCCEED(udp_create(family(), &sockets[0]));
  CHECK(make_bound(&sockets[1], &at));
  SUCCEED(udp_create(family(), &sockets[2]));
  SUCCEED(udp_connect(sockets[2], at));
  for (int i = 0; i < 3; i++) {
    CHECK(check_unicast_hop_limit(sockets[i]));
    CHECK(check_receive_buffer_size(sockets[i]));
    CHECK(check_send_buffer_size(sockets[i]));
    udp_drop(sockets[i]);
  }
  return true;
}

static const struct {
  const char *name;
  bool (*test)(void);
} cases[] = {
    {"create", test_create},
    {"bind", test_bind},
    {"connect", test_connect},
    {"send-and-receive", test_send_and_receive},
    {"connection-refused", test_connection_refused},
    {"options", test_options},
};

bool guest_main(void) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    if (!cases[i].test()) return false;
    print_out("ok ");
    print_out(cases[i].name);
    print_out("\n");
  }
  return true;
}
