;; Memory for a generated component: its linear memory, an allocator, and an arena for what lives as long as one call.
;; Blocks are powers of two with a header of 8 bytes: size class, and a link of the arena.
(core module $libc
  (memory (export "memory") {pages} {MAX_PAGES})
  (global $top (mut i32) (i32.const {heap}))
  (global $arena (mut i32) (i32.const 0))
  (global $arena-at (mut i32) (i32.const 0))
  (global $arena-end (mut i32) (i32.const 0))
  ;; heads of the free lists, one word for each size class, stand at address 128

  (func $malloc (export "malloc") (param $n i32) (result i32) (local $class i32) (local $head i32) (local $p i32)
    (local.set $class (call $class (local.get $n)))
    (local.set $head (i32.add (i32.const 128) (i32.shl (local.get $class) (i32.const 2))))
    (local.set $p (i32.load (local.get $head)))
    (if (local.get $p)
      (then (i32.store (local.get $head) (i32.load (local.get $p))))
      (else (local.set $p (call $fresh (local.get $class)))))
    (local.get $p))

  (func $class (param $n i32) (result i32)
    (if (i32.gt_u (local.get $n) (i32.const 0x40000000)) (then (call $out-of-memory)))
    (i32.sub (i32.const 32) (i32.clz (i32.shr_u (i32.add (local.get $n) (i32.const 7)) (i32.const 4)))))

  ;; a block from the top of the heap
  (func $fresh (param $class i32) (result i32) (local $p i32)
    (local.set $p (i32.add (global.get $top) (i32.const 8)))
    (global.set $top (i32.add (global.get $top) (i32.shl (i32.const 16) (local.get $class))))
    (call $reach (global.get $top))
    (i32.store (i32.sub (local.get $p) (i32.const 8)) (local.get $class))
    (local.get $p))

  (func $reach (param $end i32) (local $pages i32)
    (local.set $pages (i32.sub
      (i32.shr_u (i32.add (local.get $end) (i32.const 0xffff)) (i32.const 16)) (memory.size)))
    (if (i32.gt_s (local.get $pages) (i32.const 0)) (then
      (if (i32.eq (memory.grow (local.get $pages)) (i32.const -1)) (then (call $out-of-memory))))))

  (func $out-of-memory
    (i32.store (i32.const {OUT_OF_MEMORY}) (i32.const 1))
    unreachable)

  ;; addresses below the heap stand for empty strings and lists
  (func $free (export "free") (param $p i32) (local $head i32)
    (if (i32.lt_u (local.get $p) (i32.const {heap})) (then (return)))
    (local.set $head (i32.add (i32.const 128)
      (i32.shl (i32.load (i32.sub (local.get $p) (i32.const 8))) (i32.const 2))))
    (i32.store (local.get $p) (i32.load (local.get $head)))
    (i32.store (local.get $head) (local.get $p)))

  ;; honours shrinking in place, which Wasmtime's string lowering relies on
  (func $realloc (export "realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
    (local $p i32)
    (if (i32.eqz (local.get $size)) (then (return (i32.const 8))))
    (if (i32.and (i32.ne (local.get $old) (i32.const 0)) (i32.le_u (local.get $size) (local.get $old-size)))
      (then (return (local.get $old))))
    (local.set $p (call $malloc (local.get $size)))
    (if (local.get $old) (then
      (memory.copy (local.get $p) (local.get $old) (local.get $old-size))
      (call $free (local.get $old))))
    (local.get $p))

  ;; The arena: one block, of which what is allocated comes from the start on, with a zero behind it (`texts` of
  ;; numbers.py). If it gets full, a block twice as large from the top of the heap takes its place, and the full ones,
  ;; linked by the second word of their headers, wait for the reset. So what is allocated later is at a higher address.
  (func $arena-realloc (export "arena-realloc")
    (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32) (local $p i32)
    (if (i32.and (i32.ne (local.get $old) (i32.const 0)) (i32.le_u (local.get $size) (local.get $old-size)))
      (then (return (local.get $old))))
    (local.set $p (call $arena-next (local.get $align)))
    (if (i32.ge_u (local.get $size) (i32.sub (global.get $arena-end) (local.get $p))) (then
      (call $arena-grow (local.get $size))
      (local.set $p (global.get $arena-at))))
    (global.set $arena-at (i32.add (local.get $p) (local.get $size)))
    (i32.store8 (global.get $arena-at) (i32.const 0))
    (global.set $arena-at (i32.add (global.get $arena-at) (i32.const 1)))
    (if (local.get $old) (then (memory.copy (local.get $p) (local.get $old) (local.get $old-size))))
    (local.get $p))

  (func $arena-next (param $align i32) (result i32)
    (i32.and (i32.sub (i32.add (global.get $arena-at) (local.get $align)) (i32.const 1))
      (i32.sub (i32.const 0) (local.get $align))))

  (func $arena-grow (param $size i32) (local $class i32) (local $n i32)
    (local.set $n (i32.shl (i32.sub (global.get $arena-end) (global.get $arena)) (i32.const 1)))
    (if (i32.le_u (local.get $n) (local.get $size)) (then
      (local.set $n (i32.add (local.get $size) (i32.const {ARENA_SIZE})))))
    (local.set $class (call $class (local.get $n)))
    (global.set $arena-at (call $fresh (local.get $class)))
    (i32.store (i32.sub (global.get $arena-at) (i32.const 4)) (global.get $arena))
    (global.set $arena (global.get $arena-at))
    (global.set $arena-end (global.get $top)))

  (func (export "arena-alloc") (param $size i32) (result i32)
    (call $arena-realloc (i32.const 0) (i32.const 0) (i32.const 8) (local.get $size)))

  (func (export "arena-reset") (local $full i32) (local $next i32)
    (global.set $arena-at (global.get $arena))
    (if (global.get $arena) (then
      (local.set $full (i32.load (i32.sub (global.get $arena) (i32.const 4))))
      (i32.store (i32.sub (global.get $arena) (i32.const 4)) (i32.const 0))))
    (loop $more
      (if (local.get $full) (then
        (local.set $next (i32.load (i32.sub (local.get $full) (i32.const 4))))
        (call $free (local.get $full))
        (local.set $full (local.get $next))
        (br $more))))))
