// The little of a C library that the bindings and the compiler ask for.
#include <stddef.h>
#include <stdint.h>
#include <string.h>

void *memcpy(void *restrict to, const void *restrict from, size_t count) {
  uint8_t *out = to;
  const uint8_t *in = from;
  while (count--) *out++ = *in++;
  return to;
}

void *memset(void *to, int value, size_t count) {
  uint8_t *out = to;
  while (count--) *out++ = (uint8_t)value;
  return to;
}

int memcmp(const void *left, const void *right, size_t count) {
  const uint8_t *a = left, *b = right;
  for (size_t i = 0; i < count; i++)
    if (a[i] != b[i]) return a[i] - b[i];
  return 0;
}

size_t strlen(const char *text) {
  size_t length = 0;
  while (text[length]) length++;
  return length;
}

extern uint8_t __heap_base;
static uintptr_t top;

// Never gives memory back: these programs end soon, and only strings of the host come here.
void *realloc(void *old, size_t size) {
  if (!top) top = (uintptr_t)&__heap_base;
  uintptr_t start = (top + 15) & ~(uintptr_t)15;
  uintptr_t end = start + size;
  uintptr_t have = (uintptr_t)__builtin_wasm_memory_size(0) << 16;
  if (end > have && __builtin_wasm_memory_grow(0, (end - have + 0xffff) >> 16) == (size_t)-1) __builtin_trap();
  top = end;
  // how long the old block was is not known; what follows it is only heap, so copying too much does no harm
  if (old) {
    size_t below = start - (uintptr_t)old;
    memcpy((void *)start, old, size < below ? size : below);
  }
  return (void *)start;
}

void free(void *block) { (void)block; }
void abort(void) { __builtin_trap(); }
