// Calls each of the 28 methods of tcp-socket of WASI 0.2, and each of udp-socket, in each state, by bindings of its own, and
// compares what they answer with a table. Prints `ok TYPE METHOD`, and a line for each answer that is not as in the table.
#include <stdio.h>
#include <string.h>
#include "program.h"

typedef wasi_sockets_tcp_borrow_tcp_socket_t tcp;
typedef wasi_sockets_udp_borrow_udp_socket_t udp;
typedef wasi_sockets_network_ip_socket_address_t address;
typedef wasi_sockets_network_error_code_t code;

#define CODE(name) WASI_SOCKETS_NETWORK_ERROR_CODE_##name
#define TCP(name) wasi_sockets_tcp_method_tcp_socket_##name
#define UDP(name) wasi_sockets_udp_method_udp_socket_##name

// Answers: sets, where the WIT text and the reference differ or the WIT leaves a choice.
enum {
  OK = 1 << 0,
  CC = 1 << 1,   // concurrency-conflict
  IS = 1 << 2,   // invalid-state
  NIP = 1 << 3,  // not-in-progress
  WB = 1 << 4,   // would-block
  E = 1 << 5,    // what closed the socket: connection-refused
  NS = 1 << 6,   // not-supported
  OTHER = 1 << 7,
};

static int answer(bool succeeded, code error) {
  if (succeeded) return OK;
  switch (error) {
    case CODE(CONCURRENCY_CONFLICT): return CC;
    case CODE(INVALID_STATE): return IS;
    case CODE(NOT_IN_PROGRESS): return NIP;
    case CODE(WOULD_BLOCK): return WB;
    case CODE(CONNECTION_REFUSED): return E;
    case CODE(NOT_SUPPORTED): return NS;
    default: return OTHER;
  }
}

static wasi_sockets_network_borrow_network_t network(void) {
  static wasi_sockets_network_own_network_t own;
  static bool is_made;
  if (!is_made) own = wasi_sockets_instance_network_instance_network();
  is_made = true;
  return wasi_sockets_network_borrow_network(own);
}

static address *loopback(uint16_t port) {
  static address made;
  made.tag = WASI_SOCKETS_NETWORK_IP_SOCKET_ADDRESS_IPV4;
  made.val.ipv4 = (wasi_sockets_network_ipv4_socket_address_t){port, {127, 0, 0, 1}};
  return &made;
}

static void drop_streams(wasi_sockets_tcp_own_input_stream_t input, wasi_sockets_tcp_own_output_stream_t output) {
  wasi_io_streams_input_stream_drop_own(input);
  wasi_io_streams_output_stream_drop_own(output);
}

// ---- TCP: the methods, all of one shape

#define GETTER(name, type)                                    \
  static int get_##name(tcp socket) {                         \
    type value;                                               \
    code error = 0;                                           \
    bool succeeded = TCP(name)(socket, &value, &error);       \
    return answer(succeeded, error);                          \
  }
#define SETTER(name, value)                                   \
  static int set_##name(tcp socket) {                         \
    code error = 0;                                           \
    bool succeeded = TCP(set_##name)(socket, value, &error);  \
    return answer(succeeded, error);                          \
  }

static int start_bind(tcp socket) {
  code error = 0;
  bool succeeded = TCP(start_bind)(socket, network(), loopback(0), &error);
  return answer(succeeded, error);
}

static int finish_bind(tcp socket) {
  code error = 0;
  bool succeeded = TCP(finish_bind)(socket, &error);
  return answer(succeeded, error);
}

static uint16_t listening_port;

static int start_connect(tcp socket) {
  code error = 0;
  bool succeeded = TCP(start_connect)(socket, network(), loopback(listening_port), &error);
  return answer(succeeded, error);
}

static int finish_connect(tcp socket) {
  wasi_sockets_tcp_tuple2_own_input_stream_own_output_stream_t streams;
  code error = 0;
  bool succeeded = TCP(finish_connect)(socket, &streams, &error);
  if (succeeded) drop_streams(streams.f0, streams.f1);
  return answer(succeeded, error);
}

static int start_listen(tcp socket) {
  code error = 0;
  bool succeeded = TCP(start_listen)(socket, &error);
  return answer(succeeded, error);
}

static int finish_listen(tcp socket) {
  code error = 0;
  bool succeeded = TCP(finish_listen)(socket, &error);
  return answer(succeeded, error);
}

