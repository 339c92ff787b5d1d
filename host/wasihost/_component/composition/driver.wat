;; The core module of the driver component: the one loop that moves everything, and the calls of the guest's exports.
;; Words in braces are filled in by driver.py; the numbers come from protocol.py.
(core module $wasihost
  (import "libc" "memory" (memory 1))
  (import "libc" "malloc" (func $malloc (param i32) (result i32)))
  (import "libc" "free" (func $free (param i32)))
  {imports}

  (type $call (func (param i32) (result i32)))
  (type $finish (func (param i32 i32 i32)))
  (type $drop (func (param i32)))
  (type $relay (func (param i32 i32)))
  {tables}

  (global $set (mut i32) (i32.const 0))  ;; waitable set of all subtasks

  (func (export "drive") (result i32)
    (global.set $set (call $waitable-set.new))
    (call $make-room (i32.const {DRIVER_ROOM_SIZE}))
    ;; a subtask that is never over
    (drop (call $reader))
    (call $round (i32.const 0) (i32.const 0) (i32.const 0)))

  ;; One round. Only this task yields, so that Wasmtime gives control to Python when nothing else can run.
  (func $round (export "callback") (param i32 i32 i32) (result i32) (local $wanted i32)
    (local.set $wanted (call $step))
    (call $collect)
    (if (local.get $wanted) (then
      (if (call $commands) (then
        (call $task.return)
        (return (i32.const 0))))))
    (if (i32.load (i32.const {RETURNED_COUNT})) (then (call $returned)))
    (i32.const 1))

  ;; A call that returned a number, or nothing, is told with others: before the next command, or in the end of a round.
  (func $tell (param $token i32) (param $result i32) (local $count i32) (local $at i32)
    (local.set $count (i32.load (i32.const {RETURNED_COUNT})))
    (local.set $at (i32.add (i32.const {DRIVER_RETURNED}) (i32.mul (local.get $count) (i32.const {RETURNED_SIZE}))))
    (i32.store (local.get $at) (local.get $token))
    (i64.store offset=8 (local.get $at) (i64.load (local.get $result)))
    (local.set $count (i32.add (local.get $count) (i32.const 1)))
    (i32.store (i32.const {RETURNED_COUNT}) (local.get $count))
    (if (i32.eq (local.get $count) (i32.const {MAX_RETURNED})) (then (call $returned))))

  ;; ---- subtasks. The record of a call stands at the index of its handle: function, token, arguments, result

  (func $record (param $handle i32) (result i32)
    (if (i32.ge_u (local.get $handle) (i32.const {DRIVER_HANDLES})) (then unreachable))
    (i32.add (i32.const {DRIVER_RECORDS}) (i32.mul (local.get $handle) (i32.const {DRIVER_RECORD_SIZE}))))

  ;; A call was made: it is over (state 2), or its subtask is remembered. Gives the subtask's handle, or 0.
  (func $made (param $status i32) (param $index i32) (param $token i32) (param $args i32) (param $result i32) (result i32)
    (local $handle i32) (local $record i32)
    (if (i32.eq (local.get $status) (i32.const 2)) (then
      (call_indirect $finishes (type $finish)
        (local.get $token) (local.get $args) (local.get $result) (local.get $index))
      (return (i32.const 0))))
    (local.set $handle (i32.shr_u (local.get $status) (i32.const 4)))
    (local.set $record (call $record (local.get $handle)))
    (i32.store (local.get $record) (local.get $index))
    (i32.store offset=4 (local.get $record) (local.get $token))
    (i32.store offset=8 (local.get $record) (local.get $args))
    (i32.store offset=12 (local.get $record) (local.get $result))
    (call $waitable.join (local.get $handle) (global.get $set))
    (local.get $handle))

  (func $collect
    (loop $more
      (if (call $waitable-set.poll (global.get $set) (i32.const {EVENT})) (then
        (call $resolved (i32.load (i32.const {EVENT})) (i32.load offset=4 (i32.const {EVENT})))
        (br $more)))))

  ;; A subtask's state: 1 started, 2 returned, 3 cancelled before it started, 4 cancelled before it returned
  (func $resolved (param $handle i32) (param $state i32) (local $record i32)
    (if (i32.le_u (local.get $state) (i32.const 1)) (then (return)))
    (call $waitable.join (local.get $handle) (i32.const 0))
    (call $subtask.drop (local.get $handle))
    (local.set $record (call $record (local.get $handle)))
    (if (i32.eq (local.get $state) (i32.const 2))
      (then
        (call_indirect $finishes (type $finish)
          (i32.load offset=4 (local.get $record)) (i32.load offset=8 (local.get $record))
          (i32.load offset=12 (local.get $record)) (i32.load (local.get $record))))
      (else
        ;; arguments that were never taken are still ours
        (call_indirect $discards (type $finish)
          (i32.eq (local.get $state) (i32.const 3)) (i32.load offset=8 (local.get $record))
          (i32.load offset=12 (local.get $record)) (i32.load (local.get $record)))
        (call $cancelled (i32.load offset=4 (local.get $record))))))

  ;; Does what the host asks for until it asks for nothing; 1 when it asks to end.
  (func $commands (result i32) (local $previous i32) (local $op i32) (local $index i32) (local $value i32)
    (loop $more
        (i32.store (i32.const {DRIVER_PREVIOUS}) (local.get $previous))
      (call $next)
      (local.set $previous (i32.const 0))
      (local.set $op (i32.load (i32.const {DRIVER_COMMAND})))
      (local.set $index (i32.load offset=4 (i32.const {DRIVER_COMMAND})))
      (local.set $value (i32.load offset=8 (i32.const {DRIVER_COMMAND})))
      (if (i32.eq (local.get $op) (i32.const {DO_NONE})) (then (return (i32.const 0))))
      (if (i32.eq (local.get $op) (i32.const {DO_EXIT})) (then (return (i32.const 1))))
      (if (i32.eq (local.get $op) (i32.const {DO_CALL})) (then
        (local.set $previous (call_indirect $calls (type $call) (local.get $value) (local.get $index)))))
      (if (i32.eq (local.get $op) (i32.const {DO_CANCEL})) (then (call $cancel-call (local.get $value))))
      (if (i32.eq (local.get $op) (i32.const {DO_ROOM})) (then
        (call $free (i32.load (i32.const {DRIVER_ROOM})))
        (call $make-room (local.get $value))))
      (if (i32.eq (i32.and (local.get $op) (i32.const 0xff)) (i32.const {DO_AWAIT})) (then
        (call_indirect $relays (type $relay)
          (local.get $index) (local.get $value) (i32.shr_u (local.get $op) (i32.const 8)))))
      (if (i32.eq (local.get $op) (i32.const {DO_DROP})) (then
        (call_indirect $drops (type $drop) (local.get $value) (local.get $index))))
      (br $more))
    unreachable)

  (func $make-room (param $size i32)
    (i32.store (i32.const {DRIVER_ROOM}) (call $malloc (local.get $size))))

  ;; the room for arguments, which is the caller's from now on
  (func $take-room (result i32)
    (i32.load (i32.const {DRIVER_ROOM}))
    (call $make-room (i32.const {DRIVER_ROOM_SIZE})))

  (func $no-relay (param i32 i32) unreachable)

  (func $cancel-call (param $handle i32) (local $state i32)
    ;; Wasmtime traps on a cancel, async or not, of what is in a waitable set
    (call $waitable.join (local.get $handle) (i32.const 0))
    (local.set $state (call $subtask.cancel (local.get $handle)))
    (if (i32.eq (local.get $state) (i32.const {BLOCKED}))
      (then (call $waitable.join (local.get $handle) (global.get $set)))
      (else (call $resolved (local.get $handle) (local.get $state)))))

  {functions})
