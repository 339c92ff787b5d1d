// Calls each of the 25 imported functions of tcp-socket and its drop: for success, and for each error that a guest can
// provoke on loopback. FAMILY=ipv6 does it with IPv6 (default ipv4). Prints `ok NAME` for each case, stops at the first failure.
#include "addresses.h"

static bool make_bound(tcp *socket) {
  SUCCEED(tcp_create(family(), socket));
  SUCCEED(tcp_bind(*socket, loopback(0)));
  return true;
}

typedef struct {
  tcp socket;
  accept_stream accepted;
  address at;
} listener;

static bool make_listener(listener *l) {
  CHECK(make_bound(&l->socket));
  SUCCEED(tcp_listen(l->socket, &l->accepted));
  SUCCEED(tcp_local_address(l->socket, &l->at));
  return true;
}

static void drop_listener(listener *l) {
  wasi_sockets_types_stream_own_tcp_socket_drop_readable(l->accepted);
  tcp_drop(l->socket);
}

static bool make_connection(listener *l, tcp *client, tcp *server) {
  SUCCEED(tcp_create(family(), client));
  SUCCEED(tcp_connect(*client, l->at));
  CHECK(tcp_accept(l->accepted, server));
  return true;
}

static bool make_pair(tcp *client, tcp *server) {
  listener l;
  CHECK(make_listener(&l));
  CHECK(make_connection(&l, client, server));
  drop_listener(&l);
  return true;
}

// A socket whose connect failed.
static bool make_failed(tcp *socket) {
  listener l;
  CHECK(make_listener(&l));
  drop_listener(&l);
  SUCCEED(tcp_create(family(), socket));
  EXPECT(tcp_connect(*socket, l.at), CONNECTION_REFUSED);
  return true;
}

// Both directions of a connected socket.
typedef struct {
  byte_writer writer;
  outcome sent;
  byte_reader reader;
  outcome received;
} open_socket;

static open_socket open(tcp socket) {
  open_socket o;
  o.sent = tcp_send(socket, wasi_sockets_types_stream_u8_new(&o.writer));
  o.received = tcp_receive(socket, &o.reader);
  return o;
}

static bool deliver(byte_writer writer, byte_reader reader) {
  static const uint8_t message[] = "a few bytes";
  uint8_t got[sizeof message];
  CHECK(write_all(writer, message, sizeof message));
  CHECK(read_exactly(reader, got, sizeof message) == sizeof message);
  CHECK(!__builtin_memcmp(got, message, sizeof message));
  return true;
}

static bool has_ended(byte_reader reader) {
  uint8_t byte;
  bool ended;
  CHECK(read_some(reader, &byte, 1, &ended) == 0);
  CHECK(ended);
  return true;
}

static bool send_is_refused(tcp socket, code reason) {
  byte_writer writer;
  outcome sent = tcp_send(socket, wasi_sockets_types_stream_u8_new(&writer));
  EXPECT(await_outcome(sent), reason);
  CHECK(!write_all(writer, (const uint8_t *)"x", 1));
  wasi_sockets_types_stream_u8_drop_writable(writer);
  return true;
}

static bool receive_is_refused(tcp socket, code reason) {
  byte_reader reader;
  outcome received = tcp_receive(socket, &reader);
  CHECK(has_ended(reader));
  wasi_sockets_types_stream_u8_drop_readable(reader);
  EXPECT(await_outcome(received), reason);
  return true;
}

static bool test_create(void) {
  for (int which = IPV4; which <= IPV6; which++) {
    tcp socket;
    SUCCEED(tcp_create(which, &socket));
    CHECK(tcp_family(socket) == which);
    CHECK(!tcp_is_listening(socket));
    tcp_drop(socket);
  }
  return true;
}

static bool test_bind(void) {
  tcp socket;
  address local;
  SUCCEED(tcp_create(family(), &socket));
  EXPECT(tcp_local_address(socket, &local), INVALID_STATE);
  EXPECT(tcp_bind(socket, other_loopback(0)), INVALID_ARGUMENT);
  EXPECT(tcp_bind(socket, multicast(0)), INVALID_ARGUMENT);
  EXPECT(tcp_bind(socket, foreign(0)), ADDRESS_NOT_BINDABLE);
  listener l;
  CHECK(make_listener(&l));
  EXPECT(tcp_bind(socket, l.at), ADDRESS_IN_USE);
  SUCCEED(tcp_bind(socket, loopback(0)));
  SUCCEED(tcp_local_address(socket, &local));
  CHECK(port_of(local) != 0);
  CHECK(same_address(local, loopback(port_of(local))));
  EXPECT(tcp_bind(socket, loopback(0)), INVALID_STATE);
  tcp_drop(socket);
  drop_listener(&l);
  return true;
}

