"""HTTP/2 with h2, which the extra `http2` brings: connections whose streams carry the exchanges of both sides."""
