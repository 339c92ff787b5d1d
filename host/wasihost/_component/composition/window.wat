;; What window.py puts at the top of the guest's component: the window, and the two modules whose `call` replaces a
;; lowering of the guest's. Such a module gets the host's function and the options of that lowering in "guest".
(component
  (core module $window
    (memory (export "memory") {WINDOW_PAGES} {MAX_PAGES})

    ;; Makes room for so many bytes; whether there was too little.
    (func (export "make-room") (param $bytes i32) (result i32) (local $more i32)
      (local.set $more
        (i32.sub (i32.add (i32.shr_u (local.get $bytes) (i32.const 16)) (i32.const 1)) (memory.size)))
      (if (i32.le_s (local.get $more) (i32.const 0)) (then (return (i32.const 0))))
      (if (i32.eq (memory.grow (local.get $more)) (i32.const -1)) (then unreachable))
      (i32.const 1)))

  ;; (self, list<u8>) -> result<_, E>
  (core module $takes
    (import "window" "memory" (memory $window {WINDOW_PAGES} {MAX_PAGES}))
    (import "window" "make-room" (func $make-room (param i32) (result i32)))
    (import "guest" "memory" (memory $guest 0))
    (import "guest" "host" (func $host (param i32 i32 i32)))
    (func (export "call") (param $self i32) (param $p i32) (param $n i32) (param $result i32)
      (drop (call $make-room (local.get $n)))
      (memory.copy $window $guest (i32.const 0) (local.get $p) (local.get $n))
      (call $host (local.get $self) (local.get $n) (local.get $result))))

  ;; (self, u64) -> result<list<u8>, E>: the host gives a result<u32, E>, which has the same place for the error
  (core module $gives
    (import "window" "memory" (memory $window {WINDOW_PAGES} {MAX_PAGES}))
    (import "window" "make-room" (func $make-room (param i32) (result i32)))
    (import "guest" "memory" (memory $guest 0))
    (import "guest" "realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
    (import "guest" "host" (func $host (param i32 i64 i32)))
    (func (export "call") (param $self i32) (param $most i64) (param $result i32) (local $n i32) (local $p i32)
      (loop $again
        (call $host (local.get $self) (local.get $most) (local.get $result))
        (if (i32.load8_u $guest (local.get $result)) (then (return)))  ;; the error
        (local.set $n (i32.load $guest offset=4 (local.get $result)))
        ;; what does not fit is kept by the host, which gives it when it is called again
        (br_if $again (call $make-room (local.get $n))))
      (local.set $p (call $realloc (i32.const 0) (i32.const 0) (i32.const 1) (local.get $n)))
      (memory.copy $guest $window (local.get $p) (i32.const 0) (local.get $n))
      (i32.store $guest offset=4 (local.get $result) (local.get $p))
      (i32.store $guest offset=8 (local.get $result) (local.get $n))))

  (core instance (instantiate $window)))