static bool connect_is_refused(address remote, code reason) {
  tcp socket;
  SUCCEED(tcp_create(family(), &socket));
  EXPECT(tcp_connect(socket, remote), reason);
  tcp_drop(socket);
  return true;
}

static bool test_connect(void) {
  listener l;
  tcp client, server;
  address local, remote;
  CHECK(make_listener(&l));
  CHECK(make_connection(&l, &client, &server));
  SUCCEED(tcp_local_address(client, &local));
  SUCCEED(tcp_remote_address(client, &remote));
  CHECK(same_address(remote, l.at));
  SUCCEED(tcp_remote_address(server, &remote));
  CHECK(same_address(remote, local));
  SUCCEED(tcp_local_address(server, &local));
  CHECK(same_address(local, l.at));
  EXPECT(tcp_connect(client, l.at), INVALID_STATE);
  EXPECT(tcp_connect(server, l.at), INVALID_STATE);
  EXPECT(tcp_connect(l.socket, l.at), INVALID_STATE);
  tcp_drop(client);
  tcp_drop(server);

  uint16_t port = port_of(l.at);
  CHECK(connect_is_refused(other_loopback(port), INVALID_ARGUMENT));
  CHECK(connect_is_refused(loopback(0), INVALID_ARGUMENT));
  CHECK(connect_is_refused(wildcard(port), INVALID_ARGUMENT));
  CHECK(connect_is_refused(multicast(port), INVALID_ARGUMENT));
  drop_listener(&l);
  CHECK(connect_is_refused(l.at, CONNECTION_REFUSED));
  return true;
}

static bool test_listen(void) {
  tcp socket, client, server;
  accept_stream accepted, none;
  address local;
  SUCCEED(tcp_create(family(), &socket));
  EXPECT(tcp_set_backlog(socket, 0), INVALID_ARGUMENT);
  SUCCEED(tcp_set_backlog(socket, 7));
  SUCCEED(tcp_set_backlog(socket, UINT64_MAX));
  SUCCEED(tcp_listen(socket, &accepted));
  CHECK(tcp_is_listening(socket));
  EXPECT(tcp_listen(socket, &none), INVALID_STATE);
  EXPECT(tcp_bind(socket, loopback(0)), INVALID_STATE);
  EXPECT(tcp_remote_address(socket, &local), INVALID_STATE);
  SUCCEED(tcp_local_address(socket, &local));
  CHECK(same_address(local, wildcard(port_of(local))));
  CHECK(send_is_refused(socket, INVALID_STATE));
  CHECK(receive_is_refused(socket, INVALID_STATE));

  SUCCEED(tcp_create(family(), &client));
  SUCCEED(tcp_connect(client, loopback(port_of(local))));
  CHECK(tcp_accept(accepted, &server));
  CHECK(!tcp_is_listening(server));
  CHECK(tcp_family(server) == family());
  EXPECT(tcp_listen(client, &none), INVALID_STATE);
  EXPECT(tcp_listen(server, &none), INVALID_STATE);
  EXPECT(tcp_set_backlog(client, 7), INVALID_STATE);
  tcp_drop(client);
  tcp_drop(server);
  tcp_drop(socket);
  wasi_sockets_types_stream_own_tcp_socket_drop_readable(accepted);
  return true;
}

static bool test_send_and_receive(void) {
  tcp client, server;
  CHECK(make_pair(&client, &server));
  open_socket left = open(client), right = open(server);
  CHECK(deliver(left.writer, right.reader));
  CHECK(deliver(right.writer, left.reader));
  CHECK(send_is_refused(client, INVALID_STATE));
  CHECK(receive_is_refused(client, INVALID_STATE));
  // streams and futures live on without the handles
  tcp_drop(client);
  tcp_drop(server);
  CHECK(deliver(left.writer, right.reader));
  // half close: the other direction stays open
  wasi_sockets_types_stream_u8_drop_writable(left.writer);
  SUCCEED(await_outcome(left.sent));
  CHECK(has_ended(right.reader));
  SUCCEED(await_outcome(right.received));
  CHECK(deliver(right.writer, left.reader));
  wasi_sockets_types_stream_u8_drop_writable(right.writer);
  CHECK(has_ended(left.reader));
  SUCCEED(await_outcome(left.received));
  SUCCEED(await_outcome(right.sent));
  wasi_sockets_types_stream_u8_drop_readable(left.reader);
  wasi_sockets_types_stream_u8_drop_readable(right.reader);
  return true;
}

