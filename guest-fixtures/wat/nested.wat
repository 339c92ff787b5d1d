;; Streams and futures inside other values: the guest takes a bundle from the host, sync or async, and gives it back, sync
;; or async. A bundle is record { maybe: option<stream<u8>>, some: list<future<u32>>, either: result<stream<u8>, string>,
;; twice: option<option<stream<u8>>> }: in memory 0 option, 4 stream; 8 pointer, 12 length; 16 case, 20 stream or
;; pointer, 24 length; 28 outer option, 32 inner option, 36 stream. Flat: 2 + 2 + 3 + 3 = 10 values.
(component
  (import "test:wat/host" (instance $host
    (type $stream (stream u8)) (type $future (future u32)) (type $maybe (option $stream)) (type $some (list $future))
    (type $either (result $stream (error string))) (type $twice (option $maybe))
    (type $record (record (field "maybe" $maybe) (field "some" $some) (field "either" $either) (field "twice" $twice)))
    (export "bundle" (type $bundle (eq $record)))
    (export "take" (func (result $bundle)))
    (export "slow-take" (func async (result $bundle)))
    (export "give" (func (param "x" $bundle)))
    (export "slow-give" (func async (param "x" $bundle) (result u32)))))
  (core module $libc
    (memory (export "memory") 1)
    (func (export "realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $n i32) (result i32)
      (global.set $top (i32.add (global.get $top) (i32.const 1024)))
      (global.get $top))
    (global $top (mut i32) (i32.const 4096)))
  (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $memory))
  (alias core export $libc "realloc" (core func $realloc))
  (core func $take (canon lower (func $host "take") (memory $memory) (realloc $realloc)))
  (core func $slow-take (canon lower (func $host "slow-take") (memory $memory) (realloc $realloc)))
  (core func $give (canon lower (func $host "give") (memory $memory)))
  (core func $slow-give (canon lower (func $host "slow-give") (memory $memory)))
  (core module $m
    (import "libc" "memory" (memory 1))
    (import "" "take" (func $take (param i32)))
    (import "" "slow-take" (func $slow-take (param i32)))
    (import "" "give" (func $give (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
    (import "" "slow-give" (func $slow-give (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
    (func (export "pass")
      (call $take (i32.const 64))
      (call $give (i32.load8_u (i32.const 64)) (i32.load (i32.const 68)) (i32.load (i32.const 72))
        (i32.load (i32.const 76)) (i32.load8_u (i32.const 80)) (i32.load (i32.const 84)) (i32.load (i32.const 88))
        (i32.load8_u (i32.const 92)) (i32.load8_u (i32.const 96)) (i32.load (i32.const 100))))
    (func (export "slow-pass") (result i32)
      (call $slow-take (i32.const 64))
      (call $slow-give (i32.load8_u (i32.const 64)) (i32.load (i32.const 68)) (i32.load (i32.const 72))
        (i32.load (i32.const 76)) (i32.load8_u (i32.const 80)) (i32.load (i32.const 84)) (i32.load (i32.const 88))
        (i32.load8_u (i32.const 92)) (i32.load8_u (i32.const 96)) (i32.load (i32.const 100)))))
  (core instance $i (instantiate $m (with "libc" (instance $libc)) (with "" (instance
    (export "take" (func $take)) (export "slow-take" (func $slow-take)) (export "give" (func $give))
    (export "slow-give" (func $slow-give))))))
  (func (export "pass") (canon lift (core func $i "pass")))
  (func (export "slow-pass") async (result u32) (canon lift (core func $i "slow-pass"))))
