"""What sockets stand on: the seam (`base`), the operating system behind it (`os_network`), and the `policy`."""
