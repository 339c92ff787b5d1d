"""What sockets stand on: the seam (`base`), the operating system (`os_network`), `names`, the `policy`, its `rules`."""
