// What the C services of wasi:http 0.3 and 0.2 share, whose bindings have the same names: texts, fields, checks.
#pragma once
#include <stdlib.h>
#include <string.h>
#include "service.h"

typedef service_string_t string;
typedef wasi_http_types_own_fields_t fields;
typedef wasi_http_types_field_value_t field_value;
typedef wasi_http_types_list_field_value_t value_list;
typedef wasi_http_types_header_error_t header_error;

// Of an error: its number in WIT, or OK.
enum { OK = -1 };
enum {
  INVALID_SYNTAX = WASI_HTTP_TYPES_HEADER_ERROR_INVALID_SYNTAX,
  FORBIDDEN = WASI_HTTP_TYPES_HEADER_ERROR_FORBIDDEN,
  IMMUTABLE = WASI_HTTP_TYPES_HEADER_ERROR_IMMUTABLE,
};

// Checks: NULL, or what was not as it should be.
#define LINE_(number) #number
#define LINE(number) LINE_(number)
#define CHECK(claim) \
  do { if (!(claim)) return __FILE__ ":" LINE(__LINE__) ": " #claim; } while (0)
#define RUN(checks) \
  do { const char *wrong_ = (checks); if (wrong_) return wrong_; } while (0)

static inline string text(const char *characters) {
  return (string){(uint8_t *)characters, __builtin_strlen(characters)};
}
static inline field_value value(const char *characters) {
  return (field_value){(uint8_t *)characters, __builtin_strlen(characters)};
}
static inline bool same_text(string found, const char *wanted) {
  return found.len == __builtin_strlen(wanted) && !__builtin_memcmp(found.ptr, wanted, found.len);
}

// ---- fields

static inline wasi_http_types_borrow_fields_t lent(fields of) { return wasi_http_types_borrow_fields(of); }

static inline value_list values(fields of, const char *name) {
  value_list found;
  string key = text(name);
  wasi_http_types_method_fields_get(lent(of), &key, &found);
  return found;
}

static inline bool has(fields of, const char *name) {
  string key = text(name);
  return wasi_http_types_method_fields_has(lent(of), &key);
}

static inline int append(fields to, const char *name, const char *characters) {
  header_error reason;
  string key = text(name);
  field_value given = value(characters);
  return wasi_http_types_method_fields_append(lent(to), &key, &given, &reason) ? OK : reason.tag;
}

static inline int set(fields of, const char *name, size_t count, field_value *given) {
  header_error reason;
  string key = text(name);
  value_list list = {given, count};
  return wasi_http_types_method_fields_set(lent(of), &key, &list, &reason) ? OK : reason.tag;
}

static inline int delete(fields of, const char *name) {
  header_error reason;
  string key = text(name);
  return wasi_http_types_method_fields_delete(lent(of), &key, &reason) ? OK : reason.tag;
}

static inline int from_list(const char *name, const char *characters, fields *made) {
  header_error reason;
  wasi_http_types_tuple2_field_name_field_value_t entries[2] = {{text("A"), value("1")}, {text(name), value(characters)}};
  wasi_http_types_list_tuple2_field_name_field_value_t list = {entries, 2};
  return wasi_http_types_static_fields_from_list(&list, made, &reason) ? OK : reason.tag;
}

// The first value of a header, or nothing.
static inline string header(fields of, const char *name) {
  value_list found = values(of, name);
  return found.len ? (string){found.ptr[0].ptr, found.ptr[0].len} : text("");
}

static inline uint8_t number(string digits) {
  uint8_t found = 0;
  for (size_t i = 0; i < digits.len; i++) found = (uint8_t)(found * 10 + digits.ptr[i] - '0');
  return found;
}

// ---- answers in lines

typedef struct {
  uint8_t characters[256];
  size_t length;
} lines;

static inline void add(lines *to, const char *words, int64_t amount) {
  char digits[21], *at = digits + 20;
  uint64_t left = (uint64_t)(amount < 0 ? -amount : amount);
  *at = 0;
  do *--at = (char)('0' + left % 10);
  while (left /= 10);
  if (amount < 0) *--at = '-';
  for (const char *part = words; *part; part++) to->characters[to->length++] = (uint8_t)*part;
  for (; *at; at++) to->characters[to->length++] = (uint8_t)*at;
  to->characters[to->length++] = '\n';
}