static int accept(tcp socket) {
  wasi_sockets_tcp_tuple3_own_tcp_socket_own_input_stream_own_output_stream_t accepted;
  code error = 0;
  bool succeeded = TCP(accept)(socket, &accepted, &error);
  if (succeeded) {
    drop_streams(accepted.f1, accepted.f2);
    wasi_sockets_tcp_tcp_socket_drop_own(accepted.f0);
  }
  return answer(succeeded, error);
}

GETTER(local_address, address)
GETTER(remote_address, address)

static int is_listening(tcp socket) {
  TCP(is_listening)(socket);
  return OK;
}

static int address_family(tcp socket) {
  return TCP(address_family)(socket) == WASI_SOCKETS_NETWORK_IP_ADDRESS_FAMILY_IPV4 ? OK : OTHER;
}

SETTER(listen_backlog_size, 8)
GETTER(keep_alive_enabled, bool)
SETTER(keep_alive_enabled, true)
GETTER(keep_alive_idle_time, uint64_t)
SETTER(keep_alive_idle_time, 1000000000)
GETTER(keep_alive_interval, uint64_t)
SETTER(keep_alive_interval, 1000000000)
GETTER(keep_alive_count, uint32_t)
SETTER(keep_alive_count, 5)
GETTER(hop_limit, uint8_t)
SETTER(hop_limit, 50)
GETTER(receive_buffer_size, uint64_t)
SETTER(receive_buffer_size, 60000)
GETTER(send_buffer_size, uint64_t)
SETTER(send_buffer_size, 60000)

static int subscribe(tcp socket) {
  wasi_io_poll_pollable_drop_own(TCP(subscribe)(socket));
  return OK;
}

static int shutdown(tcp socket) {
  code error = 0;
  bool succeeded = TCP(shutdown)(socket, WASI_SOCKETS_TCP_SHUTDOWN_TYPE_BOTH, &error);
  return answer(succeeded, error);
}

// ---- TCP: the states

typedef enum { UNBOUND, BINDING, BOUND, LISTEN_STARTED, LISTENING, CONNECTING, CONNECTED, CLOSED, STATES } state;
static const char *const STATE_NAMES[] = {"unbound",   "bind-in-progress",    "bound",     "listen-in-progress",
                                          "listening", "connect-in-progress", "connected", "closed"};

static void wait_for(tcp socket) {
  wasi_sockets_tcp_own_pollable_t pollable = TCP(subscribe)(socket);
  wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(pollable));
  wasi_io_poll_pollable_drop_own(pollable);
}

static uint16_t port_of(tcp socket) {
  address found;
  code error;
  return TCP(local_address)(socket, &found, &error) ? found.val.ipv4.port : 0;
}

// The children of a connected socket, dropped before it.
typedef struct {
  wasi_sockets_tcp_own_tcp_socket_t own;
  bool has_streams;
  wasi_sockets_tcp_tuple2_own_input_stream_own_output_stream_t streams;
} made_socket;

static void connect(made_socket *made, uint16_t port) {
  tcp socket = wasi_sockets_tcp_borrow_tcp_socket(made->own);
  code error = 0;
  TCP(start_connect)(socket, network(), loopback(port), &error);
  for (;;) {
    made->has_streams = TCP(finish_connect)(socket, &made->streams, &error);
    if (made->has_streams || error != CODE(WOULD_BLOCK)) return;
    wait_for(socket);
  }
}

static made_socket make(state wanted) {
  static uint16_t unused_port;
  made_socket made = {.has_streams = false};
  code error = 0;
  wasi_sockets_tcp_create_socket_create_tcp_socket(WASI_SOCKETS_NETWORK_IP_ADDRESS_FAMILY_IPV4, &made.own, &error);
  tcp socket = wasi_sockets_tcp_borrow_tcp_socket(made.own);
  switch (wanted) {
    case BINDING:
      start_bind(socket);
      break;
    case BOUND:
    case LISTEN_STARTED:
    case LISTENING:
      start_bind(socket), finish_bind(socket);
      if (wanted != BOUND) start_listen(socket);
      if (wanted == LISTENING) finish_listen(socket);
      break;
    case CONNECTING:
      start_connect(socket);
      break;
    case CONNECTED:
      connect(&made, listening_port);
      break;
    case CLOSED:
      if (!unused_port) {
        made_socket other = make(BOUND);
        unused_port = port_of(wasi_sockets_tcp_borrow_tcp_socket(other.own));
        wasi_sockets_tcp_tcp_socket_drop_own(other.own);
      }
      connect(&made, unused_port);
      break;
    default:
      break;
  }
  return made;
}

