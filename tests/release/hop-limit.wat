;; Uses only sync methods of tcp-socket: creates a socket, asks for its hop limit, drops it.
(component
  (import "wasi:sockets/types@0.3.0" (instance $types
    (export "tcp-socket" (type $socket (sub resource)))
    (type $family (enum "ipv4" "ipv6"))
    (export "ip-address-family" (type $f (eq $family)))
    (type $code (variant
      (case "access-denied") (case "not-supported") (case "invalid-argument") (case "out-of-memory") (case "timeout")
      (case "invalid-state") (case "address-not-bindable") (case "address-in-use") (case "remote-unreachable")
      (case "connection-refused") (case "connection-broken") (case "connection-reset") (case "connection-aborted")
      (case "datagram-too-large") (case "other" (option string))))
    (export "error-code" (type $e (eq $code)))
    (export "[static]tcp-socket.create" (func (param "address-family" $f) (result (result (own $socket) (error $e)))))
    (export "[method]tcp-socket.get-hop-limit" (func (param "self" (borrow $socket)) (result (result u8 (error $e)))))))
  (alias export $types "tcp-socket" (type $socket))
  (core module $libc
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable))
  (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $memory))
  (alias core export $libc "realloc" (core func $realloc))
  (core func $create
    (canon lower (func $types "[static]tcp-socket.create") (memory $memory) (realloc (core func $realloc))))
  (core func $get
    (canon lower (func $types "[method]tcp-socket.get-hop-limit") (memory $memory) (realloc (core func $realloc))))
  (core func $drop (canon resource.drop $socket))
  (core module $code
    (import "libc" "memory" (memory 1))
    (import "host" "create" (func $create (param i32 i32)))
    (import "host" "get" (func $get (param i32 i32)))
    (import "host" "drop" (func $drop (param i32)))
    (func (export "f") (result i32) (local $socket i32)
      (call $create (i32.const 0) (i32.const 0))
      (local.set $socket (i32.load (i32.const 4)))
      (call $get (local.get $socket) (i32.const 32))
      (call $drop (local.get $socket))
      (i32.load8_u (i32.const 36))))
  (core instance $host (export "create" (func $create)) (export "get" (func $get)) (export "drop" (func $drop)))
  (core instance $code (instantiate $code (with "libc" (instance $libc)) (with "host" (instance $host))))
  (func (export "hop-limit") (result u8) (canon lift (core func $code "f"))))
