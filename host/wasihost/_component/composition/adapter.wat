;; The core module of the adapter component: call records, the ring loop, dispatch by kind of stream or future.
;; Words in braces are filled in by adapter.py; the numbers come from protocol.py.
(core module $wasihost
  (import "libc" "memory" (memory 1))
  (import "libc" "malloc" (func $malloc (param i32) (result i32)))
  (import "libc" "free" (func $free (param i32)))
  (import "libc" "arena-alloc" (func $arena-alloc (param i32) (result i32)))
  (import "libc" "arena-reset" (func $arena-reset))
  {imports}

  (type $end1 (func (param i32)))
  (type $end1-code (func (param i32) (result i32)))
  (type $new (func (result i64)))
  (type $copy (func (param i32 i32 i32) (result i32)))
  (type $take (func (param i32 i32)))
  (type $give (func (param i32 i32 i32)))
  (type $return (func (param i32 i32)))
  (type $free-values (func (param i32 i32 i32)))
  {tables}

  (global $set (mut i32) (i32.const 0))        ;; waitable set of all ends with an operation under way
  (global $completions (mut i32) (i32.const 0)) ;; how many stand in the ring
  (global $urgent (mut i32) (i32.const 0))      ;; whether Python should have them in this round

  (func $start (global.set $set (call $waitable-set.new)))
  (start $start)

  ;; ---- completions

  (func $report (param $completion i32) (param $handle i32) (param $value i32)
    (global.set $urgent (i32.const 1))
    (call $put (local.get $completion) (local.get $handle) (local.get $value)))

  ;; for the next round, not worth a turn of its own
  (func $report-lazily (param $handle i32) (param $value i32)
    (call $put (i32.const {ON_DONE}) (local.get $handle) (local.get $value)))

  (func $put (param $completion i32) (param $handle i32) (param $value i32) (local $at i32)
    (local.set $at (i32.add (i32.const {COMPLETIONS}) (i32.mul (global.get $completions) (i32.const 12))))
    (i32.store (local.get $at) (local.get $completion))
    (i32.store offset=4 (local.get $at) (local.get $handle))
    (i32.store offset=8 (local.get $at) (local.get $value))
    (global.set $completions (i32.add (global.get $completions) (i32.const 1))))

  ;; the result of a read or write: waits in the set, or is reported at once
  (func $settle (param $handle i32) (param $code i32)
    (if (i32.eq (local.get $code) (i32.const {BLOCKED}))
      (then (call $waitable.join (local.get $handle) (global.get $set)))
      (else (call $report (i32.const {ON_DONE}) (local.get $handle) (local.get $code)))))

  (func $collect (local $event i32)
    (loop $more
      (if (i32.lt_u (global.get $completions) (i32.const {MAX_COMPLETIONS})) (then
        (local.set $event (call $waitable-set.poll (global.get $set) (i32.const {EVENT})))
        (if (local.get $event) (then
          (drop (call $unqueue (i32.load (i32.const {EVENT}))))
          (call $report (i32.const {ON_DONE}) (i32.load (i32.const {EVENT})) (i32.load offset=4 (i32.const {EVENT})))
          (br $more)))))))

  ;; ---- submissions

  (func $submission (param $at i32)
    (local $op i32) (local $kind i32) (local $handle i32) (local $a i32) (local $b i32) (local $code i32)
    (local.set $op (i32.load (local.get $at)))
    (local.set $kind (i32.load offset=4 (local.get $at)))
    (local.set $handle (i32.load offset=8 (local.get $at)))
    (local.set $a (i32.load offset=12 (local.get $at)))
    (local.set $b (i32.load offset=16 (local.get $at)))
    (block $write-and-ask (block $complete (block $drop-writable (block $drop-readable (block $cancel-write (block $cancel-read (block $free-op
    (block $give-op (block $write-values (block $read-values (block $write (block $read
      (br_table $read $write $read-values $write-values $give-op $free-op $cancel-read $cancel-write $drop-readable
        $drop-writable $complete $write-and-ask (local.get $op)))
    ;; read
    (return (call $settle (local.get $handle)
      (call_indirect $reads (type $copy) (local.get $handle) (local.get $a) (local.get $b) (local.get $kind)))))
    ;; write
    (return (call $settle (local.get $handle)
      (call_indirect $writes (type $copy) (local.get $handle) (local.get $a) (local.get $b) (local.get $kind)))))
    ;; read values
    (local.set $a (call $malloc (local.get $a)))
    (call $report (i32.const {ON_BUFFER}) (local.get $handle) (local.get $a))
    (return (call $queue-read (local.get $kind) (local.get $handle) (local.get $a) (local.get $b))))
    ;; write values
    (call_indirect $takes (type $take) (local.get $a) (i32.const {LIST}) (local.get $kind))
    (local.set $a (i32.load (i32.const {LIST})))
    (local.set $b (i32.load offset=4 (i32.const {LIST})))
    (call $report (i32.const {ON_BUFFER}) (local.get $handle) (local.get $a))
    (return (call $settle (local.get $handle)
      (call_indirect $writes (type $copy) (local.get $handle) (local.get $a) (local.get $b) (local.get $kind)))))
    ;; give
    (call_indirect $gives (type $give) (local.get $handle) (local.get $a) (local.get $b) (local.get $kind))
    (call_indirect $frees (type $free-values) (local.get $a) (local.get $b) (local.get $b) (local.get $kind))
    (return (call $free (local.get $a))))
    ;; free
    (call_indirect $frees (type $free-values) (local.get $a) (local.get $b) (local.get $handle) (local.get $kind))
    (return (call $free (local.get $a))))
    ;; cancel read: a synchronous cancel traps on an end that is in a set
    (if (call $unqueue (local.get $handle)) (then
      (return (call $report (i32.const {ON_DONE}) (local.get $handle) (i32.const {CANCELLED})))))
    (call $waitable.join (local.get $handle) (i32.const 0))
    (return (call $settle (local.get $handle)
      (call_indirect $read-cancels (type $end1-code) (local.get $handle) (local.get $kind)))))
    ;; cancel write
    (call $waitable.join (local.get $handle) (i32.const 0))
    (return (call $settle (local.get $handle)
      (call_indirect $write-cancels (type $end1-code) (local.get $handle) (local.get $kind)))))
    ;; drop readable
    (call $waitable.join (local.get $handle) (i32.const 0))
    (return (call_indirect $readable-drops (type $end1) (local.get $handle) (local.get $kind))))
    ;; drop writable
    (call $waitable.join (local.get $handle) (i32.const 0))
    (return (call_indirect $writable-drops (type $end1) (local.get $handle) (local.get $kind))))
    ;; complete
    (return (call $complete-call (local.get $handle) (local.get $a))))
    ;; write and ask: what Python can foresee is told in the next round, and no turn is spent on it
    (local.set $code
      (call_indirect $writes (type $copy) (local.get $handle) (local.get $a) (local.get $b) (local.get $kind)))
    ;; completed, at once: the guest was reading already
    (if (i32.eqz (i32.and (local.get $code) (i32.const 15))) (then
      (call $report-lazily (local.get $handle) (i32.or (local.get $code) (i32.const {CONTINUED})))
      (local.set $a (i32.add (local.get $a) (i32.shr_u (local.get $code) (i32.const 4))))
      (local.set $b (i32.sub (local.get $b) (i32.shr_u (local.get $code) (i32.const 4))))
      (local.set $code
        (call_indirect $writes (type $copy) (local.get $handle) (local.get $a) (local.get $b) (local.get $kind)))))
    (call $settle (local.get $handle) (local.get $code)))

  ;; ---- reads of values. What a guest writes is lowered in the name of the thread that began the read, and Wasmtime
  ;; traps if that thread is over ("resource not present"). So `step`, whose thread ends at once, leaves these reads to
  ;; a task that never ends, and rings a bell for it: a stream of nothing, which one instance may both read and write.
  ;; A read in the queue:  0 the next one   4 kind   8 handle   12 pointer   16 count

  (global $queue (mut i32) (i32.const 0))
  (global $bell-set (mut i32) (i32.const 0))
  (global $bell-readable (mut i32) (i32.const 0))
  (global $bell-writable (mut i32) (i32.const 0))
  (global $listening (mut i32) (i32.const 0))

  (func $queue-read (param $kind i32) (param $handle i32) (param $p i32) (param $n i32) (local $read i32)
    (local.set $read (call $malloc (i32.const 20)))
    (i32.store (local.get $read) (global.get $queue))
    (i32.store offset=4 (local.get $read) (local.get $kind))
    (i32.store offset=8 (local.get $read) (local.get $handle))
    (i32.store offset=12 (local.get $read) (local.get $p))
    (i32.store offset=16 (local.get $read) (local.get $n))
    (global.set $queue (local.get $read)))

  ;; Takes the read of an end out of the queue; whether there was one.
  (func $unqueue (param $handle i32) (result i32) (local $read i32) (local $previous i32)
    (local.set $read (global.get $queue))
    (loop $next
      (if (i32.eqz (local.get $read)) (then (return (i32.const 0))))
      (if (i32.ne (i32.load offset=8 (local.get $read)) (local.get $handle)) (then
        (local.set $previous (local.get $read))
        (local.set $read (i32.load (local.get $read)))
        (br $next))))
    (if (local.get $previous)
      (then (i32.store (local.get $previous) (i32.load (local.get $read))))
      (else (global.set $queue (i32.load (local.get $read)))))
    (call $free (local.get $read))
    (i32.const 1))

  (func $ring
    (if (i32.and (i32.ne (global.get $queue) (i32.const 0)) (global.get $listening)) (then
      (global.set $listening (i32.const 0))
      (drop (call $bell.write (global.get $bell-writable) (i32.const 0) (i32.const 1))))))

  (func (export "reader") (result i32) (local $pair i64)
    (local.set $pair (call $bell.new))
    (global.set $bell-readable (i32.wrap_i64 (local.get $pair)))
    (global.set $bell-writable (i32.wrap_i64 (i64.shr_u (local.get $pair) (i64.const 32))))
    (global.set $bell-set (call $waitable-set.new))
    (call $waitable.join (global.get $bell-readable) (global.get $bell-set))
    (call $read-on (i32.const 0) (i32.const 0) (i32.const 0)))

  ;; Begins every read of the queue, then listens for the bell.
  (func $read-on (export "reader-callback") (param i32 i32 i32) (result i32) (local $read i32) (local $handle i32)
    (loop $next
      (local.set $read (global.get $queue))
      (if (i32.and (i32.ne (local.get $read) (i32.const 0))
            (i32.lt_u (global.get $completions) (i32.const {MAX_COMPLETIONS}))) (then
        (global.set $queue (i32.load (local.get $read)))
        (local.set $handle (i32.load offset=8 (local.get $read)))
        (call $settle (local.get $handle)
          (call_indirect $reads (type $copy) (local.get $handle) (i32.load offset=12 (local.get $read))
            (i32.load offset=16 (local.get $read)) (i32.load offset=4 (local.get $read))))
        (call $free (local.get $read))
        (br $next))))
    (drop (call $bell.read (global.get $bell-readable) (i32.const 0) (i32.const 1)))
    (global.set $listening (i32.const 1))
    (i32.or (i32.const 2) (i32.shl (global.get $bell-set) (i32.const 4))))

  ;; One round of the driver component. Python counts them, to see whether anybody else ran between two polls.
  (func (export "step") (result i32)
    (i32.store (i32.const {ROUNDS}) (i32.add (i32.load (i32.const {ROUNDS})) (i32.const 1)))
    (call $step)
    (i32.load (i32.const {DRIVER_WANTED})))

  ;; What happened goes to Python, what Python submits is done; no turn is spent if there is neither. What completes at
  ;; once is told at once, for a bounded number of times, so that others get their turn too.
  (func $step (local $count i32) (local $at i32) (local $round i32)
    (call $collect)
    (if (i32.or (global.get $completions) (i32.load (i32.const {TURN_WANTED}))) (then
      (loop $again
        (i32.store (i32.const {COMPLETED_COUNT}) (global.get $completions))
        (call $turn)
        (local.set $count (i32.load (i32.const {SUBMITTED_COUNT})))
        (global.set $completions (i32.const 0))
        (global.set $urgent (i32.const 0))
        (local.set $at (i32.const {SUBMISSIONS}))
        (loop $next
          (if (local.get $count) (then
            (call $submission (local.get $at))
            (local.set $at (i32.add (local.get $at) (i32.const 20)))
            (local.set $count (i32.sub (local.get $count) (i32.const 1)))
            (br $next))))
        (local.set $round (i32.add (local.get $round) (i32.const 1)))
        (if (i32.and (global.get $urgent) (i32.lt_u (local.get $round) (i32.const 32)))
          (then (br $again))))))
    (call $ring))

  ;; ---- calls. A call's token is the address of its record:
  ;;   0 index of the function; of a spare record, the next one   4 waitable set   8 readable end of the bell
  ;;   12 its writable end   16 state   20 what the result needs, see protocol.py
  ;; The bell is a stream of nothing, which one instance may both read and write; the task waits for it.

  (global $spare (mut i32) (i32.const 0))       ;; records with their bells, for the next calls
  (global $spare-count (mut i32) (i32.const 0))

  (func $record (param $index i32) (result i32) (local $record i32)
    (local.set $record (global.get $spare))
    (if (local.get $record)
      (then
        (global.set $spare (i32.load (local.get $record)))
        (global.set $spare-count (i32.sub (global.get $spare-count) (i32.const 1))))
      (else (local.set $record (call $new-record))))
    (i32.store (local.get $record) (local.get $index))
    (i32.store (i32.const {TOKEN}) (local.get $record))
    (local.get $record))

  (func $new-record (result i32) (local $record i32) (local $pair i64)
    (local.set $record (call $malloc (i32.const 24)))
    (local.set $pair (call $bell.new))
    (i32.store offset=4 (local.get $record) (call $waitable-set.new))
    (i32.store offset=8 (local.get $record) (i32.wrap_i64 (local.get $pair)))
    (i32.store offset=12 (local.get $record) (i32.wrap_i64 (i64.shr_u (local.get $pair) (i64.const 32))))
    (call $waitable.join (i32.load offset=8 (local.get $record)) (i32.load offset=4 (local.get $record)))
    (local.get $record))

  ;; Some are kept, with their three handles: to make them takes longer than the call does.
  (func $free-record (param $record i32)
    (if (i32.lt_u (global.get $spare-count) (i32.const {MAX_SPARE_RECORDS}))
      (then
        (i32.store (local.get $record) (global.get $spare))
        (global.set $spare (local.get $record))
        (global.set $spare-count (i32.add (global.get $spare-count) (i32.const 1))))
      (else
        (call $bell.drop-readable (i32.load offset=8 (local.get $record)))
        (call $bell.drop-writable (i32.load offset=12 (local.get $record)))
        (call $waitable-set.drop (i32.load offset=4 (local.get $record)))
        (call $free (local.get $record)))))

  ;; Waits for the bell.
  (func $wait (param $record i32) (result i32)
    (call $context.set (local.get $record))
    (i32.store offset=16 (local.get $record) (i32.const {WAITING}))
    (drop (call $bell.read (i32.load offset=8 (local.get $record)) (i32.const 0) (i32.const 1)))
    (i32.or (i32.const 2) (i32.shl (i32.load offset=4 (local.get $record)) (i32.const 4))))

  (func $complete-call (param $record i32) (param $needs i32)
    (if (i32.eq (i32.load offset=16 (local.get $record)) (i32.const {ENDED})) (then
      (return (call $free-record (local.get $record)))))
    (i32.store offset=16 (local.get $record) (i32.const {COMPLETE}))
    (i32.store offset=20 (local.get $record) (local.get $needs))
    (drop (call $bell.write (i32.load offset=12 (local.get $record)) (i32.const 0) (i32.const 1))))

  ;; The callback of every call: the bell was rung, or the caller cancelled. Whichever comes first wins.
  ;; Without an event it is one that returned at once, and has only to exit.
  (func (export "callback") (param $event i32) (param $p1 i32) (param $p2 i32) (result i32)
    (local $record i32)
    (if (i32.eqz (local.get $event)) (then (return (i32.const 0))))
    (local.set $record (call $context.get))
    (if (i32.eq (local.get $event) (i32.const 6))
      (then
        ;; a synchronous cancel traps on an end that is in a set
        (call $waitable.join (i32.load offset=8 (local.get $record)) (i32.const 0))
        (drop (call $bell.cancel-read (i32.load offset=8 (local.get $record))))
        (call $waitable.join (i32.load offset=8 (local.get $record)) (i32.load offset=4 (local.get $record)))
        (call $cancel (local.get $record))
        (call $task.cancel)
        (if (i32.eq (i32.load offset=16 (local.get $record)) (i32.const {WAITING})) (then
          (i32.store offset=16 (local.get $record) (i32.const {ENDED})) ;; until `complete` comes
          (return (i32.const 0)))))
      (else
        (call_indirect $returns (type $return)
          (local.get $record) (i32.load offset=20 (local.get $record)) (i32.load (local.get $record)))))
    (call $free-record (local.get $record))
    (i32.const 0))

  ;; room for plain lists
  (func $make-room
    (i32.store (i32.const {ROOM_WANTED}) (call $arena-alloc (i32.load (i32.const {ROOM_WANTED})))))

  ;; ---- pairs of ends

  ;; A new pair: the readable end in the low half, ours, the writable one, in the high one.
  (func $new-pair (param $kind i32) (result i64) (local $pair i64)
    (local.set $pair (call_indirect $news (type $new) (local.get $kind)))
    ;; in the set from the start: a guest that drops its end is noticed also while nothing is being written
    (call $waitable.join (i32.wrap_i64 (i64.shr_u (local.get $pair) (i64.const 32))) (global.get $set))
    (local.get $pair))

  ;; The pairs that the result of a call needs.
  (func $make-pairs (local $count i32) (local $at i32)
    (local.set $count (i32.load (i32.const {PAIR_COUNT})))
    (local.set $at (i32.const {PAIRS}))
    (loop $next
      (if (local.get $count) (then
        (i64.store (local.get $at)
          (call $new-pair (i32.load (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next)))))

  ;; The readable end for an argument of an export: of a new pair, for which the host has this key, or one that it has.
  (func $open (param $key i32) (param $kind i32) (result i32) (local $pair i64)
    (if (i32.and (local.get $key) (i32.const {HOME})) (then
      (return (i32.xor (local.get $key) (i32.const {HOME})))))
    (local.set $pair (call $new-pair (local.get $kind)))
    (call $opened (local.get $key) (i32.wrap_i64 (i64.shr_u (local.get $pair) (i64.const 32))))
    (i32.wrap_i64 (local.get $pair)))

  {functions})
