"""Whether a repair was done: a recorded verdict from a picture before and a picture after, with its reasons."""
