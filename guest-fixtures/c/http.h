// What the files of the C service share: short names for the bindings, waiting, texts.
//
// As in guest.h, every wait is a synchronous one inside the exported call, so this service answers one request at a time.
#pragma once
#include "http-common.h"

typedef wasi_http_types_own_request_t request;
typedef wasi_http_types_own_request_options_t options;
typedef wasi_http_types_own_response_t response;
typedef wasi_http_types_error_code_t error;
typedef wasi_http_types_stream_u8_t byte_reader;
typedef wasi_http_types_stream_u8_writer_t byte_writer;
typedef wasi_http_types_future_result_option_own_trailers_error_code_t trailers_reader;
typedef wasi_http_types_future_result_option_own_trailers_error_code_writer_t trailers_writer;
typedef wasi_http_types_result_option_own_trailers_error_code_t trailers;
typedef wasi_http_types_future_result_void_error_code_t outcome_reader;
typedef wasi_http_types_future_result_void_error_code_writer_t outcome_writer;

// Waiting.
service_waitable_status_t wait_if_blocked(uint32_t waitable, service_waitable_status_t status);
bool write_all(byte_writer writer, const uint8_t *bytes, size_t count);  // false: the reader is gone
bool read_some(byte_reader reader, uint8_t *bytes, size_t room, size_t *count);  // false: that was the last of it
int await_outcome(outcome_reader future);                                // how the transmission ended
void await_trailers(trailers_reader future, trailers *found);
void end_body(trailers_writer writer, trailers given);
outcome_reader handled_well(void);  // for consume-body: the message was handled

// Every function of wasi:http/types, and every error that a guest can provoke; NULL, or what was not as it should be.
const char *check_methods(void);
