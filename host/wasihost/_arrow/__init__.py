"""Tables of Arrow as arguments and results of exports; knows no jobs."""
