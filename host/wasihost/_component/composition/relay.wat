;; The core module of the relay component: reads futures for the adapter component, in a task for each.
;; Words in braces are filled in by relay.py; the numbers come from protocol.py.
(core module $wasihost
  (import "libc" "memory" (memory 1))
  (import "libc" "malloc" (func $malloc (param i32) (result i32)))
  (import "libc" "free" (func $free (param i32)))
  {imports}

  ;; A future that is being read:  0 its readable end   4 token   8 waitable set   16 where its value goes

  (func $record (param $future i32) (param $token i32) (param $size i32) (result i32) (local $record i32)
    (local.set $record (call $malloc (i32.add (i32.const 16) (local.get $size))))
    (i32.store (local.get $record) (local.get $future))
    (i32.store offset=4 (local.get $record) (local.get $token))
    (local.get $record))

  ;; Waits for the future.
  (func $wait (param $record i32) (result i32) (local $set i32)
    (local.set $set (call $waitable-set.new))
    (i32.store offset=8 (local.get $record) (local.get $set))
    (call $waitable.join (i32.load (local.get $record)) (local.get $set))
    (call $context.set (local.get $record))
    (i32.or (i32.const 2) (i32.shl (local.get $set) (i32.const 4))))

  ;; The wait has ended.
  (func $leave (param $record i32)
    (call $waitable.join (i32.load (local.get $record)) (i32.const 0))
    (call $waitable-set.drop (i32.load offset=8 (local.get $record))))

  {functions})
