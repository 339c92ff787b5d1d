;; A command that tells what it was given: arguments to stdout and environment to stderr, one string per line; then what
;; comes on stdin goes to stdout.
(component
  (import "wasi:cli/environment@0.3.0" (instance $environment
    (export "get-arguments" (func (result (list string))))
    (export "get-environment" (func (result (list (tuple string string)))))))
  (import "wasi:cli/types@0.3.0" (instance $types
    (type $cases (enum "io" "illegal-byte-sequence" "pipe"))
    (export "error-code" (type (eq $cases)))))
  (alias export $types "error-code" (type $error-code))
  (import "wasi:cli/stdin@0.3.0" (instance $stdin
    (alias outer 1 $error-code (type $outer))
    (export "error-code" (type $code (eq $outer)))
    (export "read-via-stream" (func (result (tuple (stream u8) (future (result (error $code)))))))))
  (import "wasi:cli/stdout@0.3.0" (instance $stdout
    (alias outer 1 $error-code (type $outer))
    (export "error-code" (type $code (eq $outer)))
    (export "write-via-stream" (func (param "data" (stream u8)) (result (future (result (error $code))))))))
  (import "wasi:cli/stderr@0.3.0" (instance $stderr
    (alias outer 1 $error-code (type $outer))
    (export "error-code" (type $code (eq $outer)))
    (export "write-via-stream" (func (param "data" (stream u8)) (result (future (result (error $code))))))))

  (core module $libc
    (memory (export "memory") 16)
    (global $top (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (global.get $top)
      (global.set $top (i32.and (i32.add (i32.add (global.get $top) (local.get 3)) (i32.const 15)) (i32.const -16)))))
  (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $memory))
  (alias core export $libc "realloc" (core func $realloc))
  (type $bytes (stream u8))
  (type $done (future (result (error $error-code))))
  (core func $get-arguments
    (canon lower (func $environment "get-arguments") (memory $memory) (realloc (core func $realloc))))
  (core func $get-environment
    (canon lower (func $environment "get-environment") (memory $memory) (realloc (core func $realloc))))
  (core func $read-stdin (canon lower (func $stdin "read-via-stream") (memory $memory)))
  (core func $write-stdout (canon lower (func $stdout "write-via-stream")))
  (core func $write-stderr (canon lower (func $stderr "write-via-stream")))
  (core func $new (canon stream.new $bytes))
  (core func $write (canon stream.write $bytes (memory $memory)))
  (core func $drop (canon stream.drop-writable $bytes))
  (core func $wait (canon future.read $done (memory $memory)))

  (core module $code
    (import "libc" "memory" (memory 16))
    (import "host" "get-arguments" (func $get-arguments (param i32)))
    (import "host" "get-environment" (func $get-environment (param i32)))
    (import "host" "read-stdin" (func $read-stdin (param i32)))
    (import "host" "write-stdout" (func $write-stdout (param i32) (result i32)))
    (import "host" "write-stderr" (func $write-stderr (param i32) (result i32)))
    (import "host" "new" (func $new (result i64)))
    (import "host" "write" (func $write (param i32 i32 i32) (result i32)))
    (import "host" "drop" (func $drop (param i32)))
    (import "host" "wait" (func $wait (param i32 i32) (result i32)))
    (data (i32.const 64) "\n")

    ;; Writes the `count` strings of the list at 0, a line each, into a stream, and ends it.
    (func $tell (param $stream i32) (param $count i32) (local $at i32)
      (local.set $at (i32.load (i32.const 0)))
      (loop $next
        (if (local.get $count) (then
          (if (i32.load offset=4 (local.get $at)) (then
            (drop (call $write (local.get $stream) (i32.load (local.get $at)) (i32.load offset=4 (local.get $at))))))
          (drop (call $write (local.get $stream) (i32.const 64) (i32.const 1)))
          (local.set $at (i32.add (local.get $at) (i32.const 8)))
          (local.set $count (i32.sub (local.get $count) (i32.const 1)))
          (br $next))))
      (call $drop (local.get $stream)))

    (func $readable (param $pair i64) (result i32) (i32.wrap_i64 (local.get $pair)))
    (func $writable (param $pair i64) (result i32) (i32.wrap_i64 (i64.shr_u (local.get $pair) (i64.const 32))))

    (func (export "run") (result i32) (local $pair i64) (local $done i32)
      (local.set $pair (call $new))
      (local.set $done (call $write-stdout (call $readable (local.get $pair))))
      (call $get-arguments (i32.const 0))
      (call $tell (call $writable (local.get $pair)) (i32.load (i32.const 4)))
      (drop (call $wait (local.get $done) (i32.const 32)))

      (local.set $pair (call $new))
      (local.set $done (call $write-stderr (call $readable (local.get $pair))))
      (call $get-environment (i32.const 0))
      (call $tell (call $writable (local.get $pair)) (i32.mul (i32.load (i32.const 4)) (i32.const 2)))
      (drop (call $wait (local.get $done) (i32.const 32)))

      (call $read-stdin (i32.const 0))
      (drop (call $wait (call $write-stdout (i32.load (i32.const 0))) (i32.const 32)))
      (i32.load8_u (i32.const 32))))
  (core instance $host
    (export "get-arguments" (func $get-arguments)) (export "get-environment" (func $get-environment))
    (export "read-stdin" (func $read-stdin)) (export "write-stdout" (func $write-stdout))
    (export "write-stderr" (func $write-stderr)) (export "new" (func $new)) (export "write" (func $write))
    (export "drop" (func $drop)) (export "wait" (func $wait)))
  (core instance $code (instantiate $code (with "libc" (instance $libc)) (with "host" (instance $host))))

  (type $run (func async (result (result))))
  (func $run (type $run) (canon lift (core func $code "run")))
  (instance $exports (export "run" (func $run)))
  (export "wasi:cli/run@0.3.0" (instance $exports)))
