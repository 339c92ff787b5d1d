// What the generated bindings need of it; see mini.c.
#pragma once
#include <stddef.h>
void *realloc(void *old, size_t size);
void free(void *block);
_Noreturn void abort(void);