static void drop(made_socket made) {
  if (made.has_streams) drop_streams(made.streams.f0, made.streams.f1);
  wasi_sockets_tcp_tcp_socket_drop_own(made.own);
}

// ---- TCP: the table

static const struct {
  const char *name;
  int (*call)(tcp);
  int expected[STATES];
} METHODS[] = {
    // unbound, bind-in-progress, bound, listen-in-progress, listening, connect-in-progress, connected, closed
    {"start-bind", start_bind, {OK, CC, IS, CC, IS, CC, IS, IS}},
    {"finish-bind", finish_bind, {NIP, OK, NIP, NIP, NIP, NIP, NIP, NIP}},
    {"start-connect", start_connect, {OK, CC, OK, CC, IS, CC, IS, IS}},
    {"finish-connect", finish_connect, {NIP, NIP, NIP, NIP, NIP, OK | WB, NIP, NIP}},
    {"start-listen", start_listen, {IS, CC, OK, CC, IS, CC, IS, IS}},
    {"finish-listen", finish_listen, {NIP, NIP, NIP, OK, NIP, NIP, NIP, NIP}},
    {"accept", accept, {IS, IS, IS, IS | WB, WB, IS, IS, IS}},
    {"local-address", get_local_address, {IS, OK | IS, OK, OK, OK, OK | IS, OK, IS | E}},
    {"remote-address", get_remote_address, {IS, IS, IS, IS, IS, IS, OK, IS | E}},
    {"is-listening", is_listening, {OK, OK, OK, OK, OK, OK, OK, OK}},
    {"address-family", address_family, {OK, OK, OK, OK, OK, OK, OK, OK}},
    {"set-listen-backlog-size", set_listen_backlog_size, {OK, OK, OK, OK, OK | NS, IS, IS, IS | E}},
#define OPTION {OK, OK, OK, OK, OK, IS, OK, IS | E}
    {"keep-alive-enabled", get_keep_alive_enabled, OPTION},
    {"set-keep-alive-enabled", set_keep_alive_enabled, OPTION},
    {"keep-alive-idle-time", get_keep_alive_idle_time, OPTION},
    {"set-keep-alive-idle-time", set_keep_alive_idle_time, OPTION},
    {"keep-alive-interval", get_keep_alive_interval, OPTION},
    {"set-keep-alive-interval", set_keep_alive_interval, OPTION},
    {"keep-alive-count", get_keep_alive_count, OPTION},
    {"set-keep-alive-count", set_keep_alive_count, OPTION},
    {"hop-limit", get_hop_limit, OPTION},
    {"set-hop-limit", set_hop_limit, OPTION},
    {"receive-buffer-size", get_receive_buffer_size, OPTION},
    {"set-receive-buffer-size", set_receive_buffer_size, OPTION},
    {"send-buffer-size", get_send_buffer_size, OPTION},
    {"set-send-buffer-size", set_send_buffer_size, OPTION},
    {"subscribe", subscribe, {OK, OK, OK, OK, OK, OK, OK, OK}},
    {"shutdown", shutdown, {IS, IS, IS, IS, IS, IS, OK, IS}},
};

static bool check_tcp(void) {
  made_socket listener = make(LISTENING);
  listening_port = port_of(wasi_sockets_tcp_borrow_tcp_socket(listener.own));
  bool all_right = true;
  for (size_t i = 0; i < sizeof METHODS / sizeof *METHODS; i++) {
    bool is_right = true;
    for (state s = 0; s < STATES; s++) {
      made_socket made = make(s);
      int got = METHODS[i].call(wasi_sockets_tcp_borrow_tcp_socket(made.own));
      drop(made);
      // takes what was connected out of the listener's queue
      while (accept(wasi_sockets_tcp_borrow_tcp_socket(listener.own)) == OK) {}
      if (got & METHODS[i].expected[s]) continue;
      fprintf(stderr, "tcp %s, %s: got %#x, expected %#x\n", METHODS[i].name, STATE_NAMES[s], got, METHODS[i].expected[s]);
      is_right = false;
    }
    if (is_right) printf("ok tcp %s\n", METHODS[i].name);
    all_right &= is_right;
  }
  drop(listener);
  return all_right;
}

// ---- UDP

static int udp_start_bind(udp socket) {
  code error = 0;
  bool succeeded = UDP(start_bind)(socket, network(), loopback(0), &error);
  return answer(succeeded, error);
}

static int udp_finish_bind(udp socket) {
  code error = 0;
  bool succeeded = UDP(finish_bind)(socket, &error);
  return answer(succeeded, error);
}

