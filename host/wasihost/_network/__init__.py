"""The networks below the sockets: the seam is `base`, and each room here is a network, or wraps another one.

| room | network |
|---|---|
| `os` | the operating system's |
| `virtual` | one in memory; `peers` are Python programs on it, or on any other |
| `quotas`, `faults`, `recording` | around another, to limit it, break it, write it down (`wrapping`, `held`) |
| `replay` | a recording in the place of one |

`names` and `policy` restrict the guest there.
"""
