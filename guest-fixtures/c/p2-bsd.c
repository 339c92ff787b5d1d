// BSD sockets and poll(2) of wasi-libc on WASI 0.2, as C programs use them. Prints `ok NAME` for each case; a failed check
// ends the program with its line. CASE is one of the names below, or all (default); NAME is what `names` looks up.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHECK(claim)                                                                        \
  do {                                                                                      \
    if (!(claim)) {                                                                         \
      fprintf(stderr, "%s:%d: not so: %s (errno %d)\n", __FILE__, __LINE__, #claim, errno); \
      exit(1);                                                                              \
    }                                                                                       \
  } while (0)

typedef struct sockaddr_in address;

static address loopback(uint16_t port) {
  return (address){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static address local_address(int fd) {
  address found;
  socklen_t size = sizeof found;
  CHECK(getsockname(fd, (struct sockaddr *)&found, &size) == 0);
  return found;
}

static int bound(int type) {
  address any = loopback(0);
  int fd = socket(AF_INET, type, 0);
  CHECK(fd >= 0);
  CHECK(bind(fd, (struct sockaddr *)&any, sizeof any) == 0);
  return fd;
}

static int listener(void) {
  int fd = bound(SOCK_STREAM);
  CHECK(listen(fd, 8) == 0);
  return fd;
}

static int connected(int listening) {
  address to = local_address(listening);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
  return fd;
}

static void make_pair(int pair[2]) {
  int listening = listener();
  pair[0] = connected(listening);
  pair[1] = accept(listening, NULL, NULL);
  CHECK(pair[1] >= 0);
  close(listening);
}

static void close_pair(const int pair[2]) {
  close(pair[0]);
  close(pair[1]);
}

static void set_non_blocking(int fd) {
  int yes = 1;
  CHECK(ioctl(fd, FIONBIO, &yes) == 0);
}

static void exchange(void) {
  int pair[2];
  char got[16];
  make_pair(pair);
  CHECK(send(pair[0], "question", 8, 0) == 8);
  CHECK(recv(pair[1], got, sizeof got, 0) == 8 && !memcmp(got, "question", 8));
  CHECK(send(pair[1], "answer", 6, 0) == 6);
  CHECK(recv(pair[0], got, sizeof got, 0) == 6 && !memcmp(got, "answer", 6));
  close(pair[0]);
  CHECK(recv(pair[1], got, sizeof got, 0) == 0);
  close(pair[1]);
}

static void refused(void) {
  int unused = bound(SOCK_STREAM), fd = socket(AF_INET, SOCK_STREAM, 0);
  address to = local_address(unused);
  close(unused);
  CHECK(connect(fd, (struct sockaddr *)&to, sizeof to) == -1 && errno == ECONNREFUSED);
  close(fd);
}

// A loop over poll(2), as servers have it: a listener, its connections, and a limit of time.
static void poll_loop(void) {
  int listening = listener(), client = connected(listening);
  struct pollfd waited = {.fd = listening, .events = POLLIN};
  CHECK(poll(&waited, 1, 60000) == 1 && waited.revents == POLLIN);
  int server = accept(listening, NULL, NULL);
  waited = (struct pollfd){.fd = server, .events = POLLIN};
  CHECK(poll(&waited, 1, 0) == 0);
  CHECK(poll(&waited, 1, 20) == 0);
  CHECK(send(client, "x", 1, 0) == 1);
  struct pollfd both[] = {{.fd = listening, .events = POLLIN}, {.fd = server, .events = POLLIN | POLLOUT}};
  while (!(both[1].revents & POLLIN)) CHECK(poll(both, 2, 60000) == 1);
  CHECK(both[1].revents & POLLOUT && !both[0].revents);
  char byte;
  CHECK(recv(server, &byte, 1, 0) == 1 && byte == 'x');
  close(client);
  waited.revents = 0;
  CHECK(poll(&waited, 1, 60000) == 1 && waited.revents & (POLLIN | POLLHUP));
  CHECK(recv(server, &byte, 1, 0) == 0);
  close(server);
  close(listening);
}

static void non_blocking(void) {
  int pair[2];
  char byte;
  make_pair(pair);
  set_non_blocking(pair[0]);
  CHECK(recv(pair[0], &byte, 1, 0) == -1 && errno == EWOULDBLOCK);
  CHECK(send(pair[1], "x", 1, 0) == 1);
  struct pollfd waited = {.fd = pair[0], .events = POLLIN};
  CHECK(poll(&waited, 1, 60000) == 1);
  CHECK(recv(pair[0], &byte, 1, 0) == 1);
  close_pair(pair);
}

// Both directions full, moved along by poll(2): a megabyte.
static void bulk(void) {
  enum { SIZE = 1000000 };
  static unsigned char block[65536];
  int pair[2];
  size_t sent = 0, received = 0;
  make_pair(pair);
  set_non_blocking(pair[0]);
  set_non_blocking(pair[1]);
  while (received < SIZE) {
    struct pollfd waited[] = {{.fd = pair[0], .events = sent < SIZE ? POLLOUT : 0}, {.fd = pair[1], .events = POLLIN}};
    CHECK(poll(waited, 2, 60000) > 0);
    if (waited[0].revents & POLLOUT) {
      size_t size = SIZE - sent < sizeof block ? SIZE - sent : sizeof block;
      for (size_t i = 0; i < size; i++) block[i] = (unsigned char)((sent + i) % 251);
      ssize_t count = send(pair[0], block, size, 0);
      if (count > 0) sent += (size_t)count;
    }
    if (waited[1].revents & POLLIN) {
      ssize_t count = recv(pair[1], block, sizeof block, 0);
      CHECK(count > 0 || errno == EWOULDBLOCK);
      for (ssize_t i = 0; i < count; i++) CHECK(block[i] == (received + (size_t)i) % 251);
      if (count > 0) received += (size_t)count;
    }
  }
  close_pair(pair);
}

static void half_closed(void) {
  int pair[2];
  char got[8];
  make_pair(pair);
  CHECK(shutdown(pair[0], SHUT_WR) == 0);
  CHECK(recv(pair[1], got, sizeof got, 0) == 0);
  CHECK(send(pair[1], "answer", 6, 0) == 6);
  close(pair[1]);
  CHECK(recv(pair[0], got, sizeof got, 0) == 6);
  close(pair[0]);
}

static void options(void) {
  int pair[2], value = 1;
  socklen_t size = sizeof value;
  make_pair(pair);
  CHECK(setsockopt(pair[0], IPPROTO_TCP, TCP_NODELAY, &value, sizeof value) == 0);
  CHECK(setsockopt(pair[0], SOL_SOCKET, SO_KEEPALIVE, &value, sizeof value) == 0);
  value = 60000;
  CHECK(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &value, sizeof value) == 0);
  value = 0;
  CHECK(getsockopt(pair[0], SOL_SOCKET, SO_KEEPALIVE, &value, &size) == 0 && value == 1);
  CHECK(getsockopt(pair[0], SOL_SOCKET, SO_TYPE, &value, &size) == 0 && value == SOCK_STREAM);
  close_pair(pair);
}

static void datagrams(void) {
  int one = bound(SOCK_DGRAM), two = bound(SOCK_DGRAM);
  address to = local_address(two), from;
  socklen_t size = sizeof from;
  char got[16];
  CHECK(sendto(one, "question", 8, 0, (struct sockaddr *)&to, sizeof to) == 8);
  struct pollfd waited = {.fd = two, .events = POLLIN};
  CHECK(poll(&waited, 1, 60000) == 1);
  CHECK(recvfrom(two, got, sizeof got, 0, (struct sockaddr *)&from, &size) == 8);
  CHECK(from.sin_port == local_address(one).sin_port);
  CHECK(connect(two, (struct sockaddr *)&from, sizeof from) == 0);
  CHECK(send(two, "answer", 6, 0) == 6);
  CHECK(recv(one, got, sizeof got, 0) == 6);
  close(one);
  close(two);
}

// Only by its name: the host must allow it.
static void names(void) {
  struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found = NULL;
  const char *name = getenv("NAME");
  CHECK(getaddrinfo(name ? name : "localhost", "80", &hints, &found) == 0);
  char text[INET_ADDRSTRLEN];
  address *first = (address *)found->ai_addr;
  printf("%s %d\n", inet_ntop(AF_INET, &first->sin_addr, text, sizeof text), ntohs(first->sin_port));
  freeaddrinfo(found);
}

// Only by its name: the host allows nothing.
static void denied(void) {
  address any = loopback(0);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(fd < 0 ? errno == EACCES : bind(fd, (struct sockaddr *)&any, sizeof any) == -1 && errno == EACCES);
}

static const struct {
  const char *name;
  void (*run)(void);
  bool is_in_all;
} CASES[] = {
    {"exchange", exchange, true},   {"refused", refused, true},         {"poll-loop", poll_loop, true},
    {"bulk", bulk, true},           {"non-blocking", non_blocking, true}, {"half-closed", half_closed, true},
    {"options", options, true},     {"datagrams", datagrams, true},     {"names", names, false},
    {"denied", denied, false},
};

int main(void) {
  const char *chosen = getenv("CASE");
  for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
    if (chosen && strcmp(chosen, "all") ? strcmp(chosen, CASES[i].name) : !CASES[i].is_in_all) continue;
    CASES[i].run();
    printf("ok %s\n", CASES[i].name);
    fflush(stdout);
  }
  return 0;
}
