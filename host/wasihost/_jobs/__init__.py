"""Components as tasks of the engine that is there: values that travel, and what each process makes of them."""