static bool test_drop_receive_stream(void) {
  tcp client, server;
  CHECK(make_pair(&client, &server));
  open_socket left = open(client), right = open(server);
  wasi_sockets_types_stream_u8_drop_readable(left.reader);
  SUCCEED(await_outcome(left.received));
  CHECK(deliver(left.writer, right.reader));
  tcp_drop(client);
  tcp_drop(server);
  return true;
}

// A socket closed with data that nobody read answers with RST.
static bool test_reset(void) {
  tcp client, server;
  byte_reader unread;
  bool ended;
  CHECK(make_pair(&client, &server));
  open_socket left = open(client);
  outcome ignored = tcp_receive(server, &unread);
  CHECK(write_all(left.writer, (const uint8_t *)"unwanted", 8));
  // an empty read completes when the data is there
  CHECK(read_some(unread, NULL, 0, &ended) == 0);
  CHECK(!ended);
  wasi_sockets_types_stream_u8_drop_readable(unread);
  wasi_sockets_types_future_result_void_error_code_drop_readable(ignored);
  tcp_drop(server);

  CHECK(has_ended(left.reader));
  EXPECT(await_outcome(left.received), CONNECTION_RESET);
  static const uint8_t block[4096];
  int taken = 0;
  while (taken < 1000 && write_all(left.writer, block, sizeof block)) taken++;
  CHECK(taken < 1000);
  code why = await_outcome(left.sent);
  CHECK(why == CONNECTION_RESET || why == CONNECTION_BROKEN);
  tcp_drop(client);
  return true;
}

#define SECOND UINT64_C(1000000000)

