// wasi-libc, which stands on WASI 0.2, in a command of WASI 0.3: the sockets of 0.2 are denied. PORT is one of 127.0.0.1 where
// something listens.
#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>
#include "guest.h"

// Of the compiler's library, which not every clang has for WebAssembly. wasi-libc wants it for socket options that nobody sets here.
__int128 __muloti4(__int128 left, __int128 right, int *overflow) {
  (void)left, (void)right, (void)overflow;
  __builtin_trap();
}

static struct sockaddr_in loopback(uint16_t port) {
  return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static bool denied(int type, int (*use)(int, const struct sockaddr *, socklen_t), uint16_t port) {
  struct sockaddr_in address = loopback(port);
  int socket_ = socket(AF_INET, type, 0);
  if (socket_ < 0) return errno == EACCES;
  bool is_denied = use(socket_, (struct sockaddr *)&address, sizeof address) && errno == EACCES;
  close(socket_);
  return is_denied;
}

bool guest_main(void) {
  uint16_t port = (uint16_t)number_variable("PORT", 1);
  CHECK(denied(SOCK_STREAM, connect, port));
  CHECK(denied(SOCK_STREAM, bind, 0));
  CHECK(denied(SOCK_DGRAM, connect, port));
  CHECK(denied(SOCK_DGRAM, bind, 0));
  print_out("denied\n");
  return true;
}
