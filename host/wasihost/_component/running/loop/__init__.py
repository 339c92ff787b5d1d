"""The loop that polls a store: when it polls, and what interrupts it."""