// One option in one state: zero is refused and changes nothing; what is set can be read back, as it was (`exact`) or rounded.
#define CHECK_NUMBER(name, type, value, exact, largest)        \
  static bool check_##name(tcp socket) {                       \
    type before, after;                                        \
    SUCCEED(tcp_get_##name(socket, &before));                  \
    CHECK(before > 0);                                         \
    EXPECT(tcp_set_##name(socket, 0), INVALID_ARGUMENT);       \
    SUCCEED(tcp_get_##name(socket, &after));                   \
    CHECK(after == before);                                    \
    SUCCEED(tcp_set_##name(socket, 1));                        \
    SUCCEED(tcp_get_##name(socket, &after));                   \
    CHECK(after > 0);                                          \
    SUCCEED(tcp_set_##name(socket, largest));                  \
    SUCCEED(tcp_get_##name(socket, &after));                   \
    CHECK(after > 0);                                          \
    SUCCEED(tcp_set_##name(socket, value));                    \
    SUCCEED(tcp_get_##name(socket, &after));                   \
    CHECK(exact ? after == value : after > 0);                 \
    return true;                                               \
  }

CHECK_NUMBER(keep_alive_idle_time, uint64_t, 30 * SECOND, true, UINT64_MAX)
CHECK_NUMBER(keep_alive_interval, uint64_t, 20 * SECOND, true, UINT64_MAX)
CHECK_NUMBER(keep_alive_count, uint32_t, 5, true, UINT32_MAX)
CHECK_NUMBER(hop_limit, uint8_t, 42, true, UINT8_MAX)
CHECK_NUMBER(receive_buffer_size, uint64_t, 65536, false, UINT64_MAX)
CHECK_NUMBER(send_buffer_size, uint64_t, 65536, false, UINT64_MAX)

static bool check_keep_alive_enabled(tcp socket) {
  for (int i = 0; i < 3; i++) {
    bool want = i % 2 == 0, got = !want;
    SUCCEED(tcp_set_keep_alive_enabled(socket, want));
    SUCCEED(tcp_get_keep_alive_enabled(socket, &got));
    CHECK(got == want);
  }
  return true;
}

static bool check_options(tcp socket) {
  CHECK(check_keep_alive_enabled(socket));
  CHECK(check_keep_alive_idle_time(socket));
  CHECK(check_keep_alive_interval(socket));
  CHECK(check_keep_alive_count(socket));
  CHECK(check_hop_limit(socket));
  CHECK(check_receive_buffer_size(socket));
  CHECK(check_send_buffer_size(socket));
  return true;
}

static bool test_options(void) {
  tcp sockets[5];
  listener l;
  SUCCEED(tcp_create(family(), &sockets[0]));
  CHECK(make_bound(&sockets[1]));
  CHECK(make_listener(&l));
  CHECK(make_connection(&l, &sockets[2], &sockets[3]));
  sockets[4] = l.socket;
  for (int i = 0; i < 5; i++) CHECK(check_options(sockets[i]));
  for (int i = 0; i < 4; i++) tcp_drop(sockets[i]);
  drop_listener(&l);
  return true;
}

#define CHECK_SAME(name, type)                    \
  do {                                            \
    type mine, theirs;                            \
    SUCCEED(tcp_get_##name(accepted, &mine));     \
    SUCCEED(tcp_get_##name(l.socket, &theirs));   \
    CHECK(mine == theirs);                        \
  } while (0)

static bool test_options_are_inherited(void) {
  listener l;
  tcp client, accepted;
  CHECK(make_listener(&l));
  CHECK(check_options(l.socket));
  CHECK(make_connection(&l, &client, &accepted));
  CHECK_SAME(keep_alive_enabled, bool);
  CHECK_SAME(keep_alive_idle_time, uint64_t);
  CHECK_SAME(keep_alive_interval, uint64_t);
  CHECK_SAME(keep_alive_count, uint32_t);
  CHECK_SAME(hop_limit, uint8_t);
  CHECK_SAME(receive_buffer_size, uint64_t);
  CHECK_SAME(send_buffer_size, uint64_t);
  tcp_drop(client);
  tcp_drop(accepted);
  drop_listener(&l);
  return true;
}

// WIT lets a method of a closed socket give invalid-state; the reference repeats why connect failed.
#define REFUSED_WHEN_CLOSED(call)                                  \
  do {                                                             \
    code why_ = (call);                                            \
    if (why_ != CONNECTION_REFUSED) EXPECT(why_, INVALID_STATE);   \
  } while (0)

static bool test_closed(void) {
  tcp socket;
  accept_stream none;
  address any;
  uint8_t hops;
  uint32_t count;
  uint64_t number;
  bool enabled;
  CHECK(make_failed(&socket));
  EXPECT(tcp_bind(socket, loopback(0)), INVALID_STATE);
  EXPECT(tcp_connect(socket, loopback(1)), INVALID_STATE);
  EXPECT(tcp_listen(socket, &none), INVALID_STATE);
  CHECK(!tcp_is_listening(socket));
  CHECK(tcp_family(socket) == family());
  REFUSED_WHEN_CLOSED(tcp_local_address(socket, &any));
  REFUSED_WHEN_CLOSED(tcp_remote_address(socket, &any));
  REFUSED_WHEN_CLOSED(tcp_set_backlog(socket, 7));
  REFUSED_WHEN_CLOSED(tcp_get_keep_alive_enabled(socket, &enabled));
  REFUSED_WHEN_CLOSED(tcp_set_keep_alive_enabled(socket, true));
  REFUSED_WHEN_CLOSED(tcp_get_keep_alive_idle_time(socket, &number));
  REFUSED_WHEN_CLOSED(tcp_set_keep_alive_idle_time(socket, SECOND));
  REFUSED_WHEN_CLOSED(tcp_get_keep_alive_interval(socket, &number));
  REFUSED_WHEN_CLOSED(tcp_set_keep_alive_interval(socket, SECOND));
  REFUSED_WHEN_CLOSED(tcp_get_keep_alive_count(socket, &count));
  REFUSED_WHEN_CLOSED(tcp_set_keep_alive_count(socket, 5));
  REFUSED_WHEN_CLOSED(tcp_get_hop_limit(socket, &hops));
  REFUSED_WHEN_CLOSED(tcp_set_hop_limit(socket, 5));
  REFUSED_WHEN_CLOSED(tcp_get_receive_buffer_size(socket, &number));
  REFUSED_WHEN_CLOSED(tcp_set_receive_buffer_size(socket, 65536));
  REFUSED_WHEN_CLOSED(tcp_get_send_buffer_size(socket, &number));
  REFUSED_WHEN_CLOSED(tcp_set_send_buffer_size(socket, 65536));
  tcp_drop(socket);
  return true;
}

static bool test_unconnected(void) {
  tcp sockets[2];
  address any;
  SUCCEED(tcp_create(family(), &sockets[0]));
  CHECK(make_bound(&sockets[1]));
  for (int i = 0; i < 2; i++) {
    EXPECT(tcp_remote_address(sockets[i], &any), INVALID_STATE);
    CHECK(send_is_refused(sockets[i], INVALID_STATE));
    CHECK(receive_is_refused(sockets[i], INVALID_STATE));
    CHECK(!tcp_is_listening(sockets[i]));
    tcp_drop(sockets[i]);
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
    {"listen", test_listen},
    {"send-and-receive", test_send_and_receive},
    {"drop-receive-stream", test_drop_receive_stream},
    {"reset", test_reset},
    {"options", test_options},
    {"options-are-inherited", test_options_are_inherited},
    {"closed", test_closed},
    {"unconnected", test_unconnected},
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
