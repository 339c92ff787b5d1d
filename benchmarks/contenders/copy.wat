;; What a `list<u8>` of 64 KiB from one component to another costs with no host in it: Wasmtime copies it byte by byte.
(component
  (component $taker
    (core module $taker
      (memory (export "memory") 2)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0))
      (func (export "take") (param i32 i32)))
    (core instance $taker (instantiate $taker))
    (func (export "take") (param "bytes" (list u8))
      (canon lift (core func $taker "take") (memory (core memory $taker "memory")) (realloc (core func $taker "realloc")))))
  (component $giver
    (import "take" (func $take (param "bytes" (list u8))))
    (core module $memory (memory (export "memory") 2))
    (core instance $memory (instantiate $memory))
    (core func $take (canon lower (func $take) (memory (core memory $memory "memory"))))
    (core module $giver
      (import "" "take" (func $take (param i32 i32)))
      (func (export "repeat") (param $times i32)
        (loop $again
          (call $take (i32.const 0) (i32.const 65536))
          (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))))
    (core instance $giver (instantiate $giver (with "" (instance (export "take" (func $take))))))
    (func (export "repeat") (param "times" u32) (canon lift (core func $giver "repeat"))))
  (instance $taker (instantiate $taker))
  (instance $giver (instantiate $giver (with "take" (func $taker "take"))))
  (export "repeat" (func $giver "repeat")))
