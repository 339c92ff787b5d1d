"""HTTP on the seam of networks; it knows nothing of WASI. The client needs h11, which the extra `http` brings.

`messages` has requests, responses and bodies, and `Handler`, the one type of whatever answers a request; `errors` says
how a message fails.
"""