static int udp_stream(udp socket) {
  wasi_sockets_udp_tuple2_own_incoming_datagram_stream_own_outgoing_datagram_stream_t streams;
  code error = 0;
  bool succeeded = UDP(stream)(socket, NULL, &streams, &error);
  if (succeeded) {
    wasi_sockets_udp_incoming_datagram_stream_drop_own(streams.f0);
    wasi_sockets_udp_outgoing_datagram_stream_drop_own(streams.f1);
  }
  return answer(succeeded, error);
}

#define UDP_GETTER(name, type)                              \
  static int udp_##name(udp socket) {                       \
    type value;                                             \
    code error = 0;                                         \
    bool succeeded = UDP(name)(socket, &value, &error);     \
    return answer(succeeded, error);                        \
  }
#define UDP_SETTER(name, value)                             \
  static int udp_##name(udp socket) {                       \
    code error = 0;                                         \
    bool succeeded = UDP(name)(socket, value, &error);      \
    return answer(succeeded, error);                        \
  }

UDP_GETTER(local_address, address)
UDP_GETTER(remote_address, address)

static int udp_address_family(udp socket) {
  return UDP(address_family)(socket) == WASI_SOCKETS_NETWORK_IP_ADDRESS_FAMILY_IPV4 ? OK : OTHER;
}

UDP_GETTER(unicast_hop_limit, uint8_t)
UDP_SETTER(set_unicast_hop_limit, 50)
UDP_GETTER(receive_buffer_size, uint64_t)
UDP_SETTER(set_receive_buffer_size, 60000)
UDP_GETTER(send_buffer_size, uint64_t)
UDP_SETTER(set_send_buffer_size, 60000)

static int udp_subscribe(udp socket) {
  wasi_io_poll_pollable_drop_own(UDP(subscribe)(socket));
  return OK;
}

enum { UDP_STATES = 3 };
static const char *const UDP_STATE_NAMES[] = {"unbound", "bind-in-progress", "bound"};

static const struct {
  const char *name;
  int (*call)(udp);
  int expected[UDP_STATES];
} UDP_METHODS[] = {
    {"start-bind", udp_start_bind, {OK, CC, IS}},
    {"finish-bind", udp_finish_bind, {NIP, OK, NIP}},
    {"stream", udp_stream, {IS, OK | IS | CC, OK}},
    {"local-address", udp_local_address, {IS, OK | IS, OK}},
    {"remote-address", udp_remote_address, {IS, IS, IS}},
    {"address-family", udp_address_family, {OK, OK, OK}},
    {"unicast-hop-limit", udp_unicast_hop_limit, {OK, OK, OK}},
    {"set-unicast-hop-limit", udp_set_unicast_hop_limit, {OK, OK, OK}},
    {"receive-buffer-size", udp_receive_buffer_size, {OK, OK, OK}},
    {"set-receive-buffer-size", udp_set_receive_buffer_size, {OK, OK, OK}},
    {"send-buffer-size", udp_send_buffer_size, {OK, OK, OK}},
    {"set-send-buffer-size", udp_set_send_buffer_size, {OK, OK, OK}},
    {"subscribe", udp_subscribe, {OK, OK, OK}},
};

static bool check_udp(void) {
  bool all_right = true;
  for (size_t i = 0; i < sizeof UDP_METHODS / sizeof *UDP_METHODS; i++) {
    bool is_right = true;
    for (int s = 0; s < UDP_STATES; s++) {
      wasi_sockets_udp_own_udp_socket_t own;
      code error = 0;
      wasi_sockets_udp_create_socket_create_udp_socket(WASI_SOCKETS_NETWORK_IP_ADDRESS_FAMILY_IPV4, &own, &error);
      udp socket = wasi_sockets_udp_borrow_udp_socket(own);
      if (s > 0) udp_start_bind(socket);
      if (s > 1) udp_finish_bind(socket);
      int got = UDP_METHODS[i].call(socket);
      wasi_sockets_udp_udp_socket_drop_own(own);
      if (got & UDP_METHODS[i].expected[s]) continue;
      fprintf(stderr, "udp %s, %s: got %#x, expected %#x\n", UDP_METHODS[i].name, UDP_STATE_NAMES[s], got,
              UDP_METHODS[i].expected[s]);
      is_right = false;
    }
    if (is_right) printf("ok udp %s\n", UDP_METHODS[i].name);
    all_right &= is_right;
  }
  return all_right;
}

int main(void) {
  bool tcp_is_right = check_tcp();
  bool udp_is_right = check_udp();
  return tcp_is_right && udp_is_right ? 0 : 1;
}
