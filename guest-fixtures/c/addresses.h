// Addresses of the family under test, FAMILY=ipv4 (default) or ipv6.
#pragma once
#include "guest.h"

static inline int family(void) {
  const char *name = variable("FAMILY");
  return name && same_text(name, "ipv6") ? IPV6 : IPV4;
}

static inline address ipv4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port) {
  address made = {.tag = IPV4};
  made.val.ipv4 = (wasi_sockets_types_ipv4_socket_address_t){port, {a, b, c, d}};
  return made;
}

// Only the first two and the last two groups are ever needed.
static inline address ipv6(uint16_t first, uint16_t second, uint16_t seventh, uint16_t eighth, uint16_t port) {
  address made = {.tag = IPV6};
  made.val.ipv6 = (wasi_sockets_types_ipv6_socket_address_t){port, 0, {first, second, 0, 0, 0, 0, seventh, eighth}, 0};
  return made;
}

static inline address loopback_of(int which, uint16_t port) {
  return which == IPV6 ? ipv6(0, 0, 0, 1, port) : ipv4(127, 0, 0, 1, port);
}
static inline address loopback(uint16_t port) { return loopback_of(family(), port); }
static inline address other_loopback(uint16_t port) { return loopback_of(family() == IPV6 ? IPV4 : IPV6, port); }
static inline address wildcard(uint16_t port) { return family() == IPV6 ? ipv6(0, 0, 0, 0, port) : ipv4(0, 0, 0, 0, port); }
static inline address multicast(uint16_t port) { return family() == IPV6 ? ipv6(0xff02, 0, 0, 1, port) : ipv4(224, 0, 0, 1, port); }
// Addresses for documentation (RFC 5737, RFC 3849): no machine has them.
static inline address foreign(uint16_t port) { return family() == IPV6 ? ipv6(0x2001, 0xdb8, 0, 1, port) : ipv4(192, 0, 2, 1, port); }

static inline uint16_t port_of(address a) { return a.tag == IPV6 ? a.val.ipv6.port : a.val.ipv4.port; }

static inline bool same_ipv6(wasi_sockets_types_ipv6_address_t a, wasi_sockets_types_ipv6_address_t b) {
  return a.f0 == b.f0 && a.f1 == b.f1 && a.f2 == b.f2 && a.f3 == b.f3 && a.f4 == b.f4 && a.f5 == b.f5 && a.f6 == b.f6 &&
         a.f7 == b.f7;
}

static inline bool same_ipv4(wasi_sockets_types_ipv4_address_t a, wasi_sockets_types_ipv4_address_t b) {
  return a.f0 == b.f0 && a.f1 == b.f1 && a.f2 == b.f2 && a.f3 == b.f3;
}

static inline bool same_address(address a, address b) {
  if (a.tag != b.tag || port_of(a) != port_of(b)) return false;
  if (a.tag == IPV4) return same_ipv4(a.val.ipv4.address, b.val.ipv4.address);
  return same_ipv6(a.val.ipv6.address, b.val.ipv6.address);
}
