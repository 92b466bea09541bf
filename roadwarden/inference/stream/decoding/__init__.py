"""What runs in a decoder's own process: it may crash, hang and leak without hurting the worker."""
