;; A task in two stages, each a call of `test:wat/host#stage` that waits.
;;
;; call    returns when the second is over
;; leave   returns after it began the first, and goes on with the second by itself
(component
  (import "test:wat/host" (instance $host
    (export "stage" (func async (param "n" u32) (param "stage" u32)))))
  (core module $libc (memory (export "memory") 1))
  (core instance $libc (instantiate $libc))
  (core func $stage (canon lower (func $host "stage") async))
  (core func $return (canon task.return))
  (core func $set-new (canon waitable-set.new))
  (core func $join (canon waitable.join))
  (core func $drop-call (canon subtask.drop))
  (core func $get (canon context.get i32 0))
  (core func $put (canon context.set i32 0))
  (core module $m
    (import "libc" "memory" (memory 1))
    (import "" "stage" (func $stage (param i32 i32) (result i32)))
    (import "" "return" (func $return))
    (import "" "set-new" (func $set-new (result i32)))
    (import "" "join" (func $join (param i32 i32)))
    (import "" "drop-call" (func $drop-call (param i32)))
    (import "" "get" (func $get (result i32)))
    (import "" "put" (func $put (param i32)))
    (global $top (mut i32) (i32.const 1024))

    ;; of a task: its number, its waitable set, the stage under way, whether it has returned
    (func $begin (param $n i32) (result i32) (local $record i32)
      (local.set $record (global.get $top))
      (global.set $top (i32.add (global.get $top) (i32.const 16)))
      (i32.store (local.get $record) (local.get $n))
      (i32.store offset=4 (local.get $record) (call $set-new))
      (call $put (local.get $record))
      (local.get $record))

    (func $wait (param $record i32) (result i32)
      (call $join
        (i32.shr_u
          (call $stage (i32.load (local.get $record)) (i32.load offset=8 (local.get $record))) (i32.const 4))
        (i32.load offset=4 (local.get $record)))
      (i32.or (i32.const 2) (i32.shl (i32.load offset=4 (local.get $record)) (i32.const 4))))

    (func (export "call") (param $n i32) (result i32) (call $wait (call $begin (local.get $n))))

    (func (export "leave") (param $n i32) (result i32) (local $record i32) (local $code i32)
      (local.set $record (call $begin (local.get $n)))
      (local.set $code (call $wait (local.get $record)))
      (i32.store offset=12 (local.get $record) (i32.const 1))
      (call $return)
      (local.get $code))

    (func (export "callback") (param i32) (param $subtask i32) (param $state i32) (result i32) (local $record i32)
      (local.set $record (call $get))
      (if (i32.lt_u (local.get $state) (i32.const 2)) (then
        (return (i32.or (i32.const 2) (i32.shl (i32.load offset=4 (local.get $record)) (i32.const 4))))))
      (call $join (local.get $subtask) (i32.const 0))
      (call $drop-call (local.get $subtask))
      (i32.store offset=8 (local.get $record) (i32.add (i32.load offset=8 (local.get $record)) (i32.const 1)))
      (if (i32.lt_u (i32.load offset=8 (local.get $record)) (i32.const 2)) (then
        (return (call $wait (local.get $record)))))
      (if (i32.eqz (i32.load offset=12 (local.get $record))) (then (call $return)))
      (i32.const 0)))
  (core instance $i (instantiate $m (with "libc" (instance $libc)) (with "" (instance
    (export "stage" (func $stage)) (export "return" (func $return)) (export "set-new" (func $set-new))
    (export "join" (func $join)) (export "drop-call" (func $drop-call)) (export "get" (func $get))
    (export "put" (func $put))))))
  (func (export "call") async (param "n" u32)
    (canon lift (core func $i "call") async (callback (core func $i "callback"))))
  (func (export "leave") async (param "n" u32)
    (canon lift (core func $i "leave") async (callback (core func $i "callback")))))
