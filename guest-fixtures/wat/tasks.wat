;; Tasks that behave badly or queue up. All import one async function, `test:wat/host#wait`.
;;
;; yield-for-ever  a callback that answers YIELD each time, until it is cancelled
;; poll-for-ever   asks an empty waitable set again and again, never gives control back by itself
;; compute         counts to n without any call, then returns n
;; wait-for-ever   WAITs on an empty waitable set, until it is cancelled
;; slow            calls `wait` and returns what that gave, plus 1; sync exports run meanwhile
;; block           the same, but stands still in the import: its instance runs no other async export
;; count           a sync export: how many times it was called
;; hold, release   backpressure: while held, no async export of this instance starts
(component
  (import "test:wat/host" (instance $host (export "wait" (func async (param "n" u32) (result u32)))))
  (core module $libc (memory (export "memory") 1))
  (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $memory))
  (core func $wait (canon lower (func $host "wait") (memory $memory) async))
  (core func $wait-here (canon lower (func $host "wait") (memory $memory)))
  (core func $return (canon task.return (result u32)))
  (core func $return-nothing (canon task.return))
  (core func $cancel (canon task.cancel))
  (core func $set-new (canon waitable-set.new))
  (core func $set-poll (canon waitable-set.poll (memory $memory)))
  (core func $set-drop (canon waitable-set.drop))
  (core func $join (canon waitable.join))
  (core func $cancel-call (canon subtask.cancel))
  (core func $drop-call (canon subtask.drop))
  (core func $get (canon context.get i32 0))
  (core func $put (canon context.set i32 0))
  (core func $inc (canon backpressure.inc))
  (core func $dec (canon backpressure.dec))
  (core module $m
    (import "libc" "memory" (memory 1))
    (import "" "wait" (func $wait (param i32 i32) (result i32)))
    (import "" "wait-here" (func $wait-here (param i32) (result i32)))
    (import "" "return" (func $return (param i32)))
    (import "" "cancel" (func $cancel))
    (import "" "set-new" (func $set-new (result i32)))
    (import "" "set-poll" (func $set-poll (param i32 i32) (result i32)))
    (import "" "set-drop" (func $set-drop (param i32)))
    (import "" "join" (func $join (param i32 i32)))
    (import "" "cancel-call" (func $cancel-call (param i32) (result i32)))
    (import "" "drop-call" (func $drop-call (param i32)))
    (import "" "get" (func $get (result i32)))
    (import "" "put" (func $put (param i32)))
    (global $count (mut i32) (i32.const 0))
    (global $top (mut i32) (i32.const 1024))

    (func (export "yield-for-ever") (result i32) (i32.const 1))
    (func (export "yield-for-ever-callback") (param $event i32) (param i32 i32) (result i32)
      (if (i32.eq (local.get $event) (i32.const 6)) (then (call $cancel) (return (i32.const 0))))
      (i32.const 1))

    (func (export "poll-for-ever") (local $set i32)
      (local.set $set (call $set-new))
      (loop $again (br_if $again (i32.eqz (call $set-poll (local.get $set) (i32.const 16))))))

    (func (export "compute") (param $n i32) (result i32) (local $i i32)
      (loop $again
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $i) (local.get $n))))
      (local.get $i))

    (func (export "wait-for-ever") (result i32)
      (i32.or (i32.const 2) (i32.shl (call $set-new) (i32.const 4))))
    (func (export "wait-for-ever-callback") (param $event i32) (param i32 i32) (result i32)
      (call $cancel) (i32.const 0))

    ;; a record of 12 bytes: the result, the subtask, the waitable set
    (func (export "slow") (param $n i32) (result i32) (local $record i32) (local $status i32)
      (local.set $record (global.get $top))
      (global.set $top (i32.add (global.get $top) (i32.const 12)))
      (local.set $status (call $wait (local.get $n) (local.get $record)))
      (if (i32.eq (local.get $status) (i32.const 2)) (then
        (call $return (i32.add (i32.load (local.get $record)) (i32.const 1))) (return (i32.const 0))))
      (i32.store offset=4 (local.get $record) (i32.shr_u (local.get $status) (i32.const 4)))
      (i32.store offset=8 (local.get $record) (call $set-new))
      (call $join (i32.load offset=4 (local.get $record)) (i32.load offset=8 (local.get $record)))
      (call $put (local.get $record))
      (i32.or (i32.const 2) (i32.shl (i32.load offset=8 (local.get $record)) (i32.const 4))))
    (func (export "slow-callback") (param $event i32) (param $subtask i32) (param $state i32) (result i32)
      (local $record i32)
      (local.set $record (call $get))
      (if (i32.eq (local.get $event) (i32.const 6)) (then
        (call $join (i32.load offset=4 (local.get $record)) (i32.const 0))
        (local.set $state (call $cancel-call (i32.load offset=4 (local.get $record))))))
      (if (i32.lt_u (local.get $state) (i32.const 2)) (then
        (return (i32.or (i32.const 2) (i32.shl (i32.load offset=8 (local.get $record)) (i32.const 4))))))
      (call $join (i32.load offset=4 (local.get $record)) (i32.const 0))
      (call $drop-call (i32.load offset=4 (local.get $record)))
      (call $set-drop (i32.load offset=8 (local.get $record)))
      (if (i32.eq (local.get $state) (i32.const 2))
        (then (call $return (i32.add (i32.load (local.get $record)) (i32.const 1))))
        (else (call $cancel)))
      (i32.const 0))

    (func (export "block") (param $n i32) (result i32)
      (i32.add (call $wait-here (local.get $n)) (i32.const 1)))

    (func (export "count") (result i32)
      (global.set $count (i32.add (global.get $count) (i32.const 1)))
      (global.get $count)))
  (core instance $i (instantiate $m (with "libc" (instance $libc)) (with "" (instance
    (export "wait" (func $wait)) (export "wait-here" (func $wait-here)) (export "return" (func $return))
    (export "cancel" (func $cancel)) (export "set-new" (func $set-new)) (export "set-poll" (func $set-poll))
    (export "set-drop" (func $set-drop)) (export "join" (func $join)) (export "cancel-call" (func $cancel-call))
    (export "drop-call" (func $drop-call)) (export "get" (func $get)) (export "put" (func $put))))))

  (func (export "yield-for-ever") async
    (canon lift (core func $i "yield-for-ever") async (callback (core func $i "yield-for-ever-callback"))))
  (func (export "poll-for-ever") async (canon lift (core func $i "poll-for-ever")))
  (func (export "compute") (param "n" u32) (result u32) (canon lift (core func $i "compute")))
  (func (export "wait-for-ever") async
    (canon lift (core func $i "wait-for-ever") async (callback (core func $i "wait-for-ever-callback"))))
  (func (export "slow") async (param "n" u32) (result u32)
    (canon lift (core func $i "slow") async (callback (core func $i "slow-callback"))))
  (func (export "block") async (param "n" u32) (result u32) (canon lift (core func $i "block")))
  (func (export "count") (result u32) (canon lift (core func $i "count")))
  (func (export "hold") (canon lift (core func $inc)))
  (func (export "release") (canon lift (core func $dec))))
